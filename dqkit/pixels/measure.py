"""What the samples of one frame show: range, spread, texture, and a fingerprint."""

import hashlib
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.pixels.bits import outside_bits, within_bits
from dqkit.pixels.frame import Frame, PixelFault, decode_frame
from dqkit.pixels.histogram import Histogram
from dqkit.pixels.hounsfield import air_and_tissue
from dqkit.pixels.signature import signature_of
from dqkit.pixels.texture import byte_swap_gain, middle, neighbour_correlation, noise_deviation, sharpness

Measures = dict[str, Any]

_FEWEST_LEVELS = 16
"""Masks and drawings have fewer values, and a plateau of each."""

_TOP = 0.05
_FEWEST_CLIPPED = 10
_AIR_HU = (-1100.0, -900.0)


def measure_frame(path: bytes, k: int = 0) -> Measures:
    """Decode frame `k` (0-based) of a file and measure it.

    Returns
    -------
    dict
        ``{"fault": kind}``, or columns of `catalog.schema.PIXEL_MEASURES`; one that cannot be told is left out.
    """
    frame = decode_frame(path, k, all_bits=True)
    return {"fault": frame.value} if isinstance(frame, PixelFault) else measures_of(frame)


def measures_of(frame: Frame) -> Measures:
    """Measure a frame that was decoded with all of its bits.

    Stored values (before Rescale Slope and any LUT), but for noise, rescaled_min, negative_share and the Hounsfield
    units. The fingerprint is of shape, type and samples in little-endian order. Samples that are not finite (Float
    Pixel Data) and, but for range, mean and spread, those that Pixel Padding marks are left out.
    """
    with_unused, frame = frame, replace(frame, pixels=within_bits(frame.pixels, frame.bits_stored))
    with np.errstate(all="ignore"):  # Float Pixel Data may hold anything
        return _all_of(with_unused, frame)


def _all_of(with_unused: Frame, frame: Frame) -> Measures:
    pixels = frame.pixels
    whole = Histogram.of(pixels)
    found: Measures = {"pixel_sha256": fingerprint(pixels), "pixel_dtype": pixels.dtype.name}
    if not len(whole.values):
        return found
    found |= _range_of(pixels) | _bits_of(with_unused, pixels)
    seen = _without_padding(whole, frame)
    if not len(seen.values):
        return found | {"commonest_share": 1.0}
    found |= _shares(seen, frame)
    found |= _hounsfield(seen, frame)
    plane = _plane(frame)
    if plane is not None:
        found |= _texture(plane, seen, frame)
    return {name: value for name, value in found.items() if _is_told(value)}


def _is_told(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def fingerprint(pixels: NDArray[Any]) -> str:
    """Return the SHA-256 of an image: equal for equal samples, whatever encoding they came in."""
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{little.dtype.str} {pixels.shape}\n".encode())
    digest.update(little.data)
    return digest.hexdigest()


def _range_of(pixels: NDArray[Any]) -> Measures:
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    found = (finite.min(), finite.max(), finite.mean(dtype=np.float64), finite.std(dtype=np.float64))
    names = ("pixel_min", "pixel_max", "pixel_mean", "pixel_std")
    return {n: float(v) if math.isfinite(v) else None for n, v in zip(names, found, strict=True)}


def _bits_of(frame: Frame, stored: NDArray[Any]) -> Measures:
    """Measure what the unused bits can tell; `stored` are the samples without them."""
    pixels = frame.pixels
    return {
        "outside_bits_share": None if frame.holds_overlay else outside_bits(pixels, stored, frame.padding),
        "byte_swap_gain": byte_swap_gain(middle(pixels)) if pixels.ndim == 2 else None,  # noqa: PLR2004
    }


def _without_padding(whole: Histogram, frame: Frame) -> Histogram:
    """Leave out what stands for no measurement: Pixel Padding Value, to the Range Limit (PS3.3 C.7.5.1.1.2)."""
    if frame.padding is None:
        return whole
    limit = frame.padding if frame.padding_limit is None else frame.padding_limit
    return whole.without(min(frame.padding, limit), max(frame.padding, limit))


def _shares(seen: Histogram, frame: Frame) -> Measures:
    counts, total = seen.counts, seen.total
    rescaled = seen.rescaled(frame.slope, frame.intercept)
    return {
        "grey_levels": len(counts),
        "commonest_share": float(counts.max() / total),
        "share_at_min": float(counts[0] / total),
        "share_at_max": float(counts[-1] / total),
        "clipped_share": _clipped(seen),
        "negative_share": float(rescaled.counts[rescaled.values < 0].sum() / total),
        "rescaled_min": float(rescaled.values[0]),
    }


def _clipped(seen: Histogram) -> float:
    """Return the share at the largest value if that is more than in the uppermost 5 % of the range below it."""
    if len(seen.values) < _FEWEST_LEVELS:
        return 0.0
    low, high = seen.values[0], seen.values[-1]
    below = seen.counts[:-1][seen.values[:-1] > high - _TOP * (high - low)].sum()
    at = seen.counts[-1]
    return float(at / seen.total) if at >= _FEWEST_CLIPPED and at > below else 0.0


def _hounsfield(seen: Histogram, frame: Frame) -> Measures:
    if frame.modality != "CT" or frame.pixels.ndim != 2:  # noqa: PLR2004
        return {}
    hu = seen.rescaled(frame.slope, frame.intercept)
    air, tissue = air_and_tissue(hu)
    return {"air_share": hu.share(*_AIR_HU), "air_peak_hu": air, "tissue_peak_hu": tissue}


def _plane(frame: Frame) -> NDArray[Any] | None:
    """Return the grey image: green of RGB, luminance of YBR; None where values are no brightness."""
    pixels, kind = frame.pixels, frame.photometric
    if kind == "PALETTE COLOR" or frame.bits_stored == 1:
        return None
    if pixels.ndim == 2:  # noqa: PLR2004
        return pixels
    return pixels[..., 0 if kind.startswith("YBR") else 1] if pixels.shape[2] > 1 else pixels[..., 0]


def _texture(pixels: NDArray[Any], seen: Histogram, frame: Frame) -> Measures:
    plane = middle(pixels).astype(np.float32)
    found: Measures = {
        "neighbour_correlation": neighbour_correlation(plane),
        "sharpness": sharpness(plane),
        "signature": signature_of(pixels),
    }
    return found | (_ratios(plane, seen, frame) if len(seen.values) > 2 else {})  # noqa: PLR2004


def _ratios(plane: NDArray[np.float32], seen: Histogram, frame: Frame) -> Measures:
    """Return noise, signal to noise and contrast to noise.

    Otsu parts the samples into background and foreground, and the foreground into a dark and a bright part. Signal is
    the median of the foreground above that of the background, contrast that of the bright part above the dark one.
    """
    cut = seen.split()
    body, air = seen.between(np.nextafter(cut, np.inf), np.inf), seen.between(-np.inf, cut)
    noise = noise_deviation(plane, plane > cut)
    if noise is None or len(body.values) < 2:  # noqa: PLR2004
        return {}
    inner = body.split()
    dark, bright = body.between(-np.inf, inner), body.between(np.nextafter(inner, np.inf), np.inf)
    return {
        "noise": noise * abs(frame.slope),
        "snr": (body.median() - air.median()) / noise,
        "cnr": (bright.median() - dark.median()) / noise,
    }
