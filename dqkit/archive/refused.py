"""What the refusal of the operating system says of a file."""

import errno

from dqkit.model import FileStatus

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENAMETOOLONG)
_DENIED = (errno.EACCES, errno.EPERM)


def status_of(error: OSError) -> FileStatus:
    """Return what became of the file that `error` speaks of: VANISHED, DENIED or IO_ERROR."""
    if error.errno in _GONE or isinstance(error, FileNotFoundError):
        return FileStatus.VANISHED
    return FileStatus.DENIED if error.errno in _DENIED else FileStatus.IO_ERROR
