"""Counts become outcomes: what each rule found at each site, and how much of it is allowed."""

from collections.abc import Mapping, Sequence

import polars as pl

from dqkit.audit.engine import Evaluation
from dqkit.catalog.schema import OUTCOMES, conform
from dqkit.model import Origin, Outcome, Verdict
from dqkit.rulebook.rule import Allow, Rule

_BY = ["rule_id", "variant", "site"]
_PER = {"rule_id": pl.String, "variant": pl.String}


def outcomes_of(rules: Sequence[Rule], evaluation: Evaluation, implied: pl.DataFrame) -> pl.DataFrame:
    """Return the outcomes table; `verdict` says ``fail`` nowhere yet, which is for the checkpoint to say.

    Parameters
    ----------
    rules
        Those evaluated.
    evaluation
        Their counts and failures.
    implied
        rule_id, variant, site, implied: failures that a cause explains.
    """
    by_id = {(rule.id, rule.variant): rule for rule in rules}
    counts = evaluation.counts.join(implied, on=_BY, how="left", nulls_equal=True).with_columns(
        pl.col("implied").fill_null(0)
    )
    per_archive = pl.DataFrame([key for key, rule in by_id.items() if rule.per == "archive"], _PER, orient="row")
    counts = counts.join(per_archive.with_columns(whole=True), on=["rule_id", "variant"], how="left")
    counts = (
        counts.with_columns(pl.when(pl.col("whole").is_null()).then("site").alias("site"))
        .group_by(_BY, maintain_order=True)
        .agg(pl.col(name).sum() for name in [*Outcome.__members__, "implied"])
    )
    rows = [_row(by_id[row["rule_id"], row["variant"]], row) for row in counts.iter_rows(named=True)]
    rows += [_crashed(rule) for rule in rules if rule.label in evaluation.crashed]
    frame = conform(pl.DataFrame(rows, schema_overrides={"site": pl.String}, infer_schema_length=None), OUTCOMES)
    return frame.sort("rule_id", "variant", "site", nulls_last=True)


def _row(rule: Rule, row: Mapping[str, int | str]) -> dict[str, object]:
    count = {outcome: int(row[outcome.name]) for outcome in Outcome}
    implied = int(row["implied"])
    failing = count[Outcome.FAIL] - implied
    of_tool = rule.origin is Origin.TOOL
    failed, errors = (0, failing) if of_tool else (failing, 0)
    passed = count[Outcome.PASS]
    unknown = count[Outcome.MISSING] + count[Outcome.VARYING] + count[Outcome.NOT_LOOKED_AT]
    return {
        "rule_id": rule.id,
        "variant": rule.variant,
        "severity": rule.severity.value,
        "site": row["site"],
        "evaluated": passed + failed + implied,
        "passed": passed,
        "failed": failed,
        "unknown": unknown,
        "not_applicable": count[Outcome.NOT_APPLICABLE],
        "implied": implied,
        "waived": 0,
        "baseline": 0,
        "errors": errors,
        "allowed": allowed(rule.allow, passed + failed),
        "verdict": _verdict(errors, passed + failed + implied, unknown).value,
        "unknown_missing": count[Outcome.MISSING],
        "unknown_varying": count[Outcome.VARYING],
        "unknown_not_looked_at": count[Outcome.NOT_LOOKED_AT],
    }


def with_accepted(
    outcomes: pl.DataFrame, findings: pl.DataFrame, rules: Sequence[Rule], known: pl.Expr | None = None
) -> pl.DataFrame:
    """Fill `waived` (findings with `waived_by`) and `baseline` (those that `known` says); what is both is waived.

    What the tool could not do counts as neither: it fails no rule, it leaves the run incomplete.
    """
    label = pl.concat_str("rule_id", "variant", separator=" ")
    whole = [f"{rule.id} {rule.variant}" for rule in rules if rule.per == "archive"]
    waived = pl.col("waived_by").fill_null("") != ""
    in_baseline = pl.lit(value=False) if known is None else known & ~waived
    counts = (
        findings.filter((pl.col("origin") != Origin.TOOL.value) & (waived | in_baseline))
        .with_columns(pl.when(~label.is_in(whole)).then("site").alias("site"))
        .group_by(_BY)
        .agg(waived.sum().cast(pl.Int64).alias("new waived"), in_baseline.sum().cast(pl.Int64).alias("new baseline"))
    )
    joined = outcomes.join(counts, on=_BY, how="left", nulls_equal=True, maintain_order="left")
    filled = (pl.col(f"new {name}").fill_null(0).alias(name) for name in ("waived", "baseline"))
    return joined.with_columns(filled).select(list(OUTCOMES))


def _crashed(rule: Rule) -> dict[str, object]:
    zero = dict.fromkeys((name for name, kind in OUTCOMES.items() if kind == pl.Int64()), 0)
    return zero | {
        "rule_id": rule.id,
        "variant": rule.variant,
        "severity": rule.severity.value,
        "site": None,
        "errors": 1,
        "verdict": Verdict.ERROR.value,
    }


def _verdict(errors: int, judged: int, unknown: int) -> Verdict:
    if errors:
        return Verdict.ERROR
    if judged:
        return Verdict.PASS
    return Verdict.UNKNOWN if unknown else Verdict.NOT_APPLICABLE


def allowed(allow: Allow, judged: int) -> int:
    """Return how many of `judged` entities may fail."""
    if allow.count is not None:
        return allow.count
    return int((allow.share or 0.0) * judged + 1e-9)
