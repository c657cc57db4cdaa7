"""Findings of a gate for tools that list results: one a rule and series, under a name that stays the same."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.gate.result import GateResult
from dqkit.identity import digest

_STATES = ("new", "known", "waived")
_RANK = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Listed:
    """What one rule found at one place.

    Attributes
    ----------
    place
        Pseudonymous: ``series 3f9a2c41d07b``.
    fingerprint
        Hash of rule, variant, site and place; the same from run to run.
    findings
        How many there are, such as slices of the series; `observed` and `finding` are of the first.
    level
        ``error`` where it keeps the gate closed, ``warning`` where its rule fails otherwise, else ``note``.
    state
        ``new``, ``known`` to the baseline, or ``waived`` (by `waived_by`).
    """

    rule_id: str
    variant: str
    severity: str
    site: str | None
    place: str
    fingerprint: str
    findings: int
    observed: str
    expected: str
    finding: str
    level: str
    state: str
    waived_by: str

    @property
    def label(self) -> str:
        """Rule, and variant where a pack made it."""
        return f"{self.rule_id} {self.variant}".strip()


def listed(result: GateResult, most: int) -> tuple[list[Listed], int]:
    """Return at most `most` results, those that keep the gate closed first; and their number in all."""
    if result.findings.is_empty():
        return [], 0
    by = ["rule_id", "variant", "severity", "site", "place"]
    state = pl.when(pl.col("waived_by") != "").then(pl.lit("waived")).when("known").then(pl.lit("known"))
    rows = (
        result.findings.with_columns(state.otherwise(pl.lit("new")).alias("state"))
        .sort(
            pl.col("state").replace_strict({name: i for i, name in enumerate(_STATES)}), "finding", maintain_order=True
        )
        .group_by(by, maintain_order=True)
        .agg(
            pl.len().alias("n"), *(pl.col(c).first() for c in ("state", "observed", "expected", "finding", "waived_by"))
        )
    )
    rows = _with_levels(rows, result)
    order = [
        pl.col("level").replace_strict({"error": 0, "warning": 1, "note": 2}, return_dtype=pl.Int8),
        pl.col("severity").replace_strict(_RANK, default=3, return_dtype=pl.Int8),
    ]
    ordered = rows.sort(*order, "rule_id", "variant", "site", "place", nulls_last=True)
    return [_listed(row) for row in ordered.head(most).iter_rows(named=True)], rows.height


def _with_levels(rows: pl.DataFrame, result: GateResult) -> pl.DataFrame:
    """Add `level`; a rule that is judged for the archive as a whole has it at every site."""
    deciding = set(result.deciding)
    levels = []
    for label, site in result.judgement.failing:
        rule_id, _, variant = label.partition(" ")
        levels.append((rule_id, variant, site, "error" if (rule_id, variant, site) in deciding else "warning"))
    names = dict.fromkeys(["rule_id", "variant", "site", "here"], pl.String)
    here = pl.DataFrame(levels, names, orient="row")
    whole = here.filter(pl.col("site").is_null()).select("rule_id", "variant", pl.col("here").alias("whole"))
    joined = rows.join(
        here, on=["rule_id", "variant", "site"], how="left", nulls_equal=True, maintain_order="left"
    ).join(whole, on=["rule_id", "variant"], how="left", maintain_order="left")
    failing = pl.when(pl.col("state") == "new").then(pl.coalesce("here", "whole"))
    return joined.with_columns(failing.fill_null("note").alias("level")).drop("here", "whole")


def _listed(row: dict[str, Any]) -> Listed:
    return Listed(
        rule_id=row["rule_id"],
        variant=row["variant"],
        severity=row["severity"],
        site=row["site"],
        place=row["place"],
        fingerprint=digest("result", row["rule_id"], row["variant"], row["site"], row["place"]),
        findings=row["n"],
        observed=row["observed"] or "",
        expected=row["expected"] or "",
        finding=row["finding"],
        level=row["level"],
        state=row["state"],
        waived_by=row["waived_by"],
    )
