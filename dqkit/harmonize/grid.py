"""Where the voxels of an image stand, without their values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.volume import Matrix, Volume


@dataclass(frozen=True)
class Grid:
    """A box of voxels in the patient.

    Attributes
    ----------
    affine
        Shape (4, 4): index (column, row, slice, 1) to LPS, mm, of voxel centres.
    size
        Numbers of columns, rows and slices.
    """

    affine: Matrix
    size: tuple[int, int, int]

    @classmethod
    def of(cls, volume: Volume) -> "Grid":
        """Return the grid of a volume, its times aside."""
        return cls(volume.affine, volume.grid)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance of neighbouring voxels along columns, rows and slices, shape (3,)."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths

    @property
    def corners_mm(self) -> NDArray[np.float64]:
        """Centres of the eight corner voxels, shape (8, 3), LPS."""
        ends = [(0, n - 1) for n in self.size]
        index = np.array([(i, j, k, 1) for i in ends[0] for j in ends[1] for k in ends[2]], dtype=np.float64)
        there: NDArray[np.float64] = (index @ self.affine.T)[:, :3]
        return there
