"""Indexes a table: a metadata extract of a PACS becomes series of the catalog, without any file behind them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import polars as pl

from dqkit import __version__
from dqkit.archive.paths import escape
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import SOURCES, conform
from dqkit.catalog.store import Catalog, Writer
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.identity import digest
from dqkit.index.progress import Progress, Silent
from dqkit.index.sources import OFFLINE, ONLINE, TABLE, is_folder, root_path, root_text
from dqkit.index.table_file import RawTable, read_table
from dqkit.index.table_mapping import TableMapping
from dqkit.index.table_series import TableSeries, series_of_table
from dqkit.index.table_typing import ColumnNote, place_of, typed_table

_VERSION = 1
"""Raised when tables are to be read again though they did not change."""

_MAY_GO = 0.01

_NAME = pl.coalesce(pl.concat_str("StudyInstanceUID", "SeriesInstanceUID", separator="/"), "series_key").alias("name")
"""What a series is called whatever its site: a new name of the site removes none."""

Guess = Callable[[RawTable], TableMapping]
"""Finds out what the columns of a table mean."""


@dataclass(frozen=True)
class TableOptions:
    """What a person may ask for a table.

    Attributes
    ----------
    mapping
        What its columns mean; None = as the catalog remembers, else `guess`.
    guess
        Finds out what they mean.
    known
        Tells whether a text is a header that somebody knows.
    site
        Name of the one site of all rows; empty = as the mapping says.
    site_column
        Header of the column that names the site.
    confirm_removed
        Whether more than 1 % of the table's series may go.
    """

    mapping: TableMapping | None = None
    guess: Guess | None = None
    known: Callable[[str], bool] = bool
    site: str = ""
    site_column: str = ""
    confirm_removed: bool = False


@dataclass(frozen=True)
class TableSummary:
    """What became of a table.

    Attributes
    ----------
    name
        Of the source.
    rows, series
        Of the table, and what they came to.
    given
        Columns of the catalog that it fills.
    mapping
        What its columns mean.
    unmapped
        Headers that mean nothing here; those that may be values are counted alone.
    repeated
        Rows beyond the first of a series.
    unnamed
        Rows without SeriesInstanceUID.
    elsewhere
        Series that the catalog knows better from files, or from another table.
    removed
        Series that are no longer in the table.
    notes, column_notes
        What was odd, free of values.
    state
        ``read``, ``unchanged`` or ``offline``.
    """

    name: str
    rows: int = 0
    series: int = 0
    given: frozenset[str] = frozenset()
    mapping: TableMapping | None = None
    unmapped: tuple[str, ...] = ()
    repeated: int = 0
    unnamed: int = 0
    elsewhere: int = 0
    removed: int = 0
    notes: tuple[str, ...] = ()
    column_notes: tuple[ColumnNote, ...] = ()
    state: str = "read"
    seconds: float = 0.0


def index_table(catalog: Catalog, path: Path, options: TableOptions, progress: Progress | None = None) -> TableSummary:
    """Bring the series of one table up to date in `catalog`.

    Raises
    ------
    DqkitError
        The table or its mapping cannot be used, or many of its series are gone without `confirm_removed`.
    NothingToCheckError
        It holds no row.
    IncompleteError
        The disk of the catalog failed; its last complete run is untouched.
    """
    progress = progress or Silent()
    started, began = monotonic(), datetime.now(UTC)
    with catalog.write(lambda: progress.note("another dqkit is writing this catalog: waiting for it")) as writer:
        sources = writer.scan("sources").collect()
        known = _known(sources, path)
        mapping = _mapping(known, options)
        print_of = _fingerprint(path, mapping) if mapping else ""
        if known and mapping and known["fingerprint"] == print_of and known["state"] == ONLINE:
            looked = {"sources": [known["source_id"]]}  # a look that finds nothing new is a look all the same
            writer.commit(Record("index table", __version__, counts=looked, started_at=began))
            return _unchanged(known, mapping, _held(writer, known["source_id"]), monotonic() - started)
        progress.stage("reading the table")
        raw = _read(path, mapping, options)
        if mapping is None:
            mapping = _guessed(raw, options)
        name = known["name"] if known else _free_name(path, mapping, set(sources["name"]))
        source_id = known["source_id"] if known else digest("source", name)
        progress.stage("typing its columns")
        typed = typed_table(raw, mapping)
        found = series_of_table(typed, mapping, source_id, mapping.site or name)
        progress.stage("writing its series")
        elsewhere, removed = _store(writer, source_id, found, options)
        row = _row(path, name, source_id, mapping, found)
        writer.overwrite("sources", _with_row(sources, row, known))
        counts: dict[str, Any] = {"rows": raw.cells.height, "series": found.rows.height - elsewhere, "removed": removed}
        counts["sources"] = [source_id]
        writer.commit(Record("index table", __version__, counts=counts, started_at=began))
    return TableSummary(
        name=name, rows=raw.cells.height, series=found.rows.height - elsewhere, given=found.given, mapping=mapping,
        unmapped=_unmapped(raw, mapping), repeated=found.repeated, unnamed=found.unnamed, elsewhere=elsewhere,
        removed=removed, notes=raw.notes, column_notes=tuple(typed.notes), seconds=monotonic() - started,
    )  # fmt: skip


def tables_of(catalog: Catalog) -> list[Path]:
    """Return the tables that `catalog` knows."""
    return [root_path(root) for root in catalog.scan("sources").filter(~is_folder()).collect()["root"]]


def mark_offline(catalog: Catalog, path: Path) -> TableSummary:
    """Say that a table is not there any more; its series stay."""
    with catalog.write() as writer:
        sources = writer.scan("sources").collect()
        this = pl.col("root") == root_text(path)
        row = sources.filter(this).row(0, named=True)
        if row["state"] != OFFLINE:
            state = pl.when(this).then(pl.lit(OFFLINE)).otherwise("state").alias("state")
            writer.overwrite("sources", sources.with_columns(state))
            writer.commit(Record("index table", __version__))
    return TableSummary(name=row["name"], series=_held(catalog, row["source_id"]), state=OFFLINE)


def _held(tables: Tables, source_id: str) -> int:
    rows = tables.scan("series").filter(pl.col("source_id") == source_id)
    return int(rows.select(pl.len()).collect().item())


def _known(sources: pl.DataFrame, path: Path) -> dict[str, Any] | None:
    rows = sources.filter((pl.col("root") == root_text(path)) & ~is_folder())
    return rows.row(0, named=True) if rows.height else None


def _mapping(known: dict[str, Any] | None, options: TableOptions) -> TableMapping | None:
    """Return what is known of the columns before the table is opened."""
    if options.mapping is not None:
        return _sited(options.mapping, options)
    if options.guess is None and known:
        return _sited(TableMapping.from_json(known["mapping"]), options)
    return None


def _sited(mapping: TableMapping, options: TableOptions) -> TableMapping:
    if options.site:
        return replace(mapping, site=options.site, site_column="")
    if options.site_column:
        return replace(mapping, site="", site_column=options.site_column)
    return mapping


def _guessed(raw: RawTable, options: TableOptions) -> TableMapping:
    if options.guess is None:
        raise DqkitError("nobody said what the columns of the table mean", "add --mapping guess, or name a mapping")
    return _sited(options.guess(raw), options)


def _fingerprint(path: Path, mapping: TableMapping) -> str:
    try:
        stat = path.stat()
    except OSError as error:
        raise DqkitError(f"the table {path.name} cannot be read: {error.strerror}", "check the path") from error
    return digest("table", str(_VERSION), str(stat.st_size), str(stat.st_mtime_ns), mapping.to_json())


def _read(path: Path, mapping: TableMapping | None, options: TableOptions) -> RawTable:
    if mapping is None:
        return read_table(path, options.known)
    headers = {header.casefold() for header in mapping.headers}
    raw = read_table(path, lambda text: text.casefold() in headers, mapping.sheet, headers)
    for header in mapping.headers:
        place_of(raw, header)
    return raw


def _free_name(path: Path, mapping: TableMapping, taken: set[str]) -> str:
    base = mapping.name if mapping.package else escape(path.stem.encode(errors="surrogateescape")) or "table"
    name, n = base, 2
    while name in taken:
        name, n = f"{base}-{n}", n + 1
    return name


def _store(writer: Writer, source_id: str, found: TableSeries, options: TableOptions) -> tuple[int, int]:
    """Put the table's series in the place of those it had; return how many stand elsewhere, and how many are gone."""
    before = writer.scan("series").select("source_id", "series_key", _NAME).collect()
    mine = before.filter(pl.col("source_id") == source_id)
    others = before.filter(pl.col("source_id") != source_id)
    rows = found.rows.join(others, on="series_key", how="anti")
    removed = mine.join(found.rows.select(_NAME), on="name", how="anti").height
    if removed > mine.height * _MAY_GO and not options.confirm_removed:
        raise DqkitError(
            f"{removed:,} of {mine.height:,} series of the table are gone",
            "if that is meant, run again with --confirm-removed; nothing was changed",
        )
    if others.height:
        kept = writer.scan("series").filter(pl.col("source_id") != source_id).collect()
        rows_to_write = pl.concat([kept, rows])
    else:
        rows_to_write = rows
    writer.overwrite("series", rows_to_write)
    return found.rows.height - rows.height, removed


