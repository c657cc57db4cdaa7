"""``--dataset``: conditions that a gate judges, figures that it asks for, and nothing that identifies anybody."""

import json
import os
import shutil
from pathlib import Path

import polars as pl

from dqkit.audit.only import Only, part_of
from dqkit.dataset.tracing import Unfit
from dqkit.gate.condition import condition_findings, condition_outcomes
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.policy import DatasetColumns, Policy, Rehash
from dqkit.gate.rehash import rehashed
from dqkit.gate.trace import trace
from dqkit.identity import load_key
from dqkit.index.checksums import Rehash as Again
from dqkit.index.progress import Silent
from tests.dataset.conftest import Project
from tests.dataset.test_tracing import keeping_times, other_byte


def policy(rehash: Rehash = Rehash.NONE, columns: DatasetColumns | None = None) -> Policy:
    return Policy(Path("gate.yaml"), "", "", "test", (), rehash=rehash, dataset=columns or DatasetColumns())


def traced(project: Project, text: str, **options: object) -> DatasetTrace:
    table = project.table(text)
    return trace(table, policy(), project.catalog, load_key(), Silent(), **options)


def failed(result: DatasetTrace) -> dict[str, int]:
    """Return name of a condition -> how many failed, of those with any."""
    return {one.kind.name: one.failed for one in result.conditions if one.failed}


GOOD = "path,label,split\n../archive/north/ct0,benign,train\n../archive/south/ct1,malignant,val\n"


def test_a_good_dataset_fails_nothing_and_says_what_was_looked_at(project: Project) -> None:
    result = traced(project, GOOD)
    assert failed(result) == {}
    assert {one.evaluated for one in result.conditions} == {8, 2}
    outcomes = condition_outcomes(result.conditions)
    assert outcomes["rule_id"].is_sorted() or set(outcomes["rule_id"]) == {f"GATE-01{n}" for n in range(10)}
    assert set(outcomes["verdict"]) == {"pass"}


def test_every_fault_is_a_condition_of_its_own(project: Project) -> None:
    shutil.copy(project.archive / "north" / "ct0" / "1.dcm", project.work / "copy.dcm")
    (project.work / "x.dcm").write_bytes(other_byte(project.archive / "north" / "ct1" / "3.dcm"))
    (project.work / "y.nii").write_bytes(b"nothing")
    os.mkfifo(project.work / "pipe")
    rows = [
        "../archive/north/ct0/1.dcm,a,train", "copy.dcm,a,val", "x.dcm,b,train", "y.nii,b,train", "gone.dcm,b,train",
        "pipe,b,train", "../archive/south/ct0/1.dcm,c,train", "../archive/south/ct0/1.dcm,d,train",
        "../archive/north/ct0/2.dcm,c,train",
    ]  # fmt: skip
    result = traced(project, "path,label,split\n" + "\n".join(rows) + "\n")
    assert failed(result) == {
        "dataset-file-missing": 1,
        "dataset-file-changed": 1,
        "dataset-file-untraceable": 1,
        "dataset-file-unread": 1,
        "dataset-file-twice": 2,
        "dataset-file-in-two-splits": 2,
        "patient-in-two-splits": 1,
    }
    findings = condition_findings(result.conditions)
    assert findings["finding_id"].n_unique() == findings.height == 9
    assert set(findings.filter(pl.col("rule_id") == "GATE-018")["origin"]) == {"tool"}


def test_an_empty_cell_is_a_file_that_is_missing(project: Project) -> None:
    result = traced(project, GOOD + ",benign,train\n")
    assert failed(result) == {"dataset-file-missing": 1}


def test_what_is_not_judged_or_not_fit_is_told(project: Project) -> None:
    series = traced(project, "path\n../archive/south/ct0\n").files["series_key"][0]
    text = "path\n../archive/north/ct0/1.dcm\n../archive/south/ct0/1.dcm\n../archive/south/ct1/1.dcm\n"
    judged = part_of(project.catalog, Only(sites=("south",)))
    result = traced(project, text, judged=judged, unfit=Unfit(frozenset({series})))
    assert failed(result) == {"dataset-file-outside": 1, "dataset-file-unfit": 1}
    assert result.rows.height == 1


