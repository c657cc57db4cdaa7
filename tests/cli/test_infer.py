"""``dqkit rules infer``: what an archive keeps to becomes a pack; an audit with it finds the exceptions alone."""

import stat
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests import dicom_factory as factory
from tests.cli.conftest import Ran, dqkit
from tests.dicom_exam import Exam, Grid

SMALL = Grid(n=4, rows=24, columns=24)
STRANGE = 'T2 "*tse* : {yes} #1\\ \N{LINE SEPARATOR}高分辨'
"""A name of a protocol that YAML, a terminal and a reviewer could each misread."""


def brain(root: Path, k: int, vendor: str = "siemens", grid: Grid = SMALL, **attributes: object) -> None:
    exam = Exam(site="North", patient=f"{vendor}-{k}", vendor=vendor, date=f"202403{k + 1:02d}")
    for number, contrast in ((3, "T1"), (4, "T2")):
        own = attributes if contrast == "T2" else {}
        own = {"ProtocolName": STRANGE if contrast == "T2" else "t1", "StudyDescription": "Brain", **own}
        series = factory.mr_series(exam, grid, number=number, contrast=contrast, **own)
        factory.write(series, root / vendor / str(k) / contrast)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Ran]:
    """Learn from 24 examinations of two scanners, of which one has another echo time and one lacks its T2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        root = tmp_path_factory.mktemp("infer")
        for k in range(12):
            brain(root / "archive", k)
            brain(root / "archive", k, "ge", EchoTime="140" if k == 5 else "98")
        for path in (root / "archive" / "ge" / "7" / "T2").iterdir():
            path.unlink()
        assert dqkit("index", root / "archive", "--catalog", root / "catalog", "--site", "North").code == 0
        ran = dqkit("rules", "infer", root / "catalog", "-o", root / "north.yaml", "--min-support", "8")
        return root / "catalog", root / "north.yaml", ran


def test_pack_is_for_its_owner_alone_and_says_so(learnt: tuple[Path, Path, Ran]) -> None:
    _, pack, ran = learnt
    assert ran.code == 0
    assert stat.S_IMODE(pack.stat().st_mode) == 0o600
    assert "In-house" in pack.read_text()
    assert "in-house" in ran.out


def test_names_of_protocols_survive_yaml_and_stay_off_the_terminal(learnt: tuple[Path, Path, Ran]) -> None:
    _, pack, ran = learnt
    uses = yaml.safe_load(pack.read_text())["rules"]
    assert STRANGE in {use["where"].get("ProtocolName") for use in uses}
    assert "tse" not in ran.said


def test_every_line_has_its_support(learnt: tuple[Path, Path, Ran]) -> None:
    uses = yaml.safe_load(learnt[1].read_text())["rules"]
    assert all(use["cite"].startswith("inferred: ") for use in uses)
    echo = [u for u in uses if u["use"] == "ACQ-107" and u["where"]["ManufacturerModelName"] == "SIGNA Premier"]
    assert "inferred: 10 of 11 series" in {use["cite"] for use in echo}
    assert {"min_ms": 98.0, "max_ms": 98.0} in [use["with"] for use in echo]


def test_audit_with_it_finds_the_exceptions_and_no_others(learnt: tuple[Path, Path, Ran], tmp_path: Path) -> None:
    catalog, pack, _ = learnt
    out = tmp_path / "out"
    ran = dqkit("audit", catalog, "--pack", pack, "--out", out, "--fail-on", "never")
    assert ran.code == 0, ran.said
    found = pl.read_parquet(out / "findings.parquet").filter(pl.col("variant").str.starts_with("north/"))
    assert sorted(found["rule_id"]) == ["ACQ-107", "CON-101"]


def test_a_pack_that_was_reviewed_is_not_overwritten(learnt: tuple[Path, Path, Ran]) -> None:
    catalog, pack, _ = learnt
    before = pack.read_text()
    ran = dqkit("rules", "infer", catalog, "-o", pack)
    assert ran.code == 2
    assert pack.read_text() == before


def test_too_few_series_are_nothing_to_learn_from(learnt: tuple[Path, Path, Ran], tmp_path: Path) -> None:
    ran = dqkit("rules", "infer", learnt[0], "-o", tmp_path / "p.yaml", "--min-support", "500")
    assert ran.code == 4
    assert not (tmp_path / "p.yaml").exists()


@pytest.mark.parametrize("arguments", [("--by", "ProtocolNam"), ("--by", "ImageType"), ("--site", "South")])
def test_what_cannot_be_learnt_by_is_said(learnt: tuple[Path, Path, Ran], tmp_path: Path, arguments: tuple) -> None:
    ran = dqkit("rules", "infer", learnt[0], "-o", tmp_path / "p.yaml", *arguments)
    assert ran.code == 2
    assert arguments[1] in ran.said
