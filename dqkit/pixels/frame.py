"""One frame of a file, decoded, with what is needed to show and to measure it.

Bad data gives a `PixelFault`, never an exception: the word says what is wrong and holds no value of the file.
"""

import logging
import math
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.archive.header import PixelData, UnusualError
from dqkit.archive.pixeldata import locate
from dqkit.pixels.bits import within_bits
from dqkit.pixels.jpeg12 import decode_twelve_bit, is_twelve_bit

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

MOST_BYTES = 1 << 29
"""Of one decoded frame: 16,384 x 16,384 in 16 bits. A header can declare 8 GB in four bytes."""

_KEYWORDS = {
    (0x7FE0, 0x0008): "FloatPixelData",
    (0x7FE0, 0x0009): "DoubleFloatPixelData",
    (0x7FE0, 0x0010): "PixelData",
}
_JPEG_XL = frozenset({"1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"})
_SCALE_SLOPE = (0x2005, "Philips MR Imaging DD 001", 0x0E)
_ACTIVITY_FACTOR = (0x7053, "Philips PET Private Group", 0x09)
# "DICOM conformance statement, Philips Ingenia": (2005,xx0E) Scale Slope; enhanced objects hold (2005,140F), an item
# a frame, with it. "DICOM conformance statement, GEMINI": (7053,xx09) Activity Concentration Scale Factor.
_PHILIPS_FRAME = 0x2005140F
_VRS = (b"OB", b"OW", b"OF", b"OD", b"UN")


class PixelFault(StrEnum):
    """Why the pixels of a file cannot be had."""

    NO_PIXEL_DATA = "no_pixel_data"
    TOO_SHORT = "too_short"
    """The file ends before its pixel data does."""
    NO_SUCH_FRAME = "no_such_frame"
    BAD_DESCRIPTION = "bad_description"
    """Rows, Columns, bits or photometric interpretation are missing or impossible."""
    NO_DECODER = "no_decoder"
    """DICOM knows the transfer syntax, and nothing free decodes it here: video, JPEG XL, JPIP."""
    UNSUPPORTED = "unsupported"
    """The transfer syntax is no pixel encoding that DICOM knows."""
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    """A decoded frame would take more than MOST_BYTES."""
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    """The decoder took its process with it."""
    UNREADABLE = "unreadable"
    """Permission, I/O or a file that is gone: says nothing about the data."""


@dataclass(frozen=True)
class Frame:
    """A decoded frame and the attributes that tell how to see it.

    Attributes
    ----------
    pixels
        Stored values, (rows, columns) or (rows, columns, samples), before any LUT and colour transform.
    slope, intercept
        Rescale Slope and Intercept (PS3.3 C.11.1.1); 1 and 0 where absent.
    has_intercept
        Rescale Intercept is there.
    window
        First Window Center and Width (C.11.2.1.2), or None.
    spacing_mm
        Pixel Spacing, else Imager Pixel Spacing: between rows, between columns.
    orientation, position_mm
        Image Orientation and Position (Patient) of this frame, also from functional groups.
    padding, padding_limit
        Pixel Padding Value and Range Limit (C.7.5.1.1.2): stored values that stand for no measurement.
    bits_stored, signed
        Bits Stored and Pixel Representation (C.7.6.3.1).
    holds_overlay
        Overlays stand in the bits that Bits Stored leaves unused, as PS3.3 C.9.2 had it until 2004.
    lost_from_row
        First row that the file does not hold in full; None where it holds all.
    rescale_type, units
        Rescale Type (C.11.1.1.2), of PET Units (C.8.9.1.1.3); empty where absent.
    modality_lut
        A Modality LUT Sequence stands in the place of slope and intercept.
    high_bit
        High Bit (C.7.6.3.1.4), one below Bits Stored in every object of today.
    scale_slope
        Philips' private Scale Slope (2005,100E), where its creator is beside it.
    activity_factor
        Philips' private factor (7053,1009) from counts to Bq/ml, where its creator is beside it.
    decoded_as
        Photometric Interpretation of `pixels`: decoders of JPEG 2000 give RGB of what is stored as YBR_RCT.
    """

    pixels: NDArray[Any]
    modality: str = ""
    sop_class: str = ""
    burned_in: str = ""
    photometric: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    has_intercept: bool = True
    window: tuple[float, float] | None = None
    spacing_mm: tuple[float, float] | None = None
    orientation: tuple[float, ...] | None = None
    position_mm: tuple[float, ...] | None = None
    padding: float | None = None
    padding_limit: float | None = None
    bits_stored: int | None = None
    signed: bool = False
    holds_overlay: bool = False
    lost_from_row: int | None = None
    rescale_type: str = ""
    units: str = ""
    modality_lut: bool = False
    high_bit: int | None = None
    scale_slope: float | None = None
    activity_factor: float | None = None
    decoded_as: str = ""


