"""A folder that a command writes: for its owner alone, every file replaced as a whole."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl

from dqkit.errors import DqkitError, IncompleteError


@contextlib.contextmanager
def telling_of_disk() -> Iterator[None]:
    """Turn what the disk refuses into errors that say what to do.

    Raises
    ------
    DqkitError
        The folder is a file, or may not be made or written to.
    IncompleteError
        The disk is full or failed.
    """
    try:
        yield
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise DqkitError(f"the output folder cannot be written: {error.strerror}", "name another --out") from error
    except OSError as error:
        raise IncompleteError(
            f"the output could not be written: {error.strerror}", "make room on the disk, then run the same command"
        ) from error
    except pl.exceptions.PolarsError as error:  # polars 2 wraps some errors of the file it writes to
        raise IncompleteError(
            "a table could not be written", "make room on the disk, then run the same command"
        ) from error


def make_folder(out: Path) -> None:
    """Make `out` for its owner alone; a folder that stood before keeps its mode, its new files are 0600 anyway."""
    if not out.exists():
        out.mkdir(parents=True, mode=0o700)
    elif not out.is_dir():
        raise FileExistsError(17, "it is a file, not a folder")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place when all went well, and vanishes otherwise."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, or leave what stood there."""
    with replacing(path) as file:
        file.write(content)
