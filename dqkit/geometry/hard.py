"""The first split: attributes that never differ inside one volume, orientation and spacing by tolerance."""

import numpy as np
import polars as pl

from dqkit.geometry.frames import HARD, Flags, Floats, Frames, Ints
from dqkit.geometry.tolerances import DIRECTION, SPACING_RATIO

DENSE_LIMIT = 512
"""More distinct values than this in one series are compared on a grid instead of one with each other."""

SPLITTERS = (*HARD, "ImageOrientationPatient", "PixelSpacing")


def hard_groups(frames: Frames) -> Ints:
    """Return for each frame the number of its group, shape (n,): frames that could be slices of one volume.

    Every number from 0 on is in use.
    """
    if frames.size == 0:
        return np.empty(0, dtype=np.int64)
    key = frames.table.select(pl.struct("series_key", *HARD).hash()).to_series().to_numpy()
    groups = np.unique(key, return_inverse=True)[1].astype(np.int64)
    groups = _refined(groups, frames.directions, DIRECTION)
    groups = _refined(groups, _logarithms(frames.spacing_mm), SPACING_RATIO)
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def splitters(frames: Frames) -> Flags:
    """Return which of `SPLITTERS` differ inside the series of each frame, shape (n, len(SPLITTERS))."""
    codes = frames.table.select(pl.col(name).hash() for name in HARD).to_numpy()
    first = np.flatnonzero(np.diff(frames.series, prepend=-1))
    of_first = first[frames.series]
    differs = np.column_stack(
        [
            codes != codes[of_first],
            _distance(frames.directions, of_first) > DIRECTION,
            _distance(_logarithms(frames.spacing_mm), of_first) > SPACING_RATIO,
        ]
    )
    return np.asarray(np.logical_or.reduceat(differs, first, axis=0)[frames.series])


def components(points: Floats, tolerance: float) -> Ints:
    """Return connected components of `points` (n, d): neighbours differ by at most `tolerance` in every coordinate.

    Chains of neighbours stay together, so that the outcome depends neither on the order of the points nor on
    where a rounding boundary lies.
    """
    distinct, back = np.unique(points, axis=0, return_inverse=True)
    back = back.reshape(-1)
    if distinct.shape[0] > DENSE_LIMIT:
        grid = np.floor(distinct / (2 * tolerance))
        return np.asarray(np.unique(grid, axis=0, return_inverse=True)[1].reshape(-1)[back].astype(np.int64))
    near = (np.abs(distinct[:, None] - distinct[None]) <= tolerance).all(axis=2)
    labels = np.arange(distinct.shape[0])
    while True:
        lowest = np.where(near, labels[None], labels.size).min(axis=1)
        if (lowest == labels).all():
            return labels[back].astype(np.int64)
        labels = lowest


def _refined(groups: Ints, points: Floats, tolerance: float) -> Ints:
    """Split the groups in which `points` (n, d) differ by more than `tolerance` into their components."""
    _, first, groups = np.unique(groups, return_index=True, return_inverse=True)
    groups = groups.astype(np.int64)
    mixed = np.unique(groups[_distance(points, first[groups]) > tolerance])
    if mixed.size == 0:
        return groups
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], [mixed, mixed + 1])
    fresh = int(first.size)
    for start, end in bounds.T:
        members = order[start:end]
        labels = components(points[members], tolerance)
        groups[members] = fresh + labels
        fresh += int(labels.max()) + 1
    return groups


def _distance(points: Floats, reference: Ints) -> Floats:
    return np.asarray(np.abs(points - points[reference]).max(axis=1))


def _logarithms(spacing_mm: Floats) -> Floats:
    """Return logarithms, whose differences are ratios; no spacing is far from every spacing."""
    return np.where(spacing_mm > 0, np.log(np.where(spacing_mm > 0, spacing_mm, 1.0)), -1e3)
