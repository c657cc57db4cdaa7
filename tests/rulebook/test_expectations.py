"""What core expectations of Great Expectations can say, they say like polars."""

import logging
from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

from dqkit.model import Outcome
from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.cases import frame_of_case
from dqkit.rulebook.check import Expectation
from dqkit.rulebook.rule import Rule

NOT_EXPRESSIBLE = 10
"""More than so many rules out of reach of core expectations would make the second engine a show."""


@pytest.fixture(scope="module")
def batch_of() -> Callable[[pl.DataFrame], Any]:
    gx = pytest.importorskip("great_expectations")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("cases").add_dataframe_asset("cases")
    definition = asset.add_batch_definition_whole_dataframe("all")
    return lambda frame: definition.get_batch({"dataframe": pd.DataFrame(frame.to_dict(as_series=False))})


def judged(rule: Rule, expectation: Expectation) -> tuple[pl.DataFrame, int]:
    """Return the table for the expectation and the failures that polars sees, of all single-row cases, else of one."""
    rows = tuple(row for case in rule.cases if len(case.given) == 1 for row in case.given) or rule.cases[0].given
    frame = frame_of_case(rule, rows).select(
        rule.outcome().alias("the outcome"), *(column.alias(name) for name, column in expectation.frame.items())
    )
    known = frame.filter(pl.col("the outcome").is_in([Outcome.PASS.value, Outcome.FAIL.value]))
    failed = known.filter(pl.col("the outcome") == Outcome.FAIL.value).height
    return known.drop("the outcome"), failed


@pytest.mark.parametrize(
    "rule", [rule for rule in load_book() if rule.expectation() is not None], ids=lambda rule: rule.id
)
def test_the_expectation_counts_the_same_failures(rule: Rule, batch_of: Any):
    import great_expectations.expectations as gxe

    expectation = rule.expectation()
    assert expectation is not None
    frame, failed = judged(rule, expectation)
    made = getattr(gxe, expectation.type)(**expectation.kwargs)
    result = batch_of(frame).validate(made, result_format={"result_format": "BASIC"})
    assert not result.exception_info.get("raised_exception")
    assert result.result["unexpected_count"] == failed


def test_few_rules_are_out_of_reach(book: Book):
    assert len([rule.id for rule in book if rule.expectation() is None]) <= NOT_EXPRESSIBLE
