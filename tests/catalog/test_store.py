"""The catalog: what it refuses, what it takes back, and what a reader sees meanwhile."""

import json
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from dqkit.catalog import runs
from dqkit.catalog.retention import sizes
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import FORMAT_VERSION, TABLES, empty
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError, IncompleteError

RUN = Record("test", "0")


def series(*keys: str, bucket: int = 3) -> pl.DataFrame:
    return pl.DataFrame({"series_key": list(keys), "bucket": [bucket] * len(keys)})


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.create(tmp_path / "catalog", "key", "0")


def keys(catalog: Catalog) -> list[str]:
    return sorted(catalog.scan("series").collect()["series_key"])


def test_a_new_catalog_has_every_table_and_is_private(catalog: Catalog) -> None:
    for table, schema in TABLES.items():
        assert catalog.scan(table).collect_schema() == schema
    assert catalog.path.stat().st_mode & 0o777 == 0o700


def test_what_is_not_committed_does_not_count(catalog: Catalog) -> None:
    with catalog.write() as writer:
        writer.replace("series", series("a"), [3])
        writer.commit(RUN)
    with catalog.write() as writer:
        writer.replace("series", series("b"), [3])
    assert keys(Catalog(catalog.path)) == ["a"]
    with catalog.write() as writer:
        assert writer.scan("series").collect()["series_key"].to_list() == ["a"]
        writer.commit(RUN)
    assert keys(catalog) == ["a"]


def test_taking_back_twice_writes_once(catalog: Catalog) -> None:
    with catalog.write() as writer:
        writer.overwrite("series", series("b"))
    for _ in range(3):
        with catalog.write():
            pass
    assert DeltaTable(catalog.path / "series").version() == 2


def test_replacing_a_bucket_leaves_the_others(catalog: Catalog) -> None:
    with catalog.write() as writer:
        writer.replace("series", pl.concat([series("a"), series("b", bucket=4)]), [3, 4])
        writer.replace("series", series("c"), [3])
        writer.commit(RUN)
    assert keys(catalog) == ["b", "c"]


def instances(buckets: Iterable[int], each: int = 200) -> pl.DataFrame:
    rows = [(f"{bucket}-{number}", bucket) for bucket in buckets for number in range(each)]
    return pl.DataFrame(rows, schema={"file_id": pl.String, "bucket": pl.Int32}, orient="row")


def files_of(catalog: Catalog, table: str) -> set[str]:
    return set(pl.DataFrame(DeltaTable(catalog.path / table).get_add_actions().select(["path"]))["path"])


