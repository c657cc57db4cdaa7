"""Stored values -> what they mean: rescaled slice by slice in floating point, with their unit and their background."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.pixels.bits import within_bits
from dqkit.pixels.frame import Frame

_GREY = frozenset({"MONOCHROME1", "MONOCHROME2", ""})
_EXACT_BITS = 24
"""Integers that float32 holds exactly."""

_QUANTITIES = frozenset({"CT", "PT", "NM"})
"""Modalities whose values measure something: Photometric Interpretation says how they are shown, and turning them over
would make air of bone (PS3.3 C.7.6.3.1.2, C.8.2.1.1.3)."""


@dataclass(frozen=True)
class Scale:
    """How stored values of one frame become what is written: ``value = stored * slope + intercept``.

    Attributes
    ----------
    unit
        HU, BQML …; empty where nothing says it.
    convention
        Which attributes it comes from, in words for the manifest.
    inverted
        Whether MONOCHROME1 is turned over afterwards, within the range that Bits Stored allows.
    """

    slope: float
    intercept: float
    unit: str
    convention: str
    inverted: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether whole stored values stay whole."""
        return float(self.slope).is_integer() and float(self.intercept).is_integer()


def scale_of(frame: Frame, recipe: Recipe) -> Scale:
    """Return how the values of a frame are rescaled.

    Raises
    ------
    Refused
        The frame is in colour, has a Modality LUT, or a slope that says nothing; or counts of a PET were to become
        Bq/ml and nothing says how.
    """
    if frame.photometric not in _GREY or frame.pixels.ndim != 2:  # noqa: PLR2004
        raise Refused(Reason.COLOUR, f"Photometric Interpretation {_term(frame.photometric)}")
    if frame.modality_lut:
        raise Refused(Reason.MODALITY_LUT)
    if frame.bits_stored and frame.high_bit not in {None, frame.bits_stored - 1}:
        raise Refused(Reason.RESCALE, f"High Bit {frame.high_bit} does not go with Bits Stored {frame.bits_stored}")
    if frame.slope == 0:
        raise Refused(Reason.RESCALE, "Rescale Slope is 0")
    if frame.modality == "PT":
        return _of_pet(frame, recipe.units.pet)
    if recipe.units.philips == "precise" and frame.scale_slope:
        # Chenevert et al. 2014, doi:10.1593/tlo.13811: FP = (PV * RS + RI) / (RS * SS)
        by = frame.slope * frame.scale_slope
        scale = frame.slope / by, frame.intercept / by
        return Scale(*scale, "", "Philips precise: display value / (Rescale Slope x (2005,100E))", _turned(frame))
    told = "Rescale Slope and Intercept"
    if frame.scale_slope:
        told += " (Philips display value)"
    return Scale(frame.slope, frame.intercept, _unit(frame), told, _turned(frame))


def _of_pet(frame: Frame, wanted: str) -> Scale:
    unit = _term(frame.units)
    if wanted != "bqml" or unit == "BQML":
        return Scale(frame.slope, frame.intercept, unit, f"Rescale Slope and Intercept, Units {unit or 'absent'}")
    if unit == "CNTS" and frame.activity_factor:
        by = frame.activity_factor
        return Scale(frame.slope * by, frame.intercept * by, "BQML", "counts x (7053,1009)")
    raise Refused(Reason.RESCALE, f"Units {unit or 'absent'} cannot be turned into Bq/ml")


def _unit(frame: Frame) -> str:
    """Return the unit: Rescale Type, else HU of CT (PS3.3 C.8.2.1.1.2: required unless it is HU).

    A CT without Rescale Intercept was stripped of it: what its values are, nobody knows.
    """
    told = frame.rescale_type.strip()
    if not told:
        return "HU" if frame.modality == "CT" and frame.has_intercept else ""
    return "" if told == "US" else _term(told)  # US: unspecified


def _term(text: str) -> str:
    """Return a defined term as it may be shown: letters, digits and a few signs."""
    return text.strip() if text.replace("_", "").replace(" ", "").replace("/", "").isalnum() else ""


def _turned(frame: Frame) -> bool:
    return frame.photometric == "MONOCHROME1" and frame.modality not in _QUANTITIES


def dtype_for(frame: Frame) -> np.dtype[Any]:
    """Return the floating-point type that holds the stored values of a frame."""
    wide = frame.pixels.dtype.kind == "f" and frame.pixels.dtype.itemsize > 4  # noqa: PLR2004
    return np.dtype(np.float64 if wide or (frame.bits_stored or 0) > _EXACT_BITS else np.float32)


def rescale_into(out: NDArray[Any], frame: Frame, scale: Scale, background: float) -> int:
    """Write the values of a frame to `out`, (rows, columns) of a floating-point type; return how many were padding.

    `frame` holds all bits (`decode_frame(all_bits=True)`): some scanners write Pixel Padding Value across the bits
    that Bits Stored leaves unused, where overlays of old scanners stand, too.
    """
    stored = within_bits(frame.pixels, frame.bits_stored)
    np.multiply(stored, out.dtype.type(scale.slope), out=out, casting="unsafe")
    if scale.intercept:
        out += out.dtype.type(scale.intercept)
    if scale.inverted:
        low, high = _range(frame)
        # Turned over after the rescale, so that the values keep the range that slope and intercept give them
        np.subtract(out.dtype.type((low + high) * scale.slope + 2 * scale.intercept), out, out=out)
    padding = _is_padding(frame, stored)
    if padding is None:
        return 0
    out[padding] = background
    return int(np.count_nonzero(padding))


def _range(frame: Frame) -> tuple[float, float]:
    """Return the least and the largest stored value that Bits Stored allows."""
    bits = frame.bits_stored or 8 * frame.pixels.dtype.itemsize
    return (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if frame.signed else (0.0, 2.0**bits - 1)


def _is_padding(frame: Frame, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which pixels stand for no measurement (PS3.3 C.7.5.1.1.2); None where none are declared."""
    if frame.padding is None:
        return None
    if frame.padding_limit is None:
        found: NDArray[np.bool_] = frame.pixels == frame.padding
        return found if stored is frame.pixels else found | (stored == frame.padding)
    low, high = sorted((frame.padding, frame.padding_limit))
    return np.asarray((stored >= low) & (stored <= high))
