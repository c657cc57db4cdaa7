"""Reads one header: with the walker, or with pydicom where the walker does not."""

import re

from dqkit.archive.fallback import read_unusual
from dqkit.archive.header import WINDOW, Header, Pread, UnusualError
from dqkit.archive.walker import has_magic, may_be_dicom, walk
from dqkit.archive.wanted import Wanted

_EVIDENCE = {
    "SOPClassUID": re.compile(rb"[0-9.]+[\0 ]?"),
    "SOPInstanceUID": re.compile(rb"[0-9.]+[\0 ]?"),
    "StudyInstanceUID": re.compile(rb"[0-9.]+[\0 ]?"),
    "Modality": re.compile(rb"[A-Z]{2,16} ?"),
}
"""Attributes of which one must look as it should where a file has no prefix: 08 00 begins other files too."""


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
    if header is None or header.has_preamble:
        return header
    return header if _is_dicom(header, wanted) else None


def _is_dicom(header: Header, wanted: Wanted) -> bool:
    named = zip(wanted.names, header.values, strict=True)
    return any(_EVIDENCE[name].fullmatch(value) for name, value in named if name in _EVIDENCE and value)


def starts_like_dicom(pread: Pread) -> bool:
    """Tell whether a file has the preamble and prefix of DICOM."""
    return has_magic(pread(WINDOW, 0))
