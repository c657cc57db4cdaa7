"""Decodes pixels where it was asked for, and keeps what they showed."""

from concurrent.futures import Executor
from contextlib import nullcontext
from typing import Any

import polars as pl

from dqkit.catalog.store import Writer
from dqkit.index.progress import Progress
from dqkit.index.shards import process_pool
from dqkit.index.sources import Source
from dqkit.model import FileStatus

_CHUNK = 50
_INLINE_BELOW = 100

_KEY = ["file_id", "size", "mtime_ns"]


def measure_pixels(writer: Writer, sources: list[Source], which: str, workers: int, progress: Progress) -> None:
    """Fill `pixel_measures` for images that were not measured since they changed.

    Parameters
    ----------
    which
        ``all``, or ``sample``: the first, the middle and the last image of every series.
    """
    from dqkit.pixels.decode import MEASURE_VERSION

    wanted = _wanted(writer, which)
    known = writer.scan("pixel_measures").filter(pl.col("measure_version") == MEASURE_VERSION).collect()
    current = known.join(wanted, on=_KEY, how="semi") if which == "all" else _still_there(writer, known)
    todo = wanted.join(current, on=_KEY, how="anti")
    progress.stage("decoding pixels", todo.height)
    frames = [current]
    roots = {s.source_id: s.root_bytes for s in sources if s.root.is_dir()}
    tasks = _tasks(todo, roots)
    workers = min(workers, len(tasks))
    pool = process_pool(workers) if workers > 1 and todo.height > _INLINE_BELOW else nullcontext(None)
    with pool as executor:
        for frame in _measured(executor, tasks):
            frames.append(frame)
            progress.advance(frame.height)
    writer.overwrite("pixel_measures", pl.concat(frames))


def _measured(executor: Executor | None, tasks: list[tuple[bytes, list[Any]]]) -> Any:
    from dqkit.pixels.decode import measure_files

    if executor is None:
        return (measure_files(root, rows) for root, rows in tasks)
    return executor.map(measure_files, *zip(*tasks, strict=True)) if tasks else ()


def _wanted(writer: Writer, which: str) -> pl.DataFrame:
    image = (pl.col("status") == FileStatus.DICOM) & pl.col("Rows").is_not_null()
    frame = (
        writer.scan("instances")
        .filter(image)
        .select(*_KEY, "path", "source_id", "bucket", "series_key", "InstanceNumber")
        .collect()
    )
    if which == "all":
        return frame
    place, last = pl.int_range(pl.len()).over("series_key"), pl.len().over("series_key") - 1
    return frame.sort("series_key", "InstanceNumber", "path").filter(
        (place == 0) | (place == last // 2) | (place == last)
    )


def _still_there(writer: Writer, known: pl.DataFrame) -> pl.DataFrame:
    return known.join(writer.scan("instances").select(_KEY).collect(), on=_KEY, how="semi")


def _tasks(todo: pl.DataFrame, roots: dict[str, bytes]) -> list[tuple[bytes, list[Any]]]:
    tasks = []
    for (source_id,), part in todo.partition_by("source_id", as_dict=True).items():
        if (root := roots.get(str(source_id))) is None:
            continue
        rows = part.select("file_id", "path", "size", "mtime_ns", "bucket").rows()
        tasks += [(root, rows[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK)]
    return tasks
