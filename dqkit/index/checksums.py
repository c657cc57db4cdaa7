"""Checksums of whole files: computed where somebody needs them, kept in the catalog, read again on demand."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic

import polars as pl

from dqkit import __version__
from dqkit.archive.checksum import checksum_of
from dqkit.archive.paths import escape, unescape
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import CHECKSUMS, INT, TEXT, Schema, conform
from dqkit.catalog.store import Writer
from dqkit.catalog.tables import Tables
from dqkit.identity import digest, digests
from dqkit.index.progress import Progress
from dqkit.index.sources import Source

WANTED: Schema = {"file_id": TEXT, "size": INT, "mtime_ns": INT, "place": TEXT}
"""Files whose checksum is wanted; `place` is the absolute path, escaped (archive/paths.py)."""

SUMS: Schema = {
    "file_id": TEXT,
    "size": INT,  # of what was read, or of the file as it was when its checksum was kept
    "mtime_ns": INT,
    "sha256": TEXT,  # null where the file could not be read
    "first_sha256": TEXT,  # the first that is known of this size and mtime
    "status": TEXT,  # model.FileStatus: why it could not be read; else null
}

_KEY = ["file_id", "size", "mtime_ns"]

_SLICE = 256
"""Files handed to the threads at once, so that memory stays flat and Ctrl-C is soon heard."""

_SECONDS_A_BATCH = 20.0
"""Of reading, before what is known is kept for good: a kill loses no more."""

_SAMPLE_OF, _SAMPLE_AT_LEAST = 20, 100


class Rehash(StrEnum):
    """Which files are read again though their size and mtime are as they were."""

    NONE = "none"
    SAMPLE = "sample"
    """A twentieth, at least a hundred: those that were not looked at for longest, so that each has its turn."""
    ALL = "all"


def places_of(files: pl.DataFrame, sources: list[Source]) -> pl.DataFrame:
    """Return files of `instances` as WANTED; those of sources that are not there are left out.

    Parameters
    ----------
    files
        file_id, source_id, path, size, mtime_ns.
    """
    rows = [(s.source_id, escape(s.root_bytes).rstrip("/") + "/") for s in sources if s.root.is_dir()]
    roots = pl.DataFrame(rows, schema={"source_id": TEXT, "root": TEXT}, orient="row")
    here = files.filter(pl.col("size") >= 0).join(roots, on="source_id")
    return here.select("file_id", "size", "mtime_ns", pl.concat_str("root", "path").alias("place"))


def outside_id(place: str) -> str:
    """Return the `file_id` of a file that lies in no source, by its absolute path (escaped)."""
    return digest("file outside", unescape(place))


def outside_ids(places: pl.Series) -> pl.Series:
    """Return `outside_id` of each of `places`."""
    return pl.Series("file_id", digests("file outside", last=map(unescape, places)), dtype=TEXT)


def known_checksums(tables: Tables) -> pl.LazyFrame:
    """Return the last and the first checksum of each file, size and mtime, and when the last was made."""
    return _first_and_last(tables.scan("checksums"))


def known_of(tables: Tables, wanted: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `known_checksums` of files of `wanted`: file_id, size, mtime_ns.

    Nearly all files have one checksum, and only what has several is put in order: to sort and group a million takes
    600 MB.
    """
    keys = wanted.lazy().select(_KEY)
    rows = tables.scan("checksums").join(keys, on=_KEY, how="semi", maintain_order="left").collect(engine="streaming")
    again = rows.select(_KEY).is_duplicated()
    once = rows.filter(~again).with_columns(first_sha256="sha256")
    several = _first_and_last(rows.filter(again).lazy()).collect()
    return pl.concat([once.select(several.columns), several])


def _first_and_last(rows: pl.LazyFrame) -> pl.LazyFrame:
    rows = rows.sort("checked_at", maintain_order=True)
    return rows.group_by(_KEY, maintain_order=True).agg(
        pl.col("sha256").last(), pl.col("sha256").first().alias("first_sha256"), pl.col("checked_at").last()
    )


