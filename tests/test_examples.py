"""The example project goes red, is mended and goes green, by the very command line of its Makefile."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, dqkit

PROJECT = Path(__file__).parents[1] / "docs" / "examples" / "chest-training"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a copy of the project, with its key."""
    copy = Path(shutil.copytree(PROJECT, tmp_path / "project"))
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DQKIT_KEY", variable("DQKIT_KEY"))
    return copy


def variable(name: str) -> str:
    """Return a variable of the Makefile."""
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    (value,) = re.findall(rf"^(?:export )?{name} = (.*)$", text, re.MULTILINE)
    return str(value)


def make_archive(*arguments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["make_archive.py", "archive", *arguments])
        with pytest.raises(SystemExit) as left:
            runpy.run_path("make_archive.py", run_name="__main__")
    assert left.value.code == 0


def gate() -> tuple[Ran, dict[str, set[str | None]]]:
    """Run the gate of the Makefile; return what it said, and which checks keep it closed where."""
    ran = dqkit(*variable("GATE").split(), "--format", "text,junit,sarif")
    verdict = json.loads(Path("verdict/verdict.json").read_text(encoding="utf-8"))
    assert verdict["exit_code"] == ran.code
    closed: dict[str, set[str | None]] = {}
    for one in verdict["deciding"]:
        closed.setdefault(one["rule_id"], set()).add(one["site"])
    return ran, closed


def test_red_mended_green(project: Path) -> None:
    make_archive()
    red, closed = gate()
    assert red.code == 1
    assert closed == {"GEO-003": {"south"}, "GATE-003": {"south"}, "GATE-004": {"south"}, "GATE-010": {None}}
    make_archive("--resent")
    green, closed = gate()
    assert (green.code, closed) == (0, {}), green.said
    assert "1 finding is waived" in green.out
    assert "Ada Example, chest imaging" in green.said
    verified = dqkit("gate", "verify", "verdict/verdict.json", "--dataset", "train.csv", "--catalog", "catalog")
    assert verified.code == 0, verified.said


def test_what_its_page_names_is_there() -> None:
    page = (PROJECT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+\.(?:yaml|csv|py))`", page))
    assert named == {path.name for path in PROJECT.iterdir() if path.suffix in {".yaml", ".csv", ".py"}}
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", page)) <= targets
