"""An audit of a cohort judges its series as if there were nothing else, and says how the catalog moved on."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from dqkit.catalog.store import Catalog
from tests import dicom_defects as defects
from tests.catalog.cohorts import write_cohort
from tests.cli.conftest import dqkit
from tests.dicom_factory import Exam, ct_series, mr_series, write

SELECTED = ("--select", "GEO-003,FMT-001")
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an archive and its catalog: whole CT and MR, a CT with a gap, and a file that is none."""
    root = tmp_path_factory.mktemp("cohort")
    write(ct_series(Exam(patient="n-1")), root / "archive" / "north" / "ct")
    write(mr_series(Exam(patient="n-2")), root / "archive" / "north" / "mr")
    write(defects.drop_slice(ct_series(Exam(patient="s-1")), 5), root / "archive" / "south" / "ct")
    (root / "archive" / "north" / "ct" / "cut.dcm").write_bytes(b"")
    (root / "archive" / "south" / "loose").mkdir()
    (root / "archive" / "south" / "loose" / "cut.dcm").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", KEY)
        assert dqkit("index", root / "archive", "--catalog", root / "catalog").code == 0
    return root


def judged(catalog: Path, out: Path, cohort: Path, *options: str) -> dict:
    ran = dqkit("audit", catalog, "--out", out, *SELECTED, "--cohort", cohort, *options, "--json")
    return {"code": ran.code, **json.loads(ran.out)}


def failed(result: dict) -> dict[str, int]:
    return {row["rule_id"]: row["failed"] for row in result["outcomes"] if row["failed"]}


def test_series_outside_the_cohort_are_as_if_they_were_not_there(made: Path, tmp_path: Path) -> None:
    catalog = Catalog(made / "catalog")
    whole = judged(made / "catalog", tmp_path / "all", write_cohort(tmp_path / "all.parquet", catalog))
    assert failed(whole) == {"FMT-001": 1, "GEO-003": 1}
    mr = write_cohort(tmp_path / "mr.parquet", catalog, pl.col("Modality") == "MR")
    result = judged(made / "catalog", tmp_path / "mr", mr)
    assert (result["code"], failed(result)) == (0, {})
    assert result["only"]["cohort"]["series"] == 1
    assert [row["series"] for row in result["glance"]["sites"]] == [1]


def test_a_file_without_a_series_counts_where_it_lies_beside_the_cohort(made: Path, tmp_path: Path) -> None:
    north = write_cohort(tmp_path / "n.parquet", Catalog(made / "catalog"), pl.col("site") == "north")
    result = judged(made / "catalog", tmp_path / "out", north)
    files = {(row["site"], row["evaluated"]) for row in result["outcomes"] if row["rule_id"] == "FMT-001"}
    inside = Catalog(made / "catalog").scan("instances").filter(site="north").select(pl.len()).collect().item()
    assert files == {("north", inside)}


def test_the_report_says_that_a_cohort_was_judged_and_says_it_again_without_the_file(
    made: Path, tmp_path: Path
) -> None:
    catalog = Path(shutil.copytree(made / "catalog", tmp_path / "catalog"))
    cohort = write_cohort(tmp_path / "c.parquet", Catalog(catalog), pl.col("site") == "north")
    ran = dqkit("audit", catalog, "--out", tmp_path / "out", *SELECTED, "--cohort", cohort)
    assert "the cohort by hand of 2 series" in ran.said
    cohort.unlink()
    assert dqkit("report", catalog, "--out", tmp_path / "r.html", "--lang", "zh").code == 0
    page = (tmp_path / "r.html").read_text()
    assert "队列 by hand，共 2 个序列" in page
    assert "south" not in page


def test_what_moved_on_since_is_told_and_what_is_gone_makes_the_run_incomplete(made: Path, tmp_path: Path) -> None:
    archive = Path(shutil.copytree(made / "archive", tmp_path / "archive"))
    catalog = tmp_path / "catalog"
    dqkit("index", archive, "--catalog", catalog)
    cohort = write_cohort(tmp_path / "c.parquet", Catalog(catalog), pl.col("site") == "north")
    shutil.rmtree(archive / "north" / "mr")
    next((archive / "north" / "ct").glob("*[0-9].dcm")).unlink()
    write(ct_series(Exam(patient="n-3")), archive / "north" / "later")
    dqkit("index", archive, "--catalog", catalog, "--confirm-removed")
    result = judged(catalog, tmp_path / "out", cohort, "--fail-on", "never")
    standing = {key: result["only"]["cohort"][key] for key in ("gone", "changed", "new")}
    assert standing == {"gone": 1, "changed": 1, "new": 1}
    assert (result["code"], result["complete"]) == (3, False)
    assert result["incomplete_because"] == ["1 series of the cohort are no longer in the catalog"]


def test_a_file_that_is_no_cohort_is_refused(made: Path, tmp_path: Path) -> None:
    text = tmp_path / "c.parquet"
    text.write_text("level,included\n")
    plain = tmp_path / "p.parquet"
    pl.DataFrame({"series_key": ["a"]}).write_parquet(plain)
    cut = write_cohort(tmp_path / "cut.parquet", Catalog(made / "catalog"))
    cut.write_bytes(cut.read_bytes()[:-40])
    for path in (text, plain, cut, tmp_path / "absent.parquet", tmp_path):
        ran = dqkit("audit", made / "catalog", "--out", tmp_path / "out", "--cohort", path)
        assert ran.code == 2
        assert "no cohort" in ran.said or "cannot be read" in ran.said
    assert not (tmp_path / "out").exists()


def test_a_cohort_of_another_catalog_or_key_or_of_nothing_is_refused(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dqkit("index", made / "archive", "--catalog", tmp_path / "other")
    cohort = write_cohort(tmp_path / "c.parquet", Catalog(tmp_path / "other"))
    ran = dqkit("audit", made / "catalog", "--out", tmp_path / "out", "--cohort", cohort)
    assert (ran.code, "chosen from another catalog" in ran.said) == (2, True)
    empty = write_cohort(tmp_path / "e.parquet", Catalog(made / "catalog"), pl.lit(value=False))
    ran = dqkit("audit", made / "catalog", "--out", tmp_path / "out", "--cohort", empty)
    assert (ran.code, "holds no series" in ran.said) == (4, True)
    monkeypatch.setenv("DQKIT_KEY", "another key that is long enough")
    dqkit("index", made / "archive", "--catalog", tmp_path / "third")
    ran = dqkit("audit", tmp_path / "third", "--out", tmp_path / "out", "--cohort", cohort)
    assert (ran.code, "was chosen under the key" in ran.said) == (2, True)
