"""What both engines count of a catalog, and where they differ."""

from typing import Any

import polars as pl

from dqkit.audit.by_expectations import ExpectationCounts, count_by_expectations, with_expectation_counts
from dqkit.audit.engine import Evaluation, evaluate
from dqkit.catalog.tables import Tables
from dqkit.rulebook.book import load_book

RULES = load_book().rules
KEYS = ["rule_id", "variant", "site"]

Both = tuple[Evaluation, ExpectationCounts]


def both_of(tables: Tables) -> Both:
    return evaluate(RULES, tables), count_by_expectations(RULES, tables)


def differences(evaluation: Evaluation, by_gx: ExpectationCounts) -> list[dict[str, Any]]:
    """Return the rules and sites of which the engines count another number of passes or failures."""
    assert evaluation.crashed == {}
    both = with_expectation_counts(evaluation.counts, by_gx).join(
        evaluation.counts, on=KEYS, nulls_equal=True, suffix="_polars"
    )
    assert both.height == evaluation.counts.height
    unlike = (pl.col("PASS") != pl.col("PASS_polars")) | (pl.col("FAIL") != pl.col("FAIL_polars"))
    return both.filter(unlike).to_dicts()
