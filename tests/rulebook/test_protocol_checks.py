"""Kinds of check that protocols need: ranges to cover, values to hold, several ranges at once."""

import polars as pl
import pytest

from dqkit.errors import DqkitError
from dqkit.model import Level
from tests.rulebook.test_checks import check, passes, run

STUDY, SERIES = Level.STUDY, Level.SERIES
B_VALUES = "covers: {of: b_values, ranges: [[50, 100], [1400, null], [null, 10]]}"
VIEWS = "holds_all: {of: views, values: [R-CC, L-CC]}"
MATRIX = "all_within: {Rows: {min: 1024}, Columns: {min: 800, max: 6000}}"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0, 50, 1400], True),
        ([10, 100, 2000], True),
        ([0, 50, 1399], False),
        ([11, 60, 1500], False),
        ([], False),
        (None, None),
        ([0, None, 50, 1400], True),
    ],
)
def test_each_range_wants_a_number_of_its_own(values: list[float] | None, verdict: bool | None) -> None:
    assert passes(B_VALUES, STUDY, [{"b_values": values}]) == [verdict]


def test_ranges_without_a_number_are_named() -> None:
    told = run(check(B_VALUES, STUDY), STUDY, [{"b_values": [500.0]}])["observed"][0]
    assert told == "b-values 500; none from 50 to 100, at least 1400, at most 10"
    assert check(B_VALUES, STUDY).expected() == "b-values from 50 to 100, at least 1400, at most 10"


@pytest.mark.parametrize(
    ("views", "verdict"),
    [(["L-CC", "L-MLO", "R-CC"], True), (["R-CC"], False), ([], False), (None, None)],
)
def test_a_list_holds_every_value(views: list[str] | None, verdict: bool | None) -> None:
    assert passes(VIEWS, STUDY, [{"views": views}]) == [verdict]


def test_values_that_are_not_held_are_named() -> None:
    assert run(check(VIEWS, STUDY), STUDY, [{"views": ["L-MLO"]}])["observed"][0] == "views without R-CC, L-CC"


def test_each_column_is_judged_by_its_own_range() -> None:
    rows = [(2048, 1536), (2048, 700), (512, 700), (2048, 6001), (2048, None)]
    given = [{"Rows": rows_, "Columns": columns} for rows_, columns in rows]
    told = run(check(MATRIX, SERIES), SERIES, given)
    assert told["passes"].to_list() == [True, False, False, False, None]
    assert told["observed"].to_list()[1:4] == ["Columns 700", "Rows 512; Columns 700", "Columns 6001"]
    assert check(MATRIX, SERIES).expected() == "Rows at least 1024, Columns at least 800 and at most 6000"


def test_slack_lets_a_number_pass_a_little_beyond_its_bounds() -> None:
    text = "within: {of: SliceThickness, min: 1, max: 2.5, slack: 0.01}"
    rows = [{"SliceThickness": mm} for mm in (0.995, 2.505, 0.98, 2.52)]
    assert passes(text, SERIES, rows) == [True, True, False, False]
    expectation = check(text, SERIES).expectation()
    assert expectation is not None
    assert expectation.kwargs["min_value"] == pytest.approx(0.99)
    assert check(text, SERIES).expected() == "SliceThickness at least 1 and at most 2.5"


@pytest.mark.parametrize("text", [B_VALUES, VIEWS])
def test_the_expectation_counts_what_is_missing(text: str) -> None:
    made = check(text, STUDY)
    expectation = made.expectation()
    assert expectation is not None
    [(name, counted)] = expectation.frame.items()
    column = made.columns[0]
    frame = pl.DataFrame({column: [["R-CC", "L-CC"], ["R-CC"]] if column == "views" else [[0.0, 60.0, 1500.0], [0.0]]})
    assert frame.select(counted.alias(name))[name].to_list() == [0, 1 if column == "views" else 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("covers: {of: b_values, ranges: 5}", "a list of ranges"),
        ("covers: {of: b_values, ranges: []}", "a list of ranges"),
        ("covers: {of: b_values, ranges: [[1]]}", "a least and a greatest value"),
        ("covers: {of: b_values, ranges: [[a, 2]]}", "a number or null"),
        ("covers: {of: b_values, ranges: [[null, null]]}", "needs an end"),
        ("covers: {of: b_values, ranges: [[9, 2]]}", "is empty"),
        ("covers: {of: views, ranges: [[1, 2]]}", "holds text"),
        ("holds_all: {of: views, values: []}", "names no value"),
        ("holds_all: {of: views, values: [1]}", "cannot stand in views"),
        ("holds_all: {of: study_date, values: [1]}", "is needed here"),
    ],
)
def test_nonsense_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(DqkitError, match=message):
        check(text, STUDY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("all_within: {}", "names no column"),
        ("all_within: {Rows: {}}", "has no bound"),
        ("all_within: {Rows: {least: 3}}", "no key 'least'"),
        ("all_within: {Modality: {min: 3}}", "number is needed"),
        ("all_within: {PixelSpacing: {min: 3}}", "must not be a list"),
        ("within: {of: Rows, min: 3, slack: -1}", "not below zero"),
        ("within: {of: study_date, min: 1970-01-01, slack: 1}", "for numbers"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(DqkitError, match=message):
        check(text, SERIES)
