"""The circle of a fundus photograph: what the camera's mask leaves open."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.intensity.foreground import foreground
from dqkit.harmonize.plane.crop import Box
from dqkit.harmonize.volume import Volume

_DARK = 0.06
"""Part of the brightest value below which a pixel is of the camera's mask. House style."""

_LARGE_ENOUGH = 512
"""Pixels of the longer side in which a circle is looked for: of larger images every second, third … pixel."""

_LEAST_POINTS = 20
_WELL = 0.02
"""Part of the radius by which points of the outline lie off the circle, at the median. House style."""

_RADII = (0.25, 1.5)
"""Radius of a believable circle, in halves of the longer side of the image. House style."""


@dataclass(frozen=True)
class Circle:
    """A circle in pixels, from the middle of the first one."""

    row: float
    column: float
    radius: float

    @property
    def box(self) -> Box:
        """The square around it."""
        reach = round(self.radius)
        row, column = round(self.row), round(self.column)
        return Box(row - reach, row + reach + 1, column - reach, column + reach + 1)


def circle_of(volume: Volume) -> Circle | None:
    """Find the circle of a fundus photograph, cut off at the edges of the image or not; None where there is none."""
    stride = max(1, max(volume.voxels.shape[-2:]) // _LARGE_ENOUGH)
    found = _circle_of(volume.voxels[..., ::stride, ::stride])
    return found and Circle(found.row * stride, found.column * stride, found.radius * stride)


def _circle_of(voxels: NDArray[np.generic]) -> Circle | None:
    brightest = voxels.reshape(-1, *voxels.shape[-2:]).max(0)
    bright = np.minimum(brightest.astype(np.float32), _DARK * 2 * float(brightest.max()))
    mask, _ = foreground(Volume(bright[None], np.eye(4)))
    points = _outline(mask[0])
    if len(points) < _LEAST_POINTS:
        return None
    found = _fitted(points)
    half = max(brightest.shape) / 2
    off = np.abs(np.hypot(points[:, 0] - found.row, points[:, 1] - found.column) - found.radius)
    believable = _RADII[0] * half <= found.radius <= _RADII[1] * half and np.median(off) <= _WELL * found.radius
    return found if believable else None


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the first and last pixel of a mask in every row and column, those at the image's own edge left out.

    Returns
    -------
    numpy.ndarray
        Row and column of each, shape (points, 2).
    """
    found = []
    for lines, swap in ((mask, False), (mask.T, True)):
        at = np.flatnonzero(lines.any(1))
        first, last = lines[at].argmax(1), lines.shape[1] - 1 - lines[at][:, ::-1].argmax(1)
        for ends, inner in ((first, first > 0), (last, last < lines.shape[1] - 1)):
            pair = np.column_stack([at[inner], ends[inner]])
            found.append(pair[:, ::-1] if swap else pair)
    return np.asarray(np.concatenate(found), np.float64)


def _fitted(points: NDArray[np.float64]) -> Circle:
    """Fit a circle by least squares of its equation (Kasa 1976, IEEE Trans. Instrum. Meas. 25:8), without outliers."""
    kept = points
    circle = Circle(0.0, 0.0, 0.0)
    for _ in range(3):
        design = np.column_stack([2 * kept, np.ones(len(kept))])
        row, column, rest = np.linalg.lstsq(design, (kept**2).sum(1), rcond=None)[0]
        circle = Circle(float(row), float(column), float(np.sqrt(max(rest + row**2 + column**2, 0.0))))
        off = np.abs(np.hypot(points[:, 0] - circle.row, points[:, 1] - circle.column) - circle.radius)
        kept = points[off <= max(1.0, 3 * float(np.median(off)))]
        if len(kept) < _LEAST_POINTS:
            break
    return circle
