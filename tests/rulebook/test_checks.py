"""Kinds of check, beyond what the cases of the rules show."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.catalog.schema import FRAMES
from dqkit.model import Level
from dqkit.privacy.identifying import IDENTIFYING
from dqkit.rulebook.check import Check
from dqkit.rulebook.checks import CHECKS
from dqkit.rulebook.document import parse_document
from dqkit.rulebook.phrase import shown
from dqkit.rulebook.section import Section
from dqkit.rulebook.steps import usual_step


def check(text: str, level: Level) -> Check:
    kind, node = next(iter(parse_document(text, Path("rule.yaml")).value.items()))
    section = Section(node, f"check {kind}", level)
    made = CHECKS[kind].read(section)
    section.finish()
    return made


def run(made: Check, level: Level, rows: list[dict[str, Any]], inside: pl.Expr | None = None) -> pl.DataFrame:
    names = dict.fromkeys((*made.columns, *(name for row in rows for name in row)))
    frame = pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in rows], dtype=FRAMES[level][name]) for name in names]
    )
    compiled = made.compile() if inside is None else made.compile(inside)
    return frame.select(
        compiled.passes.alias("passes"), compiled.observed.alias("observed"), compiled.culprits.alias("culprits")
    )


def passes(text: str, level: Level, rows: list[dict[str, Any]], inside: pl.Expr | None = None) -> list[bool | None]:
    return run(check(text, level), level, rows, inside)["passes"].to_list()


STACK, SERIES, FILE = Level.STACK, Level.SERIES, Level.FILE


def test_a_gap_names_the_slices_on_both_sides():
    row = {"slice_positions_mm": [0, 3, 9, 12, 18], "gap_after": [1, 3], "file_ids": list("abcde")}
    told = run(check("no_gap: {of: gap_after}", STACK), STACK, [row])
    assert told.row(0) == (
        False,
        "6 mm between slices, usually 3 mm; 2 gaps, the first after slice 2",
        ["b", "d", "c", "e"],
    )


def test_duplicates_name_all_slices_of_the_place():
    row = {"slice_positions_mm": [0, 3, 3, 3, 6], "duplicates_at": [2, 3], "file_ids": list("abcde")}
    told = run(check("no_duplicates: {of: duplicates_at}", STACK), STACK, [row])
    assert told["observed"][0] == "2 slices lie where another one does, first after slice 2"
    assert sorted(told["culprits"][0]) == ["b", "c", "d"]


def test_odd_steps_name_their_slices():
    row = {"slice_positions_mm": [0, 3, 6, 9.5, 12.5], "file_ids": list("abcde")}
    told = run(check("uniform_step: {of: slice_positions_mm, tolerance: 1%}", STACK), STACK, [row])
    assert told.row(0) == (False, "steps of 3 mm to 3.5 mm, usually 3 mm; first odd one after slice 3", ["c", "d"])


@given(
    st.integers(3, 60),
    st.floats(0.3, 12),
    st.floats(-2000, 2000),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 3, 6]),
)
@settings(deadline=None, max_examples=60)
def test_positions_that_were_rounded_are_still_even(n: int, step: float, start: float, seed: int, decimals: int):
    positions = np.round(start + step * np.arange(n), decimals)
    text = "uniform_step: {of: slice_positions_mm, tolerance: 1%, grid_mm: 0.06}"
    if decimals == 1 and step < 0.6:
        return
    assert passes(text, STACK, [{"slice_positions_mm": positions.tolist()}]) == [True]


@given(st.integers(4, 60), st.floats(0.5, 12), st.integers(0, 10**6), st.floats(0.1, 0.4))
@settings(deadline=None, max_examples=60)
def test_a_slice_that_is_displaced_is_found(n: int, step: float, place: int, by: float):
    positions = step * np.arange(n)
    positions[1 + place % (n - 2)] += by * step + 0.1
    text = "uniform_step: {of: slice_positions_mm, tolerance: 1%, grid_mm: 0.06}"
    assert passes(text, STACK, [{"slice_positions_mm": sorted(positions.tolist())}]) == [False]


@given(st.lists(st.lists(st.floats(0, 1e4), max_size=30), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_the_usual_step_is_the_lower_median_of_steps_that_are_some(stacks: list[list[float]]):
    frame = pl.DataFrame({"slice_positions_mm": pl.Series([sorted(s) for s in stacks], dtype=pl.List(pl.Float64))})
    found = frame.select(usual_step("slice_positions_mm").alias("step"))["step"].to_list()
    for positions, step in zip(stacks, found, strict=True):
        steps = np.sort([d for d in np.diff(sorted(positions)) if d > 1e-4])
        assert step == (steps[(len(steps) - 1) // 2] if len(steps) else None)


def test_several_columns_are_each_judged_where_they_have_a_value():
    text = "matches: {of: [StudyDate, SeriesDate], regex: '^[0-9]{8}$'}"
    rows = [
        {"StudyDate": "20200101", "SeriesDate": "20200101"},
        {"StudyDate": "20200101"},
        {"StudyDate": "20200101", "SeriesDate": "2020"},
        {},
    ]
    assert passes(text, FILE, rows) == [True, True, False, None]


def test_every_element_of_a_list_is_judged():
    rows = [{"PixelSpacing": [0.5, 0.5]}, {"PixelSpacing": [0.5, 0.0]}, {"PixelSpacing": []}, {}]
    assert passes("within: {of: PixelSpacing, above: 0}", FILE, rows) == [True, False, None, None]
    rows = [{"ImageType": ["ORIGINAL", "PRIMARY"]}, {"ImageType": ["DERIVED", "PRIMARY"]}]
    assert passes("value_not_in: {of: ImageType, values: [DERIVED]}", FILE, rows) == [True, False]


def test_present_tells_absent_empty_untypeable_and_varying_apart():
    rows = [{}, {"empty": ["StudyDate"]}, {"untypeable": ["StudyDate"]}, {"StudyDate": "20200101"}]
    assert passes("present: {of: StudyDate}", FILE, rows) == [False, False, True, True]
    assert passes("present: {of: StudyDate, empty_ok: true}", FILE, rows) == [False, True, True, True]
    rows = [{"varying": ["KVP"]}, {"varying": ["Rows"]}, {"KVP": 120.0}]
    assert passes("present: {of: KVP}", SERIES, rows) == [True, False, True]


def test_present_names_what_is_missing():
    told = run(check("present: {of: [Rows, Columns, BitsStored]}", FILE), FILE, [{"Columns": 5}])
    assert told["observed"].to_list() == ["missing: Rows, BitsStored"]


@pytest.mark.parametrize(
    ("relation", "left", "right", "expected"),
    [
        ("==", 3, 3, True),
        ("!=", 3, 3, False),
        ("<", 2, 3, True),
        ("<=", 4, 3, False),
        (">", 3, 3, False),
        (">=", 3, 3, True),
    ],
)
def test_relations(relation: str, left: float, right: float, expected: bool):
    text = f"compare: {{left: BitsStored, is: '{relation}', right: BitsAllocated}}"
    assert passes(text, FILE, [{"BitsStored": left, "BitsAllocated": right}]) == [expected]


def test_compare_takes_factors_shifts_tolerances_and_magnitudes():
    text = "compare: {left: slice_step_mm, is: '<=', right: SliceThickness, times: 1.5, plus: 0.5}"
    assert passes(text, STACK, [{"slice_step_mm": s, "SliceThickness": 1} for s in (2.0, 2.1)]) == [True, False]
    text = "compare: {left: SpacingBetweenSlices, is: '==', right: slice_step_mm, tolerance: 2%, magnitude: true}"
    rows = [{"SpacingBetweenSlices": s, "slice_step_mm": 5} for s in (5.1, -4.9, 5.2)]
    assert passes(text, STACK, rows) == [True, True, False]
    text = "compare: {left: GantryDetectorTilt, is: '==', right: tilt_deg, tolerance: 0.5}"
    assert passes(text, STACK, [{"GantryDetectorTilt": 10, "tilt_deg": t} for t in (10.5, 10.6)]) == [True, False]


def test_a_pair_fits_its_table_and_unknown_keys_are_free():
    text = "fits_table: {of: Modality, by: SOPClassUID, table: sop-classes, property: modalities}"
    ct, capture = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
    rows = [
        {"SOPClassUID": ct, "Modality": "CT"},
        {"SOPClassUID": ct, "Modality": "MR"},
        {"SOPClassUID": capture, "Modality": "MR"},
        {"SOPClassUID": "1.2.3", "Modality": "MR"},
        {"Modality": "MR"},
    ]
    assert passes(text, FILE, rows) == [True, False, True, True, None]


def test_members_of_a_group_must_agree():
    text = "agree_within: {of: KVP, by: patient_key}"
    rows = [
        {"patient_key": "a", "KVP": 120},
        {"patient_key": "a", "KVP": 100},
        {"patient_key": "b", "KVP": 80},
        {"patient_key": "b"},
        {"KVP": 80},
    ]
    assert passes(text, SERIES, rows) == [False, False, True, None, None]


def test_a_group_counts_members_in_scope_alone():
    inside = pl.col("Modality") == "CT"
    rows = [
        {"patient_key": "a", "KVP": 120, "Modality": "CT"},
        {"patient_key": "a", "KVP": 25, "Modality": "MG"},
    ]
    assert passes("agree_within: {of: KVP, by: patient_key}", SERIES, rows, inside)[0] is True
    same = [{**row, "KVP": 120} for row in rows]
    assert passes("unique_within: {of: KVP, by: patient_key}", SERIES, same, inside)[0] is True
    assert passes("unique_within: {of: KVP, by: patient_key}", SERIES, same) == [False, False]


def test_an_outlier_is_far_from_its_group_in_robust_deviations():
    text = "outlier_within: {of: SliceThickness, by: site, z: 3.5, at_least: 5}"
    usual = [{"site": "a", "SliceThickness": t} for t in (5.0, 5.1, 4.9, 5.2, 4.8, 5.0)]
    other = [{"site": "b", "SliceThickness": t} for t in (1.0, 9.0)]
    found = passes(text, SERIES, [*usual, {"site": "a", "SliceThickness": 9.0}, {"site": "a"}, *other])
    assert found == [*[True] * 6, False, None, None, None]


def test_where_most_are_equal_the_mean_deviation_judges():
    text = "outlier_within: {of: SliceThickness, by: site, z: 3.5, at_least: 5}"
    rows = [{"site": "a", "SliceThickness": 5.0}] * 19 + [{"site": "a", "SliceThickness": 50.0}]
    assert passes(text, SERIES, rows) == [True] * 19 + [False]
    assert passes(text, SERIES, rows[:19]) == [True] * 19


@pytest.mark.parametrize("level", list(FRAMES))
def test_identifying_values_are_never_shown(level: Level):
    for name in sorted(IDENTIFYING & set(FRAMES[level])):
        kind = FRAMES[level][name]
        value: Any = {pl.String(): "SECRET", pl.Float64(): 77.25, pl.Int64(): 7725}.get(kind)
        if kind == pl.Date():
            value = np.datetime64("1977-02-05").astype(object)
        if isinstance(kind, pl.List):
            value = ["SECRET"]
        frame = pl.DataFrame([pl.Series(name, [value], dtype=kind)])
        text = frame.select(shown(name).alias("text"))["text"][0]
        assert text == "(not shown)", name


def test_shown_values_are_short_and_hold_no_control_or_direction_characters():
    frame = pl.DataFrame({"Modality": ["a\nb\x1b[31m\u202ec\u2028d", "x" * 500, None]})
    assert frame.select(shown("Modality").alias("t"))["t"].to_list() == ["a?b?[31m?c?d", "x" * 60, "absent"]


def test_numbers_are_shown_with_six_digits():
    frame = pl.DataFrame({"slice_step_mm": [2.370809116495252, 5.0], "PixelSpacing": [[0.48828125, 1 / 3], [1.0, 2.0]]})
    told = frame.select(shown("slice_step_mm"), shown("PixelSpacing"))
    assert told.row(0) == ("2.37081", "0.488281\\0.333333")
