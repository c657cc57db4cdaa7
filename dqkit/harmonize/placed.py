"""Where slices stand: directions made exact, and the affine of evenly spaced slices, tilted or not."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Matrix

Floats = NDArray[np.float64]

ORTHONORMAL = 1e-3
"""Largest departure of direction cosines from two perpendicular unit vectors that is put right: that of GEO-001."""

ALONG_NORMAL_MM = 0.05
"""Slices whose origins leave the line along the normal by no more than this, to either side of its middle, are taken
to stand on it: the tolerance to which outputs are compared."""


def directions(orientations: Sequence[Sequence[float]]) -> Floats:
    """Return unit vectors along a row, along a column and along the normal as columns, shape (3, 3), of a stack.

    Parameters
    ----------
    orientations
        ImageOrientationPatient (PS3.3 C.7.6.2.1.1) of every slice.

    Raises
    ------
    Refused
        They are no perpendicular unit vectors: those of a slice depart from them by more than `ORTHONORMAL`.
    """
    pairs = np.asarray(orientations, dtype=np.float64).reshape(-1, 2, 3)
    if not np.isfinite(pairs).all():
        raise Refused(Reason.NO_ORIENTATION)
    error = max(
        float(np.abs(np.linalg.norm(pairs, axis=2) - 1).max()), float(np.abs((pairs[:, 0] * pairs[:, 1]).sum(-1)).max())
    )
    if error > ORTHONORMAL:
        raise Refused(Reason.NOT_ORTHONORMAL, f"direction cosines are off by {error:.4f}")
    row, column = pairs.mean(axis=0)
    # The nearest rotation (polar decomposition) favours neither vector
    left, _, right = np.linalg.svd(np.column_stack([row, column, np.cross(row, column)]))
    nearest: Floats = left @ right
    return nearest


ROUNDING_DEG = 1e-6
"""Angles that floating-point numbers make of nothing."""


def affine_of(
    axes: Floats, spacing_mm: tuple[float, float], origins_mm: Floats, index: Floats, step_mm: float
) -> Matrix:
    """Return the affine of slices whose origins lie on a line.

    Parameters
    ----------
    axes
        As `directions` gives them.
    spacing_mm
        PixelSpacing: between rows, between columns.
    origins_mm
        ImagePositionPatient of the slices, shape (n, 3).
    index
        Place of each slice on an even grid, shape (n,): 0, 1, 2 … unless slices are missing.
    step_mm
        Distance along the normal where there is one slice only.

    Returns
    -------
    Matrix
        Index (column, row, slice) to LPS. The third column leaves the normal where the stack is tilted.
    """
    affine = np.eye(4)
    affine[:3, 0] = axes[:, 0] * spacing_mm[1]
    affine[:3, 1] = axes[:, 1] * spacing_mm[0]
    if index.size < 2 or np.ptp(index) == 0:  # noqa: PLR2004
        affine[:3, 2], affine[:3, 3] = axes[:, 2] * step_mm, origins_mm[0]
        return affine
    middle, centre = index.mean(), origins_mm.mean(axis=0)
    away = index - middle
    travel = (away[:, None] * (origins_mm - centre)).sum(axis=0) / (away**2).sum()
    half = float(np.ptp(index)) / 2
    aside = travel - axes[:, 2] * (axes[:, 2] @ travel)
    if np.linalg.norm(aside) * half <= ALONG_NORMAL_MM:
        travel = travel - aside
    affine[:3, 2], affine[:3, 3] = travel, centre - middle * travel
    return affine


def drift_mm(tilt_deg: float | None, positions_mm: Sequence[float]) -> float:
    """Return how far the outermost origins of a tilted stack are from the line along the normal, mm."""
    if not tilt_deg or len(positions_mm) < 2:  # noqa: PLR2004
        return 0.0
    return float(np.tan(np.radians(tilt_deg)) * (positions_mm[-1] - positions_mm[0]) / 2)


def tilt_deg(affine: Matrix) -> float:
    """Return the angle between the third axis of an affine and the normal of the first two, degrees."""
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    normal /= np.linalg.norm(normal)
    along = normal @ affine[:3, 2]
    aside = np.linalg.norm(affine[:3, 2] - along * normal)
    return math.degrees(math.atan2(float(aside), abs(float(along))))


def is_tilted(affine: Matrix) -> bool:
    """Tell whether the slices lean: `affine_of` puts them upright where they lean too little to matter."""
    return tilt_deg(affine) > ROUNDING_DEG
