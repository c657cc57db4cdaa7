"""Reads one header: with the walker, or with pydicom where the walker does not."""

from dqkit.archive.fallback import read_unusual
from dqkit.archive.header import Header, Pread, UnusualError
from dqkit.archive.walker import WINDOW, has_magic, may_be_dicom, walk
from dqkit.archive.wanted import Wanted

_EVIDENCE = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Modality", "Rows")


def read_header(pread: Pread, size: int, wanted: Wanted) -> Header | None:
    """Read the header of a file.

    Parameters
    ----------
    pread, size
        The file and its length in bytes.
    wanted
        What to read; must hold TransferSyntaxUID.

    Returns
    -------
    None where nothing can be read: damaged, where `starts_like_dicom` holds, else not DICOM.

    Raises
    ------
    OSError
        The operating system could not read the file.
    """
    start = pread(WINDOW, 0)
    if not may_be_dicom(start):
        return None
    try:
        header: Header | None = walk(pread, size, wanted, start)
    except UnusualError as unusual:
        header = read_unusual(pread, size, wanted, start, str(unusual))
    if header is None or has_magic(start):
        return header
    by_chance = all(value is None for name, value in zip(wanted.names, header.values, strict=True) if name in _EVIDENCE)
    return None if by_chance else header


def starts_like_dicom(pread: Pread) -> bool:
    """Tell whether a file has the preamble and prefix of DICOM."""
    return has_magic(pread(WINDOW, 0))
