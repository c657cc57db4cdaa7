"""Private elements that say what no standard attribute does: b-values and the tiles of a mosaic."""

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

TagBytes = bytes
"""A tag as it stands in a little-endian file: group, then element, 2 bytes each."""


class _Element(NamedTuple):
    group: int
    creator: bytes
    element: int
    vr: str


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
_BLOCKS = range(0x10, 0x100)
_GE_OFFSET = 10**9  # GE software from DV24 on adds it to the b-value (dcm2niix, GE notes)
_HIGHEST_B = 10**6
_BINARY = {"FL": "<f", "FD": "<d", "US": "<H"}


def tag_bytes(group: int, element: int) -> TagBytes:
    """Return a tag as a little-endian file holds it."""
    return struct.pack("<HH", group, element)


def private_tags() -> list[TagBytes]:
    """Return every tag that may hold a private creator or element of interest (PS3.5 7.8.1)."""
    tags: dict[TagBytes, None] = {}
    for found in (*B_VALUES, *TILES):
        for block in _BLOCKS:
            tags[tag_bytes(found.group, block)] = None
            tags[tag_bytes(found.group, block << 8 | found.element)] = None
    return list(tags)


PRIVATE_TAGS = frozenset(private_tags())


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
        if 0 <= value <= _HIGHEST_B:
            return value
    return None


def tiles(elements: Mapping[TagBytes, bytes]) -> int | None:
    """Return how many slices a Siemens mosaic or a UIH VFRAME holds, if a private element says so."""
    for wanted in TILES:
        value = _number(elements, wanted)
        if value is not None and value >= 1 and value == int(value):
            return int(value)
    return None


def _number(elements: Mapping[TagBytes, bytes], wanted: _Element) -> float | None:
    group = struct.pack("<H", wanted.group)
    for tag, creator in elements.items():
        if tag[:2] == group and not tag[3] and creator.strip(b" \0").upper() == wanted.creator:
            raw = elements.get(group + bytes((wanted.element, tag[2])))
            if raw:
                return _decode(raw, wanted.vr)
    return None


def _decode(raw: bytes, vr: str) -> float | None:
    """Return the first number in `raw`; the VR in the file may be UN, so that of the vendor's own text counts."""
    try:
        if vr in _BINARY:
            value = float(struct.unpack_from(_BINARY[vr], raw)[0])
        else:
            value = float(raw.split(b"\\")[0].strip(b" \0").decode("ascii"))
    except (struct.error, ValueError):
        return None
    return value if math.isfinite(value) else None
