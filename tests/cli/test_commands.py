"""Each command does what its help says."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Audited, dqkit
from tests.cli.test_bad_input import RULE


def finding_of(audited: Audited, rule: str) -> str:
    findings = pl.read_parquet(audited.out / "findings.parquet")
    return str(findings.filter(pl.col("rule_id") == rule)["finding_id"][0])


def test_audit_says_the_verdict_first_and_what_to_do_next(audited: Audited) -> None:
    assert audited.ran.code == 1
    lines = audited.ran.out.splitlines()
    assert "does not pass" in lines[0]
    assert "Slices are missing from the volume" in audited.ran.out
    assert str(audited.out / "report.html") in audited.ran.said
    command = audited.ran.out.split("Next: ")[1].split()
    assert command[:2] == ["dqkit", "explain"]


def test_audit_leaves_what_the_docs_say(audited: Audited) -> None:
    names = {path.name for path in audited.out.iterdir()}
    assert names >= {"findings.parquet", "problems.parquet", "outcomes.parquet", "report.html", "result.json"}
    assert audited.out.stat().st_mode & 0o777 == 0o700
    assert audited.catalog.stat().st_mode & 0o777 == 0o700
    sites = pl.read_parquet(audited.out / "outcomes.parquet")["site"].drop_nulls().unique().sort().to_list()
    assert sites == ["north", "south"]


def test_audit_in_the_other_language(audited: Audited, tmp_path: Path) -> None:
    ran = dqkit("audit", audited.catalog, "--out", tmp_path, "--select", "GEO-003", "--lang", "zh")
    assert ran.code == 1
    assert "体数据缺失层面" in ran.out
    assert 'lang="zh' in (tmp_path / "report.html").read_text(encoding="utf-8")[:400]


def test_index_tells_what_is_there(two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit("index", two_sites, "--catalog", tmp_path / "catalog", "--site", "Both")
    assert ran.code == 0
    assert "Both" in ran.out
    assert "CT" in ran.out
    assert "23 new" in ran.out
    again = dqkit("index", "--catalog", tmp_path / "catalog")
    assert "23 unchanged" in again.out
    assert "Both" in again.out


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("of", ["catalog", "out"])
def test_report_once_more(of: str, lang: str, audited: Audited, tmp_path: Path) -> None:
    path = tmp_path / "one.html"
    ran = dqkit("report", getattr(audited, of), "--site", "south", "--lang", lang, "--out", path)
    assert ran.code == 0
    assert ran.out.strip() == str(path)
    text = path.read_text(encoding="utf-8")
    assert f'lang="{lang}' in text[:400]
    assert ("体数据缺失层面" if lang == "zh" else "Slices are missing from the volume") in text
    assert "north" not in text


def test_report_lies_beside_the_audit(audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(dqkit("report", audited.out, "--lang", "zh").out.strip()) == audited.out / "report.zh.html"
    monkeypatch.chdir(tmp_path)
    assert Path(dqkit("report", audited.catalog).out.strip()) == Path("report.en.html")
    assert (tmp_path / "report.en.html").is_file()


def test_explain_names_the_slices(audited: Audited) -> None:
    finding = finding_of(audited, "GEO-003")
    ran = dqkit("explain", finding[:8], "--catalog", audited.catalog)
    assert ran.code == 0
    assert "gap before" in ran.out
    assert "south/ct/0005.dcm" in ran.out
    as_json = json.loads(dqkit("explain", finding, "--catalog", audited.catalog, "--json").out)
    assert as_json["finding"]["finding_id"] == finding
    assert [one["fault"] for one in as_json["slices"]].count("gap before") == 1
    assert "体数据缺失层面" in dqkit("explain", finding, "--catalog", audited.catalog, "--lang", "zh").out


def test_rules_list_show_and_test(tmp_path: Path) -> None:
    assert "GEO-003" in dqkit("rules", "list", "--select", "GEO,IDN-001").out
    assert "FMT-001" not in dqkit("rules", "list", "--select", "GEO").out
    assert "缺失层面" in dqkit("rules", "list", "--select", "GEO-003", "--lang", "zh").out
    shown = dqkit("rules", "show", "slice-gap")
    assert shown.code == 0
    assert "PS3.3 C.7.6.2.1.1" in shown.out
    tested = dqkit("rules", "test")
    assert tested.code == 0
    assert "0 failures" in tested.out


def test_a_rule_of_ones_own(audited: Audited, tmp_path: Path) -> None:
    rule = tmp_path / "GEO-901-house-thickness.yaml"
    rule.write_text(RULE, encoding="utf-8")
    tested = dqkit("rules", "test", rule)
    assert tested.code == 0, tested.out
    assert "1 rules, 3 cases, 0 failures" in tested.out
    assert dqkit("rules", "show", "GEO-901", "--rules", rule).code == 0
    ran = dqkit(
        "audit", audited.catalog, "--rules", tmp_path, "--select", "GEO-901", "--out", tmp_path / "out", "--json"
    )
    assert ran.code == 0
    assert {row["rule_id"] for row in json.loads(ran.out)["outcomes"]} == {"GEO-901"}
    rule.write_text(RULE.replace("SliceThickness: 8", "SliceThickness: 2"), encoding="utf-8")
    failed = dqkit("rules", "test", rule)
    assert failed.code == 1
    assert "GEO-901: thick" in failed.out


def test_sources_list_relocate_and_remove(archive: Path, tmp_path: Path) -> None:
    where = ["--catalog", tmp_path / "catalog"]
    assert dqkit("index", archive / "north", archive / "south", *where).code == 0
    listed = json.loads(dqkit("sources", "list", *where, "--json").out)
    assert [row["name"] for row in listed] == ["north", "south"]
    assert "north" in dqkit("sources", "list", *where).out
    moved = (archive / "north").rename(tmp_path / "moved")
    assert dqkit("sources", "relocate", "north", moved, *where).code == 0
    assert '"unchanged": 23' in dqkit("index", *where, "--json").out
    removed = dqkit("sources", "remove", "south", "--yes", *where)
    assert removed.code == 0
    assert "11 rows" in removed.out
    assert [row["name"] for row in json.loads(dqkit("sources", "list", *where, "--json").out)] == ["north"]
    assert (archive / "south").is_dir()


def test_sites_from_a_table_or_an_attribute(two_sites: Path, tmp_path: Path) -> None:
    for rule, sites in (("tag:InstitutionName", {"North", "South"}), ("path:2", {"ct"})):
        ran = dqkit("index", two_sites, "--catalog", tmp_path / "catalog", "--site-from", rule, "--json")
        assert {row["site"] for row in json.loads(ran.out)["by_site"]} == sites
