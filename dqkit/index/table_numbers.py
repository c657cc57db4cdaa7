"""Numbers as tables have them: decimal commas, units behind them, several in a cell."""

from dataclasses import dataclass

import polars as pl

from dqkit.index.table_mapping import Column
from dqkit.index.table_units import factor

_NUMBER = r"^([+-]?(?:[0-9][0-9.,]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*([^0-9\s.,+-].*)?$"
_BOTH = r"[.].*,|,.*[.]"
_SURELY_DECIMAL = r",(?:[0-9]{1,2}|[0-9]{4,})(?:[eE]|[^0-9.,]|$)"
_BRACKETS = r"[\[\](){}\"']"
_BETWEEN = r"\s*[;|x×*/]\s*"
_BACKSLASH = "\\"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, null where a text is none; `unclear` = nobody can say what its commas mean."""

    values: pl.Series
    unclear: bool = False


def numbers(text: pl.Series, column: Column, *, decimal_comma: bool, whole: bool) -> Numbers:
    """Type a column of single numbers.

    Parameters
    ----------
    text
        The cells.
    column
        What they are: attribute, unit, decimal sign.
    decimal_comma
        Whether the table has another separator than the comma.
    whole
        Whether the attribute holds integers.

    Returns
    -------
    Numbers in the unit of the attribute.
    """
    values, scale = text.cast(pl.Float64, strict=False), factor(column.to, column.unit) if column.unit else 1.0
    if values.null_count() > text.null_count() or text.str.contains(",", literal=True).any():
        parts = text.str.extract_groups(_NUMBER).struct.unnest()
        plain = _with_points(parts["1"], column.decimal, decimal_comma=decimal_comma, whole=whole)
        if plain is None:
            return Numbers(pl.repeat(None, len(text), dtype=pl.Float64, eager=True), unclear=True)
        values = plain.cast(pl.Float64, strict=False) * _scales(parts["2"], column.to, scale or 1.0)
    elif scale != 1.0:
        values = values * scale
    values = _finite(values)
    if whole:
        values = pl.select(pl.when(values == values.round()).then(values)).to_series().cast(pl.Int64, strict=False)
    return Numbers(values)


def number_lists(text: pl.Series, column: Column, *, decimal_comma: bool, whole: bool) -> Numbers:
    r"""Type a column of several numbers a cell (``0.5\0.5``, ``[0.5, 0.5]``, ``0.5 x 0.5``)."""
    bare = text.str.replace_all(_BRACKETS, "").str.strip_chars()
    if column.split:
        lists = bare.str.split(column.split)
    else:
        bare = bare.str.replace_all(_BETWEEN, _BACKSLASH, literal=False)
        if not (decimal_comma or column.decimal == ","):
            bare = bare.str.replace_all(",", _BACKSLASH, literal=True)
        lists = bare.str.replace_all(r"\s+", _BACKSLASH).str.replace_all(r"\\+", _BACKSLASH).str.split(_BACKSLASH)
    frame = pl.DataFrame({"row": pl.int_range(len(text), eager=True), "part": lists}).explode("part")
    frame = frame.with_columns(pl.col("part").str.strip_chars().replace("", None))
    typed = numbers(frame["part"], column, decimal_comma=decimal_comma, whole=whole)
    frame = frame.with_columns(typed.values.alias("value"))
    whole_ones = frame.group_by("row", maintain_order=True).agg("value", pl.col("value").null_count().alias("none"))
    values = pl.select(pl.when(whole_ones["none"] == 0).then(whole_ones["value"])).to_series()
    return Numbers(values, typed.unclear)


def _with_points(text: pl.Series, decimal: str, *, decimal_comma: bool, whole: bool) -> pl.Series | None:
    """Write decimals with a point and thousands without a sign; None where it is not clear which is which."""
    if not decimal and not text.str.contains(",", literal=True).any():
        return text
    if not decimal:
        both = text.filter(text.str.contains(_BOTH)).drop_nulls()
        if len(both):
            decimal = "," if both.str.contains(r"[.].*,").all() else "."
        elif decimal_comma or text.str.contains(_SURELY_DECIMAL).any():
            decimal = ","
        elif whole:
            decimal = "."
        else:
            return None
    thousands = "." if decimal == "," else ","
    return text.str.replace_all(thousands, "", literal=True).str.replace_all(decimal, ".", literal=True)


def _scales(units: pl.Series, keyword: str, otherwise: float) -> pl.Series:
    """Return the factor of each number: that of the unit behind it, else `otherwise`; null for an unknown unit."""
    known = {unit: factor(keyword, unit) for unit in units.drop_nulls().unique()}
    found = units.replace_strict(known, default=None, return_dtype=pl.Float64)
    return pl.select(pl.when(units.is_null()).then(otherwise).otherwise(found)).to_series()


def _finite(values: pl.Series) -> pl.Series:
    return pl.select(pl.when(values.is_finite()).then(values)).to_series()
