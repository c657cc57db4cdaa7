"""Runs all rules over all levels as one polars plan: counts by site, and every entity that fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from dqkit.audit.answerable import Extracts
from dqkit.audit.frames import ANCESTRY, KEY, frame_of
from dqkit.audit.recognise import recognised
from dqkit.catalog.schema import FRAMES, conform
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome
from dqkit.rulebook.rule import Rule

COUNTS = {"rule_id": pl.String(), "variant": pl.String(), "site": pl.String()} | {
    outcome.name: pl.Int64() for outcome in Outcome
}

FAILED = {
    "rule_id": pl.String(),
    "variant": pl.String(),
    "level": pl.String(),
    **{key: pl.String() for key in ANCESTRY},
    "SOPInstanceUID": pl.String(),
    "path": pl.String(),
    "observed": pl.String(),
    "culprits": pl.List(pl.String()),
    "entity": pl.String(),
}


@dataclass(frozen=True)
class Evaluation:
    """What the rules say, before causes silence consequences.

    Attributes
    ----------
    counts
        COUNTS: one row a rule and site, entities by outcome; site null for archive-level rules.
    failed
        FAILED: one row a rule and failing entity, with the keys of all entities above it.
    crashed
        Rules that could not be evaluated, as label of the rule -> class of the error.
    """

    counts: pl.DataFrame
    failed: pl.DataFrame
    crashed: dict[str, str] = field(default_factory=dict)


def evaluate(rules: Sequence[Rule], tables: Tables, roles: pl.DataFrame | None = None) -> Evaluation:
    """Evaluate `rules` in one `collect_all`; if that fails, one by one, so that one bad rule stops none.

    `roles` is what `recognise.recognised` says of every series; None = look now.
    """
    if not rules:
        return Evaluation(pl.DataFrame(schema=COUNTS), pl.DataFrame(schema=FAILED))
    roles = recognised(tables) if roles is None else roles
    levels = {level: frame_of(level, tables, roles) for level in {rule.level for rule in rules}}
    extracts = Extracts.of(tables)
    try:
        return _run(rules, levels, extracts)
    except pl.exceptions.PolarsError:
        return _one_by_one(rules, levels, extracts)


def _one_by_one(rules: Sequence[Rule], levels: dict[Level, pl.LazyFrame], extracts: Extracts) -> Evaluation:
    done, crashed = [], {}
    for rule in rules:
        try:
            done.append(_run([rule], levels, extracts))
        except pl.exceptions.PolarsError as error:
            crashed[rule.label] = type(error).__name__
    return Evaluation(
        pl.concat([pl.DataFrame(schema=COUNTS), *(e.counts for e in done)]),
        pl.concat([pl.DataFrame(schema=FAILED), *(e.failed for e in done)]),
        crashed,
    )


def _run(rules: Sequence[Rule], levels: dict[Level, pl.LazyFrame], extracts: Extracts) -> Evaluation:
    plans: list[pl.LazyFrame] = []
    by_level = [(level, own) for level in levels if (own := [rule for rule in rules if rule.level is level])]
    for level, own in by_level:
        plans.append(_counting(level, levels[level], own, extracts))
        plans += [_failing(level, levels[level], rule, extracts) for rule in own if not extracts.never_judge(rule)]
    frames = iter(pl.collect_all(plans))
    counts, failed = [], []
    for level, own in by_level:
        counts.append(_long_counts(next(frames), own))
        failed += [_tagged(next(frames), level, rule) for rule in own if not extracts.never_judge(rule)]
    return Evaluation(pl.concat(counts), pl.concat([pl.DataFrame(schema=FAILED), *failed]))


def _name(rule: Rule) -> str:
    return f"{rule.id}/{rule.variant}"  # an id holds no slash


def _counting(level: Level, frame: pl.LazyFrame, rules: Sequence[Rule], extracts: Extracts) -> pl.LazyFrame:
    """Count entities by site, rule and outcome in one pass over the level's frame."""
    site = pl.lit(None, dtype=pl.String).alias("site") if level is Level.ARCHIVE else pl.col("site")
    outcomes = frame.select(site, *(extracts.outcome(rule).alias(_name(rule)) for rule in rules))
    return outcomes.group_by("site").agg(
        (pl.col(_name(rule)) == outcome.value).sum().cast(pl.Int64).alias(f"{_name(rule)}/{outcome.name}")
        for rule in rules
        for outcome in Outcome
    )


def _long_counts(wide: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    return pl.concat(
        wide.select(
            pl.lit(rule.id).alias("rule_id"),
            pl.lit(rule.variant).alias("variant"),
            "site",
            *(pl.col(f"{_name(rule)}/{outcome.name}").alias(outcome.name) for outcome in Outcome),
        )
        for rule in rules
    )


def _failing(level: Level, frame: pl.LazyFrame, rule: Rule, extracts: Extracts) -> pl.LazyFrame:
    """Give every entity that fails `rule`, with its keys, what was observed, and the files at fault."""
    columns, culprits = FRAMES[level], rule.culprits()
    if level is Level.STACK:  # its files are not those of its series
        culprits = pl.coalesce(culprits, pl.col("file_ids").list.unique(maintain_order=True))
    wanted = [name for name in (*ANCESTRY, "SOPInstanceUID", "path") if name in columns]
    return (
        frame.with_columns(extracts.outcome(rule).alias("outcome"))
        .filter(pl.col("outcome") == Outcome.FAIL.value)
        .select(*wanted, rule.observed().cast(pl.String).alias("observed"), culprits.alias("culprits"))
    )


def _tagged(failed: pl.DataFrame, level: Level, rule: Rule) -> pl.DataFrame:
    tags = {
        "rule_id": pl.lit(rule.id),
        "variant": pl.lit(rule.variant),
        "level": pl.lit(level.value),
        "entity": pl.col(KEY[level]) if level in KEY else pl.lit("archive"),
    }
    return conform(failed.with_columns(expression.alias(name) for name, expression in tags.items()), FAILED)
