"""Headers that the walker hands on, read with pydicom: big endian, deflated, functional groups, damage."""

import os
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING

from dqkit.archive.elements import raw_value
from dqkit.archive.header import Frames, Header, PixelData, Pread, UnusualError
from dqkit.archive.pixeldata import locate
from dqkit.archive.private import PRIVATE_TAGS, tag_bytes
from dqkit.archive.quiet import quiet_pydicom
from dqkit.archive.walker import has_magic, walk
from dqkit.archive.wanted import Wanted

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

_BLOCK = 1 << 18
_MOST_INFLATED = 1 << 26
"""Bytes of a deflated data set that are looked at: its header, and pixels enough to count them."""
_DEFLATED = "1.2.840.10008.1.2.1.99"
_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_UNDEFINED = 0xFFFFFFFF


def read_unusual(pread: Pread, size: int, wanted: Wanted, start: bytes, reason: str) -> Header | None:
    """Read a header with pydicom.

    Parameters
    ----------
    pread, size, start
        The file, and its first bytes.
    reason
        Why the walker did not read it.

    Returns
    -------
    None where nothing could be read. `reason` grows by the kind of pydicom's own failure, if it failed.

    Raises
    ------
    OSError
        The file could not be read (the operating system's word, not pydicom's).
    """
    with quiet_pydicom():
        try:
            if reason == "deflated":
                return _read_deflated(pread, size, wanted, start)
            return _read(_Stream(pread, size), wanted, reason, start)
        except OSError as error:
            if error.errno is not None:
                raise
        except Exception:  # noqa: BLE001, S110  # whatever pydicom raises at damaged data
            pass
    return None


def _read(stream: "_Stream", wanted: Wanted, reason: str, start: bytes) -> Header | None:
    """Read as far as pydicom gets; where it fails, once more up to the element that it failed in."""
    last: list[int] = [-1]
    try:
        dataset = _dataset(stream, last)
    except Exception as error:
        if last[0] < 0 or (isinstance(error, OSError) and error.errno is not None):
            raise
        at_end = stream.tell() >= stream.size
        stream.seek(0)
        dataset = _dataset(stream, [-1], before=last[0])
        pixels, truncated = None, at_end
        reason = f"{reason}; {type(error).__name__}"
    else:
        pixels, truncated = _behind(stream, dataset)
    if not len(dataset):
        return None
    header = _header(dataset, wanted, reason, truncated=truncated, pixels=pixels)
    return header._replace(has_preamble=has_magic(start), has_file_meta=bool(len(dataset.file_meta)))


def _dataset(stream: "_Stream", last: list[int], before: int = -1) -> "FileDataset":
    """Read up to the pixel data or the tag `before`, and keep the last tag met in `last`."""
    from pydicom.filereader import read_partial

    def stop(tag: int, _vr: str | None, _length: int) -> bool:
        last[0] = int(tag)
        return int(tag) in _PIXELS or int(tag) == before

    return read_partial(stream, stop_when=stop, force=True)


def _header(dataset: "Dataset", wanted: Wanted, reason: str, *, truncated: bool, pixels: PixelData | None) -> Header:
    row = wanted.blank()
    odd: list[tuple[int, str]] = []
    for tag, slot in wanted.slots.items():
        group, element = struct.unpack("<HH", tag)
        of = dataset.file_meta if group == 2 else dataset  # noqa: PLR2004
        _take(of, group << 16 | element, slot, wanted, row, odd)
    for tag, slots in zip(wanted.sequences, wanted.inner, strict=True):
        item = first_item_of(dataset, tag)
        for inner, slot in slots.items():
            if item is not None:
                group, element = struct.unpack("<HH", inner)
                _take(item, group << 16 | element, slot, wanted, row, odd)
    frames = _frames(dataset, wanted, row)
    return Header(row, private_elements(dataset), odd, False, False, pixels, truncated, "pydicom", reason, frames)


def _frames(dataset: "Dataset", wanted: Wanted, row: list[bytes | None]) -> Frames | None:
    """Read functional groups; what all frames share fills the ordinary attributes of `row` that are absent."""
    from dqkit.archive.multiframe import read_frames, sole_values

    try:
        frames, sole = read_frames(dataset), sole_values(dataset)
    except Exception:  # noqa: BLE001  # damaged functional groups: the rest of the header still counts
        return None
    for slot, name in enumerate(wanted.names):
        if row[slot] is None and name in sole:
            row[slot] = sole[name]
    return frames


def _take(
    dataset: "Dataset", tag: int, slot: int, wanted: Wanted, row: list[bytes | None], odd: list[tuple[int, str]]
) -> None:
    if tag not in dataset:
        return
    value, vr = raw_value(dataset.get_item(tag))
    if value is None:
        return
    row[slot] = value
    if vr and vr != wanted.vrs[slot]:
        odd.append((slot, vr))


