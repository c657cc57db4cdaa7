"""The verdict is the exit code; docs/exit-codes.md has the table."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests import dicom_defects as defects
from tests.cli.conftest import Audited, Ran, dqkit, dqkit_process
from tests.dicom_factory import Exam, ct_series, write

CRITICAL, WARNING = "GEO-003", "GEO-025"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, two_sites: Path) -> Path:
    """Return a catalog in which a critical rule and a milder one fail."""
    root = tmp_path_factory.mktemp("judged")
    write(defects.drop_slice(ct_series(Exam(patient="1")), 5), root / "archive" / "a")
    write(defects.drift_thickness(ct_series(Exam(patient="2")), 400.0), root / "archive" / "b")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        assert dqkit("index", root / "archive", "--catalog", root / "catalog").code == 0
    return root / "catalog"


def audit(catalog: Path, out: Path, *more: object) -> Ran:
    return dqkit("audit", catalog, "--out", out, *more)


def severity_of(rule: str) -> str:
    from dqkit.rulebook.book import load_book

    return str(load_book().get(rule).severity)


@pytest.mark.parametrize(
    ("rules", "fail_on", "code"),
    [
        (CRITICAL, "critical", 1),
        (CRITICAL, "never", 0),
        (WARNING, "critical", 0),
        (WARNING, "warning", 1),
        (f"{CRITICAL},{WARNING}", "critical", 1),
    ],
)
def test_a_failing_rule_fails_from_its_severity_on(
    rules: str, fail_on: str, code: int, judged: Path, tmp_path: Path
) -> None:
    assert (severity_of(CRITICAL), severity_of(WARNING)) == ("critical", "warning")
    ran = audit(judged, tmp_path, "--select", rules, "--fail-on", fail_on, "--json")
    assert ran.code == code
    result = json.loads(ran.out)
    assert result["exit_code"] == code
    assert result["fail_on"] == fail_on
    assert result["complete"] is True
    assert {row["rule_id"] for row in result["failing"]} == set(rules.split(","))


def test_critical_is_the_default(judged: Path, tmp_path: Path) -> None:
    assert audit(judged, tmp_path, "--select", WARNING).code == 0


def test_both_engines_end_alike(judged: Path, tmp_path: Path) -> None:
    rules = f"{CRITICAL},{WARNING},FMT-027,IDN-012"
    tables = []
    for engine in ("polars", "gx"):
        assert audit(judged, tmp_path / engine, "--select", rules, "--engine", engine).code == 1
        tables.append(pl.read_parquet(tmp_path / engine / "outcomes.parquet"))
    assert tables[0].equals(tables[1])


def test_a_source_that_is_offline_is_not_green(archive: Path, tmp_path: Path) -> None:
    run = ["audit", archive, "--catalog", tmp_path / "catalog", "--out", tmp_path / "out", "--select", "FMT-027"]
    assert dqkit(*run).code == 0
    archive.rename(tmp_path / "elsewhere")
    archive.mkdir()
    ran = dqkit(*run)
    assert ran.code == 3
    assert "offline" in ran.said
    assert dqkit("sources", "relocate", "archive", tmp_path / "elsewhere", "--catalog", tmp_path / "catalog").code == 0
    assert dqkit("audit", tmp_path / "catalog", "--out", tmp_path / "out", "--select", "FMT-027").code == 0


def test_many_files_gone_ask_first(archive: Path, tmp_path: Path) -> None:
    run = ["index", archive, "--catalog", tmp_path / "catalog"]
    assert dqkit(*run).code == 0
    shutil.rmtree(archive / "south")
    ran = dqkit(*run)
    assert ran.code == 2
    assert "--confirm-removed" in ran.said
    assert dqkit(*run, "--confirm-removed").code == 0


def test_the_same_in_a_process_of_its_own(audited: Audited, tmp_path: Path) -> None:
    assert audited.ran.code == 1
    ran = dqkit_process("audit", audited.catalog, "--out", tmp_path / "out", "--select", CRITICAL)
    assert ran.code == 1
    assert ran.err == ""
