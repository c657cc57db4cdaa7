"""Parallel image planes in patient space: where the voxels of an image or of a mask stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.refusal import LabelFault, LabelRefusedError

Floats = NDArray[np.float64]

ORTHONORMAL = 1e-3
"""Largest departure of direction cosines from orthogonal unit vectors that is rounded away (as for images)."""
SAME_DIRECTION = 1e-4
"""Largest difference of direction cosines of one stack; scanners write six decimals."""
SAME_SPACING = 1e-3
"""Largest relative difference of pixel spacings of one grid."""


@dataclass(frozen=True)
class Planes:
    """Parallel planes of pixels, ascending along their normal.

    Origins need not stand above each other: those of a stack under a tilted gantry lean, those of a broken one jump.

    Attributes
    ----------
    origins_mm
        Centre of the first pixel of each plane (ImagePositionPatient, PS3.3 C.7.6.2.1.1), shape (n, 3), LPS.
    row, column
        Unit vectors along a row (column index grows) and down a column (row index grows), shape (3,).
    spacing_mm
        Between rows, between columns: the order of PixelSpacing (C.7.6.3.1.1).
    shape
        Rows, columns.
    step_mm
        What the first and the last plane, or a single one, reach along the normal, half to each side.
    """

    origins_mm: Floats
    row: Floats
    column: Floats
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]
    step_mm: float

    def __post_init__(self) -> None:
        if self.origins_mm.ndim != 2 or self.origins_mm.shape[1:] != (3,) or not len(self.origins_mm):  # noqa: PLR2004
            raise ValueError("planes have origins of shape (n, 3), n > 0")
        if min(*self.spacing_mm, self.step_mm) <= 0 or (np.diff(self.heights_mm) < 0).any():
            raise ValueError("planes ascend along their normal, and their spacings are lengths")

    @classmethod
    def of(
        cls,
        origins_mm: Floats,
        cosines: Sequence[float],
        spacing_mm: Sequence[float],
        shape: tuple[int, int],
        step_mm: float | None = None,
    ) -> tuple[Self, NDArray[np.intp]]:
        """Return planes from DICOM attributes in any order, and which of them each one was, shape (n,).

        Parameters
        ----------
        cosines
            ImageOrientationPatient: six numbers.
        step_mm
            Where it is None: the median distance of neighbours, or 1 mm of a single plane.

        Raises
        ------
        LabelRefusedError
            No such plane can be.
        """
        row, column = unit_vectors(cosines)
        origins = np.asarray(origins_mm, dtype=float).reshape(-1, 3)
        if not np.isfinite(origins).all() or not all(np.isfinite(s) and s > 0 for s in spacing_mm):
            raise LabelRefusedError(LabelFault.NO_GEOMETRY)
        order = np.argsort(origins @ np.cross(row, column), kind="stable")
        steps = np.diff((origins @ np.cross(row, column))[order])
        found = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
        spacing = float(spacing_mm[0]), float(spacing_mm[1])
        return cls(origins[order], row, column, spacing, shape, found if step_mm is None else step_mm), order

    @classmethod
    def of_grid(cls, affine: Floats, grid: tuple[int, int, int]) -> tuple[Self, bool]:
        """Return the planes of a regular grid, and whether they stand against the order of its slices.

        Parameters
        ----------
        affine
            Voxel index (column, row, slice, 1) to LPS in mm, shape (4, 4).
        grid
            Numbers of columns, rows, slices.

        Raises
        ------
        LabelRefusedError
            Rows and columns are not at right angles, or the affine is degenerate.
        """
        columns, rows, slices = grid
        lengths = np.linalg.norm(affine[:3, :2], axis=0)
        if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:  # noqa: PLR2004 - mm3
            raise LabelRefusedError(LabelFault.NO_GEOMETRY)
        cosines = (affine[:3, :2] / lengths).T.ravel()
        origins = affine[:3, 3] + np.arange(slices)[:, None] * affine[:3, 2]
        normal = np.cross(*unit_vectors(cosines.tolist()))
        step = float(affine[:3, 2] @ normal)
        planes, _ = cls.of(origins, cosines.tolist(), (lengths[1], lengths[0]), (rows, columns), abs(step))
        return planes, step < 0

    @property
    def count(self) -> int:
        """Number of planes."""
        return len(self.origins_mm)

    @cached_property
    def normal(self) -> Floats:
        """Unit vector across the planes, shape (3,)."""
        return np.asarray(np.cross(self.row, self.column))

    @cached_property
    def heights_mm(self) -> Floats:
        """Where each plane stands along the normal, shape (n,), ascending."""
        return np.asarray(self.origins_mm @ self.normal)

    @cached_property
    def edges_mm(self) -> Floats:
        """Heights between which each plane is the nearest, shape (n + 1,)."""
        middle = (self.heights_mm[1:] + self.heights_mm[:-1]) / 2
        half = self.step_mm / 2
        return np.concatenate([[self.heights_mm[0] - half], middle, [self.heights_mm[-1] + half]])

    @property
    def thickness_mm(self) -> Floats:
        """What each plane stands for along the normal, shape (n,)."""
        return np.asarray(np.diff(self.edges_mm))

    @cached_property
    def lean(self) -> Floats:
        """Where the stack goes, shape (3,): how far origins move for each mm along the normal, fitted to all of them.

        The normal itself of an upright stack; under a tilted gantry it leaves it.
        """
        away = self.heights_mm - self.heights_mm.mean()
        spread = float(away @ away)
        if spread == 0:
            return self.normal
        travel = away @ (self.origins_mm - self.origins_mm.mean(axis=0)) / spread
        return np.asarray(travel - (travel @ self.normal - 1) * self.normal)

    def in_plane(self, points_mm: Floats, plane: NDArray[np.intp] | int) -> Floats:
        """Return column and row index (fractional) of points (…, 3) moved into a plane along `lean`."""
        off = points_mm - self.origins_mm[plane]
        height = off @ self.normal
        along, down = (
            off @ self.row - height * (self.lean @ self.row),
            off @ self.column - height * (self.lean @ self.column),
        )
        return np.stack([along / self.spacing_mm[1], down / self.spacing_mm[0]], axis=-1)

    def points_mm(self, plane: NDArray[np.intp], row: Floats, column: Floats) -> Floats:
        """Return the places of (fractional) pixel indices, shape (…, 3), LPS."""
        down = np.asarray(row)[..., None] * self.spacing_mm[0] * self.column
        along = np.asarray(column)[..., None] * self.spacing_mm[1] * self.row
        return np.asarray(self.origins_mm[plane] + down + along)

    def is_parallel_to(self, other: Self) -> bool:
        """Tell whether pixels of both lie on one lattice in the plane: directions and spacings agree."""
        directions = max(np.abs(self.row - other.row).max(), np.abs(self.column - other.column).max())
        spacing = np.abs(np.array(self.spacing_mm) / np.array(other.spacing_mm) - 1).max()
        return bool(directions <= SAME_DIRECTION and spacing <= SAME_SPACING)


def unit_vectors(cosines: Sequence[float]) -> tuple[Floats, Floats]:
    """Return orthogonal unit vectors along a row and a column of direction cosines that are so within `ORTHONORMAL`.

    Raises
    ------
    LabelRefusedError
        They are not.
    """
    row, column = np.asarray(cosines, dtype=float).reshape(2, 3)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not np.isfinite(lengths).all() or max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(row @ column)) > ORTHONORMAL:
        raise LabelRefusedError(LabelFault.NOT_ORTHOGONAL)
    row = row / lengths[0]
    column = column - (column @ row) * row
    return row, column / np.linalg.norm(column)
