"""``dqkit reconcile`` as a person types it: counts for everybody, numbers of the hospital for its own eyes."""

import json
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook

from dqkit.catalog.store import Catalog
from tests.audit.seeding import CHEST
from tests.cli.conftest import KEY, Ran, dqkit
from tests.dicom_factory import Exam, ct_series, write

SECRETS = ("secret-1", "secret-2", "ACC-77", "=HYPERLINK")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a catalog of two sites and a list of three studies of one, one of which is not here."""
    root = tmp_path_factory.mktemp("reconcile")
    for site, patient in (("north", "secret-1"), ("north", "secret-2"), ("south", "s-1")):
        write(ct_series(Exam(patient=patient), CHEST), root / "archive" / site / patient)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", KEY)
        assert dqkit("index", root / "archive", "--catalog", root / "catalog").code == 0
    studies = Catalog(root / "catalog").scan("series").filter(site="north").sort("PatientID").collect()
    uids = studies["StudyInstanceUID"].to_list()
    lines = ["检查UID,检查号,患者编号,图像数", f"{uids[0]},,secret-1,8", f"{uids[1]},,secret-2,11"]
    (root / "pacs.csv").write_text("\n".join([*lines, "2.25.99,ACC-77,=HYPERLINK(1),5"]), encoding="utf-8")
    (root / "two.csv").write_text("\n".join([lines[0], lines[1]]), encoding="utf-8")
    return root


def reconciled(made: Path, *options: object, name: str = "pacs.csv") -> Ran:
    return dqkit("reconcile", made / "catalog", "--expected", made / name, *options)


def test_it_counts_by_site_and_names_studies_by_pseudonym(made: Path) -> None:
    ran = reconciled(made)
    assert ran.code == 1
    assert "3 studies expected by 3 rows of the list. A row is a study." in ran.said
    assert "north 3 1 1 1 · · 8" in ran.said
    assert "Missing · 0 of 5 images" in ran.said
    assert "Partial · 8 of 11 images" in ran.said
    assert "The list says nothing of these sites: south." in ran.said
    assert not [secret for secret in (*SECRETS, "2.25.") if secret in ran.said]


def test_it_speaks_chinese(made: Path) -> None:
    ran = reconciled(made, "--lang", "zh")
    assert "清单共 3 行，应有 3 项检查。" in ran.said
    assert "缺失 · 图像 0/5" in ran.said


def test_json_and_result_hold_nothing_identifying(made: Path, tmp_path: Path) -> None:
    ran = reconciled(made, "--json", "-o", tmp_path / "out")
    told = json.loads(ran.out)
    assert told == json.loads((tmp_path / "out" / "result.json").read_text())
    assert [row["status"] for row in told["studies"]] == ["missing", "partial"]
    assert told["exit_code"] == ran.code == 1
    assert not [secret for secret in (*SECRETS, "2.25.") if secret in ran.out]


def test_the_list_for_the_house_has_the_numbers_of_the_hospital_and_no_formula(made: Path, tmp_path: Path) -> None:
    reconciled(made, "-o", tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
    rows = pl.read_parquet(tmp_path / "out" / "reconcile.parquet")
    assert sorted(rows["status"]) == ["complete", "missing", "partial"]
    assert "=HYPERLINK(1)" in rows["expected_PatientID"].to_list()
    sheet = load_workbook(tmp_path / "out" / "reconcile.xlsx").active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "'=HYPERLINK(1)" in [cell.value for cell in cells]


def test_what_is_all_there_is_green(made: Path) -> None:
    ran = reconciled(made, "--site", "north", name="two.csv")
    assert (ran.code, "Everything that was expected is there." in ran.said) == (0, True)


def test_wrong_use_is_told(made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("StudyInstanceUID\n")
    catalog, pacs = made / "catalog", made / "pacs.csv"
    for arguments, code, said in (
        ((catalog,), 2, "no list was named"),
        ((catalog, "--expected", tmp_path / "absent.csv"), 2, "cannot be read"),
        ((catalog, "--expected", tmp_path / "empty.csv"), 4, "is empty"),
        ((catalog, "--expected", tmp_path / "header.csv"), 4, "holds no row"),
        ((catalog, "--expected", pacs, "--site", "west"), 2, "there is no site 'west'"),
        ((catalog, "--expected", pacs, "--site-from", "医院"), 2, "column:HEADER"),
        ((catalog, "--expected", pacs, "--site-from", "column:医院"), 2, "none of that name"),
        ((catalog, "--expected", pacs, "--mapping", "nothing.yaml"), 2, "there is no mapping"),
        ((catalog, "--expected", pacs, "-o", made / "archive" / "out"), 2, "would lie inside the source"),
        ((tmp_path / "nowhere", "--expected", pacs), 2, "there is no catalog"),
    ):
        ran = dqkit("reconcile", *arguments)
        assert (ran.code, said in ran.said) == (code, True), ran.said
