"""What is usual: the range or the values that a group of series keeps to, but for its exceptions."""

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

COMMON = 0.1
"""Share of a group from which a value is usual however far it stands from the others. House style."""

LEAST_COMMON = 3
"""Series that a usual value has at least."""

LEAST_KEPT = 0.9
"""Share of a group that must keep to what was learnt; else there is no protocol to speak of. House style."""

FENCE = 3.0
"""Distances between the quartiles by which a value may stand off them: Tukey's outer fence (Exploratory Data
Analysis, 1977)."""

WIDEST = 3.0
"""Upper by lower end from which a range says nothing. House style."""

_ROOM = 0.005  # share by which the ends of what varies are moved outward
_NEXT_TO_NOTHING = 0.1  # a gap between slices of 0.1 mm is none
_DIGITS = 4
_MOST_VALUES = 6


@dataclass(frozen=True)
class Usual:
    """What was learnt: param -> value, and how many of how many keep to it; without values, nothing worth saying."""

    values: dict[str, Any]
    kept: int
    n: int


def usual_range(
    low: pl.Series, high: pl.Series, least: str | None, most: str | None, *, whole: bool = False
) -> Usual | None:
    """Learn the range of a number.

    Parameters
    ----------
    low, high
        The least and greatest value of each entity; the same where it has one value.
    least, most
        Names of the params that bound it; None where nothing does.
    whole
        Whether it counts something, so that bounds are whole numbers.

    Returns
    -------
    None where too few keep to it, or where it is so wide that it says nothing.
    """
    bounds: dict[str, Any] = {}
    inside = pl.Series([True] * len(low), dtype=pl.Boolean)
    if least:
        bounds[least] = _bound(low, -1, whole=whole)
        inside &= low >= bounds[least]
    if most:
        bounds[most] = _bound(high, 1, whole=whole)
        inside &= high <= bounds[most]
    if _is_wide(bounds.get(least or ""), bounds.get(most or ""), low, high):
        return None
    if whole and not most and bounds.get(least or "", 0) <= 1:
        return Usual({}, len(low), len(low))  # one image at least: that says nothing, and varies no more than it may
    return _if_kept(bounds, int(inside.sum()), len(low))


def usual_values(values: pl.Series, param: str) -> Usual | None:
    """Learn the few values of a text; of a list, those that every item must be one of."""
    n = len(values)
    items = values.list.explode() if isinstance(values.dtype, pl.List) else values
    counts = items.value_counts(sort=True).drop_nulls()
    found = counts.filter(pl.col("count") >= _least_common(n)).get_column(items.name).sort().to_list()
    if not found or len(found) > _MOST_VALUES:
        return None
    inside = values.list.eval(pl.element().is_in(found)).list.all() if values.dtype == pl.List else values.is_in(found)
    return _if_kept({param: found}, int(inside.sum()), n)


def usual_set(lists: pl.Series, param: str, without: frozenset[str] = frozenset()) -> Usual | None:
    """Learn which items nearly every list holds: the series of an examination, the views of a mammogram."""
    n = len(lists)
    counts = lists.list.unique().list.explode().drop_nulls().value_counts()
    items = counts.filter(pl.col("count") >= LEAST_KEPT * n).get_column(lists.name).sort().to_list()
    found = [item for item in items if item not in without]
    if not found:
        return None
    holds = pl.Series([set(found) <= set(one) for one in lists.to_list()], dtype=pl.Boolean)
    return _if_kept({param: found}, int(holds.sum()), n)


def usual_presence(present: pl.Series) -> Usual | None:
    """Learn that nearly all have something."""
    return _if_kept({}, int(present.sum()), len(present))


def usual_cover(lists: pl.Series, param: str) -> Usual | None:
    """Learn which numbers nearly every list holds, as narrow ranges: the b-values of a diffusion study."""
    rounded = lists.list.eval((pl.element() / 10).round() * 10)
    found = usual_set(rounded, param)
    if found is None:
        return None
    width = {value: max(value * 0.1, 5) for value in found.values[param]}
    ranges = [[max(value - width[value], 0), value + width[value]] for value in found.values[param]]
    return Usual({param: ranges}, found.kept, found.n)


def _if_kept(values: dict[str, Any], kept: int, n: int) -> Usual | None:
    return Usual(values, kept, n) if n and kept >= LEAST_KEPT * n else None


def _least_common(n: int) -> float:
    return max(COMMON * n, LEAST_COMMON)


def _bound(values: pl.Series, side: int, *, whole: bool) -> float:
    """Return the least (`side` -1) or greatest (1) usual value, moved outward to few digits.

    Usual is what lies within the outer fences, or is common. An end that is no common setting gets some room for what
    was not seen yet.
    """
    real = values.cast(pl.Float64)
    first, third = real.quantile(0.25, "lower") or 0.0, real.quantile(0.75, "higher") or 0.0
    fence = FENCE * (third - first)
    rounded = real.round_sig_figs(_DIGITS)
    counts = rounded.alias("value").value_counts()
    common = counts.filter(pl.col("count") >= _least_common(len(real))).get_column("value")
    usual = real.filter(rounded.is_in(common.implode()) | real.is_between(first - fence, third + fence))
    end = float((usual.min() if side < 0 else usual.max()) or 0.0)  # type: ignore[arg-type]
    if whole:
        return math.floor(end) if side < 0 else math.ceil(end)
    is_setting = _rounded(end) in set(common.to_list())
    return _outward(end, side, 0.0 if is_setting else _ROOM)


def _rounded(value: float) -> float:
    """Round as the values of a column are, so that equal settings are equal."""
    return float(pl.Series([value]).round_sig_figs(_DIGITS)[0])


def _is_wide(lower: float | None, upper: float | None, low: pl.Series, high: pl.Series) -> bool:
    """Tell a range that says nothing: its ends are far from each other, or from what half of the group have."""
    if lower is not None and upper is not None and lower > 0:
        return upper > WIDEST * lower
    middle_low, middle_high = (abs(float(ends.median() or 0.0)) for ends in (low, high))  # type: ignore[arg-type]
    is_low = lower is not None and (upper is None or lower != 0) and lower * WIDEST < middle_low
    return is_low or (upper is not None and upper > WIDEST * middle_high + _NEXT_TO_NOTHING)


def _outward(value: float, side: int, room: float) -> float:
    """Move a bound outward by a share of it, and write it with few digits."""
    moved = value + side * abs(value) * room
    if moved == 0:
        return 0
    step = 10.0 ** (math.floor(math.log10(abs(moved))) - _DIGITS + 1)
    steps = round(moved / step, 6)
    rounded = math.ceil(steps) if side > 0 else math.floor(steps)
    bound = float(f"{rounded * step:.{_DIGITS}g}")
    return int(bound) if bound.is_integer() else bound
