"""stdout is the result and nothing else; stderr is the progress; colours only where they are wanted."""

import json
import os
import pty
import subprocess
from pathlib import Path

from tests.cli.conftest import Audited, command, dqkit, dqkit_process, environment


def on_a_terminal(*arguments: object, **changes: str) -> tuple[int, str]:
    """Run the command with both streams on a terminal; return its exit code and what it wrote there."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", **changes)
    process = subprocess.Popen(command(*arguments), stdout=theirs, stderr=theirs, stdin=theirs, env=env)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return process.wait(timeout=60), written.decode()


def test_json_is_all_of_stdout(two_sites: Path, tmp_path: Path) -> None:
    run = ["--catalog", tmp_path / "catalog", "--json"]
    indexed = dqkit_process("index", two_sites, *run)
    assert indexed.code == 0
    assert json.loads(indexed.out)["complete"] is True
    audit = dqkit("audit", two_sites, *run, "--out", tmp_path / "out", "--select", "GEO-003", "--lang", "zh")
    assert audit.code == 1
    result = json.loads(audit.out)
    assert result["complete"] is True
    assert result["exit_code"] == 1
    on_disk = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert {key: on_disk[key] for key in result} == result
    for line in (["rules", "list"], ["sources", "list", "--catalog", tmp_path / "catalog"]):
        assert json.loads(dqkit(*line, "--json").out)


def test_without_a_terminal_there_is_no_progress_and_no_escape_code(two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit_process("index", two_sites, "--catalog", tmp_path / "catalog")
    assert ran.err == ""
    assert "\x1b" not in ran.out


def test_errors_are_all_of_stderr(tmp_path: Path) -> None:
    ran = dqkit_process("index", tmp_path / "nowhere", "--catalog", tmp_path / "catalog", "--json")
    assert ran.out == ""
    assert ran.err.startswith("error: ")


def test_a_terminal_has_colours_and_no_color_takes_every_escape_code(audited: Audited) -> None:
    line = ["rules", "list", "--select", "GEO-003"]
    code, coloured = on_a_terminal(*line)
    assert code == 0
    assert "\x1b[" in coloured
    code, plain = on_a_terminal(*line, NO_COLOR="1")
    assert code == 0
    assert "\x1b" not in plain
    assert "GEO-003" in plain
    code, error = on_a_terminal("rules", "show", "XYZ-1", NO_COLOR="1")
    assert code == 2
    assert "\x1b" not in error


def test_a_terminal_shows_progress_while_it_lasts(two_sites: Path, tmp_path: Path) -> None:
    code, shown = on_a_terminal("index", two_sites, "--catalog", tmp_path / "catalog")
    assert code == 0
    assert "North" in shown or "north" in shown


def test_help_and_version_go_to_stdout(tmp_path: Path) -> None:
    assert dqkit("--version").out.startswith("dqkit ")
    assert dqkit("audit", "--help").err == ""
    assert "ROOT" in dqkit("audit", "--help").out
    without = dqkit()
    assert without.code in (0, 2)
    assert "audit" in without.out + without.err
