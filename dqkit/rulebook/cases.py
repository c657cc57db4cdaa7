"""A rule's own cases, evaluated as the engine would."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.errors import DqkitError
from dqkit.model import Outcome
from dqkit.rulebook.document import Mark, as_node
from dqkit.rulebook.params import instantiate
from dqkit.rulebook.rule import Case, Rule


@dataclass(frozen=True)
class CaseResult:
    """What a rule said of a case; `failure` is empty where it said what it must."""

    rule_id: str
    case: str
    outcomes: tuple[str, ...]
    observed: str
    failure: str

    @property
    def passed(self) -> bool:
        """Whether the rule said what the case expects."""
        return not self.failure


def run_case(rule: Rule, case: Case) -> CaseResult:
    """Evaluate one case.

    Raises
    ------
    DqkitError
        The rows cannot stand in the frame of the rule's level.
    """
    rule = filled_for(rule, case)
    frame = frame_of_case(rule, case.given).select(
        rule.outcome().alias("outcome"), rule.observed().alias("observed"), rule.culprits().alias("culprits")
    )
    outcomes = tuple(Outcome(code) for code in frame["outcome"])
    observed = frame["observed"][0] or ""
    failure = ""
    for row, (outcome, expected) in enumerate(zip(outcomes, case.expect, strict=True), start=1):
        if expected not in (outcome.word, outcome.name.lower()):
            place = f"row {row}: " if len(outcomes) > 1 else ""
            failure = failure or f"{place}expected {expected}, got {_words(outcome)}"
    if not failure and case.observed and case.observed != observed:
        failure = f"expected to observe {case.observed!r}, got {observed!r}"
    return CaseResult(rule.id, case.name, tuple(_words(outcome) for outcome in outcomes), observed, failure)


def filled_for(rule: Rule, case: Case) -> Rule:
    """Return `rule` with the values that `case` gives to its params; without any, an open rule stays a sample.

    Raises
    ------
    DqkitError
        The rule has no such param, or the value does not fit.
    """
    mark = Mark(rule.path, rule.lines.get("cases", 1))
    return (
        instantiate(rule, {name: as_node(value, mark) for name, value in case.params.items()}) if case.params else rule
    )


def run_cases(rule: Rule) -> tuple[CaseResult, ...]:
    """Evaluate all cases of a rule."""
    return tuple(run_case(rule, case) for case in rule.cases)


def missing_cases(rule: Rule) -> tuple[str, ...]:
    """Return the outcomes that the rule can have and no case of it shows: of pass, fail and unknown."""
    shown = {
        "unknown" if word not in ("pass", "fail", "not_applicable") else word for c in rule.cases for word in c.expect
    }
    wanted = ("pass", "fail", "unknown") if rule.can_be_unknown else ("pass", "fail")
    return tuple(word for word in wanted if word not in shown)


def frame_of_case(rule: Rule, rows: tuple[Mapping[str, Any], ...]) -> pl.DataFrame:
    """Return the rows as a frame of the rule's level, with the columns that the rule reads.

    Raises
    ------
    DqkitError
        A value does not fit its column.
    """
    schema = FRAMES[rule.level]
    names = dict.fromkeys((*rule.columns, *(name for row in rows for name in row)))
    try:
        return pl.DataFrame(
            {name: pl.Series(name, [row.get(name) for row in rows], dtype=schema[name]) for name in names}
        )
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise DqkitError(f"{rule.path}: a case of {rule.id} has a value that does not fit its column") from error


def _words(outcome: Outcome) -> str:
    return f"unknown ({outcome.name.lower()})" if outcome.word == "unknown" else outcome.word
