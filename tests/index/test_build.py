"""Indexing: what is new is read, what is gone goes, and what cannot be seen stays."""

import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dqkit.archive.site import SiteRule
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.index.build import IndexOptions, index
from tests.dicom_factory import Exam, ct_series, write
from tests.index.conftest import MakeCatalog

CONFIRMED = IndexOptions(confirm_removed=True)


def rows(catalog: Catalog, table: str = "instances") -> pl.DataFrame:
    return catalog.scan(table).collect()


def test_folders_below_the_root_are_sites(archive: Path, catalog: Catalog) -> None:
    summary = index(catalog, [archive])
    assert summary.complete
    assert set(rows(catalog)["site"]) == {"north", "south"}
    assert set(summary.by_site["Modality"]) == {"CT", "MR"}
    assert rows(catalog, "series").height == 4


def test_a_single_folder_is_no_site(archive: Path, catalog: Catalog) -> None:
    shutil.rmtree(archive / "south")
    index(catalog, [archive])
    assert set(rows(catalog)["site"]) == set(rows(catalog)["InstitutionName"])


def test_unchanged_files_are_not_read_again(archive: Path, catalog: Catalog) -> None:
    first = index(catalog, [archive])
    before = catalog.versions
    second = index(catalog, [archive])
    assert (second.new, second.changed, second.removed) == (0, 0, 0)
    assert second.unchanged == first.files
    assert catalog.versions["instances"] == before["instances"]


def test_changed_new_and_removed_files_end_like_a_first_index(
    archive: Path, catalog: Catalog, make_catalog: MakeCatalog
) -> None:
    index(catalog, [archive])
    write(ct_series(Exam(site="north", patient="north-2")), archive / "north" / "new")
    files = sorted((archive / "south").rglob("*.dcm"))
    files[0].unlink()
    files[1].write_bytes(files[2].read_bytes())
    summary = index(catalog, [archive], CONFIRMED)
    assert (summary.changed, summary.removed) == (1, 1)
    fresh = make_catalog("fresh")
    index(fresh, [archive])
    for table in ("instances", "stacks", "series", "labels"):
        key = rows(fresh, table).columns[0] if table != "series" else "series_key"
        assert_frame_equal(rows(catalog, table).sort(key), rows(fresh, table).sort(key))


def test_many_files_gone_ask_for_a_confirmation(archive: Path, catalog: Catalog) -> None:
    index(catalog, [archive])
    before = rows(catalog).height
    shutil.rmtree(archive / "south" / "mr")
    with pytest.raises(DqkitError, match="are gone") as caught:
        index(catalog, [archive])
    assert "--confirm-removed" in caught.value.hint
    assert rows(catalog).height == before
    assert index(catalog, [archive], CONFIRMED).files < before


@pytest.mark.parametrize("how", ["moved away", "emptied"])
def test_a_source_that_is_not_there_keeps_its_rows(archive: Path, catalog: Catalog, how: str) -> None:
    before = index(catalog, [archive]).files
    archive.rename(archive.with_name("elsewhere"))
    if how == "emptied":
        archive.mkdir()
    summary = index(catalog, [])
    assert summary.offline == ("archive",)
    assert rows(catalog).height == before
    assert rows(catalog, "sources")["state"].to_list() == ["offline"]


def test_naming_sites_anew_reads_no_file(archive: Path, catalog: Catalog) -> None:
    index(catalog, [archive])
    summary = index(catalog, [archive], IndexOptions(site_rule=SiteRule("name", "Both")))
    assert (summary.new, summary.changed) == (0, 0)
    assert set(rows(catalog)["site"]) == {"Both"}
    assert set(rows(catalog, "stacks")["site"]) == {"Both"}


def test_sites_from_a_table_take_the_nearest_folder(archive: Path, catalog: Catalog, tmp_path: Path) -> None:
    table = tmp_path / "sites.csv"
    table.write_text("folder,site\nnorth,北院\nnorth/mr,MR centre\n", encoding="utf-8")
    index(catalog, [archive], IndexOptions(site_rule=SiteRule.parse(str(table))))
    sites = dict(rows(catalog).select("folder", "site").unique().iter_rows())
    assert sites["north/ct"] == "北院"
    assert sites["north/mr"] == "MR centre"


def test_sources_inside_each_other_are_refused(archive: Path, catalog: Catalog) -> None:
    index(catalog, [archive])
    with pytest.raises(DqkitError, match="inside each other"):
        index(catalog, [archive / "north"])


