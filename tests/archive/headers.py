"""Headers to read in tests."""

from functools import partial
from pathlib import Path

from dqkit.archive.header import Header, Pread
from dqkit.archive.walker import WINDOW, walk
from dqkit.archive.wanted import Wanted, compile_wanted
from dqkit.catalog.schema import ATTRIBUTES, NESTED

META = ("TransferSyntaxUID", "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID")


def make_wanted() -> Wanted:
    """Compile tables of one's own: they have habits."""
    return compile_wanted([*META, *(name for name in ATTRIBUTES if name not in NESTED)], NESTED)


def pread_of(content: bytes) -> Pread:
    return partial(lambda length, offset: content[offset : offset + length])


def walked(content: bytes, wanted: Wanted) -> Header:
    return walk(pread_of(content), len(content), wanted, content[:WINDOW])


def is_data(path: Path) -> bool:
    return path.suffix not in {".py", ".pyc", ".txt", ".md", ".json", ".gz", ".nii", ".nrrd", ".jpg", ".png"}
