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
    return pl.scan_delta(DeltaTable(catalog / "runs")).select(list(RUNS)).sort("run")


def last(catalog: Path) -> dict[str, Any]:
    """Return the last run, its `table_versions` and `counts` parsed."""
    row = scan(catalog).last().collect().row(0, named=True)
    return row | {"table_versions": json.loads(row["table_versions"]), "counts": json.loads(row["counts"])}


def append(catalog: Path, record: Record, versions: dict[str, int]) -> int:
    """Append a run that names `versions`; return its number."""
    table = DeltaTable(catalog / "runs")
    runs = pl.scan_delta(table).select("run", "sha256").sort("run").last().collect()
    number, previous = (runs.row(0)[0] + 1, runs.row(0)[1]) if runs.height else (0, "")
    row: dict[str, Any] = {
        "run": number,
        "run_id": uuid.uuid4().hex[:12],
        "command": record.command,
        "who": _who(),
        "started_at": record.started_at,
        "ended_at": datetime.now(UTC),
        "dqkit_version": record.dqkit_version,
        "rules": record.rules,
        "counts": json.dumps(record.counts, sort_keys=True),
        "table_versions": json.dumps(versions, sort_keys=True),
        "complete": record.complete,
        "previous_sha256": previous,
    }
    row["sha256"] = chained(row)
    write_deltalake(table, pl.DataFrame([row], schema=RUNS), mode="append")
    return int(number)


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
