"""Decodes pixels where it was asked for, and keeps what they showed."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from datetime import UTC, datetime
from time import monotonic

import polars as pl

from dqkit import __version__
from dqkit.catalog.runs import Record
from dqkit.catalog.store import Writer
from dqkit.index.progress import Progress
from dqkit.index.shards import process_pool
from dqkit.index.sources import Source
from dqkit.model import FileStatus
from dqkit.pixels.decode import MEASURE_VERSION, MOST_FRAMES, FileRow, measure_files

_CHUNK = 25
"""Files a task: some seconds of work."""

_INLINE_BELOW = 100
_IN_FLIGHT = 3
"""Tasks a worker that wait or whose results wait, so that memory stays flat."""

_SECONDS_A_BATCH = 20.0
"""Of measuring, before what is known is kept for good: a kill loses no more."""

_KEY = ["file_id", "size", "mtime_ns"]

Task = tuple[bytes, list[FileRow], bool]


def measure_pixels(writer: Writer, sources: list[Source], which: str, workers: int, progress: Progress) -> None:
    """Fill `pixel_measures` for images that were not measured since they changed.

    Each batch is a run of its own, so that a kill or an interrupt keeps what was measured before.

    Parameters
    ----------
    which
        ``all``, or ``sample``: the first, the middle and the last image of every series, and frame of every file.
    """
    every = which == "all"
    wanted = _wanted(writer)
    known = _forget_stale(writer, wanted, every=every)
    chosen = wanted if every else _sampled(wanted)
    todo = chosen.join(known, on=_KEY, how="anti").sort("bucket", "path")
    progress.stage("decoding pixels", todo.height)
    if todo.is_empty():
        return
    roots = {s.source_id: s.root_bytes for s in sources if s.root.is_dir()}
    tasks = _tasks(todo, roots, every=every)
    workers = min(workers, -(-todo.height // _CHUNK))
    pool = process_pool(workers) if workers > 1 and todo.height > _INLINE_BELOW else nullcontext(None)
    with pool as executor:
        _keep(writer, _measured(executor, tasks, workers), progress)


def _measured(executor: Executor | None, tasks: Iterator[Task], workers: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """Give the number of files and the rows of each task, in order, with few tasks under way."""
    if executor is None:
        for root, rows, every in tasks:
            yield len(rows), measure_files(root, rows, every=every)
        return
    pending: deque[tuple[int, Future[pl.DataFrame]]] = deque()
    for root, rows, every in tasks:
        pending.append((len(rows), executor.submit(measure_files, root, rows, every=every)))
        if len(pending) >= _IN_FLIGHT * workers:
            files, future = pending.popleft()
            yield files, future.result()
    for files, future in pending:
        yield files, future.result()


def _keep(writer: Writer, measured: Iterator[tuple[int, pl.DataFrame]], progress: Progress) -> None:
    """Append rows as they come, a run a batch."""
    batch: list[pl.DataFrame] = []
    began, started = monotonic(), datetime.now(UTC)
    for files, frame in measured:
        batch.append(frame)
        progress.advance(files)
        if monotonic() - began > _SECONDS_A_BATCH:
            _commit(writer, batch, started)
            batch, began, started = [], monotonic(), datetime.now(UTC)
    if batch:
        _commit(writer, batch, started)


def _commit(writer: Writer, batch: list[pl.DataFrame], started: datetime) -> None:
    frame = pl.concat(batch)
    writer.append("pixel_measures", frame)
    writer.commit(Record("measure", __version__, counts={"frames": frame.height}, started_at=started))


def _wanted(writer: Writer) -> pl.DataFrame:
    """Return every image of the catalog; those without a matrix have nothing to decode."""
    image = (pl.col("status") == FileStatus.DICOM) & pl.col("Rows").is_not_null()
    columns = ("path", "source_id", "bucket", "series_key", "InstanceNumber", "NumberOfFrames")
    return writer.scan("instances").filter(image).select(*_KEY, *columns).collect()


def _forget_stale(writer: Writer, wanted: pl.DataFrame, *, every: bool) -> pl.DataFrame:
    """Drop measures of files that changed or went, and of another version; return the keys of those that stay.

    Where every frame is wanted, those of a sample of frames go too: their files are measured once more.
    """
    rows = writer.scan("pixel_measures").select(*_KEY, "bucket", "measure_version", "frames_looked_at").collect()
    declared = pl.col("NumberOfFrames").fill_null(1).clip(1, MOST_FRAMES)
    current = rows.filter(pl.col("measure_version") == MEASURE_VERSION).join(
        wanted.select(*_KEY, "NumberOfFrames"), on=_KEY
    )
    if every:
        current = current.filter(pl.col("frames_looked_at") >= declared)
    stale = rows.join(current, on=_KEY, how="anti")["bucket"].unique().to_list()
    for bucket in stale:
        of_bucket = writer.scan("pixel_measures").filter(pl.col("bucket") == bucket).collect()
        writer.replace("pixel_measures", of_bucket.join(current, on=_KEY, how="semi"), [bucket])
    return current.unique(_KEY)


def _sampled(wanted: pl.DataFrame) -> pl.DataFrame:
    place, last = pl.int_range(pl.len()).over("series_key"), pl.len().over("series_key") - 1
    return wanted.sort("series_key", "InstanceNumber", "path").filter(
        (place == 0) | (place == last // 2) | (place == last)
    )


def _tasks(todo: pl.DataFrame, roots: dict[str, bytes], *, every: bool) -> Iterator[Task]:
    """Cut what is to be measured into tasks, one at a time."""
    for (source_id,), part in todo.partition_by("source_id", as_dict=True, maintain_order=True).items():
        if (root := roots.get(str(source_id))) is None:
            continue
        columns = ("file_id", "path", "size", "mtime_ns", "bucket", pl.col("NumberOfFrames").fill_null(1))
        for rows in part.select(columns).iter_slices(_CHUNK):
            yield root, rows.rows(), every
