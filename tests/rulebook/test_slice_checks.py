"""Checks that name the slices of a stack."""

import re
from typing import Any

import polars as pl
import pytest

from dqkit.catalog.schema import FRAMES
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.rulebook.book import Book

FILES = ["a", "b", "c", "d"]


def one(book: Book, rule_id: str, **values: Any) -> tuple[Any, Any, Any]:
    check = book.get(rule_id).check
    frame = pl.DataFrame({"file_ids": [FILES], **values}, schema_overrides=FRAMES[Level.STACK])
    compiled = check.compile()
    row = frame.select(passes=compiled.passes, observed=compiled.observed, culprits=compiled.culprits).row(0)
    return row[0], row[1], row[2]


def test_no_slice_named_passes(book: Book) -> None:
    assert one(book, "PIX-006", blank_slices=[[]])[0] is True


def test_slices_are_named_by_number_and_their_files_are_at_fault(book: Book) -> None:
    assert one(book, "PIX-006", blank_slices=[[0, 2]]) == (False, "blank slices: 1, 3", ["a", "c"])


def test_of_many_slices_some_are_named(book: Book) -> None:
    observed = one(book, "PIX-006", blank_slices=[list(range(9))])[1]
    assert observed == "blank slices: 1, 2, 3, 4, 5 and 4 more"


def test_a_file_of_several_frames_is_named_once(book: Book) -> None:
    assert one(book, "PIX-006", blank_slices=[[0, 1]], file_ids=[["x", "x", "x"]])[2] == ["x"]


def test_slices_that_were_not_looked_at_leave_it_open(book: Book) -> None:
    assert one(book, "PIX-006", blank_slices=[None])[0] is None
    assert one(book, "PIX-010", slice_clipped_shares=[None])[0] is None


def test_a_number_beyond_the_bound_names_its_slice_and_the_worst(book: Book) -> None:
    found = one(book, "PIX-010", slice_clipped_shares=[[0.0, 0.25, None, 0.01]])
    assert found == (False, "share of pixels at the largest value 0.25; slices: 2, 4", ["b", "d"])


def test_numbers_at_the_bound_and_none_at_all_pass(book: Book) -> None:
    assert one(book, "PIX-010", slice_clipped_shares=[[0.001, None, 0.0]])[0] is True
    assert one(book, "PIX-010", slice_clipped_shares=[[]])[0] is True


@pytest.mark.parametrize(
    "check", ["no_slices: {of: blank_slices}", "slices_within: {of: slice_clipped_shares, max: 1}"]
)
def test_rules_of_other_levels_are_refused(check: str, tmp_path: Any, book: Book) -> None:
    from dqkit.rulebook.load import load_rule

    text = book.get("PIX-006").path.read_text().replace("level: stack", "level: series")
    text = re.sub("scope: .*", "scope: {Modality: CT}", text, count=1)
    path = tmp_path / "PIX-006-blank-slice-in-volume.yaml"
    path.write_text(text.replace("no_slices: {of: blank_slices}", check))
    with pytest.raises(DqkitError, match="is for rules of level stack"):
        load_rule(path)


def test_a_range_without_bounds_is_refused(tmp_path: Any, book: Book) -> None:
    from dqkit.rulebook.load import load_rule

    text = (
        book.get("PIX-010").path.read_text().replace(", max: {param: most}", "").replace("params: {most: 0.001}\n", "")
    )
    path = tmp_path / "PIX-010-values-clipped.yaml"
    path.write_text(text)
    with pytest.raises(DqkitError, match="has no bound"):
        load_rule(path)
