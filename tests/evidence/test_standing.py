"""``gate verify``: what changed since a verdict, what did not, and what nobody could look at."""

import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError, ExitCode
from dqkit.gate.standing import Given, Standing, standing_of, standing_to_json
from dqkit.gate.verdict_file import read_verdict
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from tests.evidence.conftest import Gated


def standing(project: Gated, **given: Any) -> Standing:
    chosen = {"catalog": Catalog(project.catalog), "dataset": project.dataset, **given}
    return standing_of(read_verdict(project.out), Given(**chosen))


def said(found: Standing) -> dict[str, list[str]]:
    """Return what changed: what it is about -> sentences."""
    told: dict[str, list[str]] = {}
    for change in found.changes:
        assert change.text["zh"]
        told.setdefault(change.about.value, []).append(change.text["en"])
    return told


def other_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")


def test_a_verdict_stands_while_nothing_changed(project: Gated) -> None:
    found = standing(project, policy=project.policy, waivers=project.waivers, baseline=project.baseline)
    assert found.exit_code == ExitCode.OK
    assert set(found.same) == {
        "verdict", "program", "rules", "packs", "policy", "waivers", "baseline", "catalog", "sources", "dataset",
    }  # fmt: skip
    assert standing_to_json(found)["stands"] is True


def test_nothing_is_written(project: Gated) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
    standing(project, reread=True)
    assert {path: path.stat().st_mtime_ns for path in project.root.rglob("*")} == before


def test_files_of_the_sources_that_came_went_and_changed_are_counted(project: Gated) -> None:
    folder = project.root / "archive" / "north" / "plantedfolder1"
    files = sorted(folder.iterdir())
    other_byte(files[0])
    files[1].unlink()
    shutil.copy(files[2], folder / "new1.dcm")
    shutil.copy(files[2], folder / "new2.dcm")
    found = standing(project)
    assert said(found) == {
        "sources": [
            "2 files in the source archive are new",
            "1 files in the source archive are changed",
            "1 files in the source archive are gone",
        ]
    }
    assert found.exit_code == ExitCode.FAILED
    catalog = Catalog(project.catalog, load_key().fingerprint)
    index(catalog, [project.root / "archive"], IndexOptions(confirm_removed=True))
    assert said(standing(project))["catalog"] == [
        "2 files in the catalog are new",
        "1 files in the catalog are changed",
        "1 files in the catalog are gone",
    ]


def test_a_dataset_that_changed_is_told_file_by_file(project: Gated) -> None:
    folder = project.root / "archive" / "north" / "plantedfolder0"
    files = sorted(folder.iterdir())
    other_byte(files[0])
    files[1].unlink()
    project.dataset.write_text(project.dataset.read_text() + "archive/north/plantedfolder1,benign\n")
    assert said(standing(project))["dataset"] == [
        "the dataset file changed",
        "5 files of the dataset are new",
        "1 files of the dataset are changed",
        "1 files of the dataset are gone",
    ]
    (project.out / "manifest.sha256").unlink()
    assert "which cannot be told" in said(standing(project))["dataset"][1]


def test_a_silent_change_is_found_by_reading_again(project: Gated) -> None:
    file = min((project.root / "archive" / "north" / "plantedfolder0").iterdir())
    met = file.stat()
    other_byte(file)
    os.utime(file, ns=(met.st_atime_ns, met.st_mtime_ns))
    assert standing(project).exit_code == ExitCode.OK
    assert said(standing(project, reread=True)) == {"dataset": ["1 files of the dataset are changed"]}


def test_texts_that_changed_are_told(project: Gated, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("# another\n")
    found = standing(project, waivers=other, baseline=other)
    assert said(found) == {"waivers": ["the waivers changed"], "baseline": ["the baseline changed"]}
    assert said(standing(project, cohort=other)) == {"cohort": ["it was judged without the cohort"]}
    project.policy.write_text(project.policy.read_text() + "# another\n")
    assert said(standing(project, policy=project.policy)) == {"policy": ["the policy changed"]}


def test_another_dqkit_and_other_rules_are_told(project: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dqkit.gate.standing.__version__", "9.9.9")
    assert said(standing(project))["program"] == ["dqkit 0.1.0 judged, and this is 9.9.9"]
    verdict = read_verdict(project.out).data
    rules = [row | {"sha256": "0" * 64} if row["rule_id"] == "GEO-003" else row for row in verdict["rules"]]
    packs = [row | {"sha256": "0" * 64} for row in verdict["packs"]]
    (project.out / "verdict.json").write_text(json.dumps({**verdict, "rules": rules, "packs": packs}))
    told = said(standing(project))
    assert told["rules"] == ["rules changed or gone: GEO-003"]
    assert told["packs"] == ["packs changed or gone: general"]
    assert told["verdict"] == ["verdict.json is not as the gate gave it: it was edited"]


def test_a_waiver_that_ended_since_is_told(project: Gated) -> None:
    assert said(standing(project, today=date(3000, 1, 1))) == {
        "waivers": ["the waiver of GEO-003 ended on 2999-12-31 (owner: A. Steward)"]
    }


def test_what_cannot_be_looked_at_is_never_green(project: Gated) -> None:
    away = standing(project, dataset=None)
    assert (away.exit_code, [text["en"] for _, text in away.not_looked_at]) == (
        ExitCode.INCOMPLETE,
        ["the dataset: name it with --dataset"],
    )
    no_catalog = standing(project, catalog=None, catalog_error="there is no catalog")
    assert no_catalog.exit_code == ExitCode.INCOMPLETE
    assert "dataset" in no_catalog.same  # it was read from end to end
    (project.root / "archive").rename(project.root / "unplugged")
    unplugged = standing(project)
    assert [text["en"] for about, text in unplugged.not_looked_at] == ["the source archive is not there"]


def test_another_catalog_is_refused(project: Gated, tmp_path: Path) -> None:
    other = Catalog.create(tmp_path / "other", load_key().fingerprint, "test")
    with pytest.raises(DqkitError, match="does not know this verdict"):
        standing(project, catalog=other)
    foreign = Catalog.create(tmp_path / "foreign", "another-key", "test")
    with pytest.raises(DqkitError, match="under the key"):
        standing(project, catalog=foreign)


def test_a_dataset_file_that_is_gone_is_an_error(project: Gated) -> None:
    with pytest.raises(DqkitError, match="no dataset file"):
        standing(project, dataset=project.root / "gone.csv")
