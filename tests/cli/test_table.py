"""``dqkit index --table``: from a metadata extract to an audit and its report."""

import json
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from tests.cli.conftest import Ran, dqkit

UID = "1.2.826.0.1.3680043.10.1599.99"
CHINESE = "检查号,患者编号,姓名,性别,年龄,检查日期,设备类型,设备型号,层厚(mm),序列UID,检查UID,图像数,序列描述,科室电话"
SECRETS = ("000123", "张三", "A-001", f"{UID}.1.0", "13800138000")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return an export of a Chinese PACS: six series of three studies, one of them absurdly thick."""
    rows = [
        f"A-00{i // 2},000{123 + i // 2},张三,男,34岁,2024年3月{i // 2 + 1}日,CT,SOMATOM Force,"
        f"{'1.5' if i else '900'},{UID}.2.{i},{UID}.1.{i // 2},200,胸部平扫,13800138000"
        for i in range(6)
    ]
    path = tmp_path / "导出.csv"
    path.write_bytes("\r\n".join([CHINESE, *rows]).encode("gbk"))
    return path


def indexed(*arguments: object) -> Ran:
    return dqkit("index", "--catalog", "cat", *arguments)


def test_a_chinese_export_is_guessed_indexed_audited_and_reported(export: Path):
    ran = indexed("--table", export, "--mapping", "guess", "--site", "北方医院")
    assert ran.code == 0
    assert "6 series" in ran.said
    assert "it can answer" in ran.said
    audited = dqkit("audit", "cat", "--out", "out")
    assert audited.code == 0
    assert "is a table, not files" in audited.said
    findings = pl.read_parquet("out/findings.parquet")
    assert findings.filter(pl.col("rule_id") == "GEO-025").height == 1
    assert findings["site"].unique().to_list() == ["北方医院"]
    result = json.loads(Path("out/result.json").read_text())
    assert result["tables"][0]["series"] == 6
    assert 0 < result["tables"][0]["answers"] < result["tables"][0]["rules"]
    page = Path("out/report.html").read_text()
    assert "元数据表" in page
    for secret in SECRETS[:4]:
        assert secret not in page + json.dumps(result) + ran.said + audited.said


def test_the_guessed_mapping_is_written_for_review_and_can_be_given_back(export: Path):
    assert "导出.mapping.yaml" in indexed("--table", export, "--mapping", "guess").said
    written = Path("导出.mapping.yaml").read_text(encoding="utf-8")
    assert "层厚(mm)" in written
    again = indexed("--table", export, "--mapping", "导出.mapping.yaml")
    assert again.code == 0


def test_a_mapping_that_a_person_changed_is_never_written_over(export: Path):
    Path("导出.mapping.yaml").write_text("mine")
    assert "导出.mapping-2.yaml" in indexed("--table", export, "--mapping", "guess").said
    assert Path("导出.mapping.yaml").read_text() == "mine"


def test_a_dash_shows_the_guess_and_indexes_nothing(export: Path):
    ran = indexed("--table", export, "--mapping", "guess", "-")
    assert ran.code == 0
    assert "患者编号: PatientID" in ran.out
    assert not Path("cat").exists()


def test_what_cannot_be_shown_is_not(tmp_path: Path):
    path = tmp_path / "no-header.csv"
    path.write_text(f"000123,Doe^John,{UID}.1,{UID}.2,CT\n000124,Roe^Jane,{UID}.3,{UID}.4,CT\n")
    ran = indexed("--table", path, "--mapping", "guess")
    assert ran.code == 2
    assert "Doe" not in ran.said
    assert "000123" not in ran.said


def test_headers_that_look_like_values_are_counted_and_not_named(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text(f"PatientID,Doe^John,ward\n1,{UID},x\n")
    ran = indexed("--table", path, "--mapping", "guess", "--json")
    (told,) = json.loads(ran.out)["tables"]
    assert (told["unmapped"], told["unmapped_not_shown"]) == (["ward"], 1)


def test_json_says_which_rules_can_be_answered_and_what_the_others_lack(export: Path):
    (told,) = json.loads(indexed("--table", export, "--mapping", "guess", "--json").out)["tables"]
    assert "GEO-025" in told["answers"]
    assert told["does_not_answer"]["FMT-051"] == ["AcquisitionDate"]
    assert told["does_not_answer"]["GEO-003"] == []


def test_index_without_names_looks_at_tables_and_folders_again(export: Path, two_sites: Path):
    indexed("--table", export, "--mapping", "guess")
    assert "the table has not changed" in indexed().said
    indexed(two_sites)
    both = json.loads(indexed("--json").out)
    assert both["files"] > 0
    assert both["tables"][0]["state"] == "unchanged"
    export.unlink()
    assert "the table is not there (its 6 series stay)" in indexed().said
    assert dqkit("audit", "cat", "--out", "out", "--fail-on", "never").code == 3


def test_a_table_that_was_moved_is_relocated(export: Path, tmp_path: Path):
    indexed("--table", export, "--mapping", "guess")
    moved = export.rename(tmp_path / "moved.csv")
    assert dqkit("sources", "relocate", "导出", moved, "--catalog", "cat").code == 0
    assert "6 series" in indexed().said


def test_a_workbook_is_a_table_too(tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.append(["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "StudyDate"])
    book.active.append(["007", f"{UID}.1", f"{UID}.2", "CT", 45356])
    book.save(tmp_path / "t.xlsx")
    assert indexed("--table", tmp_path / "t.xlsx", "--mapping", "guess").code == 0
    from dqkit.catalog.store import Catalog

    row = Catalog(Path("cat")).scan("series").collect().row(0, named=True)
    assert (row["PatientID"], row["StudyDate"]) == ("007", "20240305")


def test_an_id_that_a_spreadsheet_rounded_is_a_critical_finding(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text(f"PatientID,StudyInstanceUID,SeriesInstanceUID\n1.23457E+11,{UID}.1,{UID}.2\n")
    assert "scientific notation" in indexed("--table", path, "--mapping", "guess").said
    assert dqkit("audit", "cat", "--out", "out", "--select", "IDN-031").code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--mapping", "guess"), "name the table with --table"),
        (("--table", "none.csv", "--mapping", "guess"), "there is no table none.csv"),
        (("--table", "t.csv"), "nobody said what the columns"),
        (("--table", "t.csv", "--mapping", "icd"), "there is no mapping 'icd'"),
        (("--table", "t.csv", "--mapping", "guess", "--site", "a", "--site-from", "column:b"), "exclude each other"),
        (("--table", "t.csv", "--mapping", "guess", "--site-from", "path:1"), "write --site-from column:HEADER"),
        (("--table", "t.csv", "--mapping", "guess", "--site-from", "column:none"), "none of that name"),
        (("--table", "t.csv", "--mapping", "guess", "."), "one after the other"),
        (("--table", ".", "--mapping", "guess"), "is a folder"),
    ],
)
def test_wrong_use_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...], told: str):
    (tmp_path / "t.csv").write_text(f"PatientID,Modality\np,{UID}\n")
    ran = indexed(*arguments)
    assert ran.code == 2
    assert told in ran.said


def test_an_empty_table_is_nothing_to_check(tmp_path: Path):
    (tmp_path / "t.csv").write_text("PatientID,Modality\n")
    assert indexed("--table", "t.csv", "--mapping", "guess").code == 4
