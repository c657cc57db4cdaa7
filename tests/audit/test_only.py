"""A part of an archive is judged as if there were nothing else, and every output says that it is a part."""

import json
from pathlib import Path

import pytest

from dqkit.audit.only import Only
from dqkit.errors import DqkitError
from dqkit.report.outfolder import read_out
from dqkit.report.verdict_view import because
from tests import dicom_defects as defects
from tests.cli.conftest import dqkit
from tests.dicom_factory import Exam, ct_series, mr_series, write

SELECTED = ("--select", "GEO-003,FMT-001")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the catalog of north (whole CT and MR) and south (a CT with a gap)."""
    root = tmp_path_factory.mktemp("only")
    write(ct_series(Exam(patient="n-1")), root / "archive" / "north" / "ct")
    write(mr_series(Exam(patient="n-2")), root / "archive" / "north" / "mr")
    write(defects.drop_slice(ct_series(Exam(patient="s-1")), 5), root / "archive" / "south" / "ct")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        assert dqkit("index", root / "archive", "--catalog", root / "catalog").code == 0
    return root / "catalog"


def judged(catalog: Path, out: Path, *only: str) -> dict:
    options = [word for text in only for word in ("--only", text)]
    ran = dqkit("audit", catalog, "--out", out, *SELECTED, *options, "--json")
    return {"code": ran.code, **json.loads(ran.out)}


def test_another_site_is_as_if_it_were_not_there(catalog: Path, tmp_path: Path) -> None:
    assert judged(catalog, tmp_path / "all")["code"] == 1
    north = judged(catalog, tmp_path / "north", "site=north")
    assert north["code"] == 0
    assert {row["site"] for row in north["outcomes"]} == {"north"}
    assert [row["site"] for row in north["glance"]["sites"]] == ["north"]
    assert "south" not in (tmp_path / "north" / "report.html").read_text().split("dqkit-data")[1]
    assert judged(catalog, tmp_path / "south", "site=south")["code"] == 1


def test_another_modality_is_as_if_it_were_not_there(catalog: Path, tmp_path: Path) -> None:
    mr = judged(catalog, tmp_path / "mr", "Modality=MR")
    assert mr["code"] == 0
    evaluated = {row["rule_id"]: row["evaluated"] for row in mr["outcomes"]}
    assert evaluated["GEO-003"] == 1


def test_the_report_says_that_it_is_a_part_and_says_it_again_later(catalog: Path, tmp_path: Path) -> None:
    result = judged(catalog, tmp_path / "out", "site=north", "site=south", "Modality=CT")
    assert result["only"] == {"sites": ["north", "south"], "modalities": ["CT"]}
    again = read_out(tmp_path / "out", [])
    assert because(again)[0]["en"] == "Only a part was asked for and judged: sites north, south; modalities CT."
    assert "仅检查了部分内容：机构 north、south；模态 CT" in because(again)[0]["zh"]
    assert dqkit("report", catalog, "--out", tmp_path / "r.html", "--lang", "zh").code == 0
    assert "仅检查了部分内容" in (tmp_path / "r.html").read_text()
    assert dqkit("report", tmp_path / "out", "--site", "north", "--out", tmp_path / "n.html").code == 0
    assert "south" not in (tmp_path / "n.html").read_text()


@pytest.mark.parametrize("text", ["site=West", "Modality=XX"])
def test_what_is_not_there_is_refused_before_anything_is_judged(text: str, catalog: Path, tmp_path: Path) -> None:
    ran = dqkit("audit", catalog, "--out", tmp_path / "out", "--only", text)
    assert (ran.code, "there are: " in ran.said) == (2, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["north", "Site=north", "site=", "=x"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(DqkitError, match="not understood"):
        Only.parse([text])
