"""Which grid an image is brought to: straightened, turned to the axes of the recipe, at its spacing."""

import math
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.grid import Grid
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.volume import Matrix, Volume

_LETTERS = {"L": (0, 1.0), "R": (0, -1.0), "P": (1, 1.0), "A": (1, -1.0), "S": (2, 1.0), "I": (2, -1.0)}
"""Where an axis counts to -> patient axis and sign, LPS."""

_SLACK = 1e-3
"""Part of a voxel by which a field of view may miss a whole number of voxels and still count as it."""


def straight(grid: Grid) -> Grid:
    """Return the smallest grid along the slice normal that holds every voxel of a tilted one.

    Columns and rows of its first slice are those of the first slice of `grid`, so that slices are moved in their own
    plane alone.
    """
    columns, rows, slices = grid.size
    plane, travel = grid.affine[:3, :2], grid.affine[:3, 2]
    normal = np.cross(plane[:, 0], plane[:, 1])
    normal /= np.linalg.norm(normal)
    along = float(normal @ travel)
    shift = np.linalg.lstsq(plane, travel - along * normal, rcond=None)[0] * (slices - 1)  # columns and rows
    low = np.floor(np.minimum(shift, 0) + _SLACK)
    high = np.ceil(np.maximum(shift, 0) - _SLACK)
    affine = grid.affine.copy()
    affine[:3, 2] = along * normal
    affine[:3, 3] += plane @ low
    extra = (high - low).astype(int)
    return Grid(affine, (columns + int(extra[0]), rows + int(extra[1]), slices))


def target_grid(grid: Grid, recipe: Recipe) -> Grid:
    """Return the grid that a recipe asks for, of an image whose straight grid is `grid`."""
    turned = Grid(*_turned(grid, recipe.orientation.axes))
    if recipe.orientation.align == "patient":
        turned = _aligned(turned)
    return at_spacing(turned, recipe.spacing_mm)


def at_spacing(grid: Grid, spacing_mm: tuple[float | None, ...]) -> Grid:
    """Return a grid of another spacing over the same field of view, around the same centre.

    Every axis gets as many voxels as cover the field; a spacing of None keeps the axis, and so does a single slice.
    """
    size, affine = list(grid.size), grid.affine.copy()
    for axis, wanted in enumerate(spacing_mm):
        old = float(grid.spacing_mm[axis])
        if wanted is None or size[axis] == 1:
            continue
        count = max(1, math.ceil(size[axis] * old / wanted - _SLACK))
        affine[:3, axis] *= wanted / old
        # The middle of the field stays where it is
        affine[:3, 3] += grid.affine[:3, axis] * (size[axis] - 1) / 2 - affine[:3, axis] * (count - 1) / 2
        size[axis] = count
    return Grid(affine, (size[0], size[1], size[2]))


def turns(affine: Matrix, axes: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Return, for each of `axes` (``RAS``), which axis of the affine becomes it, and whether it is turned over.

    Each axis goes to the patient axis that it follows closest, all three taken together.
    """
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    best = max(
        permutations(range(3)), key=lambda order: sum(abs(unit[_LETTERS[axes[j]][0], order[j]]) for j in range(3))
    )
    flips = [unit[_LETTERS[axes[j]][0], best[j]] * _LETTERS[axes[j]][1] < 0 for j in range(3)]
    return (best[0], best[1], best[2]), (bool(flips[0]), bool(flips[1]), bool(flips[2]))


def _turned(grid: Grid, axes: str) -> tuple[Matrix, tuple[int, int, int]]:
    if axes == "keep":
        return grid.affine, grid.size
    order, flips = turns(grid.affine, axes)
    affine = grid.affine.copy()
    for j, (source, flip) in enumerate(zip(order, flips, strict=True)):
        affine[:3, j] = grid.affine[:3, source] * (-1 if flip else 1)
        if flip:
            affine[:3, 3] += grid.affine[:3, source] * (grid.size[source] - 1)
    size = tuple(grid.size[source] for source in order)
    return affine, (size[0], size[1], size[2])


def turned(volume: Volume, axes: str) -> Volume:
    """Swap and turn over the axes of a volume so that they count to `axes`; no value changes."""
    if axes == "keep":
        return volume
    order, flips = turns(volume.affine, axes)
    if order == (0, 1, 2) and not any(flips):
        return volume
    affine, _ = _turned(Grid.of(volume), axes)
    return volume.after(
        "orient", voxels=_laid_out(volume.voxels, order, flips), affine=affine, parameters={"axes": axes}
    )


def _laid_out(
    voxels: NDArray[np.generic], order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> NDArray[np.generic]:
    """Return the voxels with their last three axes, (slice, row, column), permuted; a view."""
    lead = voxels.ndim - 3
    places = [lead + 2 - order[2 - j] for j in range(3)]
    moved = voxels.transpose(*range(lead), *places)
    steps = [slice(None, None, -1 if flips[2 - j] else 1) for j in range(3)]
    return moved[..., steps[0], steps[1], steps[2]]


def _aligned(grid: Grid) -> Grid:
    """Return the grid along the patient's axes that holds every voxel, its axes those that `grid` follows closest."""
    order, _ = turns(grid.affine, "LPS")
    axis_of = {source: patient for patient, source in enumerate(order)}
    corners = grid.corners_mm
    affine, size = np.eye(4), []
    affine[:3, 3] = 0.0
    for source in range(3):
        patient = axis_of[source]
        sign = math.copysign(1.0, grid.affine[patient, source])
        step = float(grid.spacing_mm[source])
        low, high = float(corners[:, patient].min()), float(corners[:, patient].max())
        count = math.ceil((high - low) / step - _SLACK) + 1
        affine[:3, source] = 0.0
        affine[patient, source] = sign * step
        over = (count - 1) * step - (high - low)
        affine[patient, 3] = low - over / 2 if sign > 0 else high + over / 2
        size.append(count)
    return Grid(affine, (size[0], size[1], size[2]))
