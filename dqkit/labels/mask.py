"""Masks as boxes: the voxels of one segment, kept where it has any."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.planes import Floats, Planes

Flags = NDArray[np.bool_]
Index = tuple[int, int, int]
"""Slice, row, column."""


@dataclass(frozen=True)
class Mask:
    """The voxels of a segment inside their bounding box.

    Attributes
    ----------
    start
        Slice, row and column of the first voxel of the box.
    voxels
        Shape (slices, rows, columns) of the box; all zero lengths of a mask without voxels.
    """

    start: Index
    voxels: Flags

    @classmethod
    def of(cls, voxels: Flags, start: Index = (0, 0, 0)) -> Self:
        """Return the mask of `voxels`, (slices, rows, columns), which begin at `start`, cut to its bounding box."""
        box = []
        for axis in range(3):
            others = tuple(i for i in range(3) if i != axis)
            found = np.flatnonzero(voxels.any(axis=others))
            if not found.size:
                return cls((0, 0, 0), np.zeros((0, 0, 0), dtype=bool))
            box.append(slice(int(found[0]), int(found[-1]) + 1))
        first = (start[0] + box[0].start, start[1] + box[1].start, start[2] + box[2].start)
        return cls(first, np.ascontiguousarray(voxels[tuple(box)]))

    @classmethod
    def of_parts(cls, parts: Iterable[Self]) -> Self:
        """Return the mask of all voxels of `parts`."""
        full = [part for part in parts if part.count]
        if not full:
            return cls((0, 0, 0), np.zeros((0, 0, 0), dtype=bool))
        first = np.min([part.start for part in full], axis=0)
        voxels = np.zeros(tuple(np.max([part.stop for part in full], axis=0) - first), dtype=bool)
        for part in full:
            voxels[tuple(slice(a - f, b - f) for a, b, f in zip(part.start, part.stop, first, strict=True))] |= (
                part.voxels
            )
        a, b, c = first.tolist()
        return cls((a, b, c), voxels)

    def turned_over(self, slices: int) -> Self:
        """Return the mask in a grid whose `slices` are counted from the other end."""
        return type(self)((slices - self.stop[0], *self.start[1:]), self.voxels[::-1])

    def joined(self, other: Self) -> Self:
        """Return the voxels that either has."""
        return self.of_parts([self, other])

    @property
    def stop(self) -> Index:
        """Slice, row and column behind the last voxel of the box."""
        a, b, c = (start + length for start, length in zip(self.start, self.voxels.shape, strict=True))
        return a, b, c

    @property
    def count(self) -> int:
        """Number of voxels that are set."""
        return int(np.count_nonzero(self.voxels))

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """Where the box stands in the whole grid."""
        a, b, c = (slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True))
        return a, b, c

    def whole(self, shape: Index) -> Flags:
        """Return the mask in a grid of `shape` (slices, rows, columns)."""
        voxels = np.zeros(shape, dtype=bool)
        voxels[self.box] = self.voxels
        return voxels

    def touches(self, other: Self) -> bool:
        """Tell whether both have a voxel in common."""
        starts = [max(a, b) for a, b in zip(self.start, other.start, strict=True)]
        stops = [min(a, b) for a, b in zip(self.stop, other.stop, strict=True)]
        if any(start >= stop for start, stop in zip(starts, stops, strict=True)):
            return False
        parts = [
            mask.voxels[tuple(slice(a - s, b - s) for a, b, s in zip(starts, stops, mask.start, strict=True))]
            for mask in (self, other)
        ]
        return bool((parts[0] & parts[1]).any())


@dataclass(frozen=True)
class Extent:
    """How large a mask is and where.

    Attributes
    ----------
    voxels
        Number of voxels.
    volume_mm3
        Each voxel counts as the product of its spacings; slices of a stack with uneven steps count what is nearest
        to them.
    centroid_mm
        Centre of that volume, LPS; None of an empty mask.
    """

    voxels: int
    volume_mm3: float
    centroid_mm: tuple[float, float, float] | None


def extent_of(mask: Mask, planes: Planes) -> Extent:
    """Measure `mask`, which lies on `planes`."""
    per_slice = np.count_nonzero(mask.voxels, axis=(1, 2)).astype(float)
    if not per_slice.sum():
        return Extent(0, 0.0, None)
    own = np.arange(mask.start[0], mask.stop[0])
    area = planes.spacing_mm[0] * planes.spacing_mm[1]
    volumes = per_slice * area * planes.thickness_mm[own]
    full = per_slice > 0
    centres: Floats = planes.points_mm(own[full], *_centres_in_plane(mask, full))
    centroid = volumes[full] @ centres / volumes.sum()
    return Extent(
        int(per_slice.sum()), float(volumes.sum()), (float(centroid[0]), float(centroid[1]), float(centroid[2]))
    )


def _centres_in_plane(mask: Mask, full: Flags) -> tuple[Floats, Floats]:
    """Return mean row and mean column of each slice that has voxels."""
    rows, columns = mask.voxels[full].sum(axis=2, dtype=float), mask.voxels[full].sum(axis=1, dtype=float)
    count = rows.sum(axis=1)
    mean_row = rows @ np.arange(rows.shape[1]) / count + mask.start[1]
    return mean_row, columns @ np.arange(columns.shape[1]) / count + mask.start[2]
