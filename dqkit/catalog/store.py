"""The catalog on disk: a folder of Delta Lake tables whose versions move together.

Several tables are not one commit. The row of `runs` that is appended last names the version of every table that
belongs to a run: readers open those versions, and the next writer first takes back tables that are ahead of it,
which is what a killed run leaves behind (docs/adr/0001-delta-catalog.md).
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from filelock import FileLock, Timeout

from dqkit.catalog import runs
from dqkit.catalog.schema import FORMAT_VERSION, TABLES, Schema, conform, empty
from dqkit.catalog.whole import check_whole
from dqkit.errors import DqkitError, IncompleteError

_MARKER = "dqkit.json"
_OURS = frozenset({_MARKER, ".lock", ".work", *TABLES})
_SETTINGS = {"delta.enableExpiredLogCleanup": "false", "delta.checkpointInterval": "10"}
"""Delta Lake would forget versions of more than 30 days ago, which verdicts cite (docs/catalog.md), and sum its log up
after 100 commits only: to open a table costs 0.3 ms for each commit since."""

_FILE_BYTES = 2_000_000
"""Of one Parquet file: 10,000 instances, few enough to write again for one study that changed (ADR 1)."""


class Catalog:
    """An opened catalog; reads the last complete run.

    Parameters
    ----------
    path
        Its folder.
    key_fingerprint
        Fingerprint of the key in use; None where nothing keyed is read. As an attribute: that of the catalog.

    Raises
    ------
    DqkitError
        No catalog there, one of another format version or damaged, or one made with another key.
    """

    def __init__(self, path: Path, key_fingerprint: str | None = None) -> None:
        self.path = path
        marker = _read_marker(path)
        if marker["format_version"] != FORMAT_VERSION:
            raise DqkitError(
                f"the catalog {path} has format version {marker['format_version']}, this dqkit writes {FORMAT_VERSION}",
                "index into a new folder with --catalog, or use the dqkit that made it",
            )
        if key_fingerprint is not None and marker["key_fingerprint"] != key_fingerprint:
            raise DqkitError(
                f"the catalog {path} was made with the key {marker['key_fingerprint']}, yours is {key_fingerprint}",
                "give its key with DQKIT_KEY or --key-file: pseudonyms would not match",
            )
        self.key_fingerprint: str = marker["key_fingerprint"]
        self._whole: set[tuple[str, int]] = set()
        with _damage_told(path):
            self._versions = runs.last(path).table_versions

    @classmethod
    def create(cls, path: Path, key_fingerprint: str, dqkit_version: str) -> "Catalog":
        """Open the catalog at `path`, making it first where there is none.

        Raises
        ------
        DqkitError
            The folder holds something else.
        """
        if not (path / _MARKER).exists():
            _make(path, key_fingerprint, dqkit_version)
        return cls(path, key_fingerprint)

    @property
    def versions(self) -> dict[str, int]:
        """Table -> Delta version, as of the last complete run."""
        return dict(self._versions)

    def scan(self, table: str, *, superseded: bool = False) -> pl.LazyFrame:
        """Return `table` of the last complete run, with the columns of its schema.

        Files that a resend supersedes do not count: `instances` has them only where `superseded` asks for them.
        """
        if table == "runs":
            return runs.scan(self.path)
        if table not in self._versions:  # the catalog is older than this table
            return empty(TABLES[table]).lazy()
        with _damage_told(self.path):
            opened = DeltaTable(self.path / table, version=self._versions[table])
            if (table, self._versions[table]) not in self._whole:
                check_whole(opened, self.path / table)
                self._whole.add((table, self._versions[table]))
            return _scan(opened, TABLES[table], superseded=superseded)

    def as_of(self, versions: Mapping[str, int]) -> "Catalog":
        """Return this catalog as it was when its tables had `versions`; a table that is not named was not there yet."""
        then = copy(self)
        then.follow(runs.Last(-1, "", "", dict(versions)))
        return then

    def rows_at(self, table: str, version: int) -> int | None:
        """Return how many rows `table` had at a Delta version; None where that version is there no more."""
        try:
            opened = DeltaTable(self.path / table, version=version)
            check_whole(opened, self.path / table)
        except (DeltaError, DqkitError):
            return None
        return int(pl.DataFrame(opened.get_add_actions().select(["num_records"]))["num_records"].sum())

    def refresh(self) -> None:
        """Look at the last complete run again."""
        self.follow(runs.last(self.path))

    def follow(self, last: runs.Last) -> None:
        """Read the versions of the run `last` from now on."""
        self._versions = last.table_versions

    @contextmanager
    def write(self, on_wait: Callable[[], None] = lambda: None) -> Iterator["Writer"]:
        """Hold the lock of the one writer; nothing counts before `Writer.commit`.

        Parameters
        ----------
        on_wait
            Called once when another process holds the lock, before waiting for it.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire()
        try:
            with disk_errors(self.path):
                last = runs.last(self.path)
                self.follow(last)
                yield Writer(self, last)
        finally:
            shutil.rmtree(self.path / ".work", ignore_errors=True)
            lock.release()


