"""``--engine gx``: the rules that core expectations can express, counted by Great Expectations on pandas."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dqkit.audit.engine import COUNTS
from dqkit.audit.frames import frame_of
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome
from dqkit.rulebook.rule import Rule


@dataclass(frozen=True)
class ExpectationCounts:
    """Passes and failures as Great Expectations counted them.

    Attributes
    ----------
    counts
        rule_id, variant, site, PASS, FAIL of the rules that could be expressed.
    not_expressible
        Ids of the others; polars judged them.
    """

    counts: pl.DataFrame
    not_expressible: tuple[str, ...]


def count_by_expectations(rules: Sequence[Rule], tables: Tables) -> ExpectationCounts:
    """Count passes and failures of each rule and site with core expectations.

    What is out of scope or unknown is left out before, because a core expectation knows neither.
    """
    rows: list[tuple[str, str, str | None, int, int]] = []
    not_expressible = []
    frames: dict[Level, pl.LazyFrame] = {}
    for rule in rules:
        if rule.check.expectation() is None:
            not_expressible.append(rule.id)
            continue
        frame = frames.setdefault(rule.level, frame_of(rule.level, tables))
        rows += _count(rule, frame)
    schema = {name: COUNTS[name] for name in ("rule_id", "variant", "site", "PASS", "FAIL")}
    return ExpectationCounts(pl.DataFrame(rows, schema=schema, orient="row"), tuple(not_expressible))


def _count(rule: Rule, frame: pl.LazyFrame) -> list[tuple[str, str, str | None, int, int]]:
    from dqkit.audit.verdict import unexpected_count

    expectation = rule.check.expectation()
    if expectation is None:
        return []
    site = pl.lit(None, dtype=pl.String) if rule.level is Level.ARCHIVE else pl.col("site")
    judged = (
        frame.with_columns(rule.outcome().alias("outcome"))
        .filter(pl.col("outcome").is_in([Outcome.PASS.value, Outcome.FAIL.value]))
        .select(site.alias("site"), *(expression.alias(name) for name, expression in expectation.frame.items()))
        .collect()
    )
    counted = []
    for (name,), entities in judged.partition_by("site", as_dict=True).items():
        failed = unexpected_count(entities.drop("site"), expectation)
        counted.append((rule.id, rule.variant, name and str(name), entities.height - failed, failed))
    return counted


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
