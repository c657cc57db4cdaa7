"""How an image's samples go together with their neighbours: noise, sharpness, swapped bytes.

All take a plane (rows, columns) and cost a few passes over it; docs/pixels.md tells what each is good for.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_LARGEST_SIDE = 2048
"""Of larger images the middle is looked at, so that a mammogram costs no more than a few slices."""

_MAD_OF_NORMAL = 0.6744898
"""Median absolute deviation of a normal distribution, in standard deviations."""

_GAIN_OF_MASK = 6.0
"""Immerkaer's mask turns noise of deviation 1 into noise of deviation 6: the root of its squared weights' sum."""

_FEWEST = 3
_FEWEST_FOR_BYTES = 32
"""Of rows and columns: in smaller images chance makes either order the smoother one."""

_TWO_BYTES = 2
_FILLED = 1 << 14


def middle(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the middle of a plane, at most 2048 x 2048, so that texture costs the same for every image."""
    rows, columns = pixels.shape[:2]
    top, left = max(0, (rows - _LARGEST_SIDE) // 2), max(0, (columns - _LARGEST_SIDE) // 2)
    return pixels[top : top + _LARGEST_SIDE, left : left + _LARGEST_SIDE]


def neighbour_correlation(plane: Plane) -> float | None:
    """Return the correlation of samples with those right of and below them: about 1 in an image, 0 in noise.

    Returns
    -------
    float or None
        The mean of both directions; None for a constant plane, or one of fewer than 3 rows or columns.
    """
    if min(plane.shape) < _FEWEST:
        return None
    centred = plane - np.float32(plane.mean(dtype=np.float64))
    power = _mean_product(centred, centred)
    if not power > 0:
        return None
    right, below = _mean_product(centred[:, 1:], centred[:, :-1]), _mean_product(centred[1:], centred[:-1])
    return _finite((right + below) / (2 * power))


def _mean_product(one: Plane, other: Plane) -> float:
    return float(np.einsum("ij,ij->", one, other)) / one.size


def byte_swap_gain(pixels: NDArray[Any]) -> float | None:
    """Return how many times smoother a plane of 16-bit integers is when the bytes of each sample change places.

    Smooth means: small differences between neighbours against the spread of all. Far above 1 for an image whose bytes
    were swapped (PS3.5 7.3), far below for a sound one, about 1 for noise.

    Returns
    -------
    float or None
        None where nothing can be said: swapped bytes make noise of the upper one, so that values fill the range.
    """
    if pixels.dtype.kind not in "iu" or pixels.dtype.itemsize != _TWO_BYTES or min(pixels.shape) < _FEWEST_FOR_BYTES:
        return None
    some = np.ascontiguousarray(pixels[::2])
    if int(some.max()) - int(some.min()) < _FILLED:
        return None
    rough, swapped = _roughness(some), _roughness(some.byteswap())
    return _finite(rough / swapped) if rough and swapped else None


def _roughness(pixels: NDArray[Any]) -> float:
    plane = pixels.astype(np.float32)
    spread = float(np.abs(plane - plane.mean()).mean())
    return float(np.abs(np.diff(plane, axis=1)).mean()) / spread if spread else 0.0


def noise_deviation(plane: Plane, inside: NDArray[np.bool_]) -> float | None:
    """Return the standard deviation of noise where `inside` is true, robust against edges.

    The mask of Immerkaer (1996, CVIU 64:300-302), which structure of low order passes as zero, and the median absolute
    deviation of its response (Donoho & Johnstone 1994, Biometrika 81:425-455).

    Returns
    -------
    float or None
        In the unit of `plane`; None where nothing is inside or the median response is zero.
    """
    if min(plane.shape) < _FEWEST:
        return None
    twice = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    response = np.abs(twice[:, :-2] - 2 * twice[:, 1:-1] + twice[:, 2:])[inside[1:-1, 1:-1]]
    if not response.size:
        return None
    at = response.size // 2
    median = float(np.partition(response, at)[at])
    return _finite(median / (_MAD_OF_NORMAL * _GAIN_OF_MASK)) or None


def sharpness(plane: Plane) -> float | None:
    """Return the variance of the Laplacian over the variance of the plane (Pech-Pacheco et al. 2000, ICPR 3:314-317).

    Without unit, and free of brightness and contrast; noise raises it as edges do.
    """
    if min(plane.shape) < _FEWEST:
        return None
    core = plane[1:-1, 1:-1]
    laplacian = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:] - 4 * core
    spread = float(core.var(dtype=np.float64))
    return _finite(float(laplacian.var(dtype=np.float64)) / spread) if spread > 0 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
