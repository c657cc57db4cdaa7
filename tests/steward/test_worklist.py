"""A worklist rolls findings up to what a hospital can act on, under ids that tell nothing and stay the same."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from dqkit.audit.findings import problems_of
from dqkit.audit.problem_states import with_states
from dqkit.catalog.schema import FINDINGS, PROBLEM_STATES, conform, empty
from dqkit.identity import Pseudonyms
from dqkit.model import ProblemState
from dqkit.rulebook.rule import Remedy, Rule
from dqkit.steward.worklist import DETAIL_ROWS, PROBLEM_ROWS, RESOLVED, Audit, Worklist, worklist_of
from tests.report.sample import sample_rules

KEY = Pseudonyms(b"0123456789abcdef")
NAMED = ("handback", "North", dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
RULES = {rule.id: rule for rule in sample_rules()}


def finding(number: int, rule: str, **changes: object) -> dict[str, object]:
    of = RULES[rule]
    return {
        "finding_id": f"f{number}", "problem_id": f"problem {rule}", "rule_id": rule, "variant": "",
        "severity": of.severity.value, "level": of.level.value, "site": "North", "paths": [f"a/b/{number}.dcm"],
        "n_paths": 1, "origin": "data", "entity": f"e{number}", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3",
        "patient_hash": "ph", "period": "2024-05", "scanner": "GE Revolution",
    } | changes  # fmt: skip


def audit_of(*findings: dict[str, object], states: pl.DataFrame | None = None) -> Audit:
    frame = conform(pl.DataFrame(list(findings), infer_schema_length=None), FINDINGS)
    states = empty(PROBLEM_STATES) if states is None else conform(states, PROBLEM_STATES)
    return Audit(with_states(problems_of(frame), states), frame, states)


def made(*findings: dict[str, object], rules: list[Rule] | None = None, **more: object) -> Worklist:
    states = more.pop("states", None)
    return worklist_of(audit_of(*findings, states=states), rules or list(RULES.values()), KEY, NAMED, **more)


def test_a_thousand_findings_of_one_series_are_one_problem_and_one_row() -> None:
    worklist = made(*(finding(n, "FMT-002") for n in range(1000)))
    assert worklist.problems.select("findings", "series", "rows").rows() == [(1000, 1, 1)]
    assert worklist.rows.select("findings", "files").rows() == [(1000, 1000)]
    assert worklist.problems.schema == PROBLEM_ROWS
    assert worklist.rows.schema == DETAIL_ROWS


def test_what_names_no_series_is_a_study_a_patient_or_a_folder() -> None:
    no_series, nothing = {"SeriesInstanceUID": None}, {"SeriesInstanceUID": None, "StudyInstanceUID": None}
    worklist = made(
        finding(1, "IDN-003", **no_series),
        finding(2, "IDN-003", **nothing),
        finding(3, "FMT-001", **nothing, patient_hash=None),
        finding(4, "FMT-001", **nothing, patient_hash=None),
        finding(5, "FMT-001", **nothing, patient_hash=None, paths=["a/c/5.dcm"]),
    )
    keys = worklist.rows.group_by("rule_id").agg(pl.col("row_key").sort()).sort("rule_id").rows()
    assert keys == [("FMT-001", ["folder a/b", "folder a/c"]), ("IDN-003", ["patient ph", "study 1.2"])]
    places = worklist.rows["location"].to_list()
    assert not [place for place in places if "a/b" in place or "1.2" in place]
    assert len(set(places)) == 4


def test_ids_of_rows_stay_the_same_and_depend_on_the_key() -> None:
    first = made(finding(1, "FMT-002"), finding(2, "GEO-003"))
    other_audit = made(finding(7, "GEO-003", observed="changed"), finding(9, "FMT-002"), finding(8, "FMT-002"))
    assert set(first.rows["row_id"]) == set(other_audit.rows["row_id"])
    assert set(first.problems["row_id"]) == set(other_audit.problems["row_id"])
    another_key = worklist_of(audit_of(finding(1, "FMT-002")), list(RULES.values()), Pseudonyms(b"x" * 16), NAMED)
    assert set(another_key.rows["row_id"]).isdisjoint(first.rows["row_id"])
    assert all(row.startswith(("P-", "R-")) for row in [*first.rows["row_id"], *first.problems["row_id"]])


def test_problems_that_are_not_the_hospitals_are_counted_by_who_mends_them() -> None:
    steward = replace(RULES["FMT-020"], remedy=Remedy({"en": "x", "zh": "x"}, who="steward"))
    rules = [*(rule for rule in RULES.values() if rule.id != "FMT-020"), steward]
    worklist = made(
        finding(1, "FMT-002"), finding(2, "GEO-009"), finding(3, "FMT-020"), finding(4, "FMT-001", origin="tool"),
        rules=rules,
    )  # fmt: skip
    assert worklist.problems["rule_id"].to_list() == ["FMT-002"]
    assert worklist.left_out == {"dqkit": 1, "operator": 1, "steward": 1}


def test_answered_problems_wait_and_worst_come_first() -> None:
    states = pl.DataFrame({"problem_id": ["problem FMT-002", "problem GEO-003"], "state": ["disputed", "reopened"],
                           "at": [NAMED[2]] * 2})  # fmt: skip
    found = (finding(1, "FMT-002"), finding(2, "GEO-003"), finding(3, "FMT-007"), finding(4, "FMT-007"))
    worklist = made(*found, states=states)
    assert worklist.problems["rule_id"].to_list() == ["GEO-003", "FMT-007"]
    assert worklist.left_out == {"disputed": 1}
    assert worklist.rows["problem_row"].to_list() == [
        row for row, rows in worklist.problems.select("row_id", "rows").rows() for _ in range(rows)
    ]
    all_states = worklist_of(audit_of(*found, states=states), list(RULES.values()), KEY, NAMED, list(ProblemState))
    assert all_states.problems.height == 3
    assert not all_states.left_out


def test_rows_beyond_the_most_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dqkit.steward.worklist.MOST_ROWS", 2)
    worklist = made(*(finding(n, "GEO-003", SeriesInstanceUID=f"1.{n}") for n in range(5)))
    assert (worklist.rows.height, worklist.rows_left_out) == (2, 3)
    assert worklist.problems["rows"].to_list() == [5]


def test_nothing_identifying_is_filled_in() -> None:
    rows = made(finding(1, "FMT-002"), finding(2, "GEO-003")).rows
    assert rows.select(RESOLVED).null_count().row(0) == (2,) * len(RESOLVED)
