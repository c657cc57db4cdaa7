"""The log of runs: append-only, hash-chained, and the commit point of every other table."""

import getpass
import hashlib
import json
import socket
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake

from dqkit.catalog.schema import RUNS
from dqkit.catalog.whole import check_whole

_CHAINED = [name for name in RUNS if name != "sha256"]


@dataclass(frozen=True)
class Record:
    """What a run says of itself."""

    command: str
    dqkit_version: str
    rules: str = ""
    counts: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def scan(catalog: Path) -> pl.LazyFrame:
    """Return all runs, oldest first."""
    return pl.scan_delta(_opened(catalog)).select(list(RUNS)).sort("run")


def _opened(catalog: Path) -> DeltaTable:
    table = DeltaTable(catalog / "runs")
    check_whole(table, catalog / "runs")
    return table


def _newest(catalog: Path, table: DeltaTable) -> list[Path]:
    """Return the files that may hold the last run: each run is a file of its own, and Delta's log has its number."""
    added = pl.DataFrame(table.get_add_actions(flatten=True))
    if "max.run" in added.columns:  # a program that rewrote the table may have kept no figures
        added = added.filter(pl.col("max.run").is_null() | (pl.col("max.run") == pl.col("max.run").max()))
    return [catalog / "runs" / name for name in added["path"]]


@dataclass(frozen=True)
class Last:
    """The last run, as the next one needs it."""

    run: int
    run_id: str
    sha256: str
    table_versions: dict[str, int]
    log: DeltaTable | None = field(default=None, repr=False, compare=False)
    """The table of runs as it was opened; the one writer appends to it."""


def last(catalog: Path) -> Last:
    """Return the last run."""
    table = _opened(catalog)
    columns = ["run", "run_id", "sha256", "table_versions"]
    found = pl.concat([pl.read_parquet(path, columns=columns) for path in _newest(catalog, table)])
    run, run_id, sha256, versions = max(found.iter_rows())
    return Last(run, run_id, sha256, json.loads(versions), table)


def new_id() -> str:
    """Return the id of a run that is to be."""
    return uuid.uuid4().hex[:12]


def append(
    catalog: Path, record: Record, versions: dict[str, int], previous: Last | None, run_id: str | None = None
) -> Last:
    """Append a run that names `versions` after `previous`; return it."""
    number = previous.run + 1 if previous else 0
    row: dict[str, Any] = {
        "run": number,
        "run_id": run_id or new_id(),
        "command": record.command,
        "who": _who(),
        "started_at": record.started_at,
        "ended_at": datetime.now(UTC),
        "dqkit_version": record.dqkit_version,
        "rules": record.rules,
        "counts": json.dumps(record.counts, sort_keys=True),
        "table_versions": json.dumps(versions, sort_keys=True),
        "complete": record.complete,
        "previous_sha256": previous.sha256 if previous else "",
    }
    row["sha256"] = chained(row)
    log = previous.log if previous and previous.log else DeltaTable(catalog / "runs")
    write_deltalake(log, pl.DataFrame([row], schema=RUNS), mode="append")
    return Last(number, row["run_id"], row["sha256"], versions, log)


def chained(row: dict[str, Any]) -> str:
    """Return the hash that a run's row must carry, over all its other columns."""
    return hashlib.sha256(json.dumps([str(row[name]) for name in _CHAINED]).encode()).hexdigest()


def broken_link(catalog: Path) -> int | None:
    """Return the number of the first run whose hash does not fit, or None where the chain is whole."""
    previous = ""
    for row in scan(catalog).collect().iter_rows(named=True):
        if row["previous_sha256"] != previous or row["sha256"] != chained(row):
            return int(row["run"])
        previous = row["sha256"]
    return None


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
