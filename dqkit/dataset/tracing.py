"""Traces each file of a dataset to an audited series; the checksum decides, path and header only find candidates."""

from dataclasses import dataclass, field

import polars as pl

from dqkit.catalog.schema import FLAG, INT, TEXT, conform
from dqkit.catalog.store import Catalog, Writer
from dqkit.catalog.tables import Tables
from dqkit.dataset.beside import beside
from dqkit.dataset.content import by_content
from dqkit.dataset.files import Listed
from dqkit.dataset.provenance import by_provenance
from dqkit.dataset.repeats import each_once, with_same_bytes
from dqkit.dataset.sources import AUDITED, IMAGES, with_audited
from dqkit.dataset.states import TRACED, How, State
from dqkit.index.checksums import Rehash, checksums, known_of, outside_ids
from dqkit.index.progress import Progress, Silent
from dqkit.model import FileStatus

SILENTLY = "its bytes changed though size and modification time did not"


@dataclass(frozen=True)
class Unfit:
    """`series_key` of series with findings that fail; `unmended` of those with findings that no recipe mends."""

    series: frozenset[str] = frozenset()
    unmended: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TraceOptions:
    """What a person may ask of a trace.

    Attributes
    ----------
    rehash
        Which files are read again though their size and mtime are as they were.
    judged
        The tables that are judged, where that is not the whole catalog: what is not in them is outside.
    unfit
        Series with findings that fail; what was made of one by a recipe is held against what no recipe mends.
    workers
        Threads that read files.
    """

    rehash: Rehash = Rehash.NONE
    judged: Tables | None = None
    unfit: Unfit = field(default_factory=Unfit)
    workers: int = 2


def trace_files(
    listed: Listed, catalog: Catalog, options: TraceOptions | None = None, progress: Progress | None = None
) -> pl.DataFrame:
    """Return TRACED and `file`: a row for each distinct file that the dataset leads to, in the order of its rows.

    Checksums that were not known are computed and kept in the catalog, which `catalog` itself does not follow: it
    stays at the versions it was opened with.

    Parameters
    ----------
    catalog
        Opened at the versions that were audited.
    """
    options, progress = options or TraceOptions(), progress or Silent()
    said = progress
    files = each_once(listed)
    here = files.filter(pl.col("status").is_null()).select("file", "place", "size", "mtime_ns")
    with Catalog(catalog.path).write(lambda: said.note("another dqkit is writing this catalog: waiting")) as writer:
        told = _by_path(_with_sums(with_audited(here, catalog), writer, options, progress), writer)
        told = by_content(told, catalog, writer, options.workers, progress)
        told = by_provenance(told, catalog, writer, options.workers, progress)
    told = pl.concat([conform(told, _TOLD), _not_there(files)])
    traced = beside(files.select("file", "place", "row", "times", "splits"), told, "file")
    del files, here, told
    return conform(with_same_bytes(_fit(traced, options), listed), {"file": INT, **TRACED})


_OF_ROWS = ("place", "row", "times", "splits", "same_as")
_TOLD = {"file": INT} | {name: kind for name, kind in TRACED.items() if name not in _OF_ROWS} | {"superseded": FLAG}


def _not_there(files: pl.DataFrame) -> pl.DataFrame:
    """Tell of files that cannot be read what the system said of them."""
    gone = pl.col("status") == FileStatus.VANISHED.value
    told = files.filter(pl.col("status").is_not_null()).with_columns(
        pl.when(gone).then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.UNREAD.value)).alias("state"),
        pl.when(gone).then(pl.lit("no such file")).otherwise(_refused()).alias("detail"),
    )
    return conform(told, _TOLD)


def _refused() -> pl.Expr:
    denied = pl.col("status") == FileStatus.DENIED.value
    return pl.when(denied).then(pl.lit("permission denied")).otherwise(pl.lit("it cannot be read"))


def _with_sums(files: pl.DataFrame, writer: Writer, options: TraceOptions, progress: Progress) -> pl.DataFrame:
    """Add sha256, first_sha256 and status of reading; size and mtime_ns become those of what was read."""
    outside = files.filter(pl.col("file_id").is_null()).select("file", "place")
    outside = outside.select("file", outside_ids(outside["place"]).alias("sum_id"))
    files = beside(files, outside, "file").with_columns(pl.coalesce("file_id", "sum_id").alias("sum_id"))
    wanted = files.select(pl.col("sum_id").alias("file_id"), "size", "mtime_ns", "place")
    sums = checksums(writer, wanted, options.rehash, options.workers, progress).rename({"file_id": "sum_id"})
    both = files.join(sums, on="sum_id", how="left", maintain_order="left", suffix="_read")
    read = pl.col("sha256").is_not_null()
    return both.with_columns(
        pl.when(read).then("size_read").otherwise("size").alias("size"),
        pl.when(read).then("mtime_ns_read").otherwise("mtime_ns").alias("mtime_ns"),
    )


