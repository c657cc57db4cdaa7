"""``dqkit init`` writes settings that say what was typed, explained, and never over others."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.cli.init import known_packs
from dqkit.cli.settings import read_settings, read_settings_text
from dqkit.cli.settings_text import KEYS, settings_text
from tests.cli.conftest import command, dqkit, environment


@pytest.fixture
def here(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with the folder `archive` of two hospitals in it."""
    monkeypatch.chdir(archive.parent)
    monkeypatch.setenv("HOME", str(archive.parent))
    return archive.parent


def test_what_is_written_is_what_was_typed(here: Path) -> None:
    (here / "house").mkdir()
    (here / "k").write_text("0" * 32)
    typed = ("--source", "archive/north=North Hospital", "--source", "archive/south", "--site", "South=Süd: 南院")
    ran = dqkit("init", *typed, "--select", "GEO,FMT", "--ignore", "GEO-020", "--rules", "house", "--key-file", "k")
    assert (ran.code, ran.out) == (0, "dqkit.yaml\n")
    settings = read_settings(Path("dqkit.yaml"))
    assert [(str(one.root), str(one.site_rule)) for one in settings.sources] == [
        ("archive/north", "name:North Hospital"),
        ("archive/south", "None"),
    ]
    assert settings.names == {"South": "Süd: 南院"}
    assert settings.options["select"] == ["GEO", "FMT"]
    assert settings.options["key_file"] == Path("k")


def test_after_init_an_audit_needs_no_word_more(here: Path) -> None:
    assert dqkit("init", "--source", "archive", "--select", "GEO-003").code == 0
    assert dqkit("audit").code == 1
    assert (here / "dqkit-report" / "report.html").is_file()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_key_is_explained_and_the_examples_are_valid(lang: str, tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in settings_text({}, lang).splitlines()]
    examples = "\n".join(line for line in lines if line.startswith("  ") or line.partition(":")[0] in KEYS)
    for name in ("waivers.yaml", "gate.yaml", "house-rules"):
        (tmp_path / name).touch()
    examples = examples.replace("~/.config/dqkit/key", "waivers.yaml")
    settings = read_settings_text(examples, tmp_path / "dqkit.yaml")
    assert set(settings.marks) >= set(KEYS)
    assert len(settings.sources) == 2


def test_nothing_is_written_over_without_force(here: Path) -> None:
    (here / "dqkit.yaml").write_text("broken: [")
    ran = dqkit("init")
    assert (ran.code, "--force" in ran.said) == (2, True)
    assert (here / "dqkit.yaml").read_text() == "broken: ["
    assert dqkit("init", "--force").code == 0
    assert read_settings(here / "dqkit.yaml").sources == ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["nowhere"], "there is no folder nowhere"),
        (["--source", "nowhere"], "there is no folder nowhere"),
        (["--source", "nowhere=North"], "there is no folder nowhere"),
        (["--source", "archive", "--site-from", "folder"], "is not understood"),
        (["--site", "north"], "FOUND=NAME"),
        (["--key-file", "nowhere"], "--key-file: there is no file nowhere"),
        (["--rules", "nowhere"], "--rules: there is no file nowhere"),
        (["--pack", "nowhere.yaml"], "--pack: there is no file nowhere.yaml"),
        (["--select", "GEOO"], "GEO"),
        (["--source", "archive", "--catalog", "archive/c"], "inside the source"),
        (["--source", "archive", "--out", "archive/c"], "inside the source"),
        (["--source", "."], "inside the source"),
        (["archive", "--source", "archive"], "inside the source"),
    ],
)
def test_a_fault_leaves_no_file(typed: list[str], said: str, here: Path) -> None:
    ran = dqkit("init", *typed)
    assert (ran.code, said in ran.said) == (2, True), ran.said
    assert not list(here.rglob("dqkit.yaml*"))


def test_paths_hang_on_the_folder_of_the_file(here: Path) -> None:
    (here / "project").mkdir()
    assert dqkit("init", "project", "--source", "archive", "--catalog", "project/tables").code == 0
    text = (here / "project" / "dqkit.yaml").read_text()
    assert f"root: {here / 'archive'}" in text
    assert "catalog: tables" in text


def test_show_says_where_each_value_is_from(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "dqkit.yaml").write_text("lang: zh\nsources: [archive]\n")
    rows = json.loads(dqkit("init", "--show", "--json").out)
    assert rows["file"] == "dqkit.yaml"
    found = {row["key"]: (row["value"], row["from"]) for row in rows["settings"]}
    assert found["lang"] == ("zh", "dqkit.yaml:1")
    assert found["source"] == ("archive", "dqkit.yaml:2")
    assert found["pixels"] == ("none", "default")
    assert found["key"] == ("set (not shown)", "DQKIT_KEY")
    shown = dqkit("init", "--show").out
    assert "dqkit.yaml:2" in shown
    assert os.environ["DQKIT_KEY"] not in shown


def test_show_without_settings(here: Path) -> None:
    assert "defaults hold" in dqkit("init", "--show").out


@given(st.lists(st.text(min_size=1, max_size=12).filter(lambda text: text.strip() and text.isprintable()), min_size=1))
def test_any_printable_name_survives(names: list[str]) -> None:
    values = {"sites": {name: name.strip() for name in names}, "scope": {"select": names}}
    settings = read_settings_text(settings_text(values), Path("dqkit.yaml"))
    assert settings.names == values["sites"]
    assert settings.options["select"] == names


def talk(answers: str, *arguments: object, cwd: Path) -> tuple[int, str]:
    """Run the command on a terminal and type `answers`."""
    ours, theirs = pty.openpty()
    ran = subprocess.Popen(command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=environment())
    os.close(theirs)
    os.write(ours, answers.encode())
    said = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the terminal went with its last process
            break
        if not part:
            break
        said += part
    os.close(ours)
    return ran.wait(60), said.decode(errors="replace")


def test_questions_on_a_terminal_propose_what_is_there(here: Path) -> None:
    code, said = talk("\n" * 12, "init", cwd=here)
    assert code == 0, said
    assert "Found 1 folders" in said or "Found 1 folder" in said
    settings = read_settings(here / "dqkit.yaml")
    assert [(source.root.name, str(source.site_rule)) for source in settings.sources] == [("archive", "path:1")]


def test_questions_are_asked_again_until_they_are_answered(here: Path) -> None:
    packs = "\n" if known_packs() else ""
    answers = "nowhere\narchive/north\nNorth\n" + packs + "some\nsample\nwarning\n"
    code, said = talk(answers, "init", cwd=here)
    assert "There is no folder nowhere" in said
    assert code == 0, said
    settings = read_settings(here / "dqkit.yaml")
    assert str(settings.sources[0].site_rule) == "name:North"
    assert settings.options["pixels"] == "sample"


def test_leaving_the_questions_writes_nothing(here: Path) -> None:
    code, _ = talk("archive\n\x04", "init", cwd=here)
    assert code == 130
    assert not (here / "dqkit.yaml").exists()
