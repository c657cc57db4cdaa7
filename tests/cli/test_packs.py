"""``dqkit packs`` and ``dqkit audit --pack``: what is told, and what ends a run at once."""

import json
from pathlib import Path

import polars as pl
import pytest

from dqkit.rulebook.pack import pack_names
from tests.cli.conftest import dqkit

GUIDE = Path(__file__).parents[2] / "docs" / "packs.md"


def test_the_list_names_every_pack_with_its_version_and_sources():
    ran = dqkit("packs", "list")
    assert ran.code == 0
    for name in pack_names():
        assert name in ran.out
    assert "1.0.0" in ran.out
    assert "规则包" in dqkit("packs", "list", "--lang", "zh").out


def test_the_list_as_json():
    rows = json.loads(dqkit("packs", "list", "--json").out)
    assert [row["name"] for row in rows] == list(pack_names())
    prostate = next(row for row in rows if row["name"] == "prostate-mr")
    assert {rule["variant"] for rule in prostate["rules"]} >= {"prostate-mr/t2-thickness", "prostate-mr/b-values"}
    assert all(rule["cite"] for rule in prostate["rules"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_pack_is_explained_with_the_source_of_each_number(lang: str):
    ran = dqkit("packs", "show", "prostate-mr@1.0.0", "--lang", lang)
    assert ran.code == 0
    assert "s13244-021-00996-6" in ran.said
    assert "region: prostate" in ran.said
    assert json.loads(dqkit("packs", "show", "prostate-mr", "--json").out)["scope"]["region"] == "prostate"


def test_a_pack_of_ones_own_is_explained(tmp_path: Path):
    text = GUIDE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "north-prostate.yaml"
    path.write_text(text, encoding="utf-8")
    ran = dqkit("packs", "show", path)
    assert ran.code == 0
    assert "extends: prostate-mr 1.0.0" in ran.said
    assert "house style: contract of 2025" in ran.said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prostat", "did you mean prostate-mr"),
        ("prostate-mr@7.0.0", "prostate-mr has version 1.0.0, not 7.0.0"),
        ("nowhere.yaml", "there is no pack file nowhere.yaml"),
    ],
)
def test_a_pack_that_is_not_there_ends_the_run_with_2(two_sites: Path, tmp_path: Path, name: str, message: str):
    for arguments in (("packs", "show", name), ("audit", two_sites, "--catalog", tmp_path / "c", "--pack", name)):
        ran = dqkit(*arguments)
        assert ran.code == 2
        assert message in ran.said
    assert not (tmp_path / "c").exists()


def test_a_broken_pack_is_told_with_file_and_line(two_sites: Path, tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nversion: 1.0.0\ntitle: {en: a, zh: 甲}\nwhy: {en: a., zh: 甲。}\nrules:\n  - {use: GEO-999}\n"
    )
    ran = dqkit("audit", two_sites, "--catalog", tmp_path / "c", "--pack", path)
    assert ran.code == 2
    assert "mine.yaml:6: there is no rule 'GEO-999'" in ran.said


def test_an_audit_says_what_a_pack_judged(two_sites: Path, tmp_path: Path):
    out = tmp_path / "out"
    ran = dqkit(
        "audit", two_sites, "--catalog", tmp_path / "c", "--out", out, "--pack", "lung-nodule-ct,mammography",
    )  # fmt: skip
    assert "lung-nodule-ct 1.0.0" in ran.said
    assert "no pack but general speaks of them" in ran.said
    coverage = json.loads((out / "result.json").read_text())["coverage"]
    rows = {row["name"]: (row["version"], row["series"], row["judged"]) for row in coverage["packs"]}
    assert rows["lung-nodule-ct"] == ("1.0.0", 2, 2)
    assert rows["mammography"] == ("1.0.0", 0, 0)
    assert coverage["series_without_pack"] == 0
    findings = pl.read_parquet(out / "findings.parquet").filter(pl.col("variant") != "")
    assert set(findings["variant"]) == {"lung-nodule-ct/thin-series"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "What was recognised, what was judged" in page
    assert "识别结果与判定范围" in page


def test_a_report_is_made_again_with_its_packs(two_sites: Path, tmp_path: Path):
    catalog, out = tmp_path / "c", tmp_path / "out"
    dqkit("audit", two_sites, "--catalog", catalog, "--out", out, "--pack", "lung-nodule-ct")
    for source in (out, catalog):
        again = tmp_path / f"again-{source.name}.html"
        assert dqkit("report", source, "--out", again).code == 0
        assert "lung-nodule-ct" in again.read_text(encoding="utf-8")
