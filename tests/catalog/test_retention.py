"""Retention is explicit: what a verdict cites stays, what killed runs left goes, and only when asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from dqkit.catalog import runs
from dqkit.catalog.retention import kept_versions, sizes, vacuum
from dqkit.catalog.runs import Record
from dqkit.catalog.store import Catalog
from tests.catalog.test_store import keys, series


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Return a catalog whose series were a (audited), b, c and d, in as many runs."""
    catalog = Catalog.create(tmp_path / "catalog", "key", "0")
    for key, command in (("a", "audit"), ("b", "index"), ("c", "index"), ("d", "index")):
        with catalog.write() as writer:
            writer.overwrite("series", series(key))
            writer.commit(Record(command, "0"))
    return catalog


def at(catalog: Catalog, version: int) -> list[str]:
    """Return the keys of the series as `version` of the table has them."""
    return pl.scan_delta(DeltaTable(catalog.path / "series", version=version)).collect()["series_key"].to_list()


def parquet(catalog: Catalog, table: str) -> set[str]:
    return {path.name for path in (catalog.path / table).glob("*.parquet")}


def test_versions_of_the_last_days_of_audits_and_the_last_run_are_kept(catalog: Catalog) -> None:
    later = datetime.now(UTC) + timedelta(days=10)
    assert kept_versions(catalog, 30, later)["series"] == {0, 1, 2, 3, 4}
    assert kept_versions(catalog, 3, later)["series"] == {1, 4}


def test_what_a_verdict_cites_is_never_vacuumed(catalog: Catalog) -> None:
    gone = {one.name: one.files for one in vacuum(catalog, 0, dry_run=False)}
    assert gone["series"] == 2  # b and c
    assert keys(catalog) == keys(Catalog(catalog.path)) == ["d"]
    assert at(catalog, 1) == ["a"]
    with pytest.raises(FileNotFoundError):
        at(catalog, 2)


def test_a_dry_run_deletes_nothing_and_says_the_same(catalog: Catalog) -> None:
    before, n_runs = parquet(catalog, "series"), runs.last(catalog.path).run
    said = vacuum(catalog, 0, dry_run=True)
    assert parquet(catalog, "series") == before
    assert runs.last(catalog.path).run == n_runs
    assert vacuum(catalog, 0, dry_run=False) == said


def test_what_a_killed_run_left_goes_at_once(catalog: Catalog) -> None:
    with catalog.write() as writer:
        writer.overwrite("series", series("killed"))
    orphan = catalog.path / "series" / "part-of-a-killed-run.parquet"
    orphan.write_bytes(b"x" * 100)
    before = parquet(catalog, "series")
    gone = {one.name: one.files for one in vacuum(catalog, 30, dry_run=False)}
    assert gone["series"] == 2
    assert not orphan.exists()
    assert len(before) - len(parquet(catalog, "series")) == 2
    assert keys(catalog) == ["d"]


def test_a_vacuum_is_a_run_of_the_log_and_the_next_writer_takes_nothing_back(catalog: Catalog) -> None:
    vacuum(catalog, 0, dry_run=False)
    last = catalog.scan("runs").collect().row(-1, named=True)
    assert last["command"] == "catalog vacuum"
    assert runs.broken_link(catalog.path) is None
    version = DeltaTable(catalog.path / "series").version()
    with catalog.write() as writer:
        assert writer.version("series") == version
    assert DeltaTable(catalog.path / "series").version() == version


def test_nothing_to_free_writes_no_run(catalog: Catalog) -> None:
    vacuum(catalog, 0, dry_run=False)
    n_runs = runs.last(catalog.path).run
    assert sum(one.files for one in vacuum(catalog, 0, dry_run=False)) == 0
    assert runs.last(catalog.path).run == n_runs


def test_sizes_tell_what_is_live_from_what_is_on_disk(catalog: Catalog) -> None:
    table = next(one for one in sizes(catalog) if one.name == "series")
    assert (table.rows, table.version, table.versions) == (1, 4, 5)
    assert table.bytes > 3 * table.live_bytes > 0


def test_old_versions_are_not_forgotten_with_the_log_of_delta(catalog: Catalog) -> None:
    for name in catalog.versions:
        assert DeltaTable(catalog.path / name).metadata().configuration["delta.enableExpiredLogCleanup"] == "false"
