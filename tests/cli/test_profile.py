"""``dqkit profile``: the page, the tables and the terminal, of folders and of a catalog."""

import json
import stat
from pathlib import Path

import polars as pl
import pytest

from dqkit.catalog.store import Catalog
from tests.catalog.cohorts import write_cohort
from tests.cli.conftest import Audited, dqkit
from tests.dicom_factory import Exam, ct_series, write

SECRETS = ("Morgan", "19610704", "Chest routine")


@pytest.fixture
def profiled(audited: Audited, tmp_path: Path) -> Path:
    ran = dqkit("profile", audited.catalog, "--out", tmp_path / "p")
    assert ran.code == 0, ran.said
    return tmp_path / "p"


def test_the_folder_is_for_its_owner_alone(profiled: Path) -> None:
    assert stat.S_IMODE(profiled.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in profiled.iterdir()}
    assert files == dict.fromkeys(("profile.html", "profile.parquet", "changes.parquet"), 0o600)


def test_the_table_has_a_row_for_each_site_and_attribute(profiled: Path) -> None:
    rows = pl.read_parquet(profiled / "profile.parquet")
    kvp = rows.filter(pl.col("attribute") == "KVP").select("site", "n", "present", "absent")
    assert sorted(kvp.iter_rows()) == [("north", 1, 1, 0), ("south", 1, 1, 0)]
    thickness = rows.filter(pl.col("attribute") == "SliceThickness").row(0, named=True)
    assert thickness["commonest"][0]["n"] == 1
    assert thickness["min"] == thickness["max"]


def test_identifying_attributes_give_counts_and_no_values(profiled: Path) -> None:
    rows = pl.read_parquet(profiled / "profile.parquet")
    names = rows.filter(pl.col("attribute").is_in(["PatientName", "PatientID", "ProtocolName", "StudyDate"]))
    assert names["distinct"].to_list() == [1] * names.height
    assert names["commonest"].null_count() == names["min"].null_count() == names.height
    everything = str(rows.to_dicts()) + (profiled / "profile.html").read_text()
    assert [secret for secret in SECRETS if secret in everything] == []


def test_the_terminal_names_sites_and_what_is_incomplete(audited: Audited, tmp_path: Path) -> None:
    ran = dqkit("profile", audited.catalog, "--out", tmp_path / "p", "--lang", "zh")
    assert "north" in ran.said
    assert "层厚" in ran.said
    assert [secret for secret in SECRETS if secret in ran.said] == []


def test_json_holds_what_the_page_shows(audited: Audited, tmp_path: Path) -> None:
    ran = dqkit("profile", audited.catalog, "--by", "vendor", "--out", tmp_path / "p", "--json")
    data = json.loads(ran.out)
    assert data["by"] == ["vendor"]
    assert data["groups"]["rows"] == [["GE MEDICAL SYSTEMS", 2]]


def test_folders_are_indexed_first(two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit("profile", two_sites, "--catalog", tmp_path / "c", "--out", tmp_path / "p", "--by", "scanner,protocol")
    assert ran.code == 0, ran.said
    rows = pl.read_parquet(tmp_path / "p" / "profile.parquet")
    assert rows["protocol"].str.len_chars().unique().to_list() == [6]


def test_an_empty_catalog_is_nothing_to_profile(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = dqkit("profile", tmp_path / "empty", "--catalog", tmp_path / "c", "--out", tmp_path / "p")
    assert ran.code == 4
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("out", ["archive/p", "catalog/p"])
def test_nothing_is_written_into_a_source_or_the_catalog(audited: Audited, out: str) -> None:
    folder = (audited.archive if out.startswith("archive") else audited.catalog) / "p"
    assert dqkit("profile", audited.catalog, "--out", folder).code == 2
    assert not folder.exists()


def test_a_hostile_value_is_text_on_the_page_and_the_terminal(tmp_path: Path) -> None:
    hostile = "<script>x</script>[bold]\x1b[31m"
    write(ct_series(Exam(), ConvolutionKernel=hostile, Manufacturer=hostile), tmp_path / "in")
    ran = dqkit("profile", tmp_path / "in", "--catalog", tmp_path / "c", "--out", tmp_path / "p", "--by", "vendor")
    assert ran.code == 0, ran.said
    assert "\x1b[31m" not in ran.out
    assert "<script>x" not in (tmp_path / "p" / "profile.html").read_text()


def test_a_cohort_is_profiled_as_if_there_were_nothing_else(audited: Audited, tmp_path: Path) -> None:
    cohort = write_cohort(tmp_path / "c.parquet", Catalog(audited.catalog), pl.col("site") == "north")
    ran = dqkit("profile", audited.catalog, "--out", tmp_path / "p", "--cohort", cohort, "--json")
    assert [row[0] for row in json.loads(ran.out)["groups"]["rows"]] == ["north"]
    page = (tmp_path / "p" / "profile.html").read_text()
    assert "by hand" in page
    assert "south" not in page
