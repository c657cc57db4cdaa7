"""The bits of a sample that Bits Stored leaves unused (PS3.5 8.1.1): nothing may be assumed of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def within_bits(pixels: NDArray[Any], bits_stored: int | None) -> NDArray[Any]:
    """Return samples with their unused bits overwritten: by zeros, or by the sign of signed ones."""
    unused = _unused(pixels, bits_stored)
    return np.right_shift(np.left_shift(pixels, unused), unused) if unused else pixels


def outside_bits(pixels: NDArray[Any], stored: NDArray[Any], padding: float | None) -> float | None:
    """Return the share of samples that `within_bits` changed, those equal to Pixel Padding Value aside.

    Returns
    -------
    float or None
        None where no bit is unused.
    """
    if stored is pixels or not pixels.size:
        return None
    differs = pixels != stored
    if padding is not None:
        differs &= pixels != padding
    return float(np.count_nonzero(differs) / pixels.size)


def _unused(pixels: NDArray[Any], bits_stored: int | None) -> int:
    if pixels.dtype.kind not in "iu" or bits_stored is None:
        return 0
    return max(0, 8 * pixels.dtype.itemsize - bits_stored)