def _by_path(files: pl.DataFrame, writer: Writer) -> pl.DataFrame:
    """Decide what can be decided of files that lie in a source, of unread and of silently changed ones.

    A file of a source is the audited one where size and mtime are those of the audit, or else its bytes those that
    the audited size and mtime had when a checksum was kept.
    """
    in_source = pl.col("file_id").is_not_null()
    as_audited = (pl.col("size") == pl.col("audited_size")) & (pl.col("mtime_ns") == pl.col("audited_mtime_ns"))
    moved = files.filter(in_source & pl.col("sha256").is_not_null() & ~as_audited.fill_null(value=False))
    files = beside(files, _kept_of(moved, writer), "file")
    same = as_audited | (pl.col("sha256") == pl.col("kept")).fill_null(value=False)
    gone = pl.col("status") == FileStatus.VANISHED.value
    verdicts: list[tuple[pl.Expr, State, pl.Expr]] = [
        (gone, State.MISSING, pl.lit("no such file")),
        (pl.col("sha256").is_null(), State.UNREAD, _refused()),
        (pl.col("sha256") != pl.col("first_sha256"), State.CHANGED, pl.lit(SILENTLY)),
        (in_source & ~pl.col("audited_status").is_in(IMAGES), State.UNTRACEABLE, pl.lit("no image that rules judge")),
        (in_source & ~same, State.CHANGED, pl.lit("it is not the file that was indexed: index and audit again")),
        (in_source, State.TRACED, pl.lit(None, dtype=TEXT)),
    ]
    state = pl.lit(None, dtype=TEXT)
    detail = pl.lit(None, dtype=TEXT)
    for condition, verdict, why in reversed(verdicts):
        state = pl.when(condition).then(pl.lit(verdict.value)).otherwise(state)
        detail = pl.when(condition).then(why).otherwise(detail)
    files = files.with_columns(state.alias("state"), detail.alias("detail"))
    how = pl.when(pl.col("state") == State.TRACED.value).then(pl.lit(How.PATH.value)).alias("how")
    return files.with_columns(how).select([*_DECIDED, *AUDITED])


_DECIDED = ("file", "place", "size", "mtime_ns", "sha256", "state", "how", "detail")


def _kept_of(files: pl.DataFrame, writer: Writer) -> pl.DataFrame:
    """Return `file` and `kept`, the first checksum of the size and mtime that the file was audited with."""
    then = files.select("file", "file_id", size="audited_size", mtime_ns="audited_mtime_ns")
    kept = then.join(known_of(writer, then), on=["file_id", "size", "mtime_ns"])
    return kept.select("file", kept="first_sha256")


def _fit(traced: pl.DataFrame, options: TraceOptions) -> pl.DataFrame:
    """Set apart what was traced to series that are not judged, or that are not fit."""
    is_traced = pl.col("state") == State.TRACED.value
    apart = [(pl.col("superseded").fill_null(value=False), State.OUTSIDE, "a resend of its hospital took its place")]
    if options.judged is not None:
        ids = traced.lazy().filter(is_traced).select("file_id")
        judged = options.judged.scan("instances").select("file_id").join(ids, on="file_id", how="semi").collect()
        # A file without a series (NIfTI) cannot be in a cohort of series: what alone is judged says nothing of it.
        out = pl.col("series_key").is_not_null() & ~pl.col("file_id").is_in(judged["file_id"].implode())
        apart.append((out, State.OUTSIDE, "its series is not among those that are judged"))
    if options.unfit.series:
        made = pl.col("how") == How.PROVENANCE.value
        bad = pl.when(made).then(_in(options.unfit.unmended)).otherwise(_in(options.unfit.series))
        apart.append((bad, State.UNFIT, "its series has findings that fail"))
    state, detail = pl.col("state"), pl.col("detail")
    for condition, verdict, why in reversed(apart):
        hit = is_traced & condition.fill_null(value=False)
        state = pl.when(hit).then(pl.lit(verdict.value)).otherwise(state)
        detail = pl.when(hit).then(pl.lit(why)).otherwise(detail)
    return traced.with_columns(state.alias("state"), detail.alias("detail"))


def _in(series: frozenset[str]) -> pl.Expr:
    return pl.col("series_key").is_in(list(series))
