"""What reading the header of one file gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Pread = Callable[[int, int], bytes]
"""(bytes, offset) -> that much of a file, less at its end; ``functools.partial(os.pread, fd)``."""

WINDOW = 16384
"""Bytes read at a time: nine of ten headers fit."""

NO_PRIVATE: Mapping[bytes, bytes] = {}


class PixelData(NamedTuple):
    """Where the pixel data stands and how much of it the file holds."""

    offset: int
    """Of the value, in bytes from the start of the file."""
    declared: int | None
    """Length of the element; None when undefined (encapsulated)."""
    present: int
    """Bytes of the value that the file holds (of the file after it, when encapsulated)."""
    terminated: bool | None
    """Whether the fragments end with a sequence delimiter; None for native pixel data."""


@dataclass(frozen=True)
class Frames:
    """Geometry of an enhanced multi-frame object, one entry a frame (PS3.3 C.7.6.16).

    Attributes
    ----------
    positions
        ImagePositionPatient (x, y, z in mm, LPS); None where one frame lacks it.
    orientations
        ImageOrientationPatient (row, then column cosines); None where one frame lacks it.
    groups
        What tells a frame's volume from the others, as text.
    """

    positions: list[float] | None
    orientations: list[float] | None
    groups: list[str]


class Shared(Protocol):
    """What files of a series have in common: values of headers with the same one differ in `slots` alone."""

    slots: frozenset[int]


class Header(NamedTuple):
    """Raw values of one file.

    The values are the bytes of the file before any stripping (those of big-endian files are swapped), aligned with
    `Wanted.names`; None where the file has no such element, ``b""`` where it has no value.
    """

    values: list[bytes | None]
    private: Mapping[bytes, bytes]
    odd: list[tuple[int, str]]
    """(slot, VR in the file) where it is another than that of PS3.6."""
    has_preamble: bool
    has_file_meta: bool
    pixels: PixelData | None
    truncated: bool
    reader: str
    reason: str | None
    frames: Frames | None = None
    shared: Shared | None = None


class UnusualError(Exception):
    """The walker does not read this file; its text says why and holds no value of the file."""
