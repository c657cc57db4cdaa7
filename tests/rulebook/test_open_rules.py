"""Open rules: without values of their own, judged only where a pack gives some."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.rulebook.book import make_book
from dqkit.rulebook.cases import missing_cases, run_cases
from dqkit.rulebook.document import Mark, as_node
from dqkit.rulebook.explain import explain_rule
from dqkit.rulebook.load import parse_rule
from dqkit.rulebook.params import instantiate
from dqkit.rulebook.rule import Rule

OPEN = """\
id: ACQ-901
name: thickness-off
title: {en: The thickness is another, zh: 层厚不符}
level: series
open: true
check: {within: {of: SliceThickness, min: {param: min_mm}, max: {param: max_mm}}}
params: {min_mm: null, max_mm: null}
severity: warning
standard: PS3.3 C.7.6.2
why: {en: Small findings fall between slices., zh: 小病灶会落在层面之间。}
remedy: {who: scanner, manual: {en: Agree on thinner slices., zh: 约定更薄的层厚。}}
since: 0.1.0
cases:
  - {name: thick, expect: fail, with: {max_mm: 2.5}, given: {SliceThickness: 8}}
  - {name: thin enough, expect: pass, with: {max_mm: 2.5}, given: {SliceThickness: 2.5}}
  - {name: too thin, expect: fail, with: {min_mm: 3}, given: {SliceThickness: 1}}
  - {name: none, expect: unknown, with: {max_mm: 2.5}, given: {}}
"""


@pytest.fixture
def rule() -> Rule:
    return parse_rule(OPEN, Path("open.yaml"))


def filled(rule: Rule, **values: Any) -> Rule:
    mark = Mark(Path("pack.yaml"), 7)
    return instantiate(rule, {name: as_node(value, mark) for name, value in values.items()}, mark)


def test_cases_carry_the_values(rule: Rule):
    assert [result.failure for result in run_cases(rule)] == ["", "", "", ""]
    assert missing_cases(rule) == ()


def test_a_param_without_a_value_leaves_its_bound_out(rule: Rule):
    assert filled(rule, max_mm=3).check.expected() == "SliceThickness at most 3"
    assert filled(rule, min_mm=1, max_mm=3).check.expected() == "SliceThickness at least 1 and at most 3"
    assert filled(rule, max_mm=3).params == {"min_mm": None, "max_mm": 3}
    assert not filled(rule, max_mm=3).is_open


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "pack.yaml:7: ACQ-901 is open and gets no value"),
        ({"max_mm": None}, "pack.yaml:7: ACQ-901 is open and gets no value"),
        ({"max": 3}, "pack.yaml:7: ACQ-901 has no param 'max'"),
        ({"max_mm": "3 mm"}, "pack.yaml:7: 'max' must be a number"),
    ],
)
def test_wrong_values_are_told_with_the_line_of_the_pack(rule: Rule, values: dict[str, Any], message: str):
    with pytest.raises(DqkitError) as caught:
        filled(rule, **values)
    assert message in caught.value.message


def test_a_rule_that_is_not_open_needs_its_values(rule_with: Callable[..., Rule]):
    with pytest.raises(DqkitError, match="'most_mm' has no value"):
        rule_with(params="params: {most_mm: null}")


def test_without_a_pack_it_is_not_run_and_says_so(rule: Rule, rule_with: Callable[..., Rule]):
    book = make_book([rule, rule_with()])
    assert [one.id for one in book.select()] == ["GEO-903"]
    assert [one.id for one in book.select(with_open=True)] == ["ACQ-901", "GEO-903"]
    with pytest.raises(NothingToCheckError, match="only where a pack uses them"):
        book.select(["ACQ-901"])


def test_its_page_says_that_a_pack_decides(rule: Rule):
    text = explain_rule(rule)
    assert "judged only where a pack uses it" in text
    assert "thick (with `max_mm: 2.5`)" in text
    assert "`min_mm`: for the pack to say" in text