def test_a_silent_change_is_a_critical_finding_of_its_own(project: Project) -> None:
    table = project.table(GOOD)
    trace(table, policy(), project.catalog, load_key(), Silent())
    keeping_times(project.archive / "north/ct0/1.dcm", other_byte(project.archive / "north/ct0/1.dcm"))
    result = trace(table, policy(Rehash.ALL), project.catalog, load_key(), Silent())
    assert failed(result) == {"file-changed-silently": 1}
    assert {one.severity.value for one in result.conditions if one.failed} == {"critical"}


def test_without_a_dataset_the_archive_is_read_again(project: Project) -> None:
    first = rehashed(project.catalog, Again.ALL, load_key(), Silent())
    assert (first.evaluated, first.failed) == (0, 0)
    keeping_times(project.archive / "north/ct0/1.dcm", other_byte(project.archive / "north/ct0/1.dcm"))
    assert rehashed(project.catalog, Again.NONE, load_key(), Silent()).failed == 0
    found = rehashed(project.catalog, Again.ALL, load_key(), Silent())
    assert (found.evaluated, found.failed, found.findings.height) == (19, 1, 1)
    assert rehashed(project.catalog, Again.NONE, load_key(), Silent()).failed == 1  # it stays known


def test_figures_for_minimums_are_by_site_and_class(project: Project) -> None:
    result = traced(project, GOOD)
    assert result.rows.group_by("site", "label").len().sort("site").rows() == [
        ("north", "benign", 4),
        ("south", "malignant", 4),
    ]
    assert result.section["classes"] == [
        {"label": "benign", "site": "north", "files": 4, "series": 1, "patients": 1},
        {"label": "malignant", "site": "south", "files": 4, "series": 1, "patients": 1},
    ]
    assert result.section["states"]["traced"] == 8
    assert result.section["traced_by"] == {"path": 8}
    assert result.section["manifest"]["files"] == 8


def test_one_image_of_two_classes_counts_in_both(project: Project) -> None:
    text = "path,label\n../archive/north/ct0/1.dcm,a\n../archive/north/ct0/1.dcm,b\n"
    assert traced(project, text).rows.select("label").sort("label").rows() == [("a",), ("b",)]


def test_columns_are_those_of_the_policy(project: Project) -> None:
    table = project.table("path,scan,kind\nold,north/ct0/1.dcm,x\n")
    columns = DatasetColumns(file="scan", label="kind", root=project.archive)
    result = trace(table, policy(columns=columns), project.catalog, load_key(), Silent())
    assert (failed(result), result.rows["label"].to_list()) == ({}, ["x"])


def test_nothing_that_leaves_the_house_names_a_file_or_a_patient(project: Project) -> None:
    (project.work / "Doe^John.dcm").write_bytes(other_byte(project.archive / "north" / "ct1" / "3.dcm"))
    result = traced(project, GOOD + "Doe^John.dcm,a,train\nRoe^Jane.dcm,b,train\n")
    assert failed(result) == {"dataset-file-changed": 1, "dataset-file-missing": 1}
    shown = json.dumps(result.section) + str(condition_findings(result.conditions).to_dicts())
    for hidden in ("Doe", "Roe", "archive", "ct0", str(project.root)):
        assert hidden not in shown


def test_free_text_is_no_class_and_is_not_spelled_out(project: Project) -> None:
    rows = "".join(f"../archive/north/ct0/1.dcm,report about Doe {k}\n" for k in range(101))
    section = traced(project, "path,label\n" + rows).section
    assert (section["labels"], section["classes"]) == (101, [])
    assert "Doe" not in json.dumps(section)
