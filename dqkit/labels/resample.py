"""Masks from the planes they were drawn on to the grid of a harmonized image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.mask import Flags, Mask
from dqkit.labels.planes import Floats, Planes

FWHM = 2 * np.sqrt(2 * np.log(2))
"""Full width at half maximum of a Gaussian, in standard deviations."""


@dataclass(frozen=True)
class Target:
    """The regular grid that masks are brought to.

    Attributes
    ----------
    affine
        Voxel index (column, row, slice, 1) to LPS in mm, shape (4, 4).
    shape
        Slices, rows, columns.
    """

    affine: Floats
    shape: tuple[int, int, int]

    @property
    def planes(self) -> Planes:
        """The same grid as planes; ascending, whichever way its slices are counted."""
        slices, rows, columns = self.shape
        return Planes.of_grid(self.affine, (columns, rows, slices))[0]

    @property
    def runs_down(self) -> bool:
        """Whether its slices descend along the normal of its rows and columns."""
        slices, rows, columns = self.shape
        return Planes.of_grid(self.affine, (columns, rows, slices))[1]


def nearest(mask: Mask, planes: Planes, target: Target) -> Mask:
    """Return `mask` on `target`: each voxel takes what the nearest voxel of the nearest plane holds.

    A point between planes is moved into one along the line that the origins follow, as its image is when a tilt is
    taken out: labels stay where the image shows what they mark, however a stack leans.
    """
    box = _reach(mask, planes, target)
    if box is None:
        return Mask.of(np.zeros((0, 0, 0), dtype=bool))
    found = np.zeros(tuple(part.stop - part.start for part in box), dtype=bool)
    for k in range(found.shape[0]):
        plane, row, column = _indices(planes, target, box, box[0].start + k)
        inside, at = _within(mask, plane, np.floor(row + 0.5), np.floor(column + 0.5))
        found[k][inside] = mask.voxels[at]
    return Mask.of(found, (box[0].start, box[1].start, box[2].start))


def smoothed(masks: list[Mask], planes: Planes, target: Target) -> list[Mask]:
    """Return `masks`, of which no two overlap, on `target` by a Gaussian on each and the largest share.

    Each mask, and what none of them holds, is one channel of zeros and ones. Where the target is coarser each is
    smoothed to its resolution (Cardoso et al., MICCAI 2015) and interpolated linearly; a voxel goes to the channel
    with the largest share.
    """
    if any(a.touches(b) for i, a in enumerate(masks) for b in masks[:i]):
        raise ValueError("masks that share voxels have no largest share")
    shares = [_share(mask, planes, target) for mask in masks]
    reached = [box for box, share in shares if share.size]
    if not reached:
        return [Mask.of(np.zeros((0, 0, 0), dtype=bool)) for _ in masks]
    low = [min(box[axis].start for box in reached) for axis in range(3)]
    shape = [max(box[axis].stop for box in reached) - low[axis] for axis in range(3)]
    best, taken = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    winner = np.zeros(shape, dtype=np.int32)
    for number, (box, share) in enumerate(shares, start=1):
        here = tuple(slice(part.start - first, part.stop - first) for part, first in zip(box, low, strict=True))
        if not share.size:
            continue
        taken[here] += share
        winner[here][share > best[here]] = number
        best[here] = np.maximum(best[here], share)
    winner[best <= 1 - taken] = 0
    return [Mask.of(winner == number, (low[0], low[1], low[2])) for number in range(1, len(masks) + 1)]


def _share(mask: Mask, planes: Planes, target: Target) -> tuple[tuple[slice, slice, slice], NDArray[np.float32]]:
    """Return where on `target` a mask reaches, and how much of each voxel there it takes, 0 to 1."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    sigma = _antialias(planes, target)
    margin = [int(np.ceil(4 * s)) + 1 for s in sigma]
    soft = gaussian_filter(np.pad(mask.voxels, [(m, m) for m in margin]).astype(np.float32), sigma, mode="constant")
    start = [a - m for a, m in zip(mask.start, margin, strict=True)]
    wide = Mask((start[0], start[1], start[2]), np.ones(soft.shape, dtype=bool))
    box = _reach(wide, planes, target)
    if box is None:
        return (slice(0, 0), slice(0, 0), slice(0, 0)), np.zeros((0, 0, 0), dtype=np.float32)
    share = np.zeros(tuple(part.stop - part.start for part in box), dtype=np.float32)
    for k in range(share.shape[0]):
        for below, weight in _neighbours(planes, target, box, box[0].start + k):
            plane, row, column = _indices(planes, target, box, box[0].start + k, below)
            at = [index - first for index, first in zip((plane, row, column), start, strict=True)]
            share[k] += weight * map_coordinates(soft, at, order=1, mode="grid-constant", prefilter=False)
    return box, share


