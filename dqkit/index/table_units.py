"""Units in which tables give numbers, and those of the DICOM attributes they stand for."""

import re
import unicodedata
from collections.abc import Mapping

_LENGTH = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "毫米": 1.0, "厘米": 10.0}
_TIME = {"ms": 1.0, "msec": 1.0, "s": 1000.0, "sec": 1000.0, "us": 0.001, "毫秒": 1.0, "秒": 1000.0}
_VOLTAGE = {"kv": 1.0, "kvp": 1.0, "v": 0.001, "千伏": 1.0}
_CURRENT = {"ma": 1.0, "a": 1000.0, "ua": 0.001, "毫安": 1.0}
_CHARGE = {"mas": 1.0, "as": 1000.0, "毫安秒": 1.0}
_FIELD = {"t": 1.0, "tesla": 1.0, "mt": 0.001, "g": 1e-4, "gauss": 1e-4, "特斯拉": 1.0}
_ANGLE = {"deg": 1.0, "°": 1.0, "degree": 1.0, "degrees": 1.0, "度": 1.0}
_MASS = {"kg": 1.0, "g": 0.001, "lb": 0.45359237, "lbs": 0.45359237, "公斤": 1.0, "千克": 1.0, "斤": 0.5}
_HEIGHT = {"m": 1.0, "cm": 0.01, "mm": 0.001, "米": 1.0, "厘米": 0.01}
_FREQUENCY = {"mhz": 1.0, "khz": 0.001, "hz": 1e-6}
_BANDWIDTH = {"hz": 1.0, "hz/px": 1.0, "hz/pixel": 1.0, "khz": 1000.0}
_DOSE = {"mgy": 1.0, "gy": 1000.0, "ugy": 0.001}
_FORCE = {"n": 1.0, "dan": 10.0, "牛": 1.0}
_ACTIVITY = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9, "mci": 3.7e7}
_SIZE = {"b": 1.0, "bytes": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2.0**10, "mib": 2.0**20,
         "gib": 2.0**30}  # fmt: skip
_SHARE = {"%": 1.0, "percent": 1.0}
_B_VALUE = {"s/mm2": 1.0, "s/mm²": 1.0}

UNITS: Mapping[str, Mapping[str, float]] = {
    **dict.fromkeys(
        ("SliceThickness", "SpacingBetweenSlices", "ReconstructionDiameter", "DistanceSourceToDetector", "PixelSpacing",
         "ImagerPixelSpacing", "NominalScannedPixelSpacing", "FocalSpots", "BodyPartThickness"),
        _LENGTH,
    ),
    **dict.fromkeys(("RepetitionTime", "EchoTime", "InversionTime"), _TIME),
    "KVP": _VOLTAGE, "tube_current_ma": _CURRENT, "exposure_mas": _CHARGE, "MagneticFieldStrength": _FIELD,
    "FlipAngle": _ANGLE, "GantryDetectorTilt": _ANGLE, "PatientWeight": _MASS, "PatientSize": _HEIGHT,
    "ImagingFrequency": _FREQUENCY, "PixelBandwidth": _BANDWIDTH, "ctdi_vol_mgy": _DOSE, "CompressionForce": _FORCE,
    "RadionuclideTotalDose": _ACTIVITY, "RadionuclideHalfLife": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "PercentSampling": _SHARE, "DiffusionBValue": _B_VALUE, "b_values": _B_VALUE, "size": _SIZE,
}  # fmt: skip
"""Attribute -> unit -> factor to the unit that DICOM (PS3.3) gives the attribute."""

_BRACKETED = re.compile(r"[\s_]*[(\[（【]\s*([^()\[\]（）【】]{1,12})\s*[)\]）】]\s*$")
_TRAILING = re.compile(r"[\s_]+(mm|cm|ms|kVp?|mAs?|kg|mGy|deg|Tesla|MB|GB|KB|bytes)\s*$", re.IGNORECASE)


def tidy_unit(text: str) -> str:
    """Return `text` as UNITS spells units: lower case, compatibility forms undone, micro as u."""
    return unicodedata.normalize("NFKC", text).strip().lower().replace("µ", "u").replace("μ", "u")


def factor(keyword: str, unit: str) -> float | None:
    """Return what numbers in `unit` are multiplied with; None where the attribute has no such unit."""
    return UNITS.get(keyword, {}).get(tidy_unit(unit))


def split_header(header: str) -> tuple[str, str]:
    """Return a header without the unit at its end, and that unit (``"Slice Thickness (mm)"``, ``"层厚（毫米）"``)."""
    for form in (_BRACKETED, _TRAILING):
        found = form.search(header)
        if found and any(tidy_unit(found[1]) in units for units in UNITS.values()):
            return header[: found.start()], found[1]
    return header, ""