class Writer:
    """The one writer of a catalog, between taking the lock and committing a run."""

    def __init__(self, catalog: Catalog, last: runs.Last) -> None:
        self._catalog = catalog
        self._path = catalog.path
        self._last = last
        self._versions = dict(last.table_versions)
        self.run_id = runs.new_id()
        """Of the run that the next `commit` appends."""
        self._opened: dict[str, DeltaTable] = {}
        self.work = self._path / ".work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(mode=0o700)
        self._take_back()

    def _take_back(self) -> None:
        """Restore the tables that a killed run left ahead of the last complete one."""
        for name, version in self._versions.items():
            if _newest(self._path / name) > version:
                table = DeltaTable(self._path / name)  # what the killed run left may be damaged: it goes
                if not _is_restored(table, version):
                    table.restore(version)
                self._versions[name] = table.version()

    def _table(self, name: str) -> DeltaTable:
        if name not in self._versions:  # the catalog is older than this table
            _make_table(self._path, name)
            self._versions[name] = 0
        if name not in self._opened:
            self._opened[name] = DeltaTable(self._path / name)
            check_whole(self._opened[name], self._path / name)
        return self._opened[name]

    def version(self, table: str) -> int:
        """Return the Delta version of `table` as this writer has left it."""
        return self._versions[table]

    def moved(self, table: str) -> None:
        """Say that something else than this writer, under its lock, added commits to `table`."""
        self._opened.pop(table, None)
        self._versions[table] = self._table(table).version()

    def scan(self, table: str, *, superseded: bool = False) -> pl.LazyFrame:
        """Return `table` as this writer has left it; superseded files are among `instances` only where asked for."""
        if table not in self._versions:
            return empty(TABLES[table]).lazy()
        return _scan(self._table(table), TABLES[table], superseded=superseded)

    def replace(self, table: str, frame: pl.DataFrame, buckets: Iterable[int]) -> None:
        """Put `frame` in the place of all rows of `buckets`."""
        wanted = ",".join(str(bucket) for bucket in sorted(set(buckets)))
        if wanted:
            self._write(table, frame, f"bucket IN ({wanted})")

    def overwrite(self, table: str, frame: pl.DataFrame) -> None:
        """Put `frame` in the place of the whole table."""
        self._write(table, frame, None)

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Add `frame` to the rows of the table."""
        write_deltalake(self._table(table), conform(frame, TABLES[table]), mode="append", schema_mode="merge")
        self._versions[table] = self._table(table).version()

    def _write(self, table: str, frame: pl.DataFrame, predicate: str | None) -> None:
        write_deltalake(
            self._table(table),
            conform(frame, TABLES[table]),
            mode="overwrite",
            predicate=predicate,
            schema_mode="merge",
            target_file_size=_FILE_BYTES,
        )
        self._versions[table] = self._table(table).version()

    def commit(self, record: runs.Record) -> int:
        """Append the run that makes everything written count; return its number."""
        self._last = runs.append(self._path, record, self._versions, self._last, self.run_id)
        self.run_id = runs.new_id()
        self._catalog.follow(self._last)
        return self._last.run


def _scan(table: DeltaTable, schema: Schema, *, superseded: bool) -> pl.LazyFrame:
    """Scan a Delta table; columns that it is too old to have are null."""
    frame = pl.scan_delta(table)
    have = set(frame.collect_schema().names())
    if "superseded_by" in have and not superseded:
        frame = frame.filter(pl.col("superseded_by").is_null())
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in have]
    return frame.with_columns(missing).select(list(schema)) if missing else frame.select(list(schema))


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn a table that is not there or cannot be opened into an error that says so."""
    try:
        yield
    except DeltaError as error:
        raise DqkitError(
            f"the catalog {path} is damaged ({type(error).__name__})",
            "restore it from a copy, or index into a new folder with --catalog",
        ) from error


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full or failing disk under the catalog into an error that says so; the last run stays whole."""
    try:
        yield
    except (OSError, DeltaError, pl.exceptions.ComputeError) as error:
        if isinstance(error, OSError | DeltaError) or "os error" in str(error):
            raise IncompleteError(
                f"the catalog {path} could not be written: {_kind_of(error)}",
                "its last complete run is untouched: make room (or mend the disk) and run again",
            ) from error
        raise


def _kind_of(error: Exception) -> str:
    text = f"{getattr(error, 'strerror', '') or ''} {error}".lower()
    for sign, words in (("no space", "no space left on the disk"), ("os error 28", "no space left on the disk"),
                        ("quota", "disk quota exceeded"), ("too large", "the disk takes no more (file too large)"),
                        ("os error 27", "the disk takes no more (file too large)"),
                        ("permission", "permission denied"), ("read-only", "the disk is read-only")):  # fmt: skip
        if sign in text:
            return words
    return type(error).__name__


def _newest(path: Path) -> int:
    """Return the newest version of a table from the names of its commits, which Delta Lake's protocol fixes."""
    names = os.listdir(path / "_delta_log")  # noqa: PTH208  # paths of hundreds of commits cost more than their names
    return max(int(name[:20]) for name in names if name[:20].isdecimal() and name.endswith(".json"))


