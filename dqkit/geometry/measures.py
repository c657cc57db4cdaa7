"""What is measured of a stack: steps, gaps, duplicates, tilt, and the verdict that follows."""

from dataclasses import dataclass

import numpy as np

from dqkit.geometry.frames import Flags, Floats, Frames, Ints
from dqkit.geometry.places import nearness_mm, normals, places, positions_mm
from dqkit.geometry.tolerances import (
    FEWEST_SLICES,
    GAP_RATIO,
    GRID_MM,
    GRID_RATIO,
    OBLIQUE_COSINE,
    OFF_LINE_DEFAULT_MM,
    OFF_LINE_PIXELS,
    SHEAR_DEG,
    STEP_RATIO,
)
from dqkit.model import StackVerdict


@dataclass(frozen=True)
class Slices:
    """Frames in the order of their stacks and, inside a stack, of their positions.

    Attributes
    ----------
    frame
        Index of the frame, shape (n,).
    stack
        Number of its stack, shape (n,), ascending, every number from 0 on in use.
    start
        First slice of each stack, shape (k,).
    index
        Index of the slice in its stack, shape (n,).
    position_mm
        Projection of the origin on the stack's normal, shape (n,).
    place
        Index of its place in the stack, shape (n,); slices at one place have one index.
    normal
        Unit normal of each stack, shape (k, 3); zeros where the direction cosines span no plane.
    """

    frame: Ints
    stack: Ints
    start: Ints
    index: Ints
    position_mm: Floats
    place: Ints
    normal: Floats

    @property
    def count(self) -> Ints:
        """Slices of each stack, shape (k,)."""
        return np.diff(self.start, append=self.stack.size)

    def per_stack(self, values: Floats) -> Floats:
        """Return the sums of `values` (n,) over each stack, shape (k,)."""
        return np.asarray(np.add.reduceat(values, self.start))


@dataclass(frozen=True)
class Steps:
    """Steps between neighbouring places of the stacks; slices at one place make no step.

    Attributes
    ----------
    after
        Index into the slices: the last slice below each step, shape (m,), ascending.
    stack
        Stack of each step, shape (m,).
    size_mm
        Length of each step, shape (m,).
    nominal_mm
        Median of each stack, shape (k,), the lower of the middle two; NaN where there is no step.
    least_mm, largest_mm
        Extremes of each stack, shape (k,); NaN where there is no step.
    is_gap
        Which steps skip at least one slice, shape (m,).
    """

    after: Ints
    stack: Ints
    size_mm: Floats
    nominal_mm: Floats
    least_mm: Floats
    largest_mm: Floats
    is_gap: Flags


@dataclass(frozen=True)
class Line:
    """The straight line through the origins of each stack, by least squares over the position.

    Attributes
    ----------
    tilt_deg
        Angle between line and slice normal, shape (k,); NaN where the stack has one place only.
    off_axis_mm
        Largest distance of an origin from the line, shape (k,); NaN as above.
    """

    tilt_deg: Floats
    off_axis_mm: Floats


def slices_of(frames: Frames, stacks: Ints) -> Slices:
    """Sort frames into slices; `stacks` (n,) is the number of each frame's stack."""
    normal = normals(frames.directions, stacks)
    position = positions_mm(frames, normal, stacks)
    place = places(position, stacks, nearness_mm(frames.spacing_mm))
    number = frames.table["number"].fill_null(np.inf).to_numpy()
    order = np.lexsort((number, position, stacks))
    stack = stacks[order]
    start = np.flatnonzero(np.diff(stack, prepend=-1))
    return Slices(
        frame=order.astype(np.int64),
        stack=stack,
        start=start.astype(np.int64),
        index=np.arange(stack.size) - start[stack],
        position_mm=position[order],
        place=place[order],
        normal=normal,
    )


