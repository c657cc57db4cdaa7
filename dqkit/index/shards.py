"""Reads many files with any executor: workers write shards and return what they wrote."""

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

import polars as pl

from dqkit.catalog.schema import BUCKETS
from dqkit.errors import IncompleteError
from dqkit.index.progress import Progress
from dqkit.index.read import read_files

CHUNK = 8000
"""Files a task: long against the cost of handing it over, short against a killed run's loss."""

_ROWS_A_GROUP = 60_000
FileRow = tuple[str, int, int]
"""Escaped relative path, size (bytes), mtime (ns)."""


@dataclass(frozen=True)
class Chunk:
    """One task of a worker."""

    number: int
    root: bytes
    source_id: str
    files: Sequence[FileRow]


@dataclass(frozen=True)
class Shard:
    """Rows of one chunk in one group of buckets: an Arrow file, or a frame where they stay in this process."""

    rows: Path | pl.DataFrame
    group: int
    buckets: tuple[int, ...]

    def frame(self) -> pl.DataFrame:
        """Return the rows."""
        return self.rows if isinstance(self.rows, pl.DataFrame) else pl.read_ipc(self.rows)


def groups_for(rows: int) -> int:
    """Return into how many groups of buckets `rows` are cut, so that each fits in memory."""
    groups = 1
    while rows > groups * _ROWS_A_GROUP and groups < BUCKETS:
        groups *= 2
    return groups


def group_of(bucket: int, groups: int) -> int:
    """Return the group of a bucket: a group is neighbours, so that its rows lie in few files of the table."""
    return bucket * groups // BUCKETS


def read_chunk(chunk: Chunk, folder: Path, groups: int) -> list[Shard]:
    """Read the headers of a chunk and write them as one Arrow file a group of buckets."""
    frame = read_files(chunk.root, chunk.source_id, chunk.files)
    shards = []
    for group, part in _by_group(frame, groups):
        path = folder / f"{chunk.number:06d}-{group:02d}.arrow"
        part.write_ipc(path)
        shards.append(Shard(path, group, _buckets(part)))
    return shards


def _buckets(rows: pl.DataFrame) -> tuple[int, ...]:
    return tuple(rows["bucket"].unique().to_list())


def _read_here(chunk: Chunk, folder: Path, groups: int) -> list[Shard]:
    """Read a chunk without other processes; rows of one group are few enough to stay in memory."""
    if groups > 1:
        return read_chunk(chunk, folder, groups)
    frame = read_files(chunk.root, chunk.source_id, chunk.files)
    return [Shard(frame, 0, _buckets(frame))]


def _by_group(frame: pl.DataFrame, groups: int) -> list[tuple[int, pl.DataFrame]]:
    if groups == 1:
        return [(0, frame)]
    grouped = frame.with_columns((pl.col("bucket") * groups // BUCKETS).alias("group"))
    parts = grouped.partition_by("group", as_dict=True, include_key=False)
    return [(int(key[0]), part) for key, part in parts.items()]


def read_all(chunks: Iterable[Chunk], folder: Path, groups: int, workers: int, progress: Progress) -> list[Shard]:
    """Read all `chunks`, in this process where `workers` is 1."""
    shards: list[Shard] = []
    if workers <= 1:
        for chunk in chunks:
            shards += _read_here(chunk, folder, groups)
            progress.advance(len(chunk.files))
        return shards
    with process_pool(workers) as pool:
        for done, found in _as_they_come(pool, chunks, folder, groups):
            shards += found
            progress.advance(done)
    return shards


def _as_they_come(
    pool: Executor, chunks: Iterable[Chunk], folder: Path, groups: int
) -> Iterator[tuple[int, list[Shard]]]:
    """Keep the queue short, so that an interrupt ends soon and memory stays flat."""
    pending: dict[Future[list[Shard]], int] = {}
    for chunk in chunks:
        pending[pool.submit(read_chunk, chunk, folder, groups)] = len(chunk.files)
        if len(pending) < 2 * (os.cpu_count() or 1) + 2:
            continue
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        yield from ((pending.pop(future), future.result()) for future in done)
    while pending:
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        yield from ((pending.pop(future), future.result()) for future in done)


@contextmanager
def process_pool(workers: int) -> Iterator[Executor]:
    """Give worker processes that never inherit the threads of polars, and that end at once on an interrupt.

    Raises
    ------
    IncompleteError
        A worker was killed.
    """
    others = set(active_children())
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        _start(pool, workers)
        yield pool
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(active_children()) - others:
            worker.terminate()  # a chunk of a slow share takes long, and its shard counts for nothing now
        if isinstance(error, BrokenProcessPool):
            raise IncompleteError(
                "a worker process was ended from outside, as when memory runs out",
                "run the same command again, with fewer --workers; nothing is lost",
            ) from error
        raise
    pool.shutdown()


def _start(pool: Executor, workers: int) -> None:
    """Start all workers with Ctrl-C blocked, which they inherit: it is the parent's, who cancels what is pending.

    Each is one thread of work, so that polars needs no more in it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threads = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        for _ in range(workers):  # a pool starts one worker a task, until it has enough
            pool.submit(os.getpid)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        del os.environ["POLARS_MAX_THREADS"]
        if threads is not None:
            os.environ["POLARS_MAX_THREADS"] = threads
