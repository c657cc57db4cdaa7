"""Wrong use and hostile archives end with one clear sentence and the exit code that the docs promise."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from dqkit.catalog.store import Catalog
from tests import dicom_defects as defects
from tests.cli.conftest import Audited, command, dqkit, dqkit_process, environment
from tests.dicom_factory import Exam, ct_series, write

RULE = """
id: GEO-901
name: house-thickness
title: {en: Slices are too thick here, zh: 层厚过大}
level: series
scope: {Modality: CT}
check: {within: {of: SliceThickness, max: 5}}
severity: warning
why: {en: Thin slices are wanted., zh: 需要薄层。}
remedy: {who: scanner, manual: {en: Use the thin protocol., zh: 使用薄层方案。}}
standard: PS3.3 C.7.6.2
cite: [house style]
since: 0.1.0
cases:
  - {name: thick, expect: fail, given: {Modality: CT, SliceThickness: 8}}
  - {name: thin, expect: pass, given: {Modality: CT, SliceThickness: 1}}
  - {name: none, expect: unknown, given: {Modality: CT}}
"""


def test_no_such_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = dqkit("audit", tmp_path / "nowhere")
    assert ran.code == 2
    assert "there is no folder" in ran.said
    assert "try:" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_instead_of_a_folder(two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit("index", next(two_sites.rglob("*.dcm")), "--catalog", tmp_path / "catalog")
    assert ran.code == 2
    assert "is a file, not a folder" in ran.said
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize("name", ["index", "audit"])
def test_an_empty_folder_is_nothing_to_check(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    ran = dqkit(name, tmp_path / "empty")
    assert ran.code == 4
    assert "there is no file in empty" in ran.said


def test_an_empty_folder_does_not_borrow_the_verdict_of_others(catalog: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = dqkit("audit", tmp_path / "empty", "--catalog", catalog, "--out", tmp_path / "out")
    assert ran.code == 4
    assert "there is no file in empty" in ran.said
    assert len(json.loads(dqkit("sources", "list", "--catalog", catalog, "--json").out)) == 1


def test_a_catalog_without_sources_is_nothing_to_check(tmp_path: Path) -> None:
    Catalog.create(tmp_path / "catalog", _fingerprint(), "test")
    assert dqkit("index", "--catalog", tmp_path / "catalog").code == 4
    assert dqkit("audit", tmp_path / "catalog", "--out", tmp_path / "out").code == 4
    assert dqkit("report", tmp_path / "catalog").code == 4


def test_a_catalog_of_another_format_version(catalog: Path, tmp_path: Path) -> None:
    marker = json.loads((catalog / "dqkit.json").read_text())
    (catalog / "dqkit.json").write_text(json.dumps({**marker, "format_version": 99}))
    ran = dqkit("audit", catalog, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "format version 99, this dqkit writes 1" in ran.said
    assert "--catalog" in ran.said
    for line in (
        ["report", catalog],
        ["explain", "a", "--catalog", catalog],
        ["sources", "list", "--catalog", catalog],
    ):
        assert dqkit(*line).code == 2


def test_a_catalog_made_with_another_key(catalog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQKIT_KEY", "f" * 32)
    ran = dqkit("index", "--catalog", catalog)
    assert ran.code == 2
    assert "was made with the key" in ran.said
    assert "f" * 32 not in ran.said


@pytest.mark.parametrize("text", ["{", '{"format_version": 1}', "[]", ""])
def test_a_damaged_catalog(text: str, catalog: Path) -> None:
    (catalog / "dqkit.json").write_text(text)
    ran = dqkit("index", "--catalog", catalog)
    assert ran.code == 2
    assert "is damaged" in ran.said


@pytest.mark.parametrize("table", ["runs", "findings"])
def test_a_catalog_that_lost_a_table(table: str, catalog: Path, tmp_path: Path) -> None:
    shutil.rmtree(catalog / table)
    ran = dqkit("report", catalog, "--out", tmp_path / "x.html")
    assert ran.code == 2
    assert "is damaged" in ran.said


def test_a_folder_that_is_no_catalog_is_not_taken_over(two_sites: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    ran = dqkit("index", two_sites, "--catalog", tmp_path / "thesis")
    assert ran.code == 2
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]


@pytest.mark.parametrize("where", ["inside", "at", "through a link"])
@pytest.mark.parametrize("option", ["--catalog", "--out"])
def test_nothing_is_written_inside_a_source(option: str, where: str, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(archive)
    target = {"inside": archive / "new", "at": archive, "through a link": tmp_path / "link" / "new"}[where]
    before = sorted(archive.rglob("*"))
    ran = dqkit("audit", archive, "--catalog", tmp_path / "catalog", option, target)
    assert ran.code == 2
    assert "inside the source" in ran.said
    assert sorted(archive.rglob("*")) == before


def test_the_report_of_a_catalog_stays_outside_its_sources(archive: Path, tmp_path: Path) -> None:
    assert dqkit("index", archive, "--catalog", tmp_path / "catalog").code == 0
    ran = dqkit("audit", tmp_path / "catalog", "--out", archive / "report")
    assert ran.code == 2
    assert not (archive / "report").exists()


def test_a_report_file_stays_outside_the_sources(audited: Audited) -> None:
    ran = dqkit("report", audited.catalog, "--out", audited.archive / "report.html")
    assert ran.code == 2
    assert not (audited.archive / "report.html").exists()


def test_roots_inside_each_other(archive: Path, tmp_path: Path) -> None:
    ran = dqkit("audit", archive, archive / "north", "--catalog", tmp_path / "catalog", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "inside each other" in ran.said


def test_site_and_site_from_exclude_each_other(two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit("index", two_sites, "--catalog", tmp_path / "c", "--site", "A", "--site-from", "path:1")
    assert ran.code == 2
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("text", ["folder:1", "path:0", "path:x", "tag:PatientName", "nowhere.csv"])
def test_site_from_says_what_it_understands(text: str, two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit("index", two_sites, "--catalog", tmp_path / "c", "--site-from", text)
    assert ran.code == 2
    assert "folder,site" in ran.said


def test_a_folder_and_a_catalog_are_not_audited_together(audited: Audited, archive: Path, tmp_path: Path) -> None:
    ran = dqkit("audit", archive, audited.catalog, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "a catalog is audited alone" in ran.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--select", "GEO-OO3"], "did you mean GEO-0"),
        (["--select", "slice-gab"], "slice-gap"),
        (["--ignore", "GEOO"], "GEO"),
        (["--select", "GEO-003", "--ignore", "GEO"], "no rule is left"),
    ],
)
def test_rules_that_are_not_there(arguments: list[str], said: str, audited: Audited, tmp_path: Path) -> None:
    ran = dqkit("audit", audited.catalog, "--out", tmp_path / "out", *arguments)
    assert ran.code == (4 if said.startswith("no rule") else 2)
    assert said in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("severity: warning", "severity: fatal", 8, ["fatal", "critical, warning, info"]),
        ("of: SliceThickness", "of: SliceThikness", 7, ["SliceThikness", "SliceThickness"]),
        ("check: {within", "check: {wihtin", 7, ["wihtin", "within"]),
        ("severity: warning", "severity: warning\nfoo: 1", 9, ["foo"]),
        ("level: series", "level: serie", 5, ["serie", "series"]),
        ("name: house-thickness", "name: [house", 3, ["not YAML"]),
        ("GEO-901", "GEO-003", 2, ["stands in"]),
        ("GEO-901", "!!python/name:os.system ''", 2, ["not allowed"]),
    ],
)
def test_a_rule_with_an_error_names_its_place(
    old: str, new: str, line: int, said: list[str], audited: Audited, tmp_path: Path
) -> None:
    rule = tmp_path / "GEO-901-house.yaml"
    rule.write_text(RULE.replace(old, new), encoding="utf-8")
    ran = dqkit("audit", audited.catalog, "--rules", rule, "--out", tmp_path / "out")
    assert ran.code == 2
    assert all(word in ran.said for word in said)
    place = int(ran.err.split(f"{rule.name}:")[1].split(":")[0])
    assert abs(place - line) <= 1
    assert dqkit("rules", "test", rule).code == 2


def test_a_rule_with_an_error_in_a_process_of_its_own(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "GEO-901.yaml").write_text(RULE.replace("warning", "fatal"), encoding="utf-8")
    ran = dqkit_process("audit", audited.catalog, "--rules", tmp_path / "GEO-901.yaml", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "GEO-901.yaml:8: " in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("path", ["nowhere.yaml", "folder"])
def test_rules_that_cannot_be_read(path: str, audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.yaml").write_bytes(b"\xff\xfe")
    ran = dqkit("rules", "list", "--rules", tmp_path / path)
    assert ran.code == 2
    assert path in ran.err


def test_explain_of_what_is_not_there(audited: Audited) -> None:
    ran = dqkit("explain", "zzzz", "--catalog", audited.catalog)
    assert ran.code == 2
    assert "no finding starts with 'zzzz'" in ran.said


def test_explain_of_several(two_sites: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(defects.drop_slice(ct_series(Exam(patient=name)), 5), tmp_path / "archive" / name)
    run = ["audit", tmp_path / "archive", "--catalog", tmp_path / "c", "--out", tmp_path / "o", "--select", "GEO-003"]
    assert dqkit(*run).code == 1
    ran = dqkit("explain", "", "--catalog", tmp_path / "c")
    assert ran.code == 2
    assert "several findings" in ran.said


def test_report_of_what_is_neither(two_sites: Path, tmp_path: Path) -> None:
    for folder in (two_sites, tmp_path / "nowhere", next(two_sites.rglob("*.dcm"))):
        ran = dqkit("report", folder, "--out", tmp_path / "x.html")
        assert ran.code == 2
        assert "there is no catalog" in ran.said or "not a catalog" in ran.said


@pytest.mark.parametrize("place", ["nowhere/x.html", "."])
def test_report_where_it_cannot_be_written(place: str, audited: Audited, tmp_path: Path) -> None:
    ran = dqkit("report", audited.out, "--out", tmp_path / place)
    assert ran.code == 2
    assert "cannot be written" in ran.said
    assert not list(tmp_path.rglob("*.new"))


def test_an_out_that_is_a_file(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    ran = dqkit("audit", audited.catalog, "--out", tmp_path / "out", "--select", "GEO-003")
    assert ran.code == 2
    assert (tmp_path / "out").read_text() == "mine"


def test_unknown_site_and_source(audited: Audited, tmp_path: Path) -> None:
    ran = dqkit("report", audited.out, "--site", "West", "--out", tmp_path / "x.html")
    assert ran.code == 2
    assert "North" in ran.said or "north" in ran.said
    assert dqkit("sources", "remove", "west", "--yes", "--catalog", audited.catalog).code == 2
    assert dqkit("sources", "relocate", "west", tmp_path, "--catalog", audited.catalog).code == 2


@pytest.mark.parametrize(
    "line", [["--workers", "0"], ["--pixels", "some"], ["--lang", "fr"], ["--fail-on", "fatal"], ["--nonsense"]]
)
def test_options_that_are_no_options(line: list[str], two_sites: Path, tmp_path: Path) -> None:
    ran = dqkit("audit", two_sites, "--catalog", tmp_path / "c", *line)
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_unreadable_folders_and_files_are_named(
    archive: Path, tmp_path: Path, as_nobody_special: tuple[str, ...]
) -> None:
    (archive / "north" / "locked").mkdir()
    shutil.copy(next((archive / "south").rglob("*.dcm")), archive / "north" / "locked")
    closed = next((archive / "south" / "ct").iterdir())
    closed.chmod(0)
    (archive / "north" / "locked").chmod(0)
    run = ["index", archive, "--catalog", tmp_path / "catalog"]
    ran = dqkit_process(*run, "--json", under=as_nobody_special)
    assert ran.code == 3
    assert json.loads(ran.out)["complete"] is False
    assert json.loads(ran.out)["not_read"] == {"denied": 2}
    assert "north/locked" in ran.err
    assert f"south/ct/{closed.name}" in ran.err
    assert dqkit_process(*run, under=as_nobody_special).code == 3
    (archive / "north" / "locked").chmod(0o700)
    closed.chmod(0o600)
    assert dqkit(*run).code == 0


def test_what_could_not_be_read_is_never_green(
    archive: Path, tmp_path: Path, as_nobody_special: tuple[str, ...]
) -> None:
    (archive / "north" / "locked").mkdir(mode=0)
    assert dqkit_process("index", archive, "--catalog", tmp_path / "c", under=as_nobody_special).code == 3
    run = ["audit", tmp_path / "c", "--out", tmp_path / "o", "--select", "FMT-027,GEO-003", "--json"]
    passing = dqkit(*run, "--fail-on", "never")
    assert passing.code == 3
    assert json.loads(passing.out)["complete"] is False
    failing = dqkit(*run)
    assert failing.code == 1, "a failing outcome comes before an incomplete run"
    assert json.loads(failing.out)["complete"] is False


def test_an_archive_of_which_nothing_can_be_read(
    archive: Path, tmp_path: Path, as_nobody_special: tuple[str, ...]
) -> None:
    for folder in archive.iterdir():
        folder.chmod(0)
    ran = dqkit_process("index", archive, "--catalog", tmp_path / "c", under=as_nobody_special)
    for folder in archive.iterdir():
        folder.chmod(0o700)
    assert ran.code == 3
    assert "north" in ran.err
    assert "south" in ran.err


def test_a_root_that_cannot_be_entered(archive: Path, tmp_path: Path, as_nobody_special: tuple[str, ...]) -> None:
    archive.chmod(0)
    ran = dqkit_process("index", archive, "--catalog", tmp_path / "c", under=as_nobody_special)
    archive.chmod(0o700)
    assert ran.code == 2
    assert "not readable" in ran.said or "permission denied" in ran.said


def test_names_that_no_other_program_likes(archive: Path, tmp_path: Path) -> None:
    root = archive.rename(tmp_path / os.fsdecode(b"archive \xff\xfe\nof [red]two [b]\x1b[31msites"))
    files = sorted((root / "south" / "ct").iterdir())
    names = [b"line\nbreak", b"bad-\xff\xfe", "影像 %41".encode(), b"tab\t\x1b[2J\x07", b"-rf", b"x" * 250, b"$(true)"]
    for file, name in zip(files, names, strict=False):
        file.rename(file.with_name(os.fsdecode(name)))
    deep = root / "south" / "ct" / ("d" * 200) / ("e" * 200)
    deep.mkdir(parents=True)
    files[-1].rename(deep / ("f" * 200))
    run = ["--catalog", tmp_path / "catalog"]
    ran = dqkit_process("index", os.fsencode(root), *run)
    assert ran.code == 0, ran.err
    with_json = dqkit("index", root, *run, "--json")
    assert json.loads(with_json.out)["unchanged"] == 23
    listed = dqkit("sources", "list", "--catalog", tmp_path / "catalog")
    assert listed.code == 0
    assert "\x1b" not in ran.out + ran.err + listed.out
    audit = ["audit", tmp_path / "catalog", "--out", tmp_path / "out", "--select", "GEO-003"]
    assert dqkit(*audit).code == 1
    finding = pl.read_parquet(tmp_path / "out" / "findings.parquet")["finding_id"][0]
    explained = dqkit("explain", finding, "--catalog", tmp_path / "catalog")
    assert explained.code == 0
    assert "\x1b" not in explained.out
    assert "%0A" in explained.out or "%FF" in explained.out or "x" * 60 in explained.out


def test_a_site_of_three_hundred_characters(two_sites: Path, tmp_path: Path) -> None:
    long = "Hospital of the Holy Ghost " * 12
    (tmp_path / "sites.csv").write_text(f"folder,site\nnorth,{long}\nsouth,../../x\n", encoding="utf-8")
    run = ["--catalog", tmp_path / "c", "--out", tmp_path / "o", "--select", "GEO-003"]
    ran = dqkit("audit", two_sites, "--site-from", tmp_path / "sites.csv", *run)
    assert ran.code == 1
    outcomes = pl.read_parquet(tmp_path / "o" / "outcomes.parquet")
    assert set(outcomes["site"]) == {long.strip(), "../../x"}
    for site in (long.strip(), "../../x"):
        written = dqkit("report", tmp_path / "o", "--site", site)
        assert written.code == 0
        assert Path(written.out.strip()).parent == tmp_path / "o"


def test_hostile_values_make_no_file(archive: Path, tmp_path: Path) -> None:
    series = defects.hostile(ct_series(Exam(site="../../x", patient="../../x")))
    series = defects.vary(series, "StudyInstanceUID", "../../x")
    series = defects.vary(series, "SOPInstanceUID", "/etc/../../x", 0)
    write(defects.drop_slice(series, 5), archive / "north" / "odd", "{number}.dcm")
    before = {path for path in tmp_path.rglob("*") if path.is_relative_to(archive)}
    run = ["audit", archive, "--catalog", tmp_path / "in" / "c", "--out", tmp_path / "in" / "o", "--pixels", "all"]
    ran = dqkit(*run, "--site-from", "tag:InstitutionName")
    assert ran.code == 1
    assert {path for path in tmp_path.rglob("*") if path.is_relative_to(archive)} == before
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} == {"c", "o"}
    allowed = {"findings.parquet", "problems.parquet", "outcomes.parquet", "report.html", "result.json", "pictures"}
    assert {path.name for path in (tmp_path / "in" / "o").iterdir()} <= allowed
    assert "<script>window.pwned" not in (tmp_path / "in" / "o" / "report.html").read_text(encoding="utf-8")


def test_a_reader_that_goes_away_changes_nothing(audited: Audited) -> None:
    line = " ".join(map(str, command("rules", "list", "--json")))
    ran = subprocess.run(
        ["bash", "-c", f"{line} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=True, env=environment(),
    )  # fmt: skip
    assert ran.stdout.strip() == "0"
    assert ran.stderr == ""
    failing = " ".join(map(str, command("rules", "test", "--help")))
    assert (
        subprocess.run(["bash", "-o", "pipefail", "-c", f"{failing} | true"], check=False, env=environment()).returncode
        == 0
    )


def test_a_full_disk_under_stdout(audited: Audited) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            command("rules", "list", "--json"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(),
        )
    assert ran.returncode == 3
    assert "No space left" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_encoding_without_the_characters(audited: Audited) -> None:
    ran = dqkit_process("rules", "list", "--lang", "zh", env=environment(PYTHONIOENCODING="ascii"))
    assert ran.code == 0
    assert "GEO-003" in ran.out


def _fingerprint() -> str:
    from dqkit.identity import load_key

    return load_key().fingerprint
