"""What values an attribute has in each group: how many, which are commonest, and the range of numbers."""

import polars as pl

from dqkit.catalog.schema import ATTRIBUTES, INT, REAL, TEXT, Schema
from dqkit.privacy.identifying import is_identifying
from dqkit.profile.completeness import OF_SERIES

MOST_COMMON = 10
"""Values of an attribute that a group lists."""

_LONGEST = 80
_DIGITS = 4  # significant ones by which numbers count as one value: 0.9765625 and 0.976562 are one spacing

VALUES: Schema = {
    "group": pl.UInt32(),
    "attribute": TEXT,
    "distinct": INT,
    "commonest": pl.List(pl.Struct({"value": pl.String(), "n": pl.Int64()})),  # null for identifying attributes
    "min": REAL,
    "median": REAL,
    "max": REAL,
}
"""Of series with one value; `commonest`, `min`, `median` and `max` stay null for what identifies a person."""


def values_of(series: pl.LazyFrame, attributes: tuple[str, ...] = OF_SERIES) -> pl.DataFrame:
    """Return a row for each group and attribute that has a value there.

    Parameters
    ----------
    series
        The series table with `group` (profile.grouping).
    """
    public = tuple(name for name in attributes if not is_identifying(name))
    numbers = tuple(name for name in public if _is_number(ATTRIBUTES[name]))
    hidden = tuple(name for name in attributes if is_identifying(name))
    counted = [_counted(series, name) for name in public]
    ranges = series.group_by("group").agg(expr for name in numbers for expr in _range(name))
    distinct = series.group_by("group").agg(pl.col(name).drop_nulls().n_unique().alias(name) for name in hidden)
    *tops, spans, uniques = pl.collect_all([*counted, ranges, distinct])
    commonest = pl.concat(tops) if tops else pl.DataFrame(schema=_NO_COUNTS)
    of_ranges = pl.concat(
        [
            spans.select("group", pl.lit(n).alias("attribute"), *(pl.col(f"{n} {w}").alias(w) for w in _SPAN))
            for n in numbers
        ]
        or [pl.DataFrame(schema={"group": pl.UInt32, "attribute": pl.String, **dict.fromkeys(_SPAN, pl.Float64)})]
    )
    known = commonest.join(of_ranges, on=["group", "attribute"], how="left")
    if hidden:
        only_counts = uniques.unpivot(hidden, index="group", variable_name="attribute", value_name="distinct")
        known = pl.concat([known, only_counts.filter(pl.col("distinct") > 0)], how="diagonal_relaxed")
    return known.select(pl.col(name).cast(kind) for name, kind in VALUES.items())


_NO_COUNTS = {name: VALUES[name] for name in ("group", "attribute", "distinct", "commonest")}
_SPAN = ("min", "median", "max")


def as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """Return the values of a column as text that equal values share; lists with backslashes, as in DICOM."""
    column = pl.col(name)
    if isinstance(kind, pl.List):
        inner = pl.element()
        if isinstance(kind.inner, pl.Float64):
            inner = _number_text(inner)
        text = column.list.eval(inner.cast(pl.String)).list.join("\\")
    elif isinstance(kind, pl.Float64):
        text = _number_text(column)
    else:
        text = column.cast(pl.String)
    return text.str.strip_chars().str.slice(0, _LONGEST).alias(name)


def _number_text(value: pl.Expr) -> pl.Expr:
    return value.round_sig_figs(_DIGITS).cast(pl.String).str.strip_suffix(".0")


def _is_number(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Float64 | pl.Int64) or (
        isinstance(kind, pl.List) and isinstance(kind.inner, pl.Float64 | pl.Int64)
    )


def _counted(series: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return the commonest values of one attribute in each group."""
    each = (
        series.select("group", as_text(name, ATTRIBUTES[name]).alias("value"))
        .filter(pl.col("value").is_not_null())
        .group_by("group", "value")
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .sort("n", "value", descending=[True, False])
    )
    return each.group_by("group").agg(
        pl.lit(name).alias("attribute"),
        pl.len().cast(pl.Int64).alias("distinct"),
        pl.struct("value", "n").head(MOST_COMMON).alias("commonest"),
    )


def _range(name: str) -> list[pl.Expr]:
    kind = ATTRIBUTES[name]
    value = pl.col(name).list.first() if isinstance(kind, pl.List) else pl.col(name)
    real = value.cast(pl.Float64).filter(value.cast(pl.Float64).is_finite())
    return [getattr(real, what)().alias(f"{name} {what}") for what in _SPAN]
