"""How many findings each audit left, by severity and site: the trend over the runs of a catalog."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from dqkit.audit.states import AuditRun, audits_of
from dqkit.catalog.schema import INT, TEXT, Schema, empty
from dqkit.catalog.store import Catalog
from dqkit.model import Verdict

TREND: Schema = {"run": INT, "site": TEXT, "severity": TEXT, "findings": INT}
"""Findings of an audit; site null = rules that speak of the whole archive."""

MOST_AUDITS = 24
"""Audits that a trend goes back."""


@dataclass(frozen=True)
class TrendPoint:
    """One audit of a trend; `other_rules` = it judged by other rules than the one before it."""

    run: int
    ended_at: dt.datetime
    verdict: Verdict
    complete: bool
    other_rules: bool


@dataclass(frozen=True)
class Trend:
    """The audits of one scope, oldest first.

    Attributes
    ----------
    rows
        TREND.
    left_out
        Audits of another scope (other packs, another part of the archive), which are not compared.
    earlier
        Audits of this scope that lie further back.
    """

    points: tuple[TrendPoint, ...]
    rows: pl.DataFrame
    left_out: int = 0
    earlier: int = 0


def trend_of(catalog: Catalog, until: AuditRun) -> Trend:
    """Return the trend up to `until`, over the audits of its scope."""
    audits = [audit for audit in audits_of(catalog) if audit.run <= until.run]
    alike = [audit for audit in audits if audit.scope == until.scope]
    shown = alike[-MOST_AUDITS:]
    digests = [None, *(audit.rules_digest for audit in shown)]
    points = tuple(
        TrendPoint(
            audit.run,
            audit.ended_at,
            audit.verdict,
            audit.complete,
            before is not None and before != audit.rules_digest,
        )
        for before, audit in zip(digests, shown, strict=False)
    )
    rows = pl.concat([empty(TREND), *(_counted(catalog, audit) for audit in shown)])
    return Trend(points, rows, len(audits) - len(alike), len(alike) - len(shown))


def _counted(catalog: Catalog, audit: AuditRun) -> pl.DataFrame:
    outcomes = catalog.as_of(audit.versions).scan("outcomes")
    findings = (pl.col("failed") + pl.col("errors")).sum().alias("findings")
    counted = outcomes.group_by("site", "severity").agg(findings).sort("site", "severity", nulls_last=True)
    return counted.select(pl.lit(audit.run, dtype=INT).alias("run"), "site", "severity", "findings").collect()
