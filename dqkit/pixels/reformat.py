"""A cut across the slices of a stack, in true millimetres, each slice drawn where it was measured.

Nothing is interpolated between slices: a place that no slice covers stays empty, so that it can be marked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.pixels.slices import Slice, Values

_AXIAL = 2
_LINES_AVERAGED = 1


@dataclass(frozen=True)
class Cut:
    """A cut across a stack before it is drawn.

    Attributes
    ----------
    lines
        Slice index -> samples along the axis that the cut keeps.
    step_mm
        Between those samples.
    positions_mm
        Slice index -> place along the slice normal, as measured.
    offsets_mm
        Slice index -> place of the first sample along the kept axis.
    rows_are_slices
        Slices lie as rows of the picture (an axial stack), else as columns.
    line
        Which row (column) of every slice the samples are, those beside it averaged.
    flip_positions, flip_samples
        Whether the picture starts with the last slice, or with the last sample, so that the head is up.
    """

    lines: Mapping[int, Values]
    step_mm: float
    positions_mm: Mapping[int, float]
    offsets_mm: Mapping[int, float]
    line: int
    rows_are_slices: bool
    flip_positions: bool
    flip_samples: bool


@dataclass(frozen=True)
class View:
    """The part of a cut that is drawn: along the normal and along the kept axis, in mm, at pixels per mm."""

    start_mm: float
    end_mm: float
    left_mm: float
    right_mm: float
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels along the normal and along the kept axis."""
        return (
            max(1, round((self.end_mm - self.start_mm) * self.scale)),
            max(1, round((self.right_mm - self.left_mm) * self.scale)),
        )


