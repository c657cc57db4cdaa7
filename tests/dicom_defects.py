"""Single defects, to be put into what tests/dicom_factory.py makes: each function adds one and changes nothing else.

Functions on a series return a new list of datasets; functions on a file change it in place and return its path.
"""

import copy
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from tests.dicom_exam import decimal, numbers, put, uid

Series = list[Dataset]

HOSTILE_TEXT = "<script>window.pwned=1</script>"
HOSTILE_UID = "../../etc/x"
GB18030_NAME = "Wang^XiaoDong=王^小东"


def drop_slice(series: Series, *indices: int) -> Series:
    """Leave out the slices at `indices`."""
    gone = {i % len(series) for i in indices}
    return [image for i, image in enumerate(series) if i not in gone]


def duplicate_slice(series: Series, i: int) -> Series:
    """Add a second image, with a SOPInstanceUID of its own, at the position of slice `i`."""
    twin = copy.deepcopy(series[i])
    twin.SOPInstanceUID = uid(twin.SOPInstanceUID, "twin")
    twin.InstanceNumber = len(series) + 1
    return [*series, twin]


def duplicate_uid(series: Series, i: int, j: int) -> Series:
    """Give slice `j` the SOPInstanceUID of slice `i`, with its own content."""
    return vary(series, "SOPInstanceUID", series[i].SOPInstanceUID, j)


def vary(series: Series, keyword: str, value: Any, *indices: int) -> Series:
    """Set one attribute of the images at `indices` (all, when none is given); None removes it."""
    chosen = {i % len(series) for i in indices} or set(range(len(series)))
    return [put(copy.deepcopy(image), {keyword: value}) if i in chosen else image for i, image in enumerate(series)]


def remove(series: Series, keyword: str, *indices: int) -> Series:
    """Remove one attribute."""
    return vary(series, keyword, None, *indices)


def shift_origin(series: Series, i: int, by_mm: tuple[float, float, float]) -> Series:
    """Move the origin of slice `i` by x, y, z in patient coordinates."""
    moved = np.array(series[i].ImagePositionPatient, dtype=float) + by_mm
    return vary(series, "ImagePositionPatient", numbers(moved), i)


def stretch(series: Series, start: int, step_mm: float) -> Series:
    """Give the slices from `start` on another step along the normal, as when a protocol changes on the way."""
    axes = np.array(series[0].ImageOrientationPatient, dtype=float)
    normal = np.cross(axes[:3], axes[3:])
    first = np.array(series[start].ImagePositionPatient, dtype=float)
    changed = list(series)
    for k in range(start + 1, len(series)):
        position = numbers(first + (k - start) * step_mm * normal)
        changed = vary(changed, "ImagePositionPatient", position, k)
    return changed


def shear(series: Series, tilt_deg: float) -> Series:
    """Let the origins drift along the columns, as under a tilted gantry whose tilt the orientation does not tell."""
    axes = np.array(series[0].ImageOrientationPatient, dtype=float)
    normal = np.cross(axes[:3], axes[3:])
    first = np.array(series[0].ImagePositionPatient, dtype=float)
    changed = []
    for image in map(copy.deepcopy, series):
        position = np.array(image.ImagePositionPatient, dtype=float)
        drift = (position - first) @ normal * np.tan(np.radians(tilt_deg)) * axes[3:]
        image.ImagePositionPatient = numbers(position + drift)
        changed.append(image)
    return changed


def mix_orientation(series: Series, *indices: int, other: Sequence[float] = (1, 0, 0, 0, 0, -1)) -> Series:
    """Give the slices at `indices` another orientation (coronal, unless told), their origins unchanged.

    Slices taken from the middle leave a gap behind; `join` mixes two sound volumes.
    """
    return vary(series, "ImageOrientationPatient", numbers(other), *indices)


def join(series: Series, other: Series) -> Series:
    """Put the images of `other` into the series too, numbered on, as when two reconstructions share one UID."""
    joined = []
    for number, image in enumerate(map(copy.deepcopy, other), start=len(series) + 1):
        joined.append(put(image, {"SeriesInstanceUID": series[0].SeriesInstanceUID, "InstanceNumber": number}))
    return [*series, *joined]


def insert_scout(series: Series, scout: Dataset) -> Series:
    """Put `scout` into the series, under its SeriesInstanceUID, as some scanners send it."""
    scout = copy.deepcopy(scout)
    scout.SeriesInstanceUID = series[0].SeriesInstanceUID
    scout.InstanceNumber = 0
    return [scout, *series]


def flatten(series: Series, i: int, value: int = 0) -> Series:
    """Make slice `i` constant."""
    image = copy.deepcopy(series[i])
    kind = np.int16 if image.PixelRepresentation else np.uint16
    image.PixelData = np.full(image.Rows * image.Columns, value, kind).tobytes()
    return [*series[:i], image, *series[i + 1 :]]