def first_item_of(dataset: "Dataset", tag: bytes) -> "Dataset | None":
    """Return the first item of a sequence; None where there is none or it cannot be read."""
    group, element = struct.unpack("<HH", tag)
    try:
        if (group, element) not in dataset:
            return None
        items = dataset[group, element].value
        first: Dataset | None = items[0] if items else None
    except OSError as error:
        if error.errno is not None:
            raise
        return None
    except Exception:  # noqa: BLE001
        return None
    return first


def private_elements(dataset: "Dataset", tags: frozenset[bytes] = PRIVATE_TAGS) -> dict[bytes, bytes]:
    """Return the private elements of `tags`, unless told those of `private.b_value` and `private.tiles`, as stored."""
    found: dict[bytes, bytes] = {}
    for tag in dataset.keys():  # noqa: SIM118
        key = tag_bytes(tag.group, tag.element)
        if key in tags:
            value, _ = raw_value(dataset.get_item(tag))
            if value is not None:
                found[key] = value
    return found


def _behind(stream: "_Stream", dataset: "FileDataset") -> tuple[PixelData | None, bool]:
    """Return the pixel data where reading stopped, and whether the file ends within an element."""
    _, little = dataset.original_encoding  # the first says what the transfer syntax says, not what was found
    at = stream.tell()
    rest = stream.pread(4, at)
    if rest[:2] in (b"\xe0\x7f", b"\x7f\xe0"):
        try:
            return locate(stream.pread, stream.size, at, explicit=None, little=bool(little)), False
        except UnusualError:
            return None, True
    return None, stream.cut or _overruns(dataset, stream.size)


def _overruns(dataset: "Dataset", size: int) -> bool:
    from pydicom.dataelem import RawDataElement

    for tag in dataset.keys():  # noqa: SIM118
        element = dataset.get_item(tag)
        defined = isinstance(element, RawDataElement) and element.length != _UNDEFINED
        if defined and element.value_tell + element.length > size:
            return True
    return False


def _read_deflated(pread: Pread, size: int, wanted: Wanted, start: bytes) -> Header | None:
    """Inflate a data set, so far as needed, and walk it as if it had been written plain (PS3.5 A.5)."""
    inflated = _inflate(pread, size, _meta_end(start))
    whole = start[: _meta_end(start)].replace(_DEFLATED.encode(), b"1.2.840.10008.1.2.1\0\0\0") + inflated
    memory: Pread = partial(_slice, whole)
    try:
        header = walk(memory, len(whole), wanted, whole[:_BLOCK])
    except UnusualError as unusual:
        plain = _read(_Stream(memory, len(whole)), wanted, f"deflated, {unusual}", start)
        if plain is None:
            return None
        header = plain
    values = list(header.values)
    values[wanted.slots[b"\x02\x00\x10\x00"]] = _DEFLATED.encode()
    return header._replace(values=values, reader="pydicom", reason=header.reason or "deflated", shared=None)


def _meta_end(start: bytes) -> int:
    """Return where the data set begins, from the group length that deflated files must have."""
    at = 132 if has_magic(start) else 0
    tag, length = struct.unpack_from("<4s4xI", start, at)
    if tag != b"\x02\x00\x00\x00":
        raise UnusualError("deflated, without a group length")
    return at + 12 + int(length)


def _slice(data: bytes, length: int, offset: int) -> bytes:
    return data[offset : offset + length]


def _inflate(pread: Pread, size: int, offset: int) -> bytes:
    """Return the inflated data set; what came before damage in it, and never more than `_MOST_INFLATED`."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    parts: list[bytes] = []
    room = _MOST_INFLATED
    while offset < size and room > 0 and not inflater.eof:
        block = pread(_BLOCK, offset)
        offset += len(block)
        if not block:
            break
        try:
            parts.append(inflater.decompress(block, room))
        except zlib.error:
            break
        room -= len(parts[-1])
    return b"".join(parts)


class _Stream:
    """A file as pydicom wants it; never allocates more than the file holds, whatever length a hostile header says."""

    def __init__(self, pread: Pread, size: int) -> None:
        self.pread = pread
        self.size = size
        self._at = 0
        self._base = 0
        self._block = b""
        self.cut = False
        """Whether the last read met the end of the file within what it asked for."""

    def read(self, length: int = -1) -> bytes:
        """Return the next `length` bytes, less at the end."""
        left = max(0, self.size - self._at)
        self.cut = 0 < left < length
        length = left if length < 0 else min(length, left)
        skip = self._at - self._base
        if not 0 <= skip <= len(self._block) - length:
            self._base, skip = self._at, 0
            self._block = self.pread(max(length, min(_BLOCK, left)), self._at)
        data = self._block[skip : skip + length]
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move as ``io.BytesIO.seek`` does."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        self.cut = False
        return self._at

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at
