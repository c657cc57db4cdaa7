"""The chain of runs as a file: every row as its hash covers it, which needs no catalog."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dqkit.catalog.runs import chained
from dqkit.catalog.schema import RUNS
from dqkit.catalog.store import Catalog


def chain_lines(catalog: Catalog, until: str) -> Iterator[bytes]:
    """Give the runs of a catalog, oldest first, up to the one with the id `until`: one JSON object a line, all text."""
    for row in catalog.scan("runs").collect().iter_rows(named=True):
        yield json.dumps({name: str(row[name]) for name in RUNS}, ensure_ascii=False).encode() + b"\n"
        if row["run_id"] == until:
            return


def broken_link(lines: bytes) -> int | None:
    """Return the number (0 = the first) of the first run whose hash does not fit, or None where the chain is whole."""
    previous = ""
    for number, line in enumerate(lines.splitlines()):
        row = _row(line)
        if row is None or row["previous_sha256"] != previous or row["sha256"] != chained(dict(row)):
            return number
        previous = row["sha256"]
    return None


def run_ids(lines: bytes) -> list[str]:
    """Return the ids of the runs of a chain."""
    return [row["run_id"] for line in lines.splitlines() if (row := _row(line)) is not None]


def run_of(lines: bytes, run_id: str) -> Mapping[str, Any] | None:
    """Return the run with the id `run_id`, or None where the chain has none."""
    rows = (_row(line) for line in lines.splitlines())
    return next((row for row in rows if row is not None and row["run_id"] == run_id), None)


def _row(line: bytes) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    is_whole = isinstance(row, dict) and set(row) == set(RUNS) and all(isinstance(v, str) for v in row.values())
    return row if is_whole else None
