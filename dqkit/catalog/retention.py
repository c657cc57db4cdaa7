"""What a catalog keeps: versions of its tables are evidence, and go only when somebody asks for it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from dqkit import __version__
from dqkit.catalog import runs
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import TABLES
from dqkit.catalog.store import Catalog

_CITING = ("audit", "gate")
"""Commands of the runs whose verdict cites the versions they saw: those are kept for good."""

_JUDGED = "judged_versions"
"""Key of a gate's counts: the versions that it judged, where something else was written before its verdict was."""


def _versioned(versions: Mapping[str, int]) -> list[str]:
    """Return the tables but `runs` that a catalog has; one older than a table lacks it."""
    return [name for name in TABLES if name in versions]


@dataclass(frozen=True)
class TableSize:
    """How much a table holds.

    Attributes
    ----------
    version
        Delta version of the last complete run.
    rows, live_bytes
        Of that version.
    versions
        How many versions runs name, and so can be read again unless they were vacuumed.
    bytes
        Of all its files, those of older versions and of killed runs among them.
    """

    name: str
    version: int
    rows: int
    live_bytes: int
    versions: int
    bytes: int


@dataclass(frozen=True)
class Vacuumed:
    """What went of a table, or would go."""

    name: str
    files: int
    bytes: int


def sizes(catalog: Catalog) -> list[TableSize]:
    """Return how much each table holds."""
    named = _named_versions(catalog)
    found = []
    for name in _versioned(catalog.versions):
        version = catalog.versions[name]
        added = pl.DataFrame(
            DeltaTable(catalog.path / name, version=version).get_add_actions().select(["size_bytes", "num_records"])
        )
        found.append(
            TableSize(
                name,
                version,
                int(added["num_records"].sum()),
                int(added["size_bytes"].sum()),
                len(named[name]),
                sum(path.stat().st_size for path in _files(catalog.path / name)),
            )
        )
    return found


def kept_versions(catalog: Catalog, keep_days: int, now: datetime | None = None) -> dict[str, set[int]]:
    """Return table -> versions that stay: of every audit and gate, the last run, and the last `keep_days` days."""
    since = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    rows = catalog.scan("runs").select("run", "command", "ended_at", "table_versions", "counts").collect()
    last = rows["run"].max()
    cites = pl.col("command").is_in(_CITING)
    cited = rows.filter(cites | (pl.col("ended_at") >= since) | (pl.col("run") == last))
    versions = _versions_in(cited)
    for counts in rows.filter(cites)["counts"]:
        for name, version in json.loads(counts).get(_JUDGED, {}).items():
            versions.setdefault(name, set()).add(version)
    return versions


def vacuum(catalog: Catalog, keep_days: int, *, dry_run: bool) -> list[Vacuumed]:
    """Delete files that only versions older than `keep_days` need, and what killed runs left behind.

    Versions that an audit or a gate saw are kept for good: its verdict cites them.

    Parameters
    ----------
    dry_run
        Delete nothing, and say what would go.
    """
    if dry_run:
        kept = kept_versions(catalog, keep_days)
        return [
            _gone(catalog.path / name, _vacuum(catalog.path / name, kept[name], dry_run=True))
            for name in _versioned(catalog.versions)
        ]
    with catalog.write() as writer:
        kept = kept_versions(catalog, keep_days)
        gone = []
        for name in _versioned(catalog.versions):
            folder = catalog.path / name
            gone.append(_gone(folder, _vacuum(folder, kept[name] | {writer.version(name)}, dry_run=True)))
            if gone[-1].files:
                _vacuum(folder, kept[name] | {writer.version(name)}, dry_run=False)
                writer.moved(name)
        counts = {"files": sum(one.files for one in gone), "bytes": sum(one.bytes for one in gone)}
        if counts["files"]:
            writer.commit(Record("catalog vacuum", __version__, counts=counts))
    return gone


def _vacuum(folder: Path, keep: set[int], *, dry_run: bool) -> list[str]:
    """Let Delta Lake delete what no version in `keep` needs; nobody else writes, so that no file is too young."""
    return DeltaTable(folder).vacuum(
        retention_hours=0, dry_run=dry_run, enforce_retention_duration=False, full=True, keep_versions=sorted(keep)
    )


def _gone(folder: Path, names: list[str]) -> Vacuumed:
    freed = [path.stat().st_size for name in names if (path := folder / name).is_file()]  # it names those long gone too
    return Vacuumed(folder.name, len(freed), sum(freed))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts)


def _named_versions(catalog: Catalog) -> dict[str, set[int]]:
    return _versions_in(catalog.scan("runs").select("table_versions").collect())


def _versions_in(rows: pl.DataFrame) -> dict[str, set[int]]:
    versions: dict[str, set[int]] = {name: set() for name in TABLES}
    for text in rows["table_versions"]:
        for name, version in json.loads(text).items():
            versions.setdefault(name, set()).add(version)
    return versions


def broken_link(catalog: Catalog) -> int | None:
    """Return the number of the first run whose hash does not fit the chain, or None where it is whole."""
    return runs.broken_link(catalog.path)
