"""What the samples of one frame show: range, mean, spread and a fingerprint."""

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.pixels.frame import PixelFault, decode_frame


def measure_frame(path: bytes) -> dict[str, Any]:
    """Decode the first frame of a file and measure its stored values (before Rescale Slope and any LUT).

    Returns
    -------
    dict
        ``{"fault": kind}``, or pixel_min, pixel_max, pixel_mean, pixel_std and pixel_sha256 (of shape, type and
        samples in little-endian order). Samples that are not finite (Float Pixel Data) are left out of the measures.
    """
    frame = decode_frame(path)
    if isinstance(frame, PixelFault):
        return {"fault": frame.value}
    pixels = frame.pixels
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    measures: dict[str, Any] = {"pixel_sha256": fingerprint(pixels)}
    if finite.size:
        found = (finite.min(), finite.max(), finite.mean(dtype=np.float64), finite.std(dtype=np.float64))
        for name, value in zip(("pixel_min", "pixel_max", "pixel_mean", "pixel_std"), map(float, found), strict=True):
            measures[name] = value if math.isfinite(value) else None
    return measures


def fingerprint(pixels: NDArray[Any]) -> str:
    """Return the SHA-256 of an image: equal for equal samples, whatever encoding they came in."""
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{little.dtype.str} {pixels.shape}\n".encode())
    digest.update(little.data)
    return digest.hexdigest()