def _is_restored(table: DeltaTable, version: int) -> bool:
    """Tell whether the last commit of `table` already took it back to `version`."""
    last = table.history(1)[0]
    return last.get("operation") == "RESTORE" and str(last.get("operationParameters", {}).get("version")) == str(
        version
    )


def _read_marker(path: Path) -> dict[str, Any]:
    try:
        marker = json.loads((path / _MARKER).read_text())
        return {"format_version": int(marker["format_version"]), "key_fingerprint": str(marker["key_fingerprint"])}
    except FileNotFoundError as error:
        raise DqkitError(f"there is no catalog at {path}", "make one with: dqkit index FOLDER --catalog DIR") from error
    except NotADirectoryError as error:
        raise DqkitError(f"{path} is a file, not a catalog", "name a folder with --catalog") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DqkitError(f"{path / _MARKER} is damaged", "restore it, or index into a new folder") from error
    except OSError as error:
        raise DqkitError(f"the catalog {path} cannot be read: {error.strerror}", "mend its permissions") from error


def _make(path: Path, key_fingerprint: str, dqkit_version: str) -> None:
    """Write empty tables, their first run, and last the marker that makes the folder a catalog."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        foreign = sorted(entry.name for entry in path.iterdir() if entry.name not in _OURS)
    except FileExistsError as error:
        raise DqkitError(f"{path} is a file, not a catalog", "name a folder with --catalog") from error
    except OSError as error:
        raise DqkitError(
            f"the catalog {path} cannot be made: {error.strerror}", "name another with --catalog"
        ) from error
    if foreign:
        raise DqkitError(f"{path} is no catalog and not empty", "name a new or empty folder with --catalog")
    with FileLock(path / ".lock"), disk_errors(path):
        if (path / _MARKER).exists():  # another process was faster
            return
        path.chmod(0o700)
        for name in TABLES:
            _make_table(path, name)
        runs.append(
            path, runs.Record("create", dqkit_version=dqkit_version), dict.fromkeys(TABLES.keys() - {"runs"}, 0), None
        )
        write_atomically(
            path / _MARKER, json.dumps({"format_version": FORMAT_VERSION, "key_fingerprint": key_fingerprint}).encode()
        )


def _make_table(path: Path, name: str) -> None:
    """Write `name` without rows, in the place of what a killed run may have left."""
    shutil.rmtree(path / name, ignore_errors=True)
    write_deltalake(
        path / name,
        empty(TABLES[name]),
        configuration=_SETTINGS,
    )


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and rename it into place; where that fails nothing is left behind."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
