"""Values -> stored values of 16 bits with Rescale Slope and Intercept: exact, or within half a step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.plane.pack import RGB, as_samples
from dqkit.harmonize.refusal import Reason, Refused

_LEVELS = (1 << 16) - 1
_DIGITS = 9
"""Significant digits of a slope: it is a decimal string of at most 16 characters."""


@dataclass(frozen=True)
class Stored:
    """How values are stored: ``value = stored * slope + intercept``.

    Attributes
    ----------
    signed
        Pixel Representation.
    is_exact
        Every value is what is read back; otherwise it is within half a slope of it.
    bits
        Bits Allocated and Stored.
    """

    slope: float
    intercept: float
    signed: bool
    is_exact: bool
    bits: int = 16

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the stored values of `values`, little endian; those of colour have an axis of samples at the end."""
        if self.bits == 8:  # noqa: PLR2004
            return as_samples(np.ascontiguousarray(values))
        kind = "<i2" if self.signed else "<u2"
        if self.slope == 1 and self.intercept == 0:
            return values.astype(kind)
        wide = np.asarray(values, dtype=np.float64)
        stored = np.rint((wide - self.intercept) / self.slope)
        return stored.astype(kind)


def storage_of(values: NDArray[Any], *, without_intercept: bool = False) -> Stored:
    """Return how all `values` of an image are stored in 16 bits.

    Whole numbers whose range fits are stored as they are (slope 1): signed where they fit so, else from their least
    value on. Others share one slope, which spreads their range over 16 bits.

    Parameters
    ----------
    without_intercept
        Rescale Intercept is 0 (PET, PS3.3 C.8.9.4.1.3).

    Raises
    ------
    Refused
        A value is not finite.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise Refused(Reason.OVERFLOW, "a value is not finite")
    whole = values.dtype.kind in "biu" or bool((np.rint(values) == values).all())
    if whole and low >= -(1 << 15) and high < 1 << 15:
        return Stored(1.0, 0.0, signed=True, is_exact=True)
    if whole and low >= 0 and high <= _LEVELS:
        return Stored(1.0, 0.0, signed=False, is_exact=True)
    if without_intercept:
        most = max(high / (_LEVELS if low >= 0 else (1 << 15) - 1), -low / (1 << 15))
        return Stored(_rounded_up(most or 1.0), 0.0, signed=low < 0, is_exact=False)
    if whole and high - low <= _LEVELS and abs(low) < 10**14:
        return Stored(1.0, low, signed=False, is_exact=True)
    intercept = _shortened(low)
    return Stored(_rounded_up((high - intercept) / _LEVELS or 1.0), intercept, signed=False, is_exact=False)


def _rounded_up(slope: float) -> float:
    """Return the least decimal of `_DIGITS` digits that is no less: the largest value must still fit."""
    rounded = float(f"{slope:.{_DIGITS - 1}e}")
    if rounded < slope:
        rounded = float(f"{slope * (1 + 10.0 ** (1 - _DIGITS)):.{_DIGITS - 1}e}")
    return rounded


def _shortened(value: float) -> float:
    """Return a number that a decimal string holds, no more than `value` and as close below it as that allows."""
    below = value
    while float(decimal(below)) > value:
        below -= abs(value) * 1e-13 + 1e-15
    return float(decimal(below))


def decimal(value: float) -> str:
    """Return the decimal string (PS3.5 6.2, DS: at most 16 characters) that is closest to `value`."""
    from pydicom.valuerep import format_number_as_ds

    return str(format_number_as_ds(float(value) + 0.0))  # no -0.0


def unsigned_storage_of(values: NDArray[Any]) -> Stored:
    """Return how whole values from 0 on are stored as they are: projection X-ray has no other rescale than 1 and 0.

    Raises
    ------
    Refused
        There are others.
    """
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "biu" or bool((np.rint(values) == values).all())
    if not whole or low < 0 or high > _LEVELS:
        raise Refused(
            Reason.DICOM_CLASS, "its SOP class holds whole numbers from 0 to 65535 alone: bit_depth uint16 makes such"
        )
    return Stored(1.0, 0.0, signed=False, is_exact=True)


def photograph_storage_of(values: NDArray[Any]) -> Stored:
    """Return how the samples of a photograph are stored: 8 bits as they are, grey of 16 bits where it has more.

    Raises
    ------
    Refused
        Values are neither.
    """
    if values.dtype in (RGB, np.uint8):
        return Stored(1.0, 0.0, signed=False, is_exact=True, bits=8)
    return unsigned_storage_of(values)
