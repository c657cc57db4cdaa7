"""One cause, one finding: silences the consequences of a fault that another rule already names."""

from collections.abc import Sequence

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.rulebook.rule import Rule


def without_implied(failed: pl.DataFrame, rules: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out of `failed` what a failed cause on the same entity, or on one above it, implies.

    Causes that are themselves implied still silence what they imply: the chain ends at its root.

    Returns
    -------
    kept
        The rows that are findings.
    implied
        rule_id, variant, site and `implied`, the number taken out.
    """
    by_id = {rule.id: rule for rule in rules}
    kept, silenced = [], []
    for (rule_id, _), rows in failed.partition_by("rule_id", "variant", as_dict=True, maintain_order=True).items():
        rest = rows
        for cause_id in by_id[str(rule_id)].implied_by:
            if cause := by_id.get(cause_id):
                key = KEY[cause.level]
                causes = failed.filter(pl.col("rule_id") == cause_id).select(key).drop_nulls().unique()
                rest = rest.join(causes, on=key, how="anti")
        kept.append(rest)
        if rest.height < rows.height:
            silenced.append(rows.join(rest.select("entity"), on="entity", how="anti"))
    counts = pl.concat([failed.clear(), *silenced]).group_by("rule_id", "variant", "site").len("implied")
    return pl.concat([failed.clear(), *kept]), counts.with_columns(pl.col("implied").cast(pl.Int64))
