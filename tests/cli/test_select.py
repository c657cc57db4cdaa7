"""``dqkit select`` as a person types it, on an archive with faults."""

import csv
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from dqkit.audit.run import audit
from dqkit.catalog.schema import COHORT
from dqkit.catalog.store import Catalog
from dqkit.identity import Pseudonyms
from dqkit.index.build import index
from dqkit.rulebook.book import load_book
from tests import dicom_defects as defects
from tests.audit.seeding import CHEST, HEAD
from tests.cli.conftest import KEY, Ran, dqkit
from tests.dicom_factory import Exam, ct_series, mr_series, write

POLICY = """
name: volumes
title: {en: Sound CT, zh: 合格的 CT}
steps:
  - {name: {en: CT images, zh: CT 图像}, where: {Modality: CT}}
  - {name: {en: Whole volumes, zh: 体数据完整}, exclude_failing: {rules: [GEO-003]}}
manual:
  - {exclude: {patient: n-3}, owner: Li Wei, date: 2025-03-01, reason: {en: Withdrew, zh: 撤回同意}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an archive, its audited catalog, and a policy.

    North has two whole CTs and an MR; South has a CT with a gap, and one whose gap an empty file beside it explains.
    """
    root = tmp_path_factory.mktemp("select")
    archive = root / "archive"
    write(ct_series(Exam(patient="n-1"), CHEST), archive / "north" / "a")
    write(mr_series(Exam(patient="n-2"), HEAD), archive / "north" / "b")
    write(ct_series(Exam(patient="n-3"), CHEST), archive / "north" / "c")
    write(defects.drop_slice(ct_series(Exam(patient="s-1"), CHEST), 4), archive / "south" / "a")
    write(defects.drop_slice(ct_series(Exam(patient="s-2"), CHEST), 4), archive / "south" / "b")
    (archive / "south" / "b" / "lost.dcm").write_bytes(b"")
    catalog = Catalog.create(root / "catalog", Pseudonyms(KEY.encode()).fingerprint, "test")
    index(catalog, [archive])
    audit(catalog, load_book().select(("GEO-003", "FMT-001")).rules, Pseudonyms(KEY.encode()))
    (root / "select.yaml").write_text(POLICY, encoding="utf-8")
    return root


def selected(made: Path, out: Path, *options: object) -> Ran:
    return dqkit("select", made / "catalog", "--policy", made / "select.yaml", "-o", out / "c.parquet", *options)


@dataclass(frozen=True)
class Chosen:
    """A run of the command, and the folder that it wrote."""

    ran: Ran
    out: Path


