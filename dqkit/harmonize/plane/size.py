"""Images of one size: as large as fits, around the same centre, with background beside it."""

import numpy as np

from dqkit.harmonize.grid import Grid
from dqkit.harmonize.plane.crop import Box, cut
from dqkit.harmonize.volume import Volume


def grid_of_size(volume: Volume, columns: int, rows: int) -> Grid:
    """Return the grid of square pixels that covers an image and fits into `columns` x `rows`."""
    grid = Grid.of(volume)
    extent = np.array(grid.size[:2]) * grid.spacing_mm[:2]
    step = float(max(extent[0] / columns, extent[1] / rows))
    counts = [
        max(1, min(most, round(float(length) / step))) for length, most in zip(extent, (columns, rows), strict=True)
    ]
    affine = grid.affine.copy()
    for axis, count in enumerate(counts):
        affine[:3, axis] *= step / float(grid.spacing_mm[axis])
        affine[:3, 3] += grid.affine[:3, axis] * (grid.size[axis] - 1) / 2 - affine[:3, axis] * (count - 1) / 2
    return Grid(affine, (counts[0], counts[1], grid.size[2]))


def padded(volume: Volume, columns: int, rows: int) -> Volume:
    """Return an image with background around it, `columns` x `rows` in size, its middle in the middle."""
    have_rows, have_columns = volume.voxels.shape[-2:]
    if (have_rows, have_columns) == (rows, columns):
        return volume
    top, left = (rows - have_rows) // 2, (columns - have_columns) // 2
    return cut(volume, Box(-top, rows - top, -left, columns - left), {"kind": "pad"})
