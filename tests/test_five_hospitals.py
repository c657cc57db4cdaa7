"""The story of docs/tutorials/five-hospitals.md, as it is written there."""

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests import five_hospitals
from tests.cli.conftest import Ran, dqkit

pytestmark = pytest.mark.slow

STORY = Path(__file__).parents[1] / "docs" / "tutorials" / "five-hospitals.md"

_BLOCK = re.compile(r"```(\w+) ?(\S*)\n(.*?)```", re.DOTALL)
_EXIT = re.compile(r"\s+# exit (\d+)$")


def filled_in(line: str) -> str:
    """Return a line with what the reader is to put there."""
    if "FINDING_ID" in line:
        line = line.replace("FINDING_ID", the_finding("GEO-014"))
    return line.replace("YYYY-MM-DD", f"{datetime.now(UTC).date() + timedelta(days=180)}")


def the_finding(rule: str) -> str:
    """Return the id of a finding, which red/gate.txt must name."""
    ids = pl.read_parquet("thursday/findings.parquet").filter(rule_id=rule)["finding_id"]
    named = re.findall(r"dqkit (?:waive|explain) ([0-9a-f]+)", Path("red/gate.txt").read_text())
    assert named
    assert ids.len() == 1
    return str(ids.item())


def words(line: str) -> list[str]:
    """Split a line as a shell does, patterns of files filled in."""
    found = []
    for word in shlex.split(line):
        found += sorted(map(str, Path().glob(word))) if "*" in word else [word]
    return found


def run(line: str) -> Ran:
    program, *arguments = words(line)
    if program == "python":
        assert arguments[:2] == ["-m", "tests.five_hospitals"]
        return Ran(five_hospitals.main(arguments[2:]), "", "")
    assert program == "dqkit"
    return dqkit(*arguments)


def test_the_story_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: dict[str, Ran] = {}
    for kind, name, text in _BLOCK.findall(STORY.read_text()):
        if kind == "yaml":
            Path(name).write_text(text)
            continue
        for line in text.splitlines():
            expected = _EXIT.search(line)
            command = filled_in(_EXIT.sub("", line))
            said[line] = run(command)
            assert said[line].code == (int(expected[1]) if expected else 0), f"{command}\n{said[line].said}"
    audits = [ran.said for line, ran in said.items() if line.startswith("dqkit audit")]
    for rule in ("GEO-003", "FMT-006", "GEO-014", "CON-101"):
        assert rule in audits[0]
    assert "GEO-003" not in audits[1]
    (chosen,) = (ran.said for line, ran in said.items() if line.startswith("dqkit select"))
    assert "17 patients" in chosen
    assert "14 patients" in chosen
    mended = next(ran.said for line, ran in said.items() if line.endswith("--state mended"))
    assert "2 problems" in mended
    verdicts = [json.loads(Path(out, "verdict.json").read_bytes())["verdict"] for out in ("red", "green")]
    assert verdicts == ["fail", "pass"]