def steps_of(slices: Slices) -> Steps:
    """Measure the steps between places."""
    inside = np.diff(slices.stack) == 0
    after = np.flatnonzero(inside & (np.diff(slices.place) > 0))
    stack = slices.stack[after]
    size = np.abs(np.diff(slices.position_mm)[after])
    nominal, least, largest = (np.full(slices.start.size, np.nan) for _ in range(3))
    if after.size:
        have, first, count = np.unique(stack, return_index=True, return_counts=True)
        ascending = size[np.lexsort((size, stack))]
        nominal[have] = ascending[first + (count - 1) // 2]
        least[have], largest[have] = ascending[first], ascending[first + count - 1]
    return Steps(after, stack, size, nominal, least, largest, _gaps(stack, size, nominal[stack]))


def _gaps(stack: Ints, size_mm: Floats, nominal_mm: Floats) -> Flags:
    """Return which steps are gaps: wide ones, but not those of a part with a wider spacing of its own.

    Where even wide steps reach from somewhere to an end of the stack, the protocol changed on the way: no slice
    was lost.
    """
    wide = np.asarray(size_mm >= GAP_RATIO * nominal_mm)
    start = np.flatnonzero(np.diff(stack, prepend=-1))
    end = np.append(start[1:], stack.size)
    many = np.add.reduceat(wide, start, dtype=np.int64) >= FEWEST_SLICES if start.size else np.empty(0, dtype=np.bool_)
    for low, high in zip(start[many], end[many], strict=True):
        leading, trailing = low + wide[low:high].argmin(), high - wide[low:high][::-1].argmin()
        for part in (slice(low, leading), slice(trailing, high)):
            run = size_mm[part]
            if run.size >= FEWEST_SLICES and np.ptp(run) <= STEP_RATIO * run[0]:
                wide[part] = False
    return wide


def line_of(frames: Frames, slices: Slices) -> Line:
    """Fit a line through the origins of each stack."""
    origin, stack = frames.origin_mm[slices.frame], slices.stack
    mean = np.stack([slices.per_stack(c) for c in origin.T], axis=1) / slices.count[:, None]
    away = origin - mean[stack]
    along = (away * slices.normal[stack]).sum(axis=1)
    spread = slices.per_stack(along**2)
    has_line = np.maximum.reduceat(slices.place, slices.start) > 0
    slope = np.stack([slices.per_stack(along * c) for c in away.T], axis=1)
    slope = np.divide(slope, spread[:, None], out=np.zeros_like(slope), where=has_line[:, None])
    aside = np.linalg.norm(slope - slices.normal * (slope * slices.normal).sum(axis=1, keepdims=True), axis=1)
    length = np.linalg.norm(slope, axis=1, keepdims=True)
    unit = np.divide(slope, length, out=np.zeros_like(slope), where=length > 0)
    off = away - (away * unit[stack]).sum(axis=1, keepdims=True) * unit[stack]
    distance = np.maximum.reduceat(np.linalg.norm(off, axis=1), slices.start)
    return Line(
        tilt_deg=np.where(has_line, np.degrees(np.arctan2(aside, 1.0)), np.nan),
        off_axis_mm=np.where(has_line, distance, np.nan),
    )


def verdicts(frames: Frames, slices: Slices, steps: Steps, line: Line) -> list[str]:
    """Return the verdict of each stack, the gravest that holds (docs/geometry.md)."""
    n_places = np.maximum.reduceat(slices.place, slices.start) + 1
    gaps = np.bincount(steps.stack[steps.is_gap], minlength=slices.start.size)
    pixel = frames.spacing_mm.min(axis=1)[slices.frame[slices.start]]
    allowed = np.where(pixel > 0, OFF_LINE_PIXELS * pixel, OFF_LINE_DEFAULT_MM)
    with np.errstate(invalid="ignore"):
        cases = [
            (slices.count == 1, StackVerdict.SINGLE),
            (n_places < slices.count, StackVerdict.AMBIGUOUS),
            (line.off_axis_mm > allowed, StackVerdict.NOT_COLLINEAR),
            (gaps > 0, StackVerdict.MISSING),
            (_uneven(slices, steps), StackVerdict.VARIABLE),
            (line.tilt_deg > SHEAR_DEG, StackVerdict.SHEARED),
        ]
    names = [str(verdict) for _, verdict in cases]
    chosen: list[str] = np.select([holds for holds, _ in cases], names, str(StackVerdict.OK)).tolist()
    return chosen


def _uneven(slices: Slices, steps: Steps) -> Flags:
    """Return which stacks have steps that differ, and slices off every even grid."""
    spread = np.maximum(steps.largest_mm - steps.nominal_mm, steps.nominal_mm - steps.least_mm)
    n = slices.count.astype(np.float64)
    place = slices.place.astype(np.float64)
    place_off = place - (slices.per_stack(place) / n)[slices.stack]
    position_off = slices.position_mm - (slices.per_stack(slices.position_mm) / n)[slices.stack]
    square = slices.per_stack(place_off**2)
    pitch = np.divide(slices.per_stack(place_off * position_off), square, out=np.zeros_like(n), where=square > 0)
    residual = np.maximum.reduceat(np.abs(position_off - pitch[slices.stack] * place_off), slices.start)
    with np.errstate(invalid="ignore"):
        off_grid = residual > np.minimum(GRID_MM, GRID_RATIO * steps.nominal_mm)
        return np.asarray((spread > STEP_RATIO * steps.nominal_mm) & off_grid)


def slices_missing(slices: Slices, steps: Steps) -> Ints:
    """Return how many whole steps the gaps of each stack skip, shape (k,)."""
    lost = np.rint(steps.size_mm / steps.nominal_mm[steps.stack]) - 1
    total = np.bincount(steps.stack, weights=np.where(steps.is_gap, lost, 0.0), minlength=slices.start.size)
    return total.astype(np.int64)


def planes(normal: Floats) -> list[str | None]:
    """Name the plane of each unit normal (k, 3) by its largest component; null where there is no normal."""
    size = np.abs(normal)
    axis = size.argmax(axis=1)
    names = np.array(["SAGITTAL", "CORONAL", "AXIAL"], dtype=object)[axis]
    names[size.max(axis=1) < OBLIQUE_COSINE] = "OBLIQUE"
    names[size.max(axis=1) == 0] = None
    named: list[str | None] = names.tolist()
    return named


def slice_location_errors_mm(location_mm: Floats, slices: Slices, steps: Steps, line: Line) -> Floats:
    """Return how far SliceLocation's steps are from the measured ones, shape (k,), mm; NaN where it is absent.

    Of a tilted stack scanners count along the table: its steps are compared with those along the line too, and the
    better agreement counts.

    Parameters
    ----------
    location_mm
        SliceLocation (PS3.3 C.7.6.2.1.2) of each slice in their order, shape (n,).
    """
    error = np.full(slices.start.size, np.nan)
    if steps.after.size == 0:
        return error
    with np.errstate(invalid="ignore", over="ignore"):
        told = np.abs(location_mm[steps.after + 1] - location_mm[steps.after])
        along = steps.size_mm / np.cos(np.radians(np.nan_to_num(line.tilt_deg)))[steps.stack]
        have, first = np.unique(steps.stack, return_index=True)
        normal_error = np.maximum.reduceat(np.abs(told - steps.size_mm), first)
        error[have] = np.fmin(normal_error, np.maximum.reduceat(np.abs(told - along), first))
    return np.where(np.isfinite(error), error, np.nan)


def number_order(number: Floats, slices: Slices) -> list[bool | None]:
    """Return whether the numbers (n,) of the slices ascend or descend with their position; null if unknown."""
    k = slices.start.size
    inside = np.flatnonzero(np.diff(slices.stack) == 0)
    stack = slices.stack[inside]
    with np.errstate(invalid="ignore"):
        rise = np.diff(number)[inside]
        up = np.bincount(stack[rise > 0], minlength=k)
        down = np.bincount(stack[rise < 0], minlength=k)
    pairs = slices.count - 1
    absent = np.bincount(slices.stack[~np.isfinite(number)], minlength=k) > 0
    repeats = np.maximum.reduceat(slices.place, slices.start) + 1 < slices.count
    known = (pairs > 0) & ~absent & ~repeats
    agrees = (up == pairs) | (down == pairs)
    return [bool(a) if ok else None for a, ok in zip(agrees, known, strict=True)]
