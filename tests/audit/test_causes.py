"""One cause, one finding: what a failed cause silences, and what it does not."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from dqkit.audit.causes import without_implied
from dqkit.audit.engine import FAILED
from dqkit.audit.frames import KEY
from dqkit.catalog.schema import conform
from dqkit.model import Level
from dqkit.rulebook.book import load_book
from dqkit.rulebook.rule import Rule
from tests.audit.conftest import HandMade

ANY = load_book().get("GEO-008")


def rule(name: str, level: Level, *causes: str) -> Rule:
    return replace(ANY, id=name, level=level, implied_by=causes)


def failure(of: Rule, **keys: str) -> dict[str, Any]:
    entity = keys[KEY[of.level]]
    return {"rule_id": of.id, "variant": "", "level": of.level.value, "site": "north", "entity": entity, **keys}


def left(rules: list[Rule], *failures: dict[str, Any], tables: HandMade | None = None) -> list[str]:
    failed = conform(pl.DataFrame(list(failures), infer_schema_length=None), FAILED)
    kept, implied = without_implied(failed, rules, tables or HandMade())
    assert kept.height + int(implied["implied"].sum()) == failed.height
    return sorted(f"{name} {entity}" for name, entity in kept.select("rule_id", "entity").iter_rows())


A = rule("A", Level.SERIES)
B = rule("B", Level.SERIES, "A")
C = rule("C", Level.STACK, "B")


def test_a_chain_ends_at_its_root() -> None:
    failures = (failure(A, series_key="s"), failure(B, series_key="s"), failure(C, series_key="s", stack_id="k"))
    assert left([A, B, C], *failures) == ["A s"]


def test_another_entity_is_not_silenced() -> None:
    failures = (failure(A, series_key="s"), failure(B, series_key="t"), failure(C, series_key="t", stack_id="k"))
    assert left([A, B, C], *failures) == ["A s", "B t"]


def test_a_cause_that_was_not_selected_silences_nothing() -> None:
    assert left([B, C], failure(B, series_key="s"), failure(C, series_key="s", stack_id="k")) == ["B s"]
    assert left([C], failure(C, series_key="s", stack_id="k")) == ["C k"]


def test_a_cause_that_did_not_fail_silences_nothing() -> None:
    assert left([A, B], failure(B, series_key="s")) == ["B s"]


@pytest.mark.parametrize("level", [Level.STUDY, Level.PATIENT, Level.SITE])
def test_a_cause_above_silences_everything_below(level: Level) -> None:
    above = {Level.STUDY: {"study_key": "y"}, Level.PATIENT: {"patient_key": "p"}, Level.SITE: {}}[level]
    cause, slices = rule("A", level), rule("B", Level.INSTANCE, "A")
    entity = {"site": "north"} if level is Level.SITE else above
    failures = (failure(cause, **entity), failure(slices, file_id="f", series_key="s", study_key="y", patient_key="p"))
    assert left([cause, slices], *failures) == [f"A {next(iter(entity.values()))}"]


def test_an_absent_key_is_no_common_ancestor() -> None:
    cause, below = rule("A", Level.PATIENT), rule("B", Level.SERIES, "A")
    failures = (failure(cause, patient_key="p"), failure(below, series_key="s"))
    assert left([cause, below], *failures) == ["A p", "B s"]


def test_a_bad_file_explains_the_volume_that_it_is_a_slice_of() -> None:
    cause, gap = rule("A", Level.INSTANCE), rule("B", Level.STACK, "A")
    here = failure(cause, file_id="f", series_key="s")
    assert left([cause, gap], here, failure(gap, series_key="s", stack_id="k")) == ["A f"]
    assert left([cause, gap], here, failure(gap, series_key="t", stack_id="k")) == ["A f", "B k"]


def file(name: str, status: str = "dicom", series: str | None = None) -> dict[str, Any]:
    return {
        "file_id": name, "source_id": "x", "folder": "d", "status": status, "series_key": series,
        "StudyInstanceUID": series, "SeriesInstanceUID": series,
    }  # fmt: skip


def test_a_file_that_names_no_series_counts_to_the_only_one_of_its_folder() -> None:
    cause, gap = rule("A", Level.FILE), rule("B", Level.STACK, "A")
    failures = (failure(cause, file_id="lost"), failure(gap, series_key="s", stack_id="k"))
    alone = HandMade({"instances": [file("lost", "empty"), file("f", series="s"), file("g", series="s")]})
    assert left([cause, gap], *failures, tables=alone) == ["A lost"]
    mixed = HandMade({"instances": [file("lost", "empty"), file("f", series="s"), file("g", series="t")]})
    assert left([cause, gap], *failures, tables=mixed) == ["A lost", "B k"]


def test_what_is_silenced_is_counted_by_rule_and_site() -> None:
    failures = [failure(A, series_key="s"), failure(B, series_key="s")]
    _, implied = without_implied(conform(pl.DataFrame(failures), FAILED), [A, B], HandMade())
    assert implied.select("rule_id", "site", "implied").rows() == [("B", "north", 1)]
