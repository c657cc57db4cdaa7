"""Slices -> an evenly spaced volume: copies dropped, gaps and uneven steps split at or interpolated, as was planned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqkit.geometry.tolerances import GRID_MM, GRID_RATIO, SAME_PLACE_LIMITS_MM, STEP_RATIO
from dqkit.harmonize.load import Slices
from dqkit.harmonize.placed import affine_of
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Step, Volume

Floats = NDArray[np.float64]

SLIP = 1 / 8
"""A smallest step below this part of the median is no step to lay all slices out by. House style."""


@dataclass(frozen=True)
class EvenVolume:
    """A volume whose slices are evenly spaced, and how they were made of the source slices.

    Attributes
    ----------
    weights
        Share of each source slice in each slice, shape (slices, sources); rows sum to 1.
    slices
        The source slices.
    """

    volume: Volume
    weights: Floats
    slices: Slices


def without_copies(slices: Slices) -> Slices:
    """Drop slices that stand where the one before stands and hold the same values.

    Raises
    ------
    Refused
        Slices at one place differ.
    """
    near = max(SAME_PLACE_LIMITS_MM[0], min(SAME_PLACE_LIMITS_MM[1], 0.02 * min(slices.spacing_mm)))
    apart = np.diff(slices.positions_mm, prepend=-np.inf) > near
    if apart.all():
        return slices
    kept = np.maximum.accumulate(np.where(apart, np.arange(apart.size), 0))
    for i in np.flatnonzero(~apart):
        if not np.array_equal(slices.voxels[i], slices.voxels[kept[i]]):
            raise Refused(Reason.DUPLICATES_DIFFER, "slices at one place hold different values")
    return slices.take(np.flatnonzero(apart).tolist())


def is_even(positions_mm: Sequence[float] | Floats) -> bool:
    """Tell whether positions, ascending, have one step, by the tolerances of docs/geometry.md."""
    steps = np.diff(np.asarray(positions_mm, dtype=np.float64))
    if steps.size == 0:
        return True
    nominal = float(np.sort(steps)[(steps.size - 1) // 2])
    if nominal <= 0:
        return False
    if np.abs(steps - nominal).max() <= STEP_RATIO * nominal:
        return True
    place = np.arange(steps.size + 1) - steps.size / 2
    away = np.asarray(positions_mm) - np.mean(positions_mm)
    pitch = (place * away).sum() / (place**2).sum()
    return bool(np.abs(away - pitch * place).max() <= min(GRID_MM, GRID_RATIO * nominal))


def even_runs(positions_mm: Sequence[float]) -> list[tuple[int, int]]:
    """Return the runs of slices (first, last + 1) that have one step each, longest first steps taken greedily."""
    runs, start = [], 0
    while start < len(positions_mm):
        end = min(start + 2, len(positions_mm))
        while end < len(positions_mm) and is_even(positions_mm[start : end + 1]):
            end += 1
        runs.append((start, end))
        start = end
    return runs


def even_volume(slices: Slices, *, interpolate: bool) -> EvenVolume:
    """Return the slices as one evenly spaced volume.

    Parameters
    ----------
    interpolate
        Slices that are missing or off an even grid are found between their neighbours; otherwise such stacks are
        refused.

    Raises
    ------
    Refused
        The slices are not evenly spaced, and are not to be interpolated.
    """
    positions = slices.positions_mm
    index = np.arange(positions.size, dtype=np.float64)
    if not is_even(positions):
        if not interpolate:
            raise Refused(Reason.IRREGULAR, "slices are not evenly spaced")
        return _interpolated(slices, positions)
    volume = _volume(slices, slices.voxels, index)
    return EvenVolume(volume, np.eye(positions.size), slices)


def _volume(slices: Slices, voxels: NDArray[np.generic], index: Floats) -> Volume:
    affine = affine_of(slices.axes, slices.spacing_mm, slices.origins_mm, index, slices.thickness_mm or 1.0)
    said = {
        "convention": slices.scale.convention,
        "background": slices.background,
        "padding_voxels": slices.padding,
        "monochrome1_inverted": slices.scale.inverted,
    }
    return Volume(voxels, affine, slices.scale.unit, slices.background, (Step("load", said, affine),))


def _interpolated(slices: Slices, positions: Floats) -> EvenVolume:
    """Interpolate linearly along the stack; slices that lie on the even grid stay as they are."""
    step = _even_step(positions)
    count = round(float(np.ptp(positions)) / step) + 1
    grid = np.linspace(positions[0], positions[-1], count)
    near = min(GRID_MM, GRID_RATIO * step)
    weights = np.zeros((count, positions.size))
    for k, place in enumerate(grid):
        i = int(np.abs(positions - place).argmin())
        if abs(positions[i] - place) <= near:
            weights[k, i] = 1.0
            continue
        after = int(np.searchsorted(positions, place))
        share = (place - positions[after - 1]) / (positions[after] - positions[after - 1])
        weights[k, after - 1], weights[k, after] = 1 - share, share
    voxels = np.empty((count, *slices.voxels.shape[1:]), slices.voxels.dtype)
    for k in range(count):
        used = np.flatnonzero(weights[k])
        voxels[k] = slices.voxels[used[0]] * weights[k, used[0]]
        for i in used[1:]:
            voxels[k] += slices.voxels[i] * weights[k, i]
    index = (positions - positions[0]) / (grid[1] - grid[0])
    volume = _volume(slices, voxels, index)
    made = int((weights.max(axis=1) < 1).sum())
    done = {"step_mm": float(grid[1] - grid[0]), "slices": count, "slices_interpolated": made}
    return EvenVolume(volume.after("even", parameters=done), weights, slices)


def _even_step(positions: Floats) -> float:
    """Return the step of the even grid: the smallest, so that no slice is lost, unless it is a slip among others."""
    steps = np.sort(np.diff(positions))
    usual = float(steps[(steps.size - 1) // 2])
    return float(steps[0]) if steps[0] >= SLIP * usual else usual
