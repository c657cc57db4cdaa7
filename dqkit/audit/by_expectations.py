"""``--engine gx``: the rules that core expectations can express, counted by Great Expectations on pandas."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from dqkit.audit.answerable import Extracts
from dqkit.audit.engine import COUNTS
from dqkit.audit.frames import frame_of
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome
from dqkit.rulebook.check import Expectation
from dqkit.rulebook.rule import Rule

T = TypeVar("T")

_TOGETHER = 40
"""Rules that share a frame in memory."""


@dataclass(frozen=True)
class ExpectationCounts:
    """Passes and failures as Great Expectations counted them.

    Attributes
    ----------
    counts
        rule_id, variant, site, PASS, FAIL of the rules that could be expressed.
    not_expressible
        Labels of the others; polars judged them.
    """

    counts: pl.DataFrame
    not_expressible: tuple[str, ...]


def count_by_expectations(
    rules: Sequence[Rule], tables: Tables, roles: pl.DataFrame | None = None
) -> ExpectationCounts:
    """Count passes and failures of each rule and site with core expectations.

    What is out of scope or unknown is left out before, because a core expectation knows neither. `roles` is what
    `recognise.recognised` says of every series; None = look now.
    """
    from dqkit.audit.verdict import core_expectations

    rows: list[tuple[str, str, str | None, int, int]] = []
    expressed = [(rule, expectation) for rule in rules if (expectation := rule.expectation()) is not None]
    extracts = Extracts.of(tables)
    with core_expectations() as core:
        for rule, expectation, frame in _with_frames(expressed, tables, roles, extracts):
            entities = _judged(rule, expectation, frame, extracts)
            failed = core.unexpected_by_site(entities, expectation) if entities.height else Counter[str]()
            rows += [
                (rule.id, rule.variant, site or None, number - failed[site], failed[site])
                for site, number in entities.group_by("site", maintain_order=True).len().iter_rows()
            ]
    not_expressible = tuple(rule.label for rule in rules if rule.expectation() is None)
    schema = {name: COUNTS[name] for name in ("rule_id", "variant", "site", "PASS", "FAIL")}
    return ExpectationCounts(pl.DataFrame(rows, schema=schema, orient="row"), not_expressible)


def _with_frames(
    expressed: Sequence[tuple[Rule, Expectation]], tables: Tables, roles: pl.DataFrame | None, extracts: Extracts
) -> Iterator[tuple[Rule, Expectation, pl.LazyFrame]]:
    """Give every rule a frame with the columns it reads; rules of a level share one, as joins and windows are dear."""
    for level in dict.fromkeys(rule.level for rule, _ in expressed):
        frame = frame_of(level, tables, roles)
        for batch in _batches([one for one in expressed if one[0].level is level], _TOGETHER):
            read = [
                expr for rule, expectation in batch for expr in (extracts.outcome(rule), *expectation.frame.values())
            ]
            names = dict.fromkeys(name for expr in read for name in expr.meta.root_names())
            names |= {} if level is Level.ARCHIVE else {"site": None}
            together = frame.select(list(names)).collect().lazy()
            yield from ((rule, expectation, together) for rule, expectation in batch)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _judged(rule: Rule, expectation: Expectation, frame: pl.LazyFrame, extracts: Extracts) -> pl.DataFrame:
    """Return the table for an expectation: its columns and `site` (empty: the archive), of entities judged."""
    site = pl.lit("") if rule.level is Level.ARCHIVE else pl.col("site")
    return (
        frame.with_columns(extracts.outcome(rule).alias("the outcome"))
        .filter(pl.col("the outcome").is_in([Outcome.PASS.value, Outcome.FAIL.value]))
        .select(site.alias("site"), *(column.alias(name) for name, column in expectation.frame.items()))
        .collect()
    )


def with_expectation_counts(counts: pl.DataFrame, by_gx: ExpectationCounts) -> pl.DataFrame:
    """Put the counts of Great Expectations in the place of those of polars."""
    expressed = by_gx.counts.select("rule_id", "variant").unique().with_columns(expressed=True)
    keys = ["rule_id", "variant", "site"]
    joined = counts.join(by_gx.counts, on=keys, how="left", nulls_equal=True, suffix="_gx").join(
        expressed, on=keys[:2], how="left"
    )
    return joined.with_columns(
        pl.when("expressed").then(pl.col(f"{name}_gx").fill_null(0)).otherwise(name).alias(name)
        for name in ("PASS", "FAIL")
    ).select(counts.columns)
