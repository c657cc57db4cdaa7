"""SHA-256 of whole files, and what keeps a file from being read."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from dqkit.archive.refused import status_of
from dqkit.model import FileStatus

_PIECE = 1 << 20
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum of a file as it was read.

    Attributes
    ----------
    sha256
        Of all its bytes; empty where it could not be read.
    size, mtime_ns
        Of what was read.
    status
        Why it could not be read: VANISHED, DENIED or IO_ERROR; None where it was.
    """

    sha256: str = ""
    size: int = -1
    mtime_ns: int = -1
    status: FileStatus | None = None


def checksum_of(path: bytes) -> Checksum:
    """Read a file from end to end.

    A file that is written to meanwhile is read again; one that never rests cannot be read.
    """
    try:
        for _ in range(_TRIES):
            if (found := _read(path)) is not None:
                return found
    except OSError as error:
        return Checksum(status=status_of(error))
    return Checksum(status=FileStatus.IO_ERROR)


def _read(path: bytes) -> Checksum | None:
    """Return the checksum, or None where the file changed while it was read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO must not hang us
    try:
        met = os.fstat(descriptor)
        if not stat.S_ISREG(met.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        total = hashlib.sha256()
        while piece := os.read(descriptor, _PIECE):
            total.update(piece)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (met.st_size, met.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None
    return Checksum(total.hexdigest(), after.st_size, after.st_mtime_ns)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of ours.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
