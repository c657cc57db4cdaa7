"""The file that evidence is kept in: a zip of one form alone, so that every byte of it is known.

Members are stored, not compressed, sorted by name, with fixed times and attributes; nothing stands between or behind
them. Reading walks the bytes from front to end and accepts no other: what a zip could hide (bytes that no member
covers, a second member of a name, a path out of the folder, a bomb) is an error before anything is unpacked
(docs/adr/0010-evidence-container.md). Every program that reads zip files reads this one.
"""

import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dqkit.errors import DqkitError

NAME = re.compile(r"[a-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")
"""Names of members: letters, digits and . _ - in up to four parts, none of which starts with a dot."""

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _STORED, _NO_FLAGS = 20, 0, 0
_TIME, _DATE = 0, 0x0021  # 1980-01-01, the first that a zip knows (APPNOTE 4.4.6)
_UNIX = 3 << 8 | _VERSION
_MODE = 0o100644 << 16
_MOST = 0xFFFFFFFF - (64 << 20)
"""Bytes of a file: what fits without the zip64 extension."""
_MOST_MEMBERS = 20_000
_PIECE = 1 << 20

Content = bytes | Path
"""A member in memory, or on disk where it is large."""


class TamperedError(DqkitError):
    """The file is not as it was written."""


@dataclass(frozen=True)
class Member:
    """A member of the container."""

    name: str
    offset: int
    size: int
    crc: int
    sha256: str


def write_container(members: Mapping[str, Content], write: Callable[[bytes], object]) -> None:
    """Hand the bytes of a container to `write`; the same members give the same bytes.

    Raises
    ------
    DqkitError
        There is more than a container takes.
    """
    offset = 0
    central = []
    for name in sorted(members):
        size, crc = _measured(members[name])
        header = _local(name, size, crc)
        if offset + len(header) + size > _MOST or len(members) > _MOST_MEMBERS:
            raise DqkitError("the evidence is larger than 4 GB", "leave the manifest of the dataset beside it")
        central.append(_entry(name, size, crc, offset))
        write(header)
        for piece in _pieces(members[name]):
            write(piece)
        offset += len(header) + size
    directory = b"".join(central)
    write(directory + _end(len(central), len(directory), offset))


def _measured(content: Content) -> tuple[int, int]:
    size = crc = 0
    for piece in _pieces(content):
        size, crc = size + len(piece), zlib.crc32(piece, crc)
    return size, crc


def _pieces(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def sha256_of(content: Content) -> str:
    """Return the SHA-256 of a member."""
    total = hashlib.sha256()
    for piece in _pieces(content):
        total.update(piece)
    return total.hexdigest()


def _local(name: str, size: int, crc: int) -> bytes:
    """Return a local file header (APPNOTE 4.3.7) and the name."""
    data = name.encode("ascii")
    fixed = (_VERSION, _NO_FLAGS, _STORED, _TIME, _DATE)
    return struct.pack("<4s5H3L2H", _LOCAL, *fixed, crc, size, size, len(data), 0) + data


def _entry(name: str, size: int, crc: int, offset: int) -> bytes:
    """Return an entry of the central directory (APPNOTE 4.3.12)."""
    data = name.encode("ascii")
    fixed = (_UNIX, _VERSION, _NO_FLAGS, _STORED, _TIME, _DATE)
    lengths = (len(data), 0, 0, 0, 0)  # name, extra field, comment; disk, internal attributes
    return struct.pack("<4s6H3L5H2L", _CENTRAL, *fixed, crc, size, size, *lengths, _MODE, offset) + data


def _end(members: int, size: int, offset: int) -> bytes:
    """Return the end of the central directory (APPNOTE 4.3.16)."""
    return struct.pack("<4s4H2LH", _END, 0, 0, members, members, size, offset, 0)


class Container:
    """A container that was read from front to end and found to be of the one form.

    Parameters
    ----------
    file
        Opened for reading, at its start.

    Raises
    ------
    TamperedError
        Some byte is not as it would have been written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.members = {member.name: member for member in _read(file)}

    def read(self, name: str, most: int = 512 << 20) -> bytes:
        """Return a member.

        Raises
        ------
        TamperedError
            There is none of that name, or it is larger than `most` bytes.
        """
        member = self.members.get(name)
        if member is None:
            raise TamperedError(f"the evidence has no file {name}", _NOT_TRUSTED)
        if member.size > most:
            raise TamperedError(f"{name} is larger than it can be", _NOT_TRUSTED)
        self._file.seek(member.offset)
        return self._file.read(member.size)

    def copy(self, name: str, write: Callable[[bytes], object]) -> None:
        """Hand a member to `write`, piece by piece."""
        member = self.members[name]
        self._file.seek(member.offset)
        left = member.size
        while left:
            piece = self._file.read(min(_PIECE, left))
            write(piece)
            left -= len(piece)


_NOT_TRUSTED = "do not rely on it: ask whoever made it for a whole copy"


def _read(file: BinaryIO) -> list[Member]:
    members: list[Member] = []
    mark = _exactly(file, 4)
    while mark == _LOCAL:
        if len(members) == _MOST_MEMBERS:
            raise TamperedError("the file has more members than evidence can have", _NOT_TRUSTED)
        members.append(_read_member(file, members[-1].name if members else ""))
        mark = _exactly(file, 4)
    _read_directory(file, mark, members)
    return members


def _read_member(file: BinaryIO, previous: str) -> Member:
    start = file.tell() - 4
    head = _exactly(file, 26)
    crc, size, _, name_bytes, _ = struct.unpack("<3L2H", head[10:])
    name = _name(_exactly(file, name_bytes))
    if _LOCAL + head != _local(name, size, crc)[: len(head) + 4]:
        raise TamperedError(f"the header of {name} is not as it was written", _NOT_TRUSTED)
    if name <= previous:
        raise TamperedError(f"{name} stands twice or in the wrong place", _NOT_TRUSTED)
    total, found = hashlib.sha256(), 0
    left = size
    while left:
        piece = _exactly(file, min(_PIECE, left))
        total.update(piece)
        found = zlib.crc32(piece, found)
        left -= len(piece)
    if found != crc:
        raise TamperedError(f"the bytes of {name} are not those that were written", _NOT_TRUSTED)
    return Member(name, start + 30 + name_bytes, size, crc, total.hexdigest())


def _name(data: bytes) -> str:
    """Return a name that leads nowhere but into the folder that it is unpacked to."""
    name = data.decode("ascii", errors="replace")
    if not NAME.fullmatch(name) or ".." in name:
        raise TamperedError("a member has a name that evidence cannot have", _NOT_TRUSTED)
    return name


def _read_directory(file: BinaryIO, mark: bytes, members: Iterable[Member]) -> None:
    known = list(members)
    directory = b"".join(_entry(one.name, one.size, one.crc, one.offset - 30 - len(one.name)) for one in known)
    offset = known[-1].offset + known[-1].size if known else 0
    expected = directory + _end(len(known), len(directory), offset)
    if mark + file.read(len(expected) - 4 + 1) != expected:  # a byte more: nothing may follow
        raise TamperedError("the directory of the file is not as it was written", _NOT_TRUSTED)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise TamperedError("the file ends too soon, or is no evidence", _NOT_TRUSTED)
    return data