def flip_numbers(series: Series) -> Series:
    """Number the images in an order that has nothing to do with their position."""
    order = np.random.default_rng(7).permutation(len(series))
    changed = [copy.deepcopy(image) for image in series]
    for image, number in zip(changed, order, strict=True):
        image.InstanceNumber = int(number) + 1
    return changed


def drift_thickness(series: Series, thickness_mm: float) -> Series:
    """Let SliceThickness disagree with the step."""
    return vary(series, "SliceThickness", decimal(thickness_mm))


# --- faults of a file ---


def truncate(path: Path, keep: float = 0.5) -> Path:
    """Cut the file off after the fraction `keep` of its bytes, as an interrupted transfer does."""
    data = path.read_bytes()
    path.write_bytes(data[: max(1, int(len(data) * keep))])
    return path


def truncate_header(path: Path) -> Path:
    """Cut the file off inside the header, before the pixel data."""
    path.write_bytes(path.read_bytes()[:700])
    return path


def zero_byte(path: Path) -> Path:
    """Leave an empty file."""
    path.write_bytes(b"")
    return path


def no_preamble(path: Path) -> Path:
    """Remove preamble and prefix: the file starts with its first group."""
    path.write_bytes(path.read_bytes()[132:])
    return path


def dataset_only(path: Path) -> Path:
    """Remove preamble and File Meta Information: what old archives wrote."""
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[140:144])
    path.write_bytes(data[144 + length :])
    return path


def cut_pixels(path: Path, by: int = 100) -> Path:
    """Lose the last `by` bytes of the pixel data."""
    path.write_bytes(path.read_bytes()[:-by])
    return path


def zero_pixels_from(path: Path, fraction: float) -> Path:
    """Zero the end of the file from `fraction` on: a preallocated file whose copy stopped."""
    data = path.read_bytes()
    keep = int(len(data) * fraction)
    path.write_bytes(data[:keep] + bytes(len(data) - keep))
    return path


def junk(path: Path, size: int = 4096) -> Path:
    """Write a file that is no DICOM, whatever its name says."""
    path.write_bytes(np.random.default_rng(3).bytes(size))
    return path


def damaged(path: Path) -> Path:
    """Write a file that starts like DICOM and holds nothing that can be read."""
    path.write_bytes(bytes(128) + b"DICM" + b"\xff" * 600)
    return path


def _element(path: Path, tag: int) -> tuple[bytearray, int, int]:
    """Return the bytes of the file, and where the value of an explicit-VR, little-endian element starts and ends."""
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF), 132)
    (length,) = struct.unpack("<H", data[at + 6 : at + 8])
    return data, at + 8, at + 8 + length


def overwrite(path: Path, tag: int, value: bytes) -> Path:
    """Write raw bytes as the value of a short explicit-VR element, whatever its VR allows."""
    data, start, end = _element(path, tag)
    value += b" " * (len(value) % 2)
    data[start - 2 : end] = struct.pack("<H", len(value)) + value
    path.write_bytes(data)
    return path


def bad_date(path: Path) -> Path:
    """Write ``***`` as StudyDate."""
    return overwrite(path, 0x00080020, b"***")


def nul_bytes(path: Path) -> Path:
    """Put NUL bytes into StationName."""
    return overwrite(path, 0x00081010, b"CT\x00\x0001\x00\x00")


def wrong_vr(path: Path) -> Path:
    """Declare Rows (US) as UL with its two bytes: another VR than PS3.6 and a length that does not fit it."""
    data, start, _ = _element(path, 0x00280010)
    data[start - 4 : start - 2] = b"UL"
    path.write_bytes(data)
    return path


def undeclared_charset(path: Path) -> Path:
    """Write a PatientName in GB18030 while SpecificCharacterSet says something else."""
    return overwrite(path, 0x00100010, GB18030_NAME.encode("gb18030"))


# --- other character sets and hostile values ---


def in_gb18030(series: Series) -> Series:
    """Name the patient in GB18030, declared."""
    return vary(vary(series, "SpecificCharacterSet", "GB18030"), "PatientName", GB18030_NAME)


def in_iso_2022(series: Series) -> Series:
    """Name the patient in Japanese by code extension (PS3.5 H.3)."""
    series = vary(series, "SpecificCharacterSet", ["", "ISO 2022 IR 87"])
    return vary(series, "PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう")


def hostile(series: Series) -> Series:
    """Put markup into names and descriptions, and a path into a UID."""
    for keyword in ("PatientName", "SeriesDescription", "StudyDescription", "StationName"):
        series = vary(series, keyword, HOSTILE_TEXT[:16] if keyword == "StationName" else HOSTILE_TEXT)
    return vary(series, "SeriesInstanceUID", HOSTILE_UID)


def big_endian(series: Series) -> Series:
    """Turn 16-bit images into Explicit VR Big Endian, retired since 2006, which old archives still export."""
    changed = []
    for image in series:
        twin = copy.deepcopy(image)
        twin.PixelData = np.frombuffer(image.PixelData, "<u2").astype(">u2").tobytes()
        twin.file_meta = copy.deepcopy(image.file_meta)
        twin.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        changed.append(twin)
    return changed
