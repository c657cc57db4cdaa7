"""A worklist of a PACS or RIS: which studies a hospital says it has sent, row by row, as somebody exported it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from dqkit.catalog.schema import DATE, FLAG, INT, TEXT, TEXTS, Schema, conform
from dqkit.errors import DqkitError
from dqkit.index.table_file import RawTable, read_table
from dqkit.index.table_guess import Headers, fold, guess
from dqkit.index.table_mapping import INSTANCE_LEVEL, SERIES_LEVEL, Column, TableMapping
from dqkit.index.table_numbers import numbers
from dqkit.index.table_typing import ColumnNote, Typed, place_of, typed_table

EXPECTED: Schema = {
    "row": INT,  # of the list, 1 = the first below the header
    "site": TEXT,  # as somebody told; null = nobody did
    "institution": TEXT,  # InstitutionName of the row, which need not be what the catalog calls the site
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "SOPInstanceUID": TEXT,
    "AccessionNumber": TEXT,
    "PatientID": TEXT,
    "study_date": DATE,
    "modalities": TEXTS,
    "n_instances": INT,  # of what the row stands for
    "study_series": INT,
    "study_instances": INT,
    "damaged": FLAG,  # its accession number went through a spreadsheet that rounded it
}
"""One row of an expected list."""

_STUDY_SERIES = (
    "NumberOfStudyRelatedSeries", "Number of Study Related Series", "00201206", "(0020,1206)", "n_series", "series",
    "number of series", "series count", "num series", "no of series", "n series", "study series", "序列数", "序列数量",
    "序列总数", "检查序列数",
)  # fmt: skip
_STUDY_INSTANCES = (
    "NumberOfStudyRelatedInstances", "Number of Study Related Instances", "00201208", "(0020,1208)", "study instances",
    "study images", "images in study", "检查图像数", "检查影像数", "检查图像总数",
)  # fmt: skip
_ROUNDED = r"^[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]+$"
_BETWEEN_MODALITIES = r"[\\/,;|+\s]+"
_COUNTS_ZEROS = "zeros in front"


@dataclass(frozen=True)
class ExpectedOptions:
    """How a list is to be read.

    Attributes
    ----------
    mapping
        What its columns mean; None = found out by `headers`.
    headers
        Knows usual headers.
    site, site_column
        The hospital of all rows, or the header of the column that names it; empty = found out by what matches.
    """

    mapping: TableMapping | None
    headers: Headers
    site: str = ""
    site_column: str = ""


@dataclass(frozen=True)
class ExpectedList:
    """A list as it was read.

    Attributes
    ----------
    rows
        EXPECTED.
    level
        What a row stands for: study, series or instance.
    mapping
        What its columns were taken for.
    counted
        Whether it says how many instances there should be.
    zeros_lost
        Columns (AccessionNumber, PatientID) that a spreadsheet kept as numbers.
    notes, column_notes
        What was odd, free of values.
    """

    rows: pl.DataFrame
    level: str
    mapping: TableMapping
    counted: bool
    zeros_lost: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    column_notes: tuple[ColumnNote, ...] = ()


def read_expected(path: Path, options: ExpectedOptions) -> ExpectedList:
    """Read an expected list: CSV, xlsx, parquet, or the answer of a QIDO-RS search.

    Raises
    ------
    DqkitError
        It cannot be read, or nothing in it names a study.
    NothingToCheckError
        It holds no row.
    """
    if path.is_dir():
        raise DqkitError(f"{path} is a folder", "name the list that the PACS exported")
    known = options.headers
    raw = read_table(path, _knows(options), options.mapping.sheet if options.mapping else "")
    mapping = _sited(options.mapping or _guessed(raw, known), options)
    if not {column.to for column in mapping.columns} & {"StudyInstanceUID", "AccessionNumber"}:
        raise DqkitError(
            f"the list {path.name} names no study: it has neither StudyInstanceUID nor AccessionNumber",
            "export it with one of them, or say which column holds it in a mapping (docs/tables.md)",
        )
    typed = typed_table(raw, mapping)
    frame = _with_study_counts(typed, raw)
    if "StudyInstanceUID" not in typed.given and "AccessionNumber" not in typed.given:
        raise DqkitError(f"the list {path.name} names no study that can be read", "export it again")
    return ExpectedList(
        rows=_rows(frame, mapping),
        level=mapping.level,
        mapping=mapping,
        counted=bool({"n_instances", "study_instances"} & set(frame.columns)) or mapping.level == INSTANCE_LEVEL,
        zeros_lost=frozenset(note.to for note in typed.notes if _COUNTS_ZEROS in note.what),
        notes=raw.notes,
        column_notes=tuple(typed.notes),
    )


def _knows(options: ExpectedOptions) -> Callable[[str], bool]:
    if options.mapping is not None:
        told = {header.casefold() for header in options.mapping.headers}
        return lambda text: text.casefold() in told
    of_study = {fold(name) for name in (*_STUDY_SERIES, *_STUDY_INSTANCES)}
    return lambda text: fold(text) in of_study or options.headers.exactly(text) is not None


def _guessed(raw: RawTable, headers: Headers) -> TableMapping:
    """Find out what the columns mean; counts of a study are looked for apart, as catalogs have no place for them."""
    of_study = {fold(name) for name in (*_STUDY_SERIES, *_STUDY_INSTANCES)}
    others = replace(raw, headers=tuple("" if fold(header) in of_study else header for header in raw.headers))
    return guess(others, headers)


def _sited(mapping: TableMapping, options: ExpectedOptions) -> TableMapping:
    if options.site:
        return replace(mapping, site=options.site, site_column="")
    return replace(mapping, site="", site_column=options.site_column) if options.site_column else mapping


def _with_study_counts(typed: Typed, raw: RawTable) -> pl.DataFrame:
    """Add `study_series` and `study_instances` where the list has them."""
    frame = typed.frame
    if "n_series" in typed.given:
        frame = frame.rename({"n_series": "study_series"})
    for name, headers in (("study_series", _STUDY_SERIES), ("study_instances", _STUDY_INSTANCES)):
        known = {fold(header) for header in headers}
        found = [header for header in raw.headers if fold(header) in known]
        if name in frame.columns or not found:
            continue
        cells = raw.cells[str(place_of(raw, found[0]))].str.strip_chars()
        counted = numbers(cells, Column(found[0], "n_instances"), decimal_comma=raw.decimal_comma, whole=True)
        frame = frame.with_columns(counted.values.alias(name))
    return frame


def _rows(frame: pl.DataFrame, mapping: TableMapping) -> pl.DataFrame:
    have = set(frame.columns)

    def column(name: str) -> pl.Expr:
        return pl.col(name) if name in have else pl.lit(None, dtype=pl.String)

    told = pl.lit(mapping.site) if mapping.site else column("site")
    counts = [pl.col(name) for name in ("n_instances", "study_series", "study_instances") if name in have]
    accession = column("AccessionNumber")
    rows = frame.select(
        (pl.col("row") + 1).cast(INT).alias("row"),
        told.str.strip_chars().replace("", None).alias("site"),
        column("InstitutionName").alias("institution"),
        *(
            column(name).alias(name)
            for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID")
        ),
        accession.alias("AccessionNumber"),
        *([pl.col("study_date")] if "study_date" in have else []),
        column("Modality")
        .str.to_uppercase()
        .str.replace_all(_BETWEEN_MODALITIES, "\\")
        .str.split("\\")
        .alias("modalities"),
        *counts,
        accession.str.contains(_ROUNDED).fill_null(value=False).alias("damaged"),
    )
    if mapping.level not in (SERIES_LEVEL, INSTANCE_LEVEL) and {"n_instances", "study_instances"} <= have:
        rows = rows.with_columns(pl.coalesce("study_instances", "n_instances").alias("n_instances"))
    return conform(rows, EXPECTED)