def decode_frame(path: bytes, k: int = 0, *, partial: bool = False, all_bits: bool = False) -> Frame | PixelFault:
    """Decode frame `k` (0-based) of a file.

    Parameters
    ----------
    partial
        Take what there is of native pixel data that is too short: what is lost is 0, and `lost_from_row` set.
    all_bits
        Keep what stands in the bits that Bits Stored leaves unused.
    """
    try:
        with quiet(), open(path, "rb") as file:  # noqa: PTH123 - the path is bytes
            stat = os.fstat(file.fileno())
            found = _element(path, stat.st_size, stat.st_mtime_ns)
            frame = found if isinstance(found, PixelFault) else _decode(file, found, k, partial=partial)
            if isinstance(frame, PixelFault) or all_bits:
                return frame
            return replace(frame, pixels=within_bits(frame.pixels, frame.bits_stored))
    except OSError as error:  # pydicom raises OSError, without a number, for damaged data
        return PixelFault.CORRUPT if error.errno is None else PixelFault.UNREADABLE
    except MemoryError:
        return PixelFault.TOO_LARGE
    except Exception:  # noqa: BLE001 - pydicom and its plugins raise nearly anything on damaged files
        return PixelFault.CORRUPT


@dataclass(frozen=True)
class _Element:
    """The pixel data of a file: its description, and where it stands (nowhere in a deflated dataset)."""

    header: "Dataset"
    syntax: "UID"
    place: PixelData | None = None
    keyword: str = "PixelData"
    vr: str = "OW"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom from logging and warning: its texts hold values of the file."""
    logger = logging.getLogger("pydicom")
    was, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was


@lru_cache(maxsize=1)  # the frames of a file are asked for one after the other, and a header can hold thousands
def _element(path: bytes, size: int, mtime_ns: int) -> _Element | PixelFault:  # noqa: ARG001 - mtime is a key
    from pydicom import dcmread
    from pydicom.pixels import get_decoder
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    with open(path, "rb") as file:  # noqa: PTH123
        header = dcmread(file, stop_before_pixels=True, force=True)
        syntax = _syntax(header)
        if syntax == DeflatedExplicitVRLittleEndian:
            file.seek(0)
            header = dcmread(file, force=True)
        if not _describes_pixels(header):
            return PixelFault.BAD_DESCRIPTION if "Rows" in header else PixelFault.NO_PIXEL_DATA
        try:
            get_decoder(syntax)
        except NotImplementedError:
            return PixelFault.NO_DECODER if _is_of_the_standard(syntax) else PixelFault.UNSUPPORTED
        if "PixelData" in header:
            return _Element(header, syntax)
        return _locate(file, header, syntax, size)


def _is_of_the_standard(syntax: "UID") -> bool:
    """Tell whether PS3.6 Annex A has this transfer syntax; pydicom 3.0.2 lacks JPEG XL (PS3.6 2025a)."""
    return syntax in _JPEG_XL or (not syntax.is_private and bool(syntax.keyword) and syntax.is_transfer_syntax)


def _locate(file: IO[bytes], header: "Dataset", syntax: "UID", size: int) -> _Element | PixelFault:
    start, descriptor, little = file.tell(), file.fileno(), syntax.is_little_endian
    group, element, vr = struct.unpack("<HH2s" if little else ">HH2s", file.read(6).ljust(6, b"\0"))
    if (group, element) not in _KEYWORDS:
        return PixelFault.NO_PIXEL_DATA
    try:
        place = locate(
            lambda count, at: os.pread(descriptor, count, at), size, start,
            explicit=vr in _VRS,  # some files are implicit after an explicit transfer syntax
            little=little,
        )  # fmt: skip
    except UnusualError:
        return PixelFault.CORRUPT
    return _Element(header, syntax, place, _KEYWORDS[group, element], vr.decode() if vr in _VRS else "OW")


def _decode(file: IO[bytes], found: _Element, k: int, *, partial: bool) -> Frame | PixelFault:
    header = found.header
    if not 0 <= k < _number_of_frames(header):
        return PixelFault.NO_SUCH_FRAME
    if _frame_bytes(header) > MOST_BYTES:
        return PixelFault.TOO_LARGE
    present = found.place.present if found.place else len(header.PixelData)
    lacks = _lacks(found, present, k)
    if lacks and partial and k == 0 and header.BitsAllocated in (8, 16) and found.place and found.place.declared:
        return _what_is_left(file, found, found.place)
    if lacks:
        return PixelFault.TOO_SHORT
    decoded = _run_decoder(file, found, k)
    if isinstance(decoded, PixelFault):
        return decoded
    pixels, photometric = decoded
    return replace(_frame(pixels, header, k), decoded_as=photometric)


def _lacks(found: _Element, present: int, k: int) -> bool:
    """Tell whether the file ends before frame `k` does."""
    if not found.syntax.is_encapsulated:
        return (k + 1) * _frame_bytes(found.header) > present
    # Decoders fill up a cut codestream with grey, and say nothing
    place = found.place
    return place is not None and place.terminated is False and _number_of_frames(found.header) == 1


def _syntax(header: "Dataset") -> "UID":
    """Return the transfer syntax, guessed from how the header was read where it is not declared."""
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    declared = header.file_meta.get("TransferSyntaxUID")
    if declared:
        return UID(declared)
    implicit, little = header.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _describes_pixels(header: "Dataset") -> bool:
    """Tell whether the Image Pixel module (PS3.3 C.7.6.3) can be believed."""
    whole = ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel")
    try:
        int(header.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        return False
    if any(not isinstance(header.get(name), int) or header[name].value < 1 for name in whole):
        return False
    bits = int(header.BitsAllocated)
    return (bits == 1 or bits % 8 == 0) and bits <= 64 and int(header.SamplesPerPixel) <= 4  # noqa: PLR2004


def _number_of_frames(header: "Dataset") -> int:
    return max(1, int(header.get("NumberOfFrames") or 1))


def _frame_bytes(header: "Dataset") -> int:
    """Return the bytes of one native frame, bit-packed ones rounded up."""
    samples = int(header.SamplesPerPixel)
    if header.get("PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2
    return (int(header.Rows) * int(header.Columns) * samples * int(header.BitsAllocated) + 7) // 8


def _run_decoder(file: IO[bytes], found: _Element, k: int) -> tuple[NDArray[Any], str] | PixelFault:
    from pydicom.pixels import as_pixel_options, get_decoder

    decoder = get_decoder(found.syntax)
    if not decoder.is_available:
        return PixelFault.NO_DECODER
    # In big-endian files, samples of 8 bits lie swapped in OW (PS3.5 D.3): the decoder must know the VR
    options = as_pixel_options(
        found.header, pixel_keyword=found.keyword, transfer_syntax_uid=found.syntax, pixel_vr=found.vr,
        correct_unused_bits=False,
    )  # fmt: skip
    source: Any = found.header
    if found.place:
        file.seek(found.place.offset)
        source = file
    if is_twelve_bit(found.syntax, int(found.header.get("BitsStored") or 0)):
        pixels = decode_twelve_bit(source if found.place else found.header.PixelData, found.header, k)
        return pixels, str(found.header.get("PhotometricInterpretation") or "")
    try:
        pixels, told = decoder.as_array(source, index=k, validate=True, raw=True, **options)
    except RuntimeError as error:
        # Each plugin has had its try; pydicom's say this of what only a GPL decoder reads
        return PixelFault.NO_DECODER if "does not support" in str(error) else PixelFault.CORRUPT
    return np.asarray(pixels), str(told.get("photometric_interpretation") or "")


def _what_is_left(file: IO[bytes], found: _Element, place: PixelData) -> Frame:
    """Return the first frame with zeros for what the file does not hold."""
    header, whole = found.header, _frame_bytes(found.header)
    file.seek(place.offset)
    data = file.read(min(place.present, whole))
    lost_from_row = len(data) * int(header.Rows) // whole
    letter = ("i" if header.get("PixelRepresentation") == 1 else "u") + str(header.BitsAllocated // 8)
    pixels = np.frombuffer(
        data + bytes(whole - len(data)), ("<" if found.syntax.is_little_endian else ">") + letter
    ).reshape(header.Rows, header.Columns, -1)
    return replace(_frame(pixels[..., 0] if pixels.shape[2] == 1 else pixels, header, 0), lost_from_row=lost_from_row)


def _frame(pixels: NDArray[Any], header: "Dataset", k: int) -> Frame:
    centre = _reals(header, k, "WindowCenter", "FrameVOILUTSequence")
    width = _reals(header, k, "WindowWidth", "FrameVOILUTSequence")
    spacing = _reals(header, k, "PixelSpacing", "PixelMeasuresSequence") or _reals(header, k, "ImagerPixelSpacing")
    transformation = "PixelValueTransformationSequence"
    intercept = _reals(header, k, "RescaleIntercept", transformation)
    padding, limit = _reals(header, k, "PixelPaddingValue"), _reals(header, k, "PixelPaddingRangeLimit")
    return Frame(
        pixels=pixels,
        modality=str(header.get("Modality") or ""),
        sop_class=str(header.get("SOPClassUID") or ""),
        burned_in=str(header.get("BurnedInAnnotation") or ""),
        photometric=str(header.get("PhotometricInterpretation") or ""),
        slope=(_reals(header, k, "RescaleSlope", transformation) or (1.0,))[0],
        intercept=intercept[0] if intercept else 0.0,
        has_intercept=intercept is not None,
        window=(centre[0], width[0]) if centre and width else None,
        spacing_mm=(spacing[0], spacing[1]) if spacing and len(spacing) == 2 else None,  # noqa: PLR2004
        orientation=_reals(header, k, "ImageOrientationPatient", "PlaneOrientationSequence"),
        position_mm=_reals(header, k, "ImagePositionPatient", "PlanePositionSequence"),
        padding=_of_sign(padding[0], header) if padding else None,
        padding_limit=_of_sign(limit[0], header) if limit else None,
        bits_stored=_bits_stored(header),
        signed=header.get("PixelRepresentation") == 1,
        holds_overlay=_holds_overlay(header),
        rescale_type=_text(header, k, "RescaleType", transformation),
        units=str(header.get("Units") or ""),
        modality_lut="ModalityLUTSequence" in header,
        high_bit=header.HighBit if isinstance(header.get("HighBit"), int) else None,
        scale_slope=_private_real(header, k, *_SCALE_SLOPE),
        activity_factor=_private_real(header, k, *_ACTIVITY_FACTOR),
    )


def _of_sign(value: float, header: "Dataset") -> float:
    """Return a stored value with the sign that pixels have: some write -2000 as 63536, in VR US."""
    whole = 2.0 ** int(header.BitsAllocated)
    if header.get("PixelRepresentation") == 1:
        return value - whole if whole / 2 <= value < whole else value
    return value + whole if -whole / 2 <= value < 0 else value


def _bits_stored(header: "Dataset") -> int | None:
    bits = header.get("BitsStored")
    return bits if isinstance(bits, int) and 0 < bits <= int(header.BitsAllocated) else None


def _holds_overlay(header: "Dataset") -> bool:
    return any(header.get((group, 0x0102)) and not header.get((group, 0x3000)) and header[group, 0x0102].value
               for group in range(0x6000, 0x6020, 2))  # fmt: skip


def _reals(header: "Dataset", k: int, keyword: str, group: str = "") -> tuple[float, ...] | None:
    """Return the numbers of `keyword` for frame `k`: of its functional group (PS3.3 C.7.6.16), shared or at the top."""
    for place in _places(header, k, group):
        try:
            value = place.get(keyword)
            if value is None:
                continue
            several = isinstance(value, Sequence) and not isinstance(value, str)
            numbers = tuple(float(number) for number in (value if several else [value]))
        except (TypeError, ValueError, OverflowError, AttributeError):
            continue
        if numbers and all(math.isfinite(number) for number in numbers):
            return numbers
    return None


def _text(header: "Dataset", k: int, keyword: str, group: str) -> str:
    """Return the text of `keyword` for frame `k`, looked for as `_reals` does; empty where it is absent."""
    return next((str(value) for place in _places(header, k, group) if (value := place.get(keyword))), "")


def _private_real(header: "Dataset", k: int, group: int, creator: str, element: int) -> float | None:
    """Return a private number at the top, or in the private group of frame `k` (PS3.5 7.8.1)."""
    items = header.get("PerFrameFunctionalGroupsSequence") or []
    inner = items[k].get(_PHILIPS_FRAME) if k < len(items) else None
    for place in (*(inner.value if inner else ())[:1], header):
        try:
            return float(place.private_block(group, creator)[element].value)
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _places(header: "Dataset", k: int, group: str) -> Iterator["Dataset"]:
    for sequence, index in (("PerFrameFunctionalGroupsSequence", k), ("SharedFunctionalGroupsSequence", 0)):
        items = header.get(sequence) if group else None
        if items and index < len(items):
            inner = items[index].get(group)
            if inner:
                yield inner[0]
    yield header
