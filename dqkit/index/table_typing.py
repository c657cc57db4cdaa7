"""The text of a table, column by column, as typed attributes; what cannot be typed is counted, never shown."""

from dataclasses import dataclass, field

import polars as pl

from dqkit.catalog.schema import DATES
from dqkit.errors import DqkitError
from dqkit.index.table_dates import ages, dates, times
from dqkit.index.table_file import RawTable
from dqkit.index.table_mapping import IDS, TARGETS, UIDS, Column, TableMapping
from dqkit.index.table_numbers import Numbers, number_lists, numbers

_NOTHING = ("NULL", "Null", "null", "None", "nan", "NaN", "NAN", "<NA>", "NaT", "\\N", "#N/A")
"""How programs write that a cell is empty."""

_ROUNDED = r"^[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]+$"
_AS_FLOAT = r"^[0-9]+\.0$"
_SEXES = {
    **dict.fromkeys(("男", "男性", "male", "m", "man"), "M"),
    **dict.fromkeys(("女", "女性", "female", "f", "woman"), "F"),
    **dict.fromkeys(("其他", "other", "o"), "O"),
}
_TIMES = ("StudyTime", "SeriesTime", "ContentTime", "AcquisitionTime")
_CODES = ("ImageType", "ScanningSequence", "SequenceVariant", "ScanOptions", "CorrectedImage", "SeriesType")
"""Lists whose values hold neither slash nor comma (VR CS), so that tables separate them as they like."""

_MOST_TEXT = 1024
"""Characters of a text that are kept."""


@dataclass(frozen=True)
class ColumnNote:
    """Something about one column that a person should know: how many cells, never which values."""

    header: str
    to: str
    what: str
    count: int


@dataclass
class Typed:
    """A table with typed columns.

    Attributes
    ----------
    frame
        A column for each attribute (and its typed date), `varies` columns hold how many values a cell lists.
    given
        Attributes that the table has, constants too.
    varying
        Attributes of which the table says whether they vary in a series.
    notes
        What was odd.
    """

    frame: pl.DataFrame
    given: set[str] = field(default_factory=set)
    varying: set[str] = field(default_factory=set)
    notes: list[ColumnNote] = field(default_factory=list)


def typed_table(raw: RawTable, mapping: TableMapping) -> Typed:
    """Type the columns that `mapping` names.

    Raises
    ------
    DqkitError
        A column is not there or stands twice, or UIDs were rounded by a spreadsheet.
    """
    places = _places(raw, mapping)
    typed = Typed(pl.DataFrame({"row": pl.int_range(raw.cells.height, eager=True)}))
    for column, place in places:
        cells = _cleaned(raw.cells[str(place)], column, typed)
        if column.to in IDS:
            cells = _checked_ids(cells, column, typed, kept_as_number=place in raw.numeric)
        _add(typed, column, cells, decimal_comma=raw.decimal_comma)
    for to, text in mapping.constants.items():
        cells = pl.repeat(text, raw.cells.height, dtype=pl.String, eager=True)
        _add(typed, Column("a constant", to), cells, decimal_comma=False)
    if mapping.site_column:
        site = raw.cells[str(place_of(raw, mapping.site_column))].alias("site")
        typed.frame = typed.frame.with_columns(site.replace("", None))
    return typed


def place_of(raw: RawTable, header: str) -> int:
    """Return the index of the one column with that header.

    Raises
    ------
    DqkitError
        There is none, or several that differ.
    """
    found = [i for i, name in enumerate(raw.headers) if name == header]
    if not found:
        folded = [i for i, name in enumerate(raw.headers) if name.casefold() == header.casefold()]
        if len(folded) != 1:
            raise DqkitError(
                f"the mapping names the column {header!r}, and the table has none of that name",
                "let dqkit look at the headers: --mapping guess",
            )
        return folded[0]
    first = raw.cells[str(found[0])]
    if any(not raw.cells[str(other)].equals(first, null_equal=True) for other in found[1:]):
        raise DqkitError(f"the column {header!r} stands {len(found)} times, with different cells", "rename one of them")
    return found[0]


def _places(raw: RawTable, mapping: TableMapping) -> list[tuple[Column, int]]:
    return [(column, place_of(raw, column.header)) for column in mapping.columns]


def _cleaned(cells: pl.Series, column: Column, typed: Typed) -> pl.Series:
    """Take out what is no value: NUL bytes, blanks at the ends, words for nothing."""
    nuls = int(cells.str.contains("\x00", literal=True).sum() or 0)
    if nuls:
        cells = cells.str.replace_all("\x00", "", literal=True)
        typed.notes.append(ColumnNote(column.header, column.to, "cells held NUL bytes, which were taken out", nuls))
    cells = cells.str.strip_chars()
    nothing = cells.is_in(["", *_NOTHING])
    return pl.select(pl.when(~nothing).then(cells)).to_series() if nothing.any() else cells


