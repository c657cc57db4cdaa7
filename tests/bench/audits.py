"""An audit of a catalog, and the bare polars plan of the same rules that it is measured against."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from dqkit.audit.answerable import Extracts
from dqkit.audit.causes import without_implied
from dqkit.audit.engine import evaluate
from dqkit.audit.findings import findings_of, problems_of
from dqkit.audit.frames import KEY, frame_of
from dqkit.audit.outcomes import outcomes_of
from dqkit.audit.recognise import recognised
from dqkit.catalog.tables import Tables
from dqkit.identity import load_key
from dqkit.model import Outcome
from dqkit.rulebook.rule import Rule


def bare(rules: list[Rule], tables: Tables) -> int:
    """Ask every rule about every entity once, count by site, write every failing key: the least there is to do."""
    roles, extracts = recognised(tables), Extracts.of(tables)
    by_level = {level: [rule for rule in rules if rule.level is level] for level in {rule.level for rule in rules}}
    plans = [
        frame_of(level, tables, roles).select(
            (pl.col(KEY[level]) if level in KEY else pl.lit("archive")).alias("key"),
            (pl.col("site") if level in KEY else pl.lit("archive")).alias("of"),
            *(extracts.outcome(rule).alias(rule.id) for rule in own),
        )
        for level, own in by_level.items()
    ]
    failures = 0
    with TemporaryDirectory() as folder:
        for outcomes, own in zip(pl.collect_all(plans), by_level.values(), strict=True):
            counts = outcomes.group_by("of").agg(
                (pl.col(rule.id) == outcome.value).sum().alias(f"{rule.id}{outcome.name}")
                for rule in own
                for outcome in Outcome
            )
            counts.write_parquet(Path(folder) / "counts.parquet")
            for rule in own:
                failing = outcomes.filter(pl.col(rule.id) == Outcome.FAIL.value).select("key")
                failing.write_parquet(Path(folder) / f"{rule.id}.parquet")
                failures += failing.height
    return failures


def whole(rules: list[Rule], tables: Tables) -> int:
    """Do what `dqkit audit` does but for the checkpoint: outcomes, causes, findings on disk, problems."""
    evaluation = evaluate(rules, tables)
    kept, implied = without_implied(evaluation.failed, rules, tables)
    outcomes_of(rules, evaluation, implied)
    findings = findings_of(kept, rules, tables, load_key())
    problems_of(findings)
    with TemporaryDirectory() as folder:
        findings.write_parquet(Path(folder) / "findings.parquet")
    return findings.height
