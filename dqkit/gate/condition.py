"""What a gate asks for beside the rules, as outcomes of a family of its own: GATE.

A condition is one row of the outcomes table (a kind, a variant of it, a site), so that it goes through the same
checkpoint as the rules; its findings take waivers and baselines as all findings do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from dqkit.catalog.schema import FINDINGS, INT, OUTCOMES, TEXT, Schema, conform, empty
from dqkit.identity import digest, finding_ids
from dqkit.model import Level, Origin, Severity, Verdict
from dqkit.rulebook.rule import Text

CONDITION_FINDINGS: Schema = {
    "subject": TEXT,  # pseudonym of what is at fault ("file 3f9a2c", "series 12ab…"); empty: the site or the archive
    "observed": TEXT,  # free of identifying values
    "expected": TEXT,
}
"""One row a finding of a condition; a subject stands once."""


@dataclass(frozen=True)
class Kind:
    """A kind of condition; its id is never reused.

    Attributes
    ----------
    id
        ``GATE-001`` …
    name
        Names the defect, as rules do (``catalog-too-old``).
    title
        A sentence that a finding says, by language.
    remedy
        What to do, by language.
    level
        What `subject` stands for.
    origin
        DATA, or TOOL where a failure says nothing about the data and makes the verdict incomplete.
    """

    id: str
    name: str
    title: Text
    remedy: Text
    level: Level = Level.ARCHIVE
    origin: Origin = Origin.DATA


@dataclass(frozen=True)
class Condition:
    """What one kind of condition says of a site, or of the archive (`site` None).

    Attributes
    ----------
    variant
        Which of several of its kind: ``patients CT``; empty where there is one.
    evaluated
        How many were judged, those that failed among them; 0 = not applicable.
    failed, unknown
        How many of them failed, and of how many nothing could be said.
    allowed
        How many may fail.
    findings
        CONDITION_FINDINGS of what failed; may hold fewer than `failed`, for a person reads the first.
    """

    kind: Kind
    severity: Severity
    site: str | None = None
    variant: str = ""
    evaluated: int = 1
    failed: int = 0
    unknown: int = 0
    allowed: int = 0
    findings: pl.DataFrame = field(default_factory=lambda: empty(CONDITION_FINDINGS))


def one_finding(observed: str, expected: str, subject: str = "") -> pl.DataFrame:
    """Return CONDITION_FINDINGS of one row."""
    return pl.DataFrame([(subject, observed, expected)], CONDITION_FINDINGS, orient="row")


def condition_outcomes(conditions: Sequence[Condition]) -> pl.DataFrame:
    """Return `conditions` as OUTCOMES; `verdict` says ``fail`` nowhere yet, which is for the checkpoint to say."""
    rows = [_outcome(condition) for condition in conditions]
    return conform(pl.DataFrame(rows, schema_overrides={"site": TEXT}) if rows else empty(OUTCOMES), OUTCOMES)


def _outcome(condition: Condition) -> dict[str, object]:
    zero = dict.fromkeys((name for name, kind in OUTCOMES.items() if kind == INT), 0)
    silent = Verdict.UNKNOWN if condition.unknown else Verdict.NOT_APPLICABLE
    return zero | {
        "rule_id": condition.kind.id,
        "variant": condition.variant,
        "severity": condition.severity.value,
        "site": condition.site,
        "evaluated": condition.evaluated,
        "passed": condition.evaluated - condition.failed,
        "failed": condition.failed,
        "unknown": condition.unknown,
        "unknown_missing": condition.unknown,
        "allowed": condition.allowed,
        "verdict": (Verdict.PASS if condition.evaluated else silent).value,
    }


def condition_findings(conditions: Sequence[Condition]) -> pl.DataFrame:
    """Return what `conditions` found as FINDINGS.

    `finding_id` rests on the kind, its variant, the site and the subject, never on what was observed.
    """
    return pl.concat([empty(FINDINGS), *map(_findings, conditions)])


def _findings(condition: Condition) -> pl.DataFrame:
    kind, found = condition.kind, condition.findings
    subjects = found["subject"].fill_null("").to_list()
    entities = [digest("gate", condition.site, subject) for subject in subjects]
    told = found.with_columns(
        pl.Series("finding_id", finding_ids(kind.id, condition.variant, entities), dtype=pl.String),
        pl.lit(kind.id).alias("rule_id"),
        pl.lit(condition.variant).alias("variant"),
        pl.lit(condition.severity.value).alias("severity"),
        pl.lit(kind.level.value).alias("level"),
        pl.lit(condition.site, dtype=pl.String).alias("site"),
        pl.lit(kind.title["en"]).alias("message_en"),
        pl.lit(kind.title["zh"]).alias("message_zh"),
        pl.lit(kind.remedy["en"]).alias("remedy"),
        pl.lit(kind.origin.value).alias("origin"),
        pl.lit("").alias("waived_by"),
        pl.lit(digest("problem", kind.id, condition.variant, condition.site)).alias("problem_id"),
        pl.lit([], dtype=FINDINGS["paths"]).alias("paths"),
        pl.lit(0, dtype=pl.Int64).alias("n_paths"),
        pl.Series("location", [subject or "archive" for subject in subjects], dtype=pl.String),
        pl.Series("entity", entities, dtype=pl.String),
    )
    return conform(told, FINDINGS)