def test_a_changed_bucket_leaves_the_files_of_the_others(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dqkit.catalog.store._FILE_BYTES", 20_000)
    with catalog.write() as writer:
        writer.replace("instances", instances(range(64)), range(64))
        before = files_of(catalog, "instances")
        writer.replace("instances", instances([7], each=3), [7])
        writer.commit(RUN)
    assert len(before) >= 5
    assert len(before - files_of(catalog, "instances")) <= 2
    counts = dict(catalog.scan("instances").group_by("bucket").len().collect().iter_rows())
    assert counts == {bucket: 3 if bucket == 7 else 200 for bucket in range(64)}


def test_a_table_that_an_older_dqkit_partitioned_stays_so_and_works(catalog: Catalog) -> None:
    path = catalog.path / "instances"
    shutil.rmtree(path)
    write_deltalake(path, empty(TABLES["instances"]), partition_by=["bucket"])
    with catalog.write() as writer:
        writer.replace("instances", instances([3, 4]), [3, 4])
        writer.replace("instances", instances([4], each=1), [4])
        writer.append("instances", instances([5], each=2))
        writer.commit(RUN)
    assert DeltaTable(path).metadata().partition_columns == ["bucket"]
    counts = dict(catalog.scan("instances").group_by("bucket").len().collect().iter_rows())
    assert counts == {3: 200, 4: 1, 5: 2}


def test_readers_keep_their_version_while_a_writer_works(catalog: Catalog) -> None:
    reader = Catalog(catalog.path)
    with catalog.write() as writer:
        writer.overwrite("series", series("a"))
        assert keys(reader) == []
        writer.commit(RUN)
    assert keys(reader) == []
    reader.refresh()
    assert keys(reader) == ["a"]


def test_a_second_writer_waits_and_says_so(catalog: Catalog) -> None:
    said: list[str] = []
    second = Catalog(catalog.path)

    def wait() -> None:
        with second.write(lambda: said.append("waiting")):
            said.append("in")

    with catalog.write():
        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
        assert said == ["waiting"]
    thread.join(timeout=10)
    assert said == ["waiting", "in"]


def test_the_chain_of_runs_shows_a_changed_row(catalog: Catalog) -> None:
    with catalog.write() as writer:
        writer.commit(RUN)
    assert runs.broken_link(catalog.path) is None
    DeltaTable(catalog.path / "runs").update({"who": "'somebody else'"}, predicate="run = 1")
    assert runs.broken_link(catalog.path) == 1


def test_many_runs_are_summed_up_and_every_version_stays_readable(catalog: Catalog) -> None:
    for number in range(25):
        with catalog.write() as writer:
            writer.overwrite("series", series(f"{number}"))
            assert writer.commit(RUN) == number + 1
    assert (catalog.path / "runs" / "_delta_log" / "_last_checkpoint").exists()
    assert runs.last(catalog.path).run == 25
    assert runs.last(catalog.path).table_versions == catalog.versions
    assert runs.broken_link(catalog.path) is None
    assert keys(Catalog(catalog.path)) == ["24"]
    for number in (0, 8, 9, 17):
        old = DeltaTable(catalog.path / "series", version=number + 1)
        assert pl.scan_delta(old).collect()["series_key"].to_list() == [f"{number}"]


def test_the_last_run_is_found_in_a_log_that_was_rewritten(catalog: Catalog) -> None:
    for _ in range(3):
        with catalog.write() as writer:
            writer.commit(RUN)
    before = runs.last(catalog.path)
    DeltaTable(catalog.path / "runs").optimize.compact()
    assert runs.last(catalog.path) == before


def test_another_format_version_is_refused_with_what_to_do(catalog: Catalog) -> None:
    marker = catalog.path / "dqkit.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"format_version": FORMAT_VERSION + 1}))
    with pytest.raises(DqkitError, match="format version") as caught:
        Catalog(catalog.path)
    assert "new folder" in caught.value.hint


def test_another_key_is_refused(catalog: Catalog) -> None:
    with pytest.raises(DqkitError, match="made with the key"):
        Catalog(catalog.path, "another")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format_version": "x", "key_fingerprint": ""}'])
def test_a_damaged_marker_is_told(catalog: Catalog, text: str) -> None:
    (catalog.path / "dqkit.json").write_text(text)
    with pytest.raises(DqkitError, match="damaged"):
        Catalog(catalog.path)


def test_a_folder_of_other_things_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(DqkitError, match="not empty"):
        Catalog.create(tmp_path, "key", "0")
    with pytest.raises(DqkitError, match="is a file"):
        Catalog.create(tmp_path / "thesis.docx", "key", "0")


def test_creation_that_was_killed_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "catalog"
    Catalog.create(path, "key", "0")
    (path / "dqkit.json").unlink()
    assert Catalog.create(path, "key", "0").scan("series").collect().is_empty()


def test_columns_that_a_table_is_too_old_to_have_are_null(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, "series", TABLES["series"] | {"a_later_column": pl.Int64()})
    assert catalog.scan("series").collect_schema()["a_later_column"] == pl.Int64()
    with catalog.write() as writer:
        writer.overwrite("series", series("a").with_columns(a_later_column=1))
        writer.commit(RUN)
    assert catalog.scan("series").collect()["a_later_column"].to_list() == [1]


def test_a_full_disk_is_told_and_loses_nothing(catalog: Catalog) -> None:
    """A limit on the size of files stands for a full disk; both end a write with an OS error."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    many = pl.DataFrame({"series_key": [f"{i:032x}" for i in range(50_000)], "bucket": [1] * 50_000})
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        with pytest.raises(IncompleteError, match="could not be written") as caught, catalog.write() as writer:
            writer.overwrite("series", many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert "untouched" in caught.value.hint
    with catalog.write() as writer:
        writer.overwrite("series", series("a"))
        writer.commit(RUN)
    assert keys(catalog) == ["a"]


@pytest.fixture
def older(tmp_path: Path) -> Catalog:
    """A catalog that an older dqkit made, which knew no table of labels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(TABLES, "labels")
        Catalog.create(tmp_path / "older", "key", "0")
    return Catalog(tmp_path / "older", "key")


def test_a_table_that_an_older_catalog_lacks_is_empty(older: Catalog) -> None:
    assert "labels" not in older.versions
    assert older.scan("labels").collect().is_empty()
    assert "labels" not in {size.name for size in sizes(older)}


def test_a_table_that_an_older_catalog_lacks_is_made_when_it_is_written(older: Catalog) -> None:
    label = pl.DataFrame({"label_id": ["one"]})
    for _ in range(2):  # the first run is killed before it commits: what it left must not come back
        with older.write() as writer:
            writer.append("labels", label)
    assert older.scan("labels").collect().is_empty()
    with older.write() as writer:
        assert writer.scan("labels").collect().is_empty()
        writer.append("labels", label)
        writer.commit(RUN)
    assert Catalog(older.path).scan("labels").collect()["label_id"].to_list() == ["one"]