def _row(path: Path, name: str, source_id: str, mapping: TableMapping, found: TableSeries) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "name": name,
        "root": root_text(path),
        "volume_id": "",
        "site_from": f"name:{mapping.site}" if mapping.site else "auto",
        "state": ONLINE,
        "n_files": 0,
        "registered_at": datetime.now(UTC),
        "indexed_at": datetime.now(UTC),
        "root_folders": 0,
        "kind": TABLE,
        "columns": sorted(found.given),
        "mapping": mapping.to_json(),
        "fingerprint": _fingerprint(path, mapping),
    }


def _with_row(sources: pl.DataFrame, row: dict[str, Any], known: dict[str, Any] | None) -> pl.DataFrame:
    if known:
        row["registered_at"] = known["registered_at"]
    rest = sources.filter(pl.col("source_id") != row["source_id"])
    return pl.concat([conform(rest, SOURCES), pl.DataFrame([row], schema=SOURCES)])


def _unchanged(known: dict[str, Any], mapping: TableMapping, series: int, seconds: float) -> TableSummary:
    given = frozenset(known["columns"])
    return TableSummary(known["name"], series=series, given=given, mapping=mapping, state="unchanged", seconds=seconds)


def _unmapped(raw: RawTable, mapping: TableMapping) -> tuple[str, ...]:
    used = {header.casefold() for header in mapping.headers}
    return tuple(header for header in raw.headers if header and header.casefold() not in used)
