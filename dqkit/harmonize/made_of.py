"""Which source slices gave how much to each slice of an output: worked out of the geometry, not watched."""

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.grid import Grid
from dqkit.harmonize.source import Contribution
from dqkit.harmonize.volume import Matrix

Floats = NDArray[np.float64]

_POINTS = 9
"""Points along each side of a slice at which its place among the source slices is looked up."""

_LEAST = 0.005
"""Shares below it are not told."""


def contributions(
    source: Grid, target: Grid, sigma_slices: float, weights: Floats, *, nearest: bool = False
) -> tuple[tuple[Contribution, ...], ...]:
    """Return for each slice of `target` what gave to it, the largest share first.

    Parameters
    ----------
    source
        The evenly spaced volume before it was resampled, tilted or not.
    target
        The grid that was written.
    sigma_slices
        Standard deviation of the smoothing across slices, in slices.
    weights
        Share of each source slice in each slice of `source`, shape (slices, sources).
    nearest
        Each voxel took the nearest slice alone.
    """
    places = _places(source, target)
    spread = _smeared(np.eye(source.size[2]), sigma_slices)
    told = []
    for of_slice in places:
        shares = _hat(of_slice, source.size[2], nearest=nearest) @ spread @ weights
        told.append(_told(shares))
    return tuple(told)


def identical(weights: Floats, order: list[int]) -> tuple[tuple[Contribution, ...], ...]:
    """Return what gave to each slice where nothing was resampled; `order` is the slice of the volume that each is."""
    return tuple(_told(weights[k]) for k in order)


def _places(source: Grid, target: Grid) -> list[Floats]:
    """Return, for each slice of the target, where its points lie among the source slices, those outside left out."""
    to_source: Matrix = np.linalg.inv(source.affine) @ target.affine
    columns, rows, slices = target.size
    u, v = (np.linspace(0, n - 1, min(n, _POINTS)) for n in (columns, rows))
    grid = np.array([(i, j) for j in v for i in u])
    found = []
    for k in range(slices):
        points = np.column_stack([grid, np.full(len(grid), k), np.ones(len(grid))]) @ to_source.T
        beyond = np.abs(points[:, :3] - (np.array(source.size) - 1) / 2) > np.array(source.size) / 2
        inside = ~beyond.any(axis=1)
        found.append(np.clip(points[inside, 2], 0, source.size[2] - 1))
    return found


def _hat(places: Floats, count: int, *, nearest: bool) -> Floats:
    """Return the share of each of `count` slices in points at `places` by linear interpolation, shape (count,)."""
    if not places.size:
        return np.zeros(count)
    if nearest:
        places = np.rint(places)
    low = np.minimum(places.astype(np.int64), count - 1)
    share = places - low
    shares = np.bincount(low, 1 - share, minlength=count)
    shares += np.bincount(np.minimum(low + 1, count - 1), share, minlength=count)
    return np.asarray(shares / places.size)


def _smeared(weights: Floats, sigma: float) -> Floats:
    """Return weights as a Gaussian across slices spreads them; rows sum to 1."""
    if not sigma:
        return weights
    index = np.arange(len(weights))
    kernel = np.exp(-0.5 * ((index[:, None] - index[None]) / sigma) ** 2)
    return np.asarray((kernel / kernel.sum(axis=1, keepdims=True)) @ weights)


def _told(shares: Floats) -> tuple[Contribution, ...]:
    kept = np.flatnonzero(shares >= _LEAST)
    if not kept.size:
        return ()
    total = shares[kept].sum()
    order = kept[np.lexsort((kept, -shares[kept]))]
    return tuple(Contribution(int(i), round(float(shares[i] / total), 4)) for i in order)