def cut(
    slices: Mapping[int, Slice], positions_mm: Sequence[float], *, lost: Sequence[int] = (), keep: str | None = None
) -> Cut:
    """Cut through the middle of the body.

    Parameters
    ----------
    positions_mm
        Of all slices of the stack, by slice index.
    lost
        Indices of slices that cannot be decoded; nothing is drawn there.
    keep
        ``row`` or ``column``: the in-plane axis that the cut keeps; by default the one that makes the cut coronal
        (sagittal for a coronal stack).
    """
    indices = sorted(slices)
    first = slices[indices[0]]
    travel = _travel(slices)
    axial = travel is None or int(np.argmax(np.abs(travel))) == _AXIAL
    keep = keep or ("row" if axial else "column")
    middle = _middle(slices[indices[len(indices) // 2]], keep)
    kept = first.row if keep == "row" else first.column
    offsets = {i: _offset(slices[i], first, kept) for i in indices}
    lines = {i: _line(slices[i].values, keep, middle) for i in indices}
    head_is_last = travel is not None and travel[_AXIAL] > 0
    return Cut(
        lines=lines | dict.fromkeys(lost, np.full(len(lines[indices[0]]), np.nan)),
        step_mm=first.spacing_mm[1] if keep == "row" else first.spacing_mm[0],
        positions_mm={i: positions_mm[i] for i in [*indices, *lost]},
        offsets_mm=offsets | dict.fromkeys(lost, 0.0),
        line=middle,
        rows_are_slices=axial,
        flip_positions=axial and head_is_last,
        flip_samples=not axial and kept is not None and kept[_AXIAL] > 0.5,  # noqa: PLR2004
    )


def drifting_axis(slices: Mapping[int, Slice]) -> str:
    """Return the in-plane axis (``row`` or ``column``) along which the origins drift most."""
    first, last = slices[min(slices)], slices[max(slices)]
    return "row" if abs(_offset(last, first, first.row)) > abs(_offset(last, first, first.column)) else "column"


def _travel(slices: Mapping[int, Slice]) -> Values | None:
    """Return the unit vector along which the stack ascends."""
    first, last = slices[min(slices)], slices[max(slices)]
    if first.row is None or first.column is None:
        return None
    normal = np.asarray(np.cross(first.row, first.column))
    if first.origin_mm is None or last.origin_mm is None:
        return normal
    return np.asarray(normal if (last.origin_mm - first.origin_mm) @ normal >= 0 else -normal)


def _offset(one: Slice, first: Slice, axis: Values | None) -> float:
    if axis is None or one.origin_mm is None or first.origin_mm is None:
        return 0.0
    return float((one.origin_mm - first.origin_mm) @ axis)


def _middle(one: Slice, keep: str) -> int:
    """Return the row (or column) through the centre of the body on a middle slice."""
    values = one.values if keep == "row" else one.values.T
    bright = values > np.nanpercentile(values, 50)
    weight = bright.sum(axis=1)
    if not weight.any():
        return len(weight) // 2
    centre = float(weight @ np.arange(len(weight)) / weight.sum())
    return int(np.clip(round(centre), len(weight) // 4, 3 * len(weight) // 4))


def _line(values: Values, keep: str, middle: int) -> Values:
    """Return the mean of a few neighbouring lines, which tells tissue from noise."""
    across = values if keep == "row" else values.T
    middle = min(middle, len(across) - 1)
    start, stop = max(0, middle - _LINES_AVERAGED), middle + _LINES_AVERAGED + 1
    return np.asarray(across[start:stop].mean(axis=0))


def whole(of: Cut, most_along: float, most_across: float, *, slice_mm: float, offsets: bool = False) -> View:
    """Return the view of all of a cut that fits in a picture (pixels along the normal, along the kept axis)."""
    positions, n = list(of.positions_mm.values()), max(len(line) for line in of.lines.values())
    start, end = min(positions) - slice_mm / 2, max(positions) + slice_mm / 2
    shifts = list(of.offsets_mm.values()) if offsets else [0.0]
    left, right = min(shifts), max(shifts) + n * of.step_mm
    return View(start, end, left, right, min(most_along / (end - start), most_across / (right - left)))


def zoomed(view: View, onto_mm: tuple[float, float], least_pixels: float, most: float = 3.0) -> View:
    """Return `view` enlarged, at most `most` times, until the part `onto_mm` of the normal is `least_pixels` thick."""
    thick = (onto_mm[1] - onto_mm[0]) * view.scale
    factor = min(most, max(1.0, least_pixels / max(thick, 1e-6)))
    along, across = (view.end_mm - view.start_mm) / factor, (view.right_mm - view.left_mm) / factor
    start = min(max((onto_mm[0] + onto_mm[1] - along) / 2, view.start_mm), view.end_mm - along)
    middle = (view.left_mm + view.right_mm) / 2
    return View(start, start + along, middle - across / 2, middle + across / 2, view.scale * factor)


def draw(of: Cut, view: View, gaps_mm: Sequence[tuple[float, float]], *, offsets: bool = False) -> Values:
    """Draw a cut as (pixels along the normal, pixels along the kept axis); NaN where no slice is.

    Parameters
    ----------
    gaps_mm
        Stretches of the normal that no slice covers.
    offsets
        Draw each slice where its origin lies along the kept axis, not flush with the first.
    """
    along, across = view.shape
    drawn = np.full((along, across), np.nan)
    indices = sorted(of.lines)
    positions = np.array([of.positions_mm[i] for i in indices])
    places = view.start_mm + (np.arange(along) + 0.5) / view.scale
    nearest = np.array(indices)[np.abs(places[:, None] - positions[None, :]).argmin(axis=1)]
    samples = view.left_mm + (np.arange(across) + 0.5) / view.scale
    for i in np.unique(nearest):
        line = of.lines[int(i)]
        at = (samples - (of.offsets_mm[int(i)] if offsets else 0.0)) / of.step_mm - 0.5
        values = np.interp(at, np.arange(len(line)), line)
        values[np.abs(at - (len(line) - 1) / 2) > len(line) / 2] = np.nan
        drawn[nearest == i] = values
    drawn[inside(np.asarray(places), gaps_mm)] = np.nan
    return drawn


def inside(places_mm: NDArray[Any], stretches_mm: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Return which places lie in one of the stretches."""
    found = np.zeros(len(places_mm), bool)
    for start, end in stretches_mm:
        found |= (places_mm >= start) & (places_mm <= end)
    return found


def gap_mask(view: View, gaps_mm: Sequence[tuple[float, float]], least_pixels: int) -> NDArray[np.bool_]:
    """Return which pixels along the normal are a gap; each gap is at least `least_pixels` thick."""
    along = view.shape[0]
    mask = np.zeros(along, bool)
    for start, end in gaps_mm:
        middle, half = (start + end) / 2, max((end - start) / 2, least_pixels / 2 / view.scale)
        first = round((middle - half - view.start_mm) * view.scale)
        last = max(first + least_pixels, round((middle + half - view.start_mm) * view.scale))
        mask[max(0, first) : max(0, last)] = True
    return mask


def upright(of: Cut, drawn: NDArray[Any]) -> NDArray[Any]:
    """Turn an array (along the normal, along the kept axis, …) so that the head is up."""
    turned = drawn[::-1] if of.flip_positions else drawn
    turned = turned[:, ::-1] if of.flip_samples else turned
    return turned if of.rows_are_slices else turned.swapaxes(0, 1)


def pixel(of: Cut, view: View, along_mm: float, across_mm: float) -> tuple[float, float]:
    """Return where (x, y) in the upright picture a place of the cut lies."""
    height, width = view.shape
    down, right = (along_mm - view.start_mm) * view.scale, (across_mm - view.left_mm) * view.scale
    down = height - down if of.flip_positions else down
    right = width - right if of.flip_samples else right
    return (right, down) if of.rows_are_slices else (down, right)
