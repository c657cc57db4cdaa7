"""Files that are either there in full or not there at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".part"
"""Ends the name of a file that is being written; a killed run leaves some, and the next removes them."""


def write_whole(path: Path, write: Callable[[BinaryIO], object], mode: int = 0o644) -> Path:
    """Have `write` fill a file beside `path`, and rename it into place once it is on the disk.

    Parameters
    ----------
    mode
        Its permissions.

    Raises
    ------
    OSError
        The disk is full or fails; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with new.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return path
