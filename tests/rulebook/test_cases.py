"""Every case of every rule says what it must, and shows each outcome that the rule can have."""

from pathlib import Path

import pytest

from dqkit.rulebook.book import load_book
from dqkit.rulebook.cases import missing_cases, run_case
from dqkit.rulebook.load import parse_rule
from dqkit.rulebook.rule import Case, Rule
from tests.rulebook.conftest import changed

RULES = load_book().rules


@pytest.mark.parametrize(
    ("rule", "case"), [pytest.param(rule, case, id=f"{rule.id}: {case.name}") for rule in RULES for case in rule.cases]
)
def test_case_says_what_it_must(rule: Rule, case: Case):
    assert run_case(rule, case).failure == ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_cases_show_each_outcome_that_is_possible(rule: Rule):
    assert missing_cases(rule) == ()


def test_a_wrong_expectation_is_told_with_what_came_instead():
    text = changed().replace("expect: unknown", "expect: pass")
    rule = parse_rule(text, Path("rule.yaml"))
    assert run_case(rule, rule.cases[2]).failure == "expected pass, got unknown (missing)"


def test_a_wrong_observation_is_told():
    text = changed().replace("expect: fail,", "expect: fail, observed: 9 mm,")
    rule = parse_rule(text, Path("rule.yaml"))
    assert run_case(rule, rule.cases[0]).failure == "expected to observe '9 mm', got 'step between slices 8 mm'"


def test_a_case_that_lacks_an_outcome_is_named():
    text = changed().replace(
        "expect: unknown, given: {Modality: CT}", "expect: pass, given: {Modality: CT, slice_step_mm: 1}"
    )
    assert missing_cases(parse_rule(text, Path("rule.yaml"))) == ("unknown",)