@pytest.fixture(scope="module")
def chosen(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Chosen:
    out = tmp_path_factory.mktemp("chosen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", KEY)
        return Chosen(selected(made, out, "--by-site"), out)


def test_it_writes_a_cohort_with_everything_in_or_out(chosen: Chosen) -> None:
    assert chosen.ran.code == 0
    rows = pl.read_parquet(chosen.out / "c.parquet")
    assert rows.schema == COHORT
    series = rows.filter(level="series")
    why = {
        (row["site"], row["Modality"], row["step"]): list(row["reasons"])
        for row in series.filter(~pl.col("included")).iter_rows(named=True)
    }
    assert why == {
        ("north", "MR", "CT images"): ["not CT"],
        ("north", "CT", "Excluded by hand"): ["its patient: Withdrew"],
        ("south", "CT", "Whole volumes"): ["GEO-003: Slices are missing from the volume"],
    }
    assert series.filter("included").height == 1
    assert series.filter(step="Whole volumes").height == 2  # one of them is no finding: an empty file explains its gap


def test_the_terminal_tells_the_way_in_both_languages(made: Path, chosen: Chosen, tmp_path: Path) -> None:
    assert "− Whole volumes: 2 series excluded (with 2 patients, 2 studies)" in chosen.ran.said
    chinese = selected(made, tmp_path, "--lang", "zh", "--paths", tmp_path / "files.csv").said
    _lists_the_files_of_the_cohort_alone(made, tmp_path / "files.csv")
    assert "− 体数据完整：排除 2 个序列（连同 2 名患者、2 项检查）" in chinese
    assert "合格的 CT：1 名患者 · 1 项检查 · 1 个序列" in chinese


def _lists_the_files_of_the_cohort_alone(made: Path, path: Path) -> None:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == sorted(str(path) for path in (made / "archive" / "north" / "a").iterdir())
    assert {row["site"] for row in rows} == {"north"}
    assert {row["patient"] for row in rows}.isdisjoint({"n-1", ""})
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_same_catalog_and_policy_give_the_same_bytes_and_say_what_they_rest_on(
    made: Path, chosen: Chosen, tmp_path: Path
) -> None:
    told = json.loads(selected(made, tmp_path, "--by-site", "--json").out)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["c.en.svg", "c.html", "c.json", "c.md", "c.parquet", "c.zh.svg"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (chosen.out / name).read_bytes()
    assert told["cohort"]["series"] == 1
    assert told["cohort"]["sites"]["south"] == {"patients": 0, "studies": 0, "series": 0}
    assert [step["kind"] for step in told["steps"]] == ["where", "exclude_failing", "manual"]
    assert told["catalog"]["run"] == 2
    assert told["cohort_sha256"] == hashlib.sha256((tmp_path / "c.parquet").read_bytes()).hexdigest()


def test_nothing_that_identifies_a_person_leaves_with_the_pictures(chosen: Chosen) -> None:
    said = [chosen.ran.out, chosen.ran.err]
    said += [path.read_text(encoding="utf-8") for path in chosen.out.iterdir() if path.suffix != ".parquet"]
    uids = pl.read_parquet(chosen.out / "c.parquet")["StudyInstanceUID"].drop_nulls().to_list()
    for text in said:
        assert not [value for value in ("n-1", "n-3", "s-1", *uids) if value in text]
    assert {path.stat().st_mode & 0o777 for path in chosen.out.iterdir()} == {0o600}


def test_an_audit_takes_the_cohort(made: Path, chosen: Chosen, tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(made / "catalog", tmp_path / "catalog"))
    cohort = chosen.out / "c.parquet"
    ran = dqkit("audit", catalog, "--cohort", cohort, "--select", "GEO-003", "--out", tmp_path / "out")
    assert (ran.code, "the cohort volumes of 1 series" in ran.said) == (0, True)


def test_a_cohort_of_nothing_is_written_and_said(made: Path, tmp_path: Path) -> None:
    policy = tmp_path / "none.yaml"
    policy.write_text("name: n\ntitle: N\nsteps: [{name: us, where: {Modality: US}}]\n")
    ran = dqkit("select", made / "catalog", "--policy", policy, "-o", tmp_path / "c.parquet")
    assert (ran.code, "the cohort is empty" in ran.said) == (4, True)
    assert (tmp_path / "c.parquet").exists()


def test_a_decision_without_effect_is_told(made: Path, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    line = "{include: {patient: n-1}, owner: O, date: 2025-03-01, reason: R}"
    policy.write_text(f"name: n\ntitle: N\nmanual:\n  - {line}\n")
    ran = dqkit("select", made / "catalog", "--policy", policy, "-o", tmp_path / "c.parquet")
    assert "The decision in line 4 of the policy changes nothing." in ran.said


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("exclude_failing: {rules: [PIX]}", "the last audit did not judge by all of: PIX"),
        ("exclude_failing: {packs: [prostate-mr]}", "the last audit did not judge by all of: prostate-mr"),
    ],
)
def test_rules_that_the_last_audit_did_not_judge_are_refused(step: str, said: str, made: Path, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(f"name: n\ntitle: N\nsteps:\n  - {{name: s, {step}}}\n")
    ran = dqkit("select", made / "catalog", "--policy", policy, "-o", tmp_path / "c.parquet")
    assert (ran.code, said in ran.said, "p.yaml:4" in ran.said) == (2, True, True)
    assert not (tmp_path / "c.parquet").exists()


def test_a_catalog_that_moved_on_since_its_audit_is_refused(made: Path, tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(made / "catalog", tmp_path / "catalog"))
    (made / "archive" / "south" / "b" / "lost.dcm").touch()
    index(Catalog(catalog), [])
    ran = dqkit("select", catalog, "--policy", made / "select.yaml", "-o", tmp_path / "c.parquet")
    assert (ran.code, "has changed since its last audit" in ran.said) == (2, True)
    fresh = Catalog.create(tmp_path / "fresh", Catalog(catalog).key_fingerprint, "test")
    index(fresh, [made / "archive"])
    ran = dqkit("select", fresh.path, "--policy", made / "select.yaml", "-o", tmp_path / "c.parquet")
    assert (ran.code, "was not audited yet" in ran.said) == (2, True)


def test_wrong_use_is_told(made: Path, tmp_path: Path) -> None:
    catalog, policy = made / "catalog", made / "select.yaml"
    for arguments, said in (
        ((catalog,), "no policy was named"),
        ((catalog, "--policy", tmp_path / "absent.yaml"), "cannot be read"),
        ((tmp_path / "nowhere", "--policy", policy), "there is no catalog"),
        ((catalog, "--policy", policy, "-o", tmp_path), "is a folder"),
        ((catalog, "--policy", policy, "-o", made / "archive" / "c.parquet"), "would lie inside the source"),
        ((catalog, "--policy", policy, "-o", catalog / "c.parquet"), "inside the catalog"),
    ):
        ran = dqkit("select", *arguments)
        assert (ran.code, said in ran.said) == (2, True), ran.said
    assert "name: chest-ct" in dqkit("select", "--example").out
