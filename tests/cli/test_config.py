"""``dqkit.yaml`` lends its values to every command; what is typed wins; a fault in it names its line."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Audited, dqkit


@pytest.fixture
def here(two_sites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a folder of two hospitals in it."""
    shutil.copytree(two_sites, tmp_path / "work" / "images")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "work"


def settle(folder: Path, text: str, name: str = "dqkit.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def sites_of(catalog: Path) -> set[str]:
    ran = dqkit("index", "--catalog", catalog, "--json")
    return {row["site"] for row in json.loads(ran.out)["by_site"]}


SETTINGS = """\
catalog: tables
out: report
lang: zh
fail_on: never
sources:
  - {root: images/north, site: 北院}
  - images/south
sites: {south: Southern}
scope: {select: [GEO-003, GEO-010], ignore: [GEO-010]}
"""


def test_an_audit_takes_everything_from_the_settings(here: Path) -> None:
    settle(here, SETTINGS)
    ran = dqkit("audit", "--json")
    result = json.loads(ran.out)
    assert ran.code == 0
    assert (here / "tables" / "dqkit.json").is_file()
    assert '<html lang="zh-CN"' in (here / "report" / "report.html").read_text()
    assert {rule["rule_id"] for rule in result["rules"]} == {"GEO-003"}
    assert {row["site"] for row in result["outcomes"]} >= {"北院", "South"}


def test_what_is_typed_wins(here: Path, tmp_path: Path) -> None:
    settle(here, SETTINGS)
    typed = ("images/south", "--catalog", "other", "--out", "elsewhere", "--fail-on", "critical", "--select", "GEO-003")
    ran = dqkit("audit", *typed, "--site", "West", "--lang", "en")
    assert ran.code == 1
    assert "West" in ran.out
    assert {path.name for path in here.iterdir()} == {"dqkit.yaml", "images", "other", "elsewhere"}


def test_the_scope_says_what_is_judged(here: Path) -> None:
    settle(here, "sources: [images]\nscope: {select: GEO-003, sites: [north], modalities: [CT]}\n")
    result = json.loads(dqkit("audit", "--json").out)
    assert result["only"] == {"sites": ["north"], "modalities": ["CT"]}
    assert {row["site"] for row in result["outcomes"]} == {"north"}
    assert json.loads(dqkit("audit", "--only", "site=south", "--json").out)["only"]["modalities"] == []
    rows = {row["key"]: row["value"] for row in json.loads(dqkit("init", "--show", "--json").out)["settings"]}
    assert (rows["scope.sites"], rows["scope.modalities"]) == ("north", "CT")


def test_every_command_finds_the_catalog_of_the_settings(audited: Audited, tmp_path: Path, monkeypatch) -> None:
    settle(tmp_path, f"catalog: {audited.catalog}\n")
    monkeypatch.chdir(tmp_path)
    assert "two" in dqkit("sources", "list").out
    assert dqkit("report", "--out", "r.html").code == 0
    assert "no finding starts with" in dqkit("explain", "zzz").said


def test_names_of_sites_are_given_without_reading_a_file_again(here: Path) -> None:
    settle(here, "sources: [images]\ncatalog: tables\n")
    assert dqkit("index").code == 0
    assert sites_of(here / "tables") == {"north", "south"}
    settle(here, "sources: [images]\ncatalog: tables\nsites: {north: Northern Hospital}\n")
    ran = json.loads(dqkit("index", "--json").out)
    assert (ran["new"], ran["changed"]) == (0, 0)
    assert {row["site"] for row in ran["by_site"]} == {"Northern Hospital", "south"}
    (here / "dqkit.yaml").unlink()
    assert sites_of(here / "tables") == {"Northern Hospital", "south"}, "the catalog keeps the names"


def test_a_table_names_the_sites_from_any_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "sites.csv").write_text("folder,site\nnorth,N\nsouth,S\n")
    settle(here, "sources: [images]\ncatalog: tables\nsites: sites.csv\n")
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    ran = dqkit("index", "--json")
    assert {row["site"] for row in json.loads(ran.out)["by_site"]} == {"N", "S"}
    assert ran.err == "settings: ../dqkit.yaml\n"


