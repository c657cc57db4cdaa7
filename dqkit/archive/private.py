"""Private elements that say what no standard attribute does: b-values, their gradients and the tiles of a mosaic."""

import math
import struct
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import NamedTuple

TagBytes = bytes
"""A tag as it stands in a little-endian file: group, then element, 2 bytes each."""


class _Element(NamedTuple):
    group: int
    creator: bytes
    element: int
    vr: str


class Direction(NamedTuple):
    """A diffusion gradient as a vendor wrote it.

    Attributes
    ----------
    vector
        Of any length.
    frame
        What its axes are: ``patient`` (LPS), ``image`` (along a row, along a column, their cross product) or
        ``gradient`` (frequency, phase and slice, of signs that no standard tells).
    """

    vector: tuple[float, float, float]
    frame: str


# Siemens "DICOM conformance statement, MR syngo": (0019,xx0C) B_value, (0019,xx0A) NumberOfImagesInMosaic.
# GE "DICOM conformance statement, Signa": (0043,xx39) Slop_int_6..9; its first value is the b-value.
# Philips "DICOM conformance statement, Intera/Achieva": (2001,xx03) Diffusion B-Factor.
# UIH: (0065,xx09) b-value and (0065,xx50) MR number of slices in a volume, as GDCM and dcm2niix read them.
B_VALUES = (
    _Element(0x0019, b"SIEMENS MR HEADER", 0x0C, "IS"),
    _Element(0x0043, b"GEMS_PARM_01", 0x39, "IS"),
    _Element(0x2001, b"PHILIPS IMAGING DD 001", 0x03, "FL"),
    _Element(0x0065, b"IMAGE PRIVATE HEADER", 0x09, "FD"),
)
TILES = (
    _Element(0x0019, b"SIEMENS MR HEADER", 0x0A, "US"),
    _Element(0x0065, b"IMAGE PRIVATE HEADER", 0x50, "DS"),
)
# Siemens (0019,xx0E) DiffusionGradientDirection and Philips (2005,xxB0..B2) Diffusion Direction RL, AP, FH have the
# axes of the patient; GE (0019,xxBB..BD) those of frequency, phase and slice (NA-MIC wiki, "DTI:DICOM for DWI and DTI";
# dcm2niix, notes on Siemens, Philips and GE).
# UIH: (0065,xx37) MRDiffusionGradOrientation, with reference to the image (dcm2niix issue 225).
DIRECTIONS: tuple[tuple[str, tuple[_Element, ...]], ...] = (
    ("patient", (_Element(0x0019, b"SIEMENS MR HEADER", 0x0E, "FD"),)),
    ("patient", tuple(_Element(0x2005, b"PHILIPS MR IMAGING DD 001", 0xB0 + i, "FL") for i in range(3))),
    ("image", (_Element(0x0065, b"IMAGE PRIVATE HEADER", 0x37, "FD"),)),
    ("gradient", tuple(_Element(0x0019, b"GEMS_ACQU_01", 0xBB + i, "DS") for i in range(3))),
)
"""Frame of a gradient, and the elements that hold its three numbers."""

_BLOCKS = range(0x10, 0x100)
_GE_OFFSET = 10**9  # GE software from DV24 on adds it to the b-value (dcm2niix, GE notes)
HIGHEST_B = 10**6
_MOST_BYTES = 256
"""Of a value that is looked at: those that are read hold three numbers at the most."""
_BINARY = {"FL": "<f", "FD": "<d", "US": "<H"}


def tag_bytes(group: int, element: int) -> TagBytes:
    """Return a tag as a little-endian file holds it."""
    return struct.pack("<HH", group, element)


def private_tags(elements: Iterable[_Element] = (*B_VALUES, *TILES)) -> list[TagBytes]:
    """Return every tag that may hold the private creator or the value of one of `elements` (PS3.5 7.8.1)."""
    tags: dict[TagBytes, None] = {}
    for found in elements:
        for block in _BLOCKS:
            tags[tag_bytes(found.group, block)] = None
            tags[tag_bytes(found.group, block << 8 | found.element)] = None
    return list(tags)


PRIVATE_TAGS = frozenset(private_tags())
DIFFUSION_TAGS = frozenset(private_tags((*B_VALUES, *(one for _, parts in DIRECTIONS for one in parts))))


def b_value(elements: Mapping[TagBytes, bytes]) -> float | None:
    """Return the diffusion b-value (s/mm2) that a vendor wrote to its private element, if any.

    Parameters
    ----------
    elements
        Private creators and elements of one file, little endian.
    """
    for wanted in B_VALUES:
        value = _number(elements, wanted)
        if value is None:
            continue
        if wanted.group == 0x0043 and value >= _GE_OFFSET:  # noqa: PLR2004
            value -= _GE_OFFSET
        if 0 <= value <= HIGHEST_B:
            return value
    return None


def tiles(elements: Mapping[TagBytes, bytes]) -> int | None:
    """Return how many slices a Siemens mosaic or a UIH VFRAME holds, if a private element says so."""
    for wanted in TILES:
        value = _number(elements, wanted)
        if value is not None and value >= 1 and value == int(value):
            return int(value)
    return None


def direction(elements: Mapping[TagBytes, bytes]) -> Direction | None:
    """Return the diffusion gradient that a vendor wrote to its private elements, if any.

    Parameters
    ----------
    elements
        As of `b_value`; those of `DIFFUSION_TAGS`.
    """
    for frame, parts in DIRECTIONS:
        numbers = [_numbers(elements, part) for part in parts]
        if all(len(found) == 3 // len(parts) for found in numbers):
            x, y, z = (number for found in numbers for number in found)
            return Direction((x, y, z), frame)
    return None


def _number(elements: Mapping[TagBytes, bytes], wanted: _Element) -> float | None:
    return next(iter(_numbers(elements, wanted)), None)


def _numbers(elements: Mapping[TagBytes, bytes], wanted: _Element) -> list[float]:
    group = struct.pack("<H", wanted.group)
    for tag, creator in elements.items():
        if tag[:2] == group and not tag[3] and creator.strip(b" \0").upper() == wanted.creator:
            raw = elements.get(group + bytes((wanted.element, tag[2])))
            if raw:
                return _decode(raw, wanted.vr)
    return []


def _decode(raw: bytes, vr: str) -> list[float]:
    """Return the numbers in `raw` before the first that is none.

    The VR in the file may be UN, so that of the vendor's own text counts.
    """
    raw, numbers = raw[:_MOST_BYTES], []
    try:
        if vr in _BINARY:
            size = struct.calcsize(_BINARY[vr])
            found = struct.iter_unpack(_BINARY[vr], raw[: len(raw) // size * size])
            numbers = [float(number) for (number,) in found]
        else:
            for part in raw.split(b"\\"):
                numbers.append(float(part.strip(b" \0").decode("ascii")))
    except ValueError:
        pass
    return list(takewhile(math.isfinite, numbers))
