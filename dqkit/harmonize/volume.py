"""A volume in patient space, as every step of a recipe takes it and gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""4x4, homogeneous."""

LPS_TO_RAS: Matrix = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM's axes point left, posterior, superior (PS3.3 C.7.6.2.1.1); NIfTI's right, anterior, superior."""


@dataclass(frozen=True)
class Step:
    """One thing that was done to a volume.

    Attributes
    ----------
    name
        Such as ``rescale``, ``shear`` or ``resample``.
    parameters
        What it was done with, as plain JSON values.
    affine
        That of the volume after the step, shape (4, 4): index to LPS, mm.
    """

    name: str
    parameters: Mapping[str, Any]
    affine: Matrix


@dataclass(frozen=True)
class Volume:
    """Voxels with their place in the patient.

    Attributes
    ----------
    voxels
        Shape (slices, rows, columns), or (times, slices, rows, columns) of a 4-D one; float32 between reading and
        writing, integers where a label or the output asks for them.
    affine
        Shape (4, 4): voxel index (column, row, slice, 1) to LPS, mm, of voxel centres. After shear its columns are
        orthogonal; before it the third may be tilted.
    unit
        What a value means, such as ``HU``, ``BQML`` or ``""`` where nothing says it.
    background
        What lies outside the image: fills what a step adds (-1024 for CT in HU).
    steps
        What was done since the files were read, oldest first.

    Raises
    ------
    ValueError
        Voxels of another number of axes, or an affine that is not finite or cannot be inverted.
    """

    voxels: NDArray[Any]
    affine: Matrix
    unit: str = ""
    background: float = 0.0
    steps: tuple[Step, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.voxels.ndim not in {3, 4}:
            raise ValueError("a volume has three axes, or four with time")
        if self.affine.shape != (4, 4) or not np.isfinite(self.affine).all():
            raise ValueError("an affine is a finite 4x4 matrix")
        if abs(np.linalg.det(self.affine[:3, :3])) < 1e-9:  # noqa: PLR2004 - mm3
            raise ValueError("an affine maps no two voxels to one place")

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance of neighbouring voxels along columns, rows and slices, shape (3,), mm."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths

    @property
    def affine_ras(self) -> Matrix:
        """The affine that NIfTI asks for, shape (4, 4): index to RAS, mm."""
        there: Matrix = LPS_TO_RAS @ self.affine
        return there

    @property
    def grid(self) -> tuple[int, int, int]:
        """Numbers of columns, rows and slices: the order of the affine's columns."""
        slices, rows, columns = self.voxels.shape[-3:]
        return columns, rows, slices

    def after(self, step: str, *, voxels: NDArray[Any] | None = None, affine: Matrix | None = None,
              parameters: Mapping[str, Any] | None = None, **changed: Any) -> "Volume":  # fmt: skip
        """Return the volume that `step` makes of this one, with the step on record."""
        there = self.affine if affine is None else affine
        done = Step(step, dict(parameters or {}), there)
        return replace(
            self, voxels=self.voxels if voxels is None else voxels, affine=there, steps=(*self.steps, done), **changed
        )
