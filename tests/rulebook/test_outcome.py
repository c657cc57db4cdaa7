"""How scope and check combine, and why an outcome is unknown."""

from collections.abc import Callable

import polars as pl
import pytest

from dqkit.catalog.schema import FRAMES
from dqkit.model import Level, Outcome
from dqkit.rulebook.book import Book
from dqkit.rulebook.rule import Rule


def outcomes(rule: Rule, **columns: list) -> list[Outcome]:
    schema = FRAMES[rule.level]
    height = len(next(iter(columns.values())))
    series = [pl.Series(name, columns.get(name, [None] * height), dtype=kind) for name, kind in schema.items()]
    return [Outcome(code) for code in pl.DataFrame(series).select(rule.outcome())["literal"]]


def test_scope_and_check_make_the_outcome(rule_with: Callable[..., Rule]):
    found = outcomes(rule_with(), Modality=["CT", "MR", "US", None, "CT"], slice_step_mm=[3.0, 8.0, 8.0, 8.0, None])
    assert found == [Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.MISSING, Outcome.MISSING]


def test_out_of_scope_wins_over_a_missing_scope_attribute(rule_with: Callable[..., Rule]):
    rule = rule_with(scope="scope: {Modality: [CT], n_slices: {min: 3}, is_localizer: false}")
    found = outcomes(rule, Modality=["MR", None, None], n_slices=[5, 2, 5], is_localizer=[None, None, False])
    assert found == [Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE, Outcome.MISSING]


def test_a_varying_attribute_of_a_series_is_told_from_a_missing_one(book: Book):
    rule = book.get("modality-unknown-term")
    assert outcomes(rule, Modality=["MR"], varying=[[]]) == [Outcome.PASS]
    frames = book.get("mixed-orientation")
    found = outcomes(frames, is_image=[True] * 3, n_orientations=[1] * 3, varying=[["Modality"], ["KVP"], None])
    assert found == [Outcome.VARYING, Outcome.MISSING, Outcome.MISSING]


def test_pixels_that_were_not_decoded_are_not_looked_at(book: Book):
    rule = book.get("constant-image")
    found = outcomes(
        rule,
        is_image=[True, True, True],
        has_pixel_data=[True] * 3,
        decodes=[None, True, True],
        at_blank_end=[False] * 3,
        pixel_min=[None, 0.0, 0.0],
        pixel_max=[None, 9.0, 0.0],
    )
    assert found == [Outcome.NOT_LOOKED_AT, Outcome.PASS, Outcome.FAIL]


@pytest.mark.parametrize("height", [0, 1, 4])
@pytest.mark.parametrize("level", [level for level in Level if level in FRAMES])
def test_every_rule_stands_frames_without_any_value(book: Book, level: Level, height: int):
    frame = pl.DataFrame([pl.Series(name, [None] * height, dtype=kind) for name, kind in FRAMES[level].items()])
    for rule in book:
        if rule.level is not level:
            continue
        told = frame.lazy().select(
            rule.outcome().alias("outcome"), rule.observed().alias("observed"), rule.culprits().alias("culprits")
        )
        assert told.collect().schema == {"outcome": pl.Int8, "observed": pl.String, "culprits": pl.List(pl.String)}, (
            rule.id
        )
        expectation = rule.expectation()
        if expectation:
            frame.lazy().select(column.alias(name) for name, column in expectation.frame.items()).collect()


def test_a_rule_names_the_columns_it_reads(book: Book):
    for rule in book:
        assert set(rule.columns) <= set(FRAMES[rule.level]), rule.id


@pytest.mark.parametrize(
    ("condition", "inside", "outside"),
    [
        ("{Modality: CT}", {"Modality": "CT"}, {"Modality": "MR"}),
        ("{Modality: {not: [US, CR]}}", {"Modality": "CT"}, {"Modality": "US"}),
        ("{n_slices: {min: 2, max: 4}}", {"n_slices": 4}, {"n_slices": 5}),
        ("{SpacingBetweenSlices: {present: true}}", {"SpacingBetweenSlices": 1.0}, {}),
        ("{SpacingBetweenSlices: {present: false}}", {}, {"SpacingBetweenSlices": 1.0}),
        ("{split_by: EchoTime}", {"split_by": ["EchoTime", "KVP"]}, {"split_by": ["KVP"]}),
        ("{split_by: {not: [EchoTime]}}", {"split_by": ["KVP"]}, {"split_by": ["EchoTime", "KVP"]}),
        ("{Modality: {listed_in: modalities, where: {retired: true}}}", {"Modality": "DF"}, {"Modality": "CT"}),
        ("{Modality: {not_listed_in: modalities}}", {"Modality": "MRI"}, {"Modality": "CT"}),
    ],
)
def test_scope_conditions(rule_with: Callable[..., Rule], condition: str, inside: dict, outside: dict):
    rule = rule_with(scope=f"scope: {condition}")
    step = {"slice_step_mm": [3.0]}
    assert outcomes(rule, **step, **{name: [value] for name, value in inside.items()}) == [Outcome.PASS]
    assert outcomes(rule, **step, **{name: [value] for name, value in outside.items()}) == [Outcome.NOT_APPLICABLE]
