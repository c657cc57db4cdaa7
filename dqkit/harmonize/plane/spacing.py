"""How large a pixel is, by which attribute, and where: in the patient, or at the detector (PS3.3 10.7.1.3)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dqkit.harmonize.plane.attributes import numbers, term

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

PROJECTIONS = frozenset({"CR", "DX", "MG", "RG", "PX", "IO", "RF", "XA"})
"""Modalities whose rays fan out: a pixel at the detector is smaller in the patient."""

_SAME = 1e-3
"""Part of a spacing by which Pixel Spacing may differ from Imager Pixel Spacing and say the same. House style."""

_MAGNIFICATIONS = (1.0, 10.0)
"""Between which an estimated magnification is believed: an object lies before the detector. House style."""

_LENGTHS_MM = (1e-4, 1e3)


@dataclass(frozen=True)
class PixelSize:
    """How large a pixel is.

    Attributes
    ----------
    mm
        Between rows, between columns; None where nothing says it.
    record
        Attribute, place and calibration, as plain JSON.
    """

    mm: tuple[float, float] | None
    record: dict[str, Any]


def pixel_size(header: "Dataset", *, correct: bool, warn: "Callable[[str], None]") -> PixelSize:
    """Return the size of a pixel.

    Parameters
    ----------
    correct
        Divide a size at the detector by Estimated Radiographic Magnification Factor (0018,1114), where it is there.
    """
    pixel, imager = _pair(header, "PixelSpacing"), _pair(header, "ImagerPixelSpacing")
    kind = term(header, "PixelSpacingCalibrationType")
    if pixel and (kind or (imager and not _same(pixel, imager))):
        return PixelSize(pixel, _record("PixelSpacing", "patient", kind or "not told"))
    if imager:
        return _at_detector(header, imager, correct=correct, warn=warn)
    if pixel:  # of a projection, alone, nothing tells whether it was calibrated
        at = "not told" if term(header, "Modality") in PROJECTIONS else "patient"
        return PixelSize(pixel, _record("PixelSpacing", at, "not told"))
    film = _pair(header, "NominalScannedPixelSpacing")
    if film:
        return PixelSize(film, _record("NominalScannedPixelSpacing", "film", "none"))
    return PixelSize(None, {"attribute": "", "at": "unknown", **_aspect_record(header)})


def aspect(header: "Dataset") -> tuple[float, float]:
    """Return the height and the width of a pixel in arbitrary units (PixelAspectRatio, PS3.3 C.7.6.3.1.7)."""
    found = _pair(header, "PixelAspectRatio")
    return found or (1.0, 1.0)


def _aspect_record(header: "Dataset") -> dict[str, Any]:
    rows, columns = aspect(header)
    return {"aspect": [rows, columns]}


def _at_detector(
    header: "Dataset", mm: tuple[float, float], *, correct: bool, warn: "Callable[[str], None]"
) -> PixelSize:
    found = numbers(header, "EstimatedRadiographicMagnificationFactor")
    factor = found[0] if found else None
    if factor is not None and not _MAGNIFICATIONS[0] <= factor <= _MAGNIFICATIONS[1]:
        warn("Estimated Radiographic Magnification Factor is no magnification and was not used")
        factor = None
    record = _record("ImagerPixelSpacing", "detector", "none") | {"magnification": factor, "corrected": False}
    if factor is None or not correct:
        return PixelSize(mm, record)
    return PixelSize((mm[0] / factor, mm[1] / factor), record | {"at": "patient", "corrected": True})


def _record(attribute: str, at: str, calibration: str) -> dict[str, Any]:
    return {"attribute": attribute, "at": at, "calibration": calibration}


def _pair(header: "Dataset", keyword: str) -> tuple[float, float] | None:
    found = numbers(header, keyword)
    low, high = _LENGTHS_MM
    return (found[0], found[1]) if len(found) == 2 and all(low < one < high for one in found) else None  # noqa: PLR2004


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= _SAME * b for a, b in zip(one, other, strict=True))
