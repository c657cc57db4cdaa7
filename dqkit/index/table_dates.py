"""Dates, times and ages as tables have them, written as DICOM has them (PS3.5 6.2: DA, TM, AS)."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

_CLOCK = r"(?:[ T]\s*[0-9]{1,2}[:：][0-9]{2}.*)$"
_YEAR_FIRST = r"^([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?$"
_YEAR_LAST = r"^([0-9]{1,2})([-/.])([0-9]{1,2})[-/.]([0-9]{4})$"
_DIGITS = r"^([0-9]{8})(?:[0-9]{6}.*)?$"
_SERIAL = r"^[2-7][0-9]{4}(?:\.[0-9]+)?$"
_MONTH_NAMES = ("%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")

_WORKBOOK_EPOCH = dt.date(1899, 12, 30)
"""Day 0 of the numbers by which workbooks keep dates (after February 1900)."""

_AGE = r"^([0-9]{1,3})(?:\.0)?\s*(.*)$"
_AGE_UNITS = {
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "岁", "周岁", "年"), "Y"),
    **dict.fromkeys(("m", "mo", "month", "months", "月", "个月", "月龄"), "M"),
    **dict.fromkeys(("w", "week", "weeks", "周"), "W"),
    **dict.fromkeys(("d", "day", "days", "天", "日"), "D"),
}


@dataclass(frozen=True)
class Dates:
    """A column of dates, null where a text is none; `unclear` = day and month cannot be told apart."""

    values: pl.Series
    unclear: bool = False


def dates(text: pl.Series, form: str = "") -> Dates:
    """Type a column of dates of any usual form, with or without a time of day, or of `form` (strptime)."""
    if form:
        return Dates(text.str.to_datetime(form, strict=False).dt.date() if _has_clock(form) else _by(text, form))
    bare = text.str.replace(_CLOCK, "").str.strip_chars()
    if len(known := bare.drop_nulls()) and known.str.contains(_SERIAL).all():
        days = pl.lit(bare.cast(pl.Float64).cast(pl.Int64))
        return Dates(pl.select(pl.lit(_WORKBOOK_EPOCH) + pl.duration(days=days)).to_series())
    found = _by(bare.str.extract(_DIGITS), "%Y%m%d")
    found = _filled(found, _of_parts(bare.str.extract_groups(_YEAR_FIRST).struct.unnest(), ("1", "2", "3")))
    left = pl.select(pl.when(found.is_null()).then(bare)).to_series()
    if left.null_count() < len(left):
        last, unclear = _year_last(left)
        for form_of_names in _MONTH_NAMES:
            last = _filled(last, _by(left, form_of_names))
        return Dates(_filled(found, last), unclear)
    return Dates(found)


def _has_clock(form: str) -> bool:
    return any(sign in form for sign in ("%H", "%I", "%T", "%R"))


def _by(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_date(form, strict=False)


def _filled(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(first, second)).to_series()


def _of_parts(parts: pl.DataFrame, order: tuple[str, str, str]) -> pl.Series:
    year, month, day = order
    digits = pl.concat_str(pl.col(year), pl.col(month).str.zfill(2), pl.col(day).str.zfill(2))
    return parts.select(digits.str.to_date("%Y%m%d", strict=False)).to_series()


def _year_last(text: pl.Series) -> tuple[pl.Series, bool]:
    """Type ``05.03.2024`` and ``5/3/2024``: the values of the column must show which is the day.

    With points the day comes first everywhere.
    """
    parts = text.str.extract_groups(_YEAR_LAST).struct.unnest()
    there = parts.filter(pl.col("1").is_not_null())
    day_first, month_first = _of_parts(parts, ("4", "3", "1")), _of_parts(parts, ("4", "1", "3"))
    if there.is_empty() or (there["2"] == ".").all() or (there["1"].cast(pl.Int64) > 12).any():  # noqa: PLR2004
        return day_first, False
    if (there["3"].cast(pl.Int64) > 12).any():  # noqa: PLR2004
        return month_first, False
    if (there["1"] == there["3"]).all():
        return day_first, False
    return pl.repeat(None, len(text), dtype=pl.Date, eager=True), True


def times(text: pl.Series) -> pl.Series:
    """Write times of day as DICOM has them (``083015``); others stay as they are."""
    clock = text.str.extract(r"(?:^|[ T])([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)$")
    digits = clock.str.replace_all(":", "", literal=True)
    padded = pl.when(clock.str.contains(r"^[0-9]:")).then(pl.lit("0") + digits).otherwise(digits)
    return pl.select(pl.coalesce(padded, text)).to_series()


def ages(text: pl.Series, unit: str = "") -> pl.Series:
    """Write ages as DICOM has them (``034Y``); those without a unit have that of the column, others stay as they are.

    Parameters
    ----------
    text
        ``034Y``, ``34 岁``, ``34``.
    unit
        Of numbers alone: Y, M, W or D; empty = unknown.
    """
    parts = text.str.extract_groups(_AGE).struct.unnest()
    words = parts["2"].str.strip_chars().str.to_lowercase()
    known = words.replace_strict({**_AGE_UNITS, "": _AGE_UNITS.get(unit.lower())}, default=None, return_dtype=pl.String)
    written = pl.select(pl.concat_str(parts["1"].str.zfill(3), known)).to_series()
    exact = text.str.contains(r"^[0-9]{3}[DWMY]$")
    return pl.select(pl.when(exact).then(text).otherwise(pl.coalesce(written, text))).to_series()