def _checked_ids(cells: pl.Series, column: Column, typed: Typed, *, kept_as_number: bool) -> pl.Series:
    """Mend identifiers that went through floating point whole, and tell of those that a spreadsheet rounded."""
    there = cells.drop_nulls()
    if len(there) and (kept_as_number or there.str.contains(_AS_FLOAT).all()):
        cells = cells.str.replace(r"\.0$", "")
        if kept_as_number:
            what = "cells are numbers: zeros in front, if there were any, are lost"
            typed.notes.append(ColumnNote(column.header, column.to, what, len(there)))
    rounded = int(cells.str.contains(_ROUNDED).sum() or 0)
    if rounded and column.to in UIDS:
        raise DqkitError(
            f"{rounded:,} cells of the column {column.header!r} ({column.to}) are numbers in scientific notation: "
            "a spreadsheet rounded them, and several series would count as one",
            "export again with that column as text, or as CSV that no spreadsheet opened",
        )
    if rounded:
        what = "cells are numbers in scientific notation: a spreadsheet rounded them, several may now be alike"
        typed.notes.append(ColumnNote(column.header, column.to, what, rounded))
    return cells


def _add(typed: Typed, column: Column, cells: pl.Series, *, decimal_comma: bool) -> None:
    """Type one column and put it into the frame; one that nobody can read for sure is left out."""
    counts = None
    if column.varies:
        cells, counts = _sole(cells, column.varies)
    new, unclear = _values(column, cells, decimal_comma=decimal_comma)
    if unclear:
        what = "cells may be read in two ways: the column was left out; say format or decimal in a mapping"
        typed.notes.append(ColumnNote(column.header, column.to, what, len(cells.drop_nulls())))
        return
    judged = new[DATES[column.to]] if column.to in DATES else new[column.to]
    misfits = int((judged.is_null() & cells.is_not_null()).sum())
    if misfits:
        typed.notes.append(ColumnNote(column.header, column.to, "cells could not be read", misfits))
    if counts is not None:
        new[f"varies {column.to}"] = counts
        typed.varying.add(column.to)
    typed.frame = typed.frame.with_columns(series.alias(name) for name, series in new.items())
    typed.given.add(column.to)


def _sole(cells: pl.Series, separator: str) -> tuple[pl.Series, pl.Series]:
    """Return the sole value of each cell, and how many it lists."""
    several = cells.str.contains(separator, literal=True).fill_null(value=False)
    if not several.any():
        return cells, pl.repeat(1, len(cells), dtype=pl.UInt32, eager=True)
    number = cells.str.split(separator).list.n_unique().fill_null(1)
    parts = pl.when(number > 1).then(pl.lit(None, dtype=pl.String)).otherwise(cells.str.split(separator).list.first())
    return pl.select(parts).to_series(), number.cast(pl.UInt32)


def _values(column: Column, cells: pl.Series, *, decimal_comma: bool) -> tuple[dict[str, pl.Series], bool]:
    kind, to = TARGETS[column.to], column.to
    if to in DATES:
        found = dates(cells, column.format)
        written = pl.select(pl.coalesce(found.values.dt.strftime("%Y%m%d"), cells)).to_series()
        return {to: written, DATES[to]: found.values}, found.unclear
    if isinstance(kind, pl.List) and kind.inner == pl.String:
        return {to: _texts(cells, column)}, False
    if kind == pl.String:
        return {to: _text(cells, column)}, False
    typed = _numbers(cells, column, kind, decimal_comma=decimal_comma)
    return {to: typed.values}, typed.unclear


def _numbers(cells: pl.Series, column: Column, kind: pl.DataType, *, decimal_comma: bool) -> Numbers:
    if isinstance(kind, pl.List):
        return number_lists(cells, column, decimal_comma=decimal_comma, whole=kind.inner == pl.Int64)
    whole = kind == pl.Int64 and column.to != "size"
    typed = numbers(cells, column, decimal_comma=decimal_comma, whole=whole)
    if column.to == "size":  # a size in megabytes has decimals
        return Numbers(typed.values.round().cast(pl.Int64, strict=False), typed.unclear)
    return typed


def _text(cells: pl.Series, column: Column) -> pl.Series:
    if column.to == "PatientSex":
        words = cells.str.to_lowercase().replace_strict(_SEXES, default=None, return_dtype=pl.String)
        return pl.select(pl.coalesce(words, cells)).to_series()
    if column.to == "PatientAge":
        return ages(cells, column.unit)
    if column.to in _TIMES:
        return times(cells)
    return cells.str.slice(0, _MOST_TEXT)


def _texts(cells: pl.Series, column: Column) -> pl.Series:
    if column.split:
        return cells.str.split(column.split).list.eval(pl.element().str.strip_chars())
    bare = cells.str.replace_all(r"^[\[(]|[\])]$", "")
    between = r"[\\/,;|]" if column.to in _CODES else r"\\"
    listed = (
        pl.when(bare != cells)
        .then(bare.str.replace_all(r"['\"]?\s*,\s*['\"]?", "\\"))
        .otherwise(bare.str.replace_all(between, "\\"))
    )
    return pl.select(listed.str.split("\\").list.eval(pl.element().str.strip_chars(" '\""))).to_series()