def test_the_search_ends_at_home(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(here, "lang: fr\n")
    (here / "home" / "below").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.chdir(here / "home" / "below")
    assert dqkit("rules", "list", "--select", "GEO-003").code == 0
    monkeypatch.setenv("HOME", str(here))
    assert dqkit("rules", "list", "--select", "GEO-003").code == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_what_another_user_left_where_everybody_may_write_is_not_used(here: Path, monkeypatch) -> None:
    (here / "below").mkdir()
    os.chown(settle(here, "lang: fr\n"), 12345, 12345)
    monkeypatch.chdir(here / "below")
    assert dqkit("rules", "list", "--select", "GEO-003").code == 2, "a colleague's file in a folder of the project"
    here.chmod(0o1777)
    ran = dqkit("rules", "list", "--select", "GEO-003")
    assert (ran.code, ran.err) == (0, "not used: ../dqkit.yaml is another user's, where everybody may write\n")


@pytest.mark.parametrize(
    "line", [["--config", "x.yaml", "audit"], ["audit", "--config", "x.yaml"], ["audit", "--config=x.yaml"]]
)
def test_the_settings_can_be_named_anywhere_in_the_line(line: list[str], here: Path) -> None:
    settle(here, "lang: fr\n")
    settle(here, SETTINGS, "x.yaml")
    assert dqkit(*line).code == 0


def test_the_settings_can_be_named_by_the_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQKIT_CONFIG", str(settle(here, SETTINGS, "x.yaml")))
    assert dqkit("audit").code == 0
    monkeypatch.setenv("DQKIT_CONFIG", "nowhere.yaml")
    ran = dqkit("audit")
    assert (ran.code, "no settings file nowhere.yaml (DQKIT_CONFIG)" in ran.said) == (2, True)
    assert dqkit("audit", "--config", "/dev/null").code == 2, "an empty file settles nothing: there is no catalog here"


def test_the_option_without_a_file(here: Path) -> None:
    for line in (["audit", "--config"], ["--config=", "audit"]):
        ran = dqkit(*line)
        assert (ran.code, "--config names no file" in ran.said) == (2, True)
    assert "there is no folder --config" in dqkit("audit", "--", "--config").said


def test_help_reads_no_settings(here: Path) -> None:
    settle(here, "lang: fr\n")
    assert dqkit("audit", "--help").code == 0
    assert dqkit("audit").code == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("lang: en\nsorces: [x]\n", 2, "did you mean sources"),
        ("lang: fr\n", 1, "allowed: en, zh"),
        ("fail_on: 3\n", 1, "critical, warning, info, never"),
        ("workers: many\n", 1, "must be a number"),
        ("workers: 0\n", 1, "at least 1"),
        ("workers: .inf\n", 1, "must be a number"),
        ("\nkey: nowhere\n", 2, "there is no file nowhere"),
        ("key: [a]\n", 1, "must be text"),
        ("rules:\n  - .\n  - nowhere\n", 3, "there is no file nowhere"),
        ("packs:\n  - ./nowhere.yaml\n", 2, "there is no file nowhere.yaml"),
        ("packs: {a: b}\n", 1, "must be a list of texts"),
        ("policy: nowhere\n", 1, "there is no file"),
        ("waivers: nowhere\n", 1, "there is no file"),
        ("scope:\n  select: [GEO]\n  selekt: [GEO]\n", 3, "did you mean select"),
        ("scope: GEO\n", 1, "scope is a mapping"),
        ("sources:\n  - images\n  - {root: images}\n", 3, "stands in line 2 too"),
        ("sources:\n  - {root: images, site: A, site_from: auto}\n", 2, "give one of them"),
        ("sources:\n  - {root: images, site_from: folder}\n", 2, "is not understood"),
        ("sources:\n  - {rot: images}\n", 2, "lacks the key 'root'"),
        ("sources:\n  - 7\n", 2, "a source is a mapping"),
        ("sites: [a]\n", 1, "must be a mapping or a table"),
        ("sites: {a: 3}\n", 1, "put it in quotes"),
        ("sites: nowhere.csv\n", 1, "there is no file nowhere.csv"),
        ("- a\n", 1, "dqkit.yaml is a mapping"),
        ("catalog: [\n", 2, "not YAML"),
        ("catalog: a\ncatalog: b\n", 2, "stands twice"),
        ("catalog: &a b\nout: *a\n", 1, "anchors"),
        ("catalog: !!python/name:os.system ''\n", 1, "not allowed"),
        ('catalog: "a\\0b"\n', 1, "NUL"),
        ("key: " + "x" * 5000 + "\n", 1, "there is no file"),
    ],
)
def test_a_fault_names_its_place_and_what_is_allowed(text: str, line: int, said: str, here: Path) -> None:
    settle(here, text)
    ran = dqkit("rules", "list")
    assert ran.code == 2
    assert f"dqkit.yaml:{line}: " in ran.err
    assert said in ran.said
    assert "Traceback" not in ran.err


def test_settings_that_are_no_text(here: Path) -> None:
    (here / "dqkit.yaml").write_bytes(b"lang: \xff\n")
    assert dqkit("rules", "list").code == 2
    (here / "dqkit.yaml").write_bytes("\ufefflang: en\n".encode())
    assert dqkit("rules", "list", "--select", "GEO-003").code == 0


def test_a_source_that_is_not_there_is_a_fault_until_the_catalog_knows_it(here: Path) -> None:
    settle(here, "catalog: tables\nsources:\n  - images/north\n  - images/south\n")
    (here / "images" / "south").rename(here / "away")
    ran = dqkit("index")
    assert (ran.code, "dqkit.yaml:4: there is no folder images/south" in ran.said) == (2, True)
    (here / "away").rename(here / "images" / "south")
    assert dqkit("index").code == 0
    (here / "images" / "south").rename(here / "away")
    ran = dqkit("index", "--json")
    assert json.loads(ran.out)["offline"] == ["south"]


def test_the_catalog_of_the_settings_stays_outside_the_sources(here: Path) -> None:
    settle(here, "catalog: images/tables\nsources: [images]\n")
    ran = dqkit("index")
    assert (ran.code, "inside the source" in ran.said) == (2, True)
    assert not (here / "images" / "tables").exists()


def test_the_working_directory_may_be_gone(here: Path, tmp_path: Path) -> None:
    (here / "gone").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here / "gone")
        (here / "gone").rmdir()
        assert dqkit("rules", "list", "--select", "GEO-003").code == 0
