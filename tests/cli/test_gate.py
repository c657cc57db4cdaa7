"""``dqkit gate`` and ``dqkit waive`` as people type them."""

import functools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from dqkit.rulebook.load import load_rule
from tests.cli.conftest import KEY, Audited, Ran, dqkit

FEW = "packs: [general@1.0.0]\nrehash: none\nscope: {select: [FMT-001, GEO-003]}\n"


@pytest.fixture(scope="module", autouse=True)
def _rules_read_once() -> Iterator[None]:
    """Parse each rule file once: every command reads nearly three hundred."""
    with mock.patch("dqkit.rulebook.book.load_rule", functools.cache(load_rule)):
        yield


@pytest.fixture
def here(audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a project that has a catalog and a policy."""
    shutil.copytree(audited.catalog, tmp_path / "dqkit-catalog")
    (tmp_path / "gate.yaml").write_text(FEW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate(*arguments: object) -> Ran:
    return dqkit("gate", *arguments)


def test_a_gate_finds_catalog_and_policy_where_it_stands(here: Path) -> None:
    ran = gate()
    assert ran.code == 1
    assert ran.out.startswith("✗ The gate is closed: gate\n")
    assert "GEO-003" in ran.out
    assert "south: 1 of 1 fail, 0 allowed" in ran.out
    assert json.loads((here / "dqkit-gate" / "verdict.json").read_text())["exit_code"] == 1


def test_it_says_what_to_do_next_and_that_works(here: Path) -> None:
    said = gate().out
    explain = said.split("see why: ")[1].splitlines()[0].split()
    shown = dqkit(*explain[1:])
    assert shown.code == 0
    assert "south/ct/0005.dcm" in shown.out
    report = said.split("the whole report: ")[1].splitlines()[0].split()
    assert dqkit(*report[1:]).code == 0
    waive = said.split("an end: ")[1].splitlines()[0].split()
    ran = dqkit(*(word.replace("YYYY-MM-DD", "2099-12-31") for word in waive[1:]))
    assert ran.code == 0
    assert "waivers.yaml: GEO-003 (finding " in ran.out
    opened = gate("--waivers", "waivers.yaml")
    assert opened.code == 0
    assert "1 finding is waived" in opened.out
    assert "NAME: TEXT" in opened.out
    verify = opened.out.split("what changed: ")[1].splitlines()[0].split()
    assert dqkit(*verify[1:]).code == 0


def test_folders_are_indexed_first(two_sites: Path, here: Path) -> None:
    ran = gate(two_sites, "--catalog", "new", "--out", "out")
    assert ran.code == 1
    assert (here / "new" / "dqkit.json").is_file()


def test_red_mended_green(archive: Path, here: Path) -> None:
    assert gate(archive, "--catalog", "own").code == 1
    shutil.copytree(archive / "north", archive / "south", dirs_exist_ok=True)
    shutil.rmtree(archive / "south" / "ct")
    shutil.copytree(archive / "north" / "ct", archive / "south" / "ct")
    assert gate(archive, "--catalog", "own", "--confirm-removed").code == 0


def test_one_format_goes_to_stdout_and_several_to_files(here: Path) -> None:
    alone = gate("--format", "sarif")
    assert json.loads(alone.out)["version"] == "2.1.0"
    assert json.loads(gate("--json").out)["format"] == "dqkit-gate"
    several = gate("--format", "text,junit", "--format", "gitlab,github", "--out", "ci")
    assert several.out.startswith("✗ The gate is closed")
    assert "::error title=dqkit gate::" in several.out
    assert "<testsuites" not in several.out
    names = {path.name for path in (here / "ci").iterdir()}
    assert names == {"verdict.json", "gate.txt", "gate.junit.xml", "gate.gitlab.json", "gate.github.txt"}


def test_a_baseline_lets_old_findings_be(here: Path) -> None:
    first = gate("--write-baseline", "known.json")
    assert first.code == 1
    assert "baseline of 1 findings: known.json" in first.err
    again = gate("--baseline", "known.json")
    assert again.code == 0
    assert "1 of its 1 findings are still there" in " ".join(again.out.split())


def test_a_baseline_of_another_key_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate("--write-baseline", "known.json")
    text = (here / "known.json").read_text()
    (here / "known.json").write_text(text.replace('"key_fingerprint": "', '"key_fingerprint": "0'))
    ran = gate("--baseline", "known.json")
    assert ran.code == 2
    assert "was made with the key" in ran.said


def test_the_key_of_the_catalog_is_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQKIT_KEY", KEY[::-1])
    ran = gate()
    assert ran.code == 2
    assert "was made with the key" in ran.said


def test_settings_name_policy_and_waivers_for_gate_and_audit(here: Path) -> None:
    (here / "gate.yaml").rename(here / "chest.yaml")
    finding = json.loads(gate("--policy", "chest.yaml", "--format", "sarif").out)
    name = finding["runs"][0]["results"][0]["properties"]["finding"]
    dqkit("waive", name, "--owner", "Ada", "--reason", "agreed", "--expires", "2099-12-31", "--waivers", "ours.yaml")
    (here / "dqkit.yaml").write_text("policy: chest.yaml\nwaivers: ours.yaml\n", encoding="utf-8")
    ran = gate()
    assert ran.code == 0, ran.said
    audit = dqkit("audit", "dqkit-catalog", "--select", "GEO-003", "--out", "report")
    assert audit.code == 0
    assert "1 finding is waived" in audit.out
    result = json.loads((here / "report" / "result.json").read_text())
    assert [row["waived"] for row in result["outcomes"] if row["site"] == "south"] == [1]
    shown = dqkit("init", "--show")
    assert "chest.yaml" in shown.out
    assert "ours.yaml" in shown.out


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (["--policy", "none.yaml"], "there is no policy none.yaml", "check the path"),
        (["--format", "xml"], "there is no format 'xml'", "sarif"),
        (["--baseline", "none.json"], "there is no baseline none.json", "--write-baseline"),
        (["--waivers", "none.yaml"], "there is no file of waivers none.yaml", ""),
        (["--cohort", "none.parquet"], "none.parquet", ""),
        (["--dataset", "none.csv"], "none.csv", ""),
        (["nowhere"], "there is no folder nowhere", ""),
        (["--catalog", "nowhere"], "there is no catalog at nowhere", "dqkit index"),
        (["--out", "dqkit-catalog/out"], "would lie inside the catalog", "--out"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], what: str, hint: str, here: Path) -> None:
    ran = gate(*arguments)
    assert ran.code == 2
    assert what in ran.said
    assert hint in ran.said
    assert not (here / "dqkit-gate").exists()


def test_a_gate_without_a_policy_is_none(here: Path) -> None:
    (here / "gate.yaml").unlink()
    ran = gate()
    assert ran.code == 2
    assert "a gate needs a policy" in ran.said
    assert dqkit("gate", "init").code == 0
    assert "general@1.0.0" in (here / "gate.yaml").read_text(encoding="utf-8")
    assert dqkit("gate", "init").code == 2
    assert dqkit("gate", "init", "chest.yaml", "--pack", "lung-screening-ct", "--lang", "zh").code == 0
    assert "lung-screening-ct@1.0.0" in (here / "chest.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "is empty"),
        ("packs: [general]\n", "gate.yaml:1: the pack 'general' is not pinned"),
        (FEW + "max_unkown: 1\n", "did you mean max_unknown?"),
        (FEW + "a: &a [1]\nb: [*a, *a]\n", "anchors and aliases"),
        (FEW + "name: !!python/object/apply:os.system ['touch pwned']\n", "is not allowed"),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_and_nothing_is_written(content: str, what: str, here: Path) -> None:
    (here / "gate.yaml").write_text(content, encoding="utf-8")
    runs = dqkit("catalog", "info", "--json").out
    ran = gate()
    assert ran.code == 2
    assert what in ran.said
    assert dqkit("catalog", "info", "--json").out == runs
    assert not (here / "pwned").exists()
    assert not (here / "dqkit-gate").exists()


def test_a_waiver_without_an_owner_is_told(here: Path) -> None:
    text = "waivers:\n  - rule: GEO-003\n    scope: {site: south}\n    reason: x\n    expires: 2099-01-01\n"
    (here / "waivers.yaml").write_text(text, encoding="utf-8")
    ran = gate("--waivers", "waivers.yaml")
    assert ran.code == 2
    assert "waivers.yaml:2: the waiver lacks the key 'owner'" in ran.said


def test_what_cannot_be_waived_is_told(here: Path) -> None:
    accepted = ("--owner", "a", "--reason", "b", "--expires", "2099-01-01")
    ran = dqkit("waive", "zzz", *accepted)
    assert (ran.code, "no finding starts with 'zzz'" in ran.said) == (2, True)
    assert dqkit("audit", "dqkit-catalog", "--out", "report").code == 1  # so that there are several findings
    ran = dqkit("waive", "", *accepted)
    assert (ran.code, "several findings start with" in ran.said) == (2, True)
    assert not (here / "waivers.yaml").exists()


@pytest.mark.parametrize("wide", ["series", "problem"])
def test_a_waiver_may_be_wider(wide: str, here: Path) -> None:
    finding = json.loads(gate("--format", "sarif").out)["runs"][0]["results"][0]["properties"]["finding"]
    options = ["--owner", "Ada", "--reason", "agreed", "--scope", wide]
    assert "'soon'" in dqkit("waive", finding, *options, "--expires", "soon").said
    assert dqkit("waive", finding, *options, "--expires", "2099-12-31").code == 0
    assert gate("--waivers", "waivers.yaml").code == 0
    again = dqkit("waive", finding, *options, "--expires", "2099-12-31")
    assert again.code == 2
    assert "waived already" in again.said


def test_help_names_the_policy_and_the_exit_codes() -> None:
    ran = dqkit("gate", "--help")
    assert ran.code == 0
    assert "--policy" in ran.out
    assert "never open" in " ".join(ran.out.replace("│", " ").split())
