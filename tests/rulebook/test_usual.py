"""Checks that compare a value with what its group usually has."""

from typing import Any

import pytest

from dqkit.errors import DqkitError
from dqkit.model import Level
from tests.rulebook.test_checks import check, passes, run

USUAL = "usual_within: {of: KVP, by: protocol_key, share: 80%, at_least: 5, tolerance: 1}"
SHARE = "share_of_usual: {of: n_frames, by: protocol_key, min: 0.5, max: 2, at_least: 5}"


def rows(column: str, *values: Any, protocol: str | None = "p") -> list[dict[str, Any]]:
    return [{column: value, "protocol_key": protocol} for value in values]


def judged(text: str, given: list[dict[str, Any]]) -> list[bool | None]:
    return passes(text, Level.SERIES, given)


def test_what_four_of_five_have_is_usual():
    assert judged(USUAL, rows("KVP", 120, 120, 120, 120, 80)) == [True] * 4 + [False]
    assert judged(USUAL, rows("KVP", 120, 120, 121, 119.5, 80)) == [True] * 4 + [False]  # within the tolerance


def test_where_nothing_is_usual_nothing_departs():
    assert judged(USUAL, rows("KVP", 120, 120, 120, 100, 80)) == [True] * 5


def test_small_groups_and_missing_values_stay_open():
    assert judged(USUAL, rows("KVP", 120, 120, 120, 80)) == [None] * 4
    assert judged(USUAL, rows("KVP", 120, 120, 120, 120, 80, None)) == [True] * 4 + [False, None]
    assert judged(USUAL, rows("KVP", *[120] * 5, protocol=None)) == [None] * 5


def test_each_group_has_its_own_usual_value():
    given = rows("KVP", 120, 120, 120, 120, 120) + rows("KVP", 80, 80, 80, 80, 80, protocol="child")
    assert judged(USUAL, given) == [True] * 10


def test_texts_are_usual_too_and_one_odd_attribute_is_enough():
    text = "usual_within: {of: [kernel, SliceThickness], by: protocol_key, share: 80%, at_least: 5}"
    given = [{"kernel": "B30f", "SliceThickness": 3, "protocol_key": "p"} for _ in range(8)]
    given += [{"kernel": "B70f", "SliceThickness": 3, "protocol_key": "p"}, {"SliceThickness": 3, "protocol_key": "p"}]
    assert judged(text, given) == [True] * 8 + [False, True]
    told = run(check(text, Level.SERIES), Level.SERIES, given)["observed"][8]
    assert told == "kernel B70f, SliceThickness 3; nearly all others of its protocol are alike"


def test_a_share_of_the_median():
    assert judged(SHARE, rows("n_frames", 100, 100, 100, 49, 201, 50)) == [True, True, True, False, False, True]
    assert judged(SHARE, rows("n_frames", 100, 100, 100, 4)) == [None] * 4
    assert judged(SHARE, rows("n_frames", 0, 0, 0, 0, 0)) == [None] * 5


def test_where_numbers_scatter_none_is_odd():
    text = SHARE.replace("at_least", "share: 80%, at_least")
    assert judged(text, rows("n_frames", 100, 100, 100, 100, 20)) == [True] * 4 + [False]
    assert judged(text, rows("n_frames", 100, 100, 100, 30, 20)) == [True] * 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("usual_within: {of: KVP, by: protocol_key, share: 50%}", "a share above 50%"),
        ("usual_within: {of: KVP, by: protocol_key, share: 80%, at_least: 2}", "at_least of 3"),
        ("usual_within: {of: ImageType, by: protocol_key, share: 80%}", "list"),
        ("share_of_usual: {of: n_frames, by: protocol_key}", "min or max"),
        ("share_of_usual: {of: Modality, by: protocol_key, min: 0.5}", "number"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str):
    with pytest.raises(DqkitError, match=message):
        check(text, Level.SERIES)
