"""Compares what a source holds now with what the catalog knows of it."""

from dataclasses import dataclass, field, replace

import polars as pl

from dqkit.archive.paths import parent, unescape
from dqkit.archive.walk import LISTING, Listing, walk
from dqkit.catalog.schema import BUCKETS, INSTANCES, conform, empty
from dqkit.catalog.store import Writer
from dqkit.identity import bucket_of, digest, digests
from dqkit.index.progress import Progress
from dqkit.index.read import READER_VERSION
from dqkit.index.sources import Source
from dqkit.model import TOOL_STATUSES, FileStatus

_MAY_GO = 0.01
"""Share of a source's rows that may go without a question."""

_NO_ROWS = empty(INSTANCES)

_FOLDER = -1
"""`size` of a row that stands for a folder."""

_AGAIN = [*(status.value for status in TOOL_STATUSES), FileStatus.VANISHED.value]
"""Statuses that say nothing of the file: it is read again."""


@dataclass(frozen=True)
class Change:
    """What became of one source since the catalog last saw it.

    Attributes
    ----------
    todo
        Files to read (LISTING).
    folder_rows
        Rows (INSTANCES) of folders that are new: of the system, or that could not be entered.
    replaced
        `file_id` of the rows that go or are read again.
    buckets
        Buckets of rows that go, come again or stand for folders.
    """

    source: Source
    offline: bool = False
    todo: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LISTING))
    folder_rows: pl.DataFrame = field(default_factory=lambda: _NO_ROWS)
    replaced: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"file_id": pl.String}))
    buckets: frozenset[int] = frozenset()
    known_buckets: frozenset[int] = frozenset()
    unlisted: tuple[str, ...] = ()
    first_level: int = 0
    n_before: int = 0
    n_now: int = 0
    n_new: int = 0
    n_changed: int = 0
    n_removed: int = 0

    @property
    def n_unchanged(self) -> int:
        """Files that nothing happened to."""
        return self.n_before - self.n_removed - self.n_changed

    @property
    def too_many_removed(self) -> bool:
        """Whether so many files went that a person should confirm it."""
        return self.n_removed > self.n_before * _MAY_GO

    def with_all_buckets(self) -> "Change":
        """Return this change with every bucket of the source to be written again (its sites moved)."""
        return replace(self, buckets=self.buckets | self.known_buckets)


def changes(writer: Writer, source: Source, progress: Progress) -> Change:
    """List `source` and compare; a source that is not there, or empty where it was not, is offline."""
    known = (
        writer.scan("instances", superseded=True)
        .filter(pl.col("source_id") == source.source_id)
        .select("path", "size", "mtime_ns", "bucket", "status", "reader_version")
        .collect()
    )
    files = known.filter(pl.col("size") != _FOLDER)
    try:
        listing = walk(source.root_bytes, progress.advance)
    except OSError:
        return Change(source, offline=True, n_before=files.height)
    if listing.files.is_empty() and files.height:
        return Change(source, offline=True, n_before=files.height)
    return _compared(source, known, files, listing)


def _compared(source: Source, known: pl.DataFrame, files: pl.DataFrame, listing: Listing) -> Change:
    todo = _to_read(listing.files, files)
    changed = todo.join(files, on="path").select("path", "bucket") if todo.height else files.clear()
    n_new = todo.height - changed.height
    removed = files.clear()
    if listing.files.height - n_new < files.height:
        removed = files.join(listing.files, on="path", how="anti").filter(~_below(listing.unlisted))
    new_folders, gone_folders = _folders(source.source_id, known, files, listing)
    going = pl.concat([frame.select("path", "bucket") for frame in (changed, removed, gone_folders)])
    ids = digests("file", source.source_id, last=map(unescape, going["path"]))
    return Change(
        source,
        todo=todo,
        folder_rows=new_folders,
        replaced=pl.DataFrame({"file_id": ids}, schema={"file_id": pl.String}),
        buckets=frozenset(going["bucket"].to_list()) | frozenset(new_folders["bucket"].to_list()),
        known_buckets=frozenset(known["bucket"].unique().to_list()),
        unlisted=tuple(sorted(listing.unlisted)),
        first_level=listing.first_level,
        n_before=files.height,
        n_now=listing.files.height,
        n_new=n_new,
        n_changed=changed.height,
        n_removed=removed.height,
    )


def _to_read(listed: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """Return the files that are new, look otherwise than the catalog says, or say nothing of themselves there."""
    as_read = files.filter(~pl.col("status").is_in(_AGAIN) & (pl.col("reader_version") == READER_VERSION))
    if as_read.is_empty():
        return listed
    return listed.join(as_read, on=list(LISTING), how="anti", maintain_order="left")


def _folders(
    source_id: str, known: pl.DataFrame, files: pl.DataFrame, listing: Listing
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of folders that are new, and those that went."""
    folders = _folder_rows(source_id, listing)
    if folders.is_empty() and known.height == files.height:
        return folders, known.clear()
    old = known.filter(pl.col("size") == _FOLDER)
    on = ["path", "status"]
    return folders.join(old, on=on, how="anti"), old.join(folders, on=on, how="anti")


def _below(folders: dict[str, str]) -> pl.Expr:
    """Tell which paths lie in folders that could not be entered: nobody knows whether they are gone."""
    inside = pl.lit(value=False)
    for folder in folders:
        inside |= (pl.col("path") == folder) | pl.col("path").str.starts_with(folder + "/")
    return inside


def _folder_rows(source_id: str, listing: Listing) -> pl.DataFrame:
    rows = [
        {
            "file_id": digest("file", source_id, unescape(path)),
            "source_id": source_id,
            "path": path,
            "folder": parent(path),
            "bucket": bucket_of(None, parent(path), BUCKETS),
            "size": _FOLDER,
            "mtime_ns": 0,
            "status": status.value,
            "status_detail": detail,
            "reader_version": READER_VERSION,
        }
        for status, found in ((FileStatus.SYSTEM, listing.system), (FileStatus.DENIED, listing.unlisted))
        for path, detail in found.items()
    ]
    if not rows:
        return _NO_ROWS
    return conform(pl.DataFrame(rows, schema={name: INSTANCES[name] for name in rows[0]}), INSTANCES)