def test_an_empty_folder_is_nothing_to_check(catalog: Catalog, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NothingToCheckError):
        index(catalog, [empty])


def test_links_in_a_circle_end(archive: Path, catalog: Catalog) -> None:
    expected = index(catalog, [archive]).files
    (archive / "north" / "up").symlink_to(archive)
    (archive / "north" / "self").symlink_to(archive / "north" / "self")
    assert index(catalog, [archive]).files == expected


def test_a_linked_folder_outside_is_followed_once(archive: Path, catalog: Catalog, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.move(archive / "south" / "mr", outside)
    (archive / "south" / "mr").symlink_to(outside)
    (archive / "south" / "again").symlink_to(outside)
    index(catalog, [archive])
    names = [row.rpartition("/")[2] for row in rows(catalog).filter(pl.col("folder").str.starts_with("south"))["path"]]
    assert len(names) == len(list(outside.iterdir())) + len(list((archive / "south" / "ct").iterdir()))


@pytest.mark.parametrize(
    "name",
    [b"line\nbreak.dcm", b"bad-\xff\xfe.dcm", b"100%.dcm", "影像.dcm".encode(), b"x" * 250 + b".dcm", b"tab\t .dcm"],
)
def test_any_name_is_one_row_and_leads_back_to_its_file(archive: Path, catalog: Catalog, name: bytes) -> None:
    from dqkit.archive.paths import unescape

    source = next((archive / "north" / "ct").iterdir())
    target = os.path.join(os.fsencode(archive), b"north", name)
    os.rename(source, target)
    index(catalog, [archive])
    found = [unescape(path) for path in rows(catalog)["path"] if unescape(path).endswith(b"/" + name)]
    assert found == [b"north/" + name]


def test_a_site_name_of_three_hundred_characters_is_kept(archive: Path, catalog: Catalog) -> None:
    long = "Hospital " * 34
    index(catalog, [archive], IndexOptions(site_rule=SiteRule("name", long)))
    assert set(rows(catalog)["site"]) == {long}


def test_furniture_of_exported_disks_is_one_row_a_folder(archive: Path, catalog: Catalog) -> None:
    for name in ("autorun.inf", "viewer.exe", "DICOMDIR"):
        (archive / "north" / name).write_bytes(b"x")
    for name in ("$RECYCLE.BIN", "System Volume Information"):
        (archive / name).mkdir()
        (archive / name / "old.dcm").write_bytes(b"x")
    index(catalog, [archive])
    system = rows(catalog).filter(pl.col("status") == "system")
    assert sorted(system["path"]) == ["$RECYCLE.BIN", "System Volume Information", "north/(disk files)"]


def test_copies_and_clashes_are_told_apart_by_their_bytes(archive: Path, catalog: Catalog) -> None:
    folder = archive / "north" / "ct"
    original = min(folder.iterdir())
    shutil.copy(original, folder / "copy.dcm")
    index(catalog, [archive])
    hashed = rows(catalog).filter(pl.col("content_sha256").is_not_null())
    assert hashed.height == 2
    assert hashed["content_sha256"].n_unique() == 1


def test_two_sources_of_one_name_stay_two(archive: Path, catalog: Catalog, tmp_path: Path) -> None:
    other = tmp_path / "other" / "archive"
    shutil.copytree(archive / "north", other)
    index(catalog, [archive, other])
    sources = rows(catalog, "sources")
    assert sources["name"].to_list() == ["archive", "archive-2"]
    assert rows(catalog)["file_id"].n_unique() == rows(catalog).height


def test_worker_processes_give_the_same_rows(
    archive: Path, catalog: Catalog, make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dqkit.index.build._WORTH_PROCESSES", 1)
    monkeypatch.setattr("dqkit.index.shards.CHUNK", 7)
    monkeypatch.setattr("dqkit.index.shards._ROWS_A_GROUP", 20)
    index(catalog, [archive], IndexOptions(workers=2))
    alone = make_catalog("alone")
    monkeypatch.undo()
    os.environ["DQKIT_KEY"] = "0123456789abcdef0123456789abcdef"
    index(alone, [archive])
    assert_frame_equal(rows(catalog).sort("file_id"), rows(alone).sort("file_id"))
    assert_frame_equal(rows(catalog, "stacks").sort("stack_id"), rows(alone, "stacks").sort("stack_id"))