def _antialias(planes: Planes, target: Target) -> Floats:
    """Return standard deviations along slices, rows and columns of the source, in its voxels; 0 where none is due."""
    axes = np.stack([planes.normal, planes.column, planes.row])
    own = np.array([np.median(planes.thickness_mm), *planes.spacing_mm])
    wanted = np.linalg.norm(axes @ target.affine[:3, :3], axis=1)
    return np.asarray(np.sqrt(np.maximum(wanted**2 - own**2, 0)) / FWHM / own)


Ints = NDArray[np.intp]


def _height(planes: Planes, target: Target, box: tuple[slice, slice, slice], k: int) -> tuple[Floats, Floats]:
    """Return the places of the voxels of a slice of `box`, (rows, columns, 3), and their heights along the normal."""
    row, column = np.arange(box[1].start, box[1].stop), np.arange(box[2].start, box[2].stop)
    affine = target.affine
    points = affine[:3, 3] + k * affine[:3, 2] + row[:, None, None] * affine[:3, 1] + column[:, None] * affine[:3, 0]
    return points, points @ planes.normal


def _indices(
    planes: Planes, target: Target, box: tuple[slice, slice, slice], k: int, plane: Ints | None = None
) -> tuple[Ints, Floats, Floats]:
    """Return plane, row and column (fractional) of the source for each voxel of slice `k` of `box`; -1: no plane."""
    points, height = _height(planes, target, box, k)
    if plane is None:
        plane = np.searchsorted(planes.edges_mm, height, side="right") - 1
        plane[plane >= planes.count] = -1
    at = planes.in_plane(points, np.clip(plane, 0, planes.count - 1))
    return plane, at[..., 1], at[..., 0]


def _neighbours(
    planes: Planes, target: Target, box: tuple[slice, slice, slice], k: int
) -> list[tuple[Ints, NDArray[np.float32]]]:
    """Return the planes below and above each voxel of slice `k`, with their weights in linear interpolation.

    Beyond the ends stand planes without labels, one step away.
    """
    height = _height(planes, target, box, k)[1]
    heights = np.concatenate([[planes.heights_mm[0] - planes.step_mm], planes.heights_mm,
                              [planes.heights_mm[-1] + planes.step_mm]])  # fmt: skip
    below = np.clip(np.searchsorted(heights, height, side="right") - 1, 0, heights.size - 2)
    gap = heights[below + 1] - heights[below]
    above = np.clip((height - heights[below]) / np.where(gap > 0, gap, 1), 0, 1).astype(np.float32)
    return [(below - 1, 1 - above), (below, above)]


def _within(mask: Mask, plane: Ints, row: Floats, column: Floats) -> tuple[Flags, tuple[Ints, Ints, Ints]]:
    """Return which indices fall in the box of `mask`, and where in it."""
    at = [index - first for index, first in zip((plane, row, column), mask.start, strict=True)]
    inside = plane >= 0
    for index, length in zip(at, mask.voxels.shape, strict=True):
        inside &= (index >= 0) & (index < length)
    a, b, c = (index[inside].astype(np.intp) for index in at)
    return inside, (a, b, c)


def _reach(mask: Mask, planes: Planes, target: Target) -> tuple[slice, slice, slice] | None:
    """Return the box of `target` outside which `mask` has no voxel; None where it lies outside altogether."""
    if not mask.voxels.size:
        return None
    plane = np.clip(np.arange(mask.start[0], mask.stop[0]), 0, planes.count - 1)
    corners = np.stack(
        [
            planes.points_mm(plane, np.full(plane.size, row), np.full(plane.size, column))
            for row in (mask.start[1] - 0.5, mask.stop[1] - 0.5)
            for column in (mask.start[2] - 0.5, mask.stop[2] - 0.5)
        ]
    )
    tallest = max(float(planes.thickness_mm.max()), planes.step_mm)
    margin = 1 + max(0, -mask.start[0], mask.stop[0] - planes.count)
    corners = np.concatenate([corners + planes.normal * tallest * margin, corners - planes.normal * tallest * margin])
    index = (corners.reshape(-1, 3) - target.affine[:3, 3]) @ np.linalg.inv(target.affine[:3, :3]).T
    low = np.clip(np.floor(index.min(axis=0)), 0, None).astype(int)[::-1]
    high = np.clip(np.ceil(index.max(axis=0)) + 1, None, target.shape[::-1]).astype(int)[::-1]
    if (low >= high).any():
        return None
    a, b, c = (slice(int(x), int(y)) for x, y in zip(low, high, strict=True))
    return a, b, c
