"""How much of its pixel data a file really holds, from sizes alone."""

import struct

from dqkit.archive.header import PixelData, Pread, UnusualError
from dqkit.archive.sequences import ITEM, SEQUENCE_END, UNDEFINED

_LONG_FORM = frozenset(b"OB OD OF OL OV OW UN".split())
_MOST_FRAGMENTS = 100_000


def locate(
    pread: Pread, size: int, offset: int, *, explicit: bool | None, little: bool = True, head: bytes = b""
) -> PixelData:
    """Measure the pixel data element that starts at `offset` (PS3.5 8, A.4).

    Where nobody knows whether it has a VR (`explicit` is None), its bytes tell: all VRs of pixel data would be odd
    lengths, which PS3.5 7.1.1 forbids. `head` is its first 12 bytes, where they are known.

    Raises
    ------
    UnusualError
        Its VR is none of pixel data, or the file ends within its first bytes.
    """
    if len(head) < 12:  # noqa: PLR2004
        head = pread(12, offset)
    if explicit is None:
        explicit = head[4:6] in _LONG_FORM
    start = offset + (12 if explicit else 8)
    if start > size or len(head) < start - offset:
        raise UnusualError("truncated")
    if explicit and head[4:6] not in _LONG_FORM:
        raise UnusualError("VR of the pixel data")
    (length,) = struct.unpack_from("<I" if little else ">I", head, start - offset - 4)
    if length != UNDEFINED:
        return PixelData(start, length, min(length, size - start), None)
    return PixelData(start, None, size - start, _is_terminated(pread, size, start))


def _is_terminated(pread: Pread, size: int, start: int) -> bool:
    """Tell whether the fragments end with a sequence delimiter; most files end with it."""
    if size - start >= 8 and pread(8, size - 8)[:4] == SEQUENCE_END:  # noqa: PLR2004
        return True
    for _ in range(_MOST_FRAGMENTS):
        head = pread(8, start)
        if head[:4] == SEQUENCE_END:
            return True
        if len(head) < 8 or head[:4] != ITEM:  # noqa: PLR2004
            return False
        start += 8 + int.from_bytes(head[4:], "little")
    return False