def checksums(writer: Writer, wanted: pl.DataFrame, rehash: Rehash, workers: int, progress: Progress) -> pl.DataFrame:
    """Return SUMS, a row for each file of `wanted`; those that are not known yet are read and kept.

    What was computed is kept every 20 seconds as a run of its own, so that a kill or an interrupt costs little.

    Parameters
    ----------
    wanted
        WANTED; size and mtime_ns are those of the file now.
    rehash
        Which of the known ones are read again: a file that changed though size and mtime did not has another
        `first_sha256` than `sha256`.
    workers
        Threads that read.
    """
    wanted = wanted.unique("file_id", keep="first", maintain_order=True)
    known = known_of(writer, wanted)
    again = _to_read_again(known, rehash)
    todo = pl.concat([wanted.join(known, on=_KEY, how="anti"), wanted.join(again, on=_KEY, how="semi")])
    progress.stage("computing checksums", todo.height)
    read = _kept(writer, todo.sort("place"), workers, progress)
    if not again.is_empty():
        _compact(writer)
    return _together(known.join(again, on=_KEY, how="anti"), read, again)


def _to_read_again(known: pl.DataFrame, rehash: Rehash) -> pl.DataFrame:
    if rehash is Rehash.NONE:
        return known.clear()
    many = known.height if rehash is Rehash.ALL else max(_SAMPLE_AT_LEAST, known.height // _SAMPLE_OF)
    return known.sort("checked_at", "file_id").head(many)


def _together(reused: pl.DataFrame, read: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Put together what was known and what was read; what was read may have been known before."""
    first = before.select(*_KEY, pl.col("first_sha256").alias("before"))
    read = read.join(first, on=_KEY, how="left").with_columns(first_sha256=pl.coalesce("before", "sha256"))
    return pl.concat([conform(reused, SUMS), conform(read, SUMS)])


def _kept(writer: Writer, todo: pl.DataFrame, workers: int, progress: Progress) -> pl.DataFrame:
    """Read the files of `todo` and append their checksums, a run a batch; return all that was read."""
    found: list[pl.DataFrame] = [pl.DataFrame(schema=SUMS)]
    batch: list[pl.DataFrame] = []
    began, started = monotonic(), datetime.now(UTC)
    for frame in read_checksums(todo, workers):
        found.append(frame)
        batch.append(frame)
        if monotonic() - began > _SECONDS_A_BATCH:
            _commit(writer, batch, started)
            batch, began, started = [], monotonic(), datetime.now(UTC)
        progress.advance(frame.height)
    _commit(writer, batch, started)
    return pl.concat(found)


def _commit(writer: Writer, batch: list[pl.DataFrame], started: datetime) -> None:
    rows = pl.concat([pl.DataFrame(schema=SUMS), *batch]).filter(pl.col("sha256").is_not_null())
    if rows.is_empty():
        return
    writer.append("checksums", rows.with_columns(checked_at=pl.lit(datetime.now(UTC))))
    writer.commit(Record("checksum", __version__, counts={"files": rows.height}, started_at=started))


def read_checksums(todo: pl.DataFrame, workers: int) -> Iterator[pl.DataFrame]:
    """Read the files of `todo` (WANTED) and give SUMS, some at a time; nothing is kept.

    Threads read: hashlib and the system calls leave the others free to run.
    """
    with ThreadPoolExecutor(workers) as pool:
        for part in todo.iter_slices(_SLICE):
            sums = list(pool.map(checksum_of, map(unescape, part["place"])))
            yield pl.DataFrame(
                {
                    "file_id": part["file_id"],
                    "size": [one.size for one in sums],
                    "mtime_ns": [one.mtime_ns for one in sums],
                    "sha256": [one.sha256 or None for one in sums],
                    "first_sha256": [one.sha256 or None for one in sums],
                    "status": [one.status and one.status.value for one in sums],
                },
                schema=SUMS,
            )


def _compact(writer: Writer) -> None:
    """Keep the first and the last row of each file, size and mtime."""
    rows = writer.scan("checksums").sort("checked_at", maintain_order=True).collect()
    place, last = pl.int_range(pl.len()).over(_KEY), pl.len().over(_KEY) - 1
    kept = rows.filter((place == 0) | (place == last))
    if kept.height < rows.height:
        writer.overwrite("checksums", kept.select(list(CHECKSUMS)))
        writer.commit(Record("checksum", __version__, counts={"compacted": rows.height - kept.height}))
