"""What the last audit found, as a policy asks about it: which series, studies and patients fail which rules."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dqkit.audit.causes import with_presumed_series
from dqkit.audit.engine import evaluate
from dqkit.audit.only import Only, part_of
from dqkit.audit.result import rules_of_run
from dqkit.catalog.schema import TEXT, Schema, conform, empty
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.rulebook.book import Book
from dqkit.rulebook.rule import Rule

FAULTS: Schema = {
    # The narrowest of the three keys that the finding speaks of; the others are null
    "series_key": TEXT,
    "study_key": TEXT,
    "patient_key": TEXT,
    "rule_id": TEXT,
    "variant": TEXT,
    "severity": TEXT,
    "message_en": TEXT,
    "message_zh": TEXT,
}

_JUDGES = ("instances", "stacks", "series", "labels", "pixel_measures")
"""Tables that rules read: where one has moved on, findings are of the past."""

_AGAIN = "audit it, then select: dqkit audit CATALOG"


@dataclass(frozen=True)
class LastAudit:
    """The last audit of a catalog.

    Attributes
    ----------
    book
        The rules that it judged by, of those at hand.
    faults
        FAULTS: what failed; findings of sites and of the archive speak of no series and are left out.
    silenced
        Rules (id, variant) some of whose failures a cause explained: those are no findings.
    seen
        What it judged.
    judged
        `series_key` of what it judged.
    roles
        What `recognise.recognised` says of every series.
    """

    book: Book
    faults: pl.DataFrame
    silenced: frozenset[tuple[str, str]]
    seen: Tables
    judged: pl.DataFrame
    roles: pl.DataFrame

    def explained(self, rules: Sequence[Rule]) -> pl.DataFrame:
        """Return FAULTS of `rules` that are no findings, as a cause that failed too explains them."""
        wanted = [rule for rule in rules if rule.key in self.silenced]
        if not wanted:
            return empty(FAULTS)
        failed = evaluate(wanted, self.seen, self.roles).failed
        texts = pl.DataFrame(
            [(*rule.key, rule.severity.value, rule.message("en"), rule.message("zh")) for rule in wanted],
            schema=[name for name in FAULTS if not name.endswith("_key")],
            orient="row",
        )
        return _faults(failed.join(texts, on=["rule_id", "variant"]), self.seen)


def last_audit_of(catalog: Catalog, rules: Sequence[Rule], roles: pl.DataFrame) -> LastAudit:
    """Return what the last audit of `catalog` found.

    Parameters
    ----------
    rules
        Those at hand, packs among them.
    roles
        What `recognise.recognised` says of every series.

    Raises
    ------
    DqkitError
        It was never audited, or its files have changed since.
    """
    audits = catalog.scan("runs").filter(pl.col("command") == "audit").last().collect()
    if audits.is_empty():
        raise DqkitError("the policy leaves out what fails rules, and the catalog was not audited yet", _AGAIN)
    run = audits.row(0, named=True)
    then = json.loads(run["table_versions"])
    if any(then.get(name) != catalog.versions.get(name) for name in _JUDGES):
        raise DqkitError(f"the catalog has changed since its last audit (run {run['run']})", _AGAIN)
    seen = part_of(catalog, Only.from_json(json.loads(run["counts"]).get("only")))
    outcomes = catalog.scan("outcomes").collect()
    silenced = outcomes.filter(pl.col("implied") > 0).select("rule_id", pl.col("variant").fill_null("")).rows()
    findings = catalog.scan("findings").filter(pl.col("waived_by").fill_null("") == "").collect()
    return LastAudit(
        book=Book(rules_of_run(rules, outcomes)),
        faults=_faults(findings, seen),
        silenced=frozenset((str(rule_id), str(variant)) for rule_id, variant in silenced),
        seen=seen,
        judged=seen.scan("series").select("series_key").collect(),
        roles=roles,
    )


def _faults(found: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Return FAULTS of rows that have `level` and `entity`, the key of what fails."""
    texts = [name for name in FAULTS if not name.endswith("_key")]
    parts = [empty(FAULTS)]
    for level, key in ((Level.SERIES, "series_key"), (Level.STUDY, "study_key"), (Level.PATIENT, "patient_key")):
        parts.append(found.filter(level=level.value).select(pl.col("entity").alias(key), *texts))
    for level, table, key in (
        (Level.STACK, "stacks", "stack_id"),
        (Level.LABEL, "labels", "label_id"),
        (Level.FILE, "instances", "file_id"),
        (Level.INSTANCE, "instances", "file_id"),
    ):
        rows = found.filter(level=level.value).select(pl.col("entity").alias(key), *texts)
        ids = rows[key].unique()
        there = tables.scan(table).select(key, "series_key").filter(pl.col(key).is_in(ids.implode())).collect()
        joined = rows.join(there, on=key)
        if table == "instances":
            joined = with_presumed_series(joined, tables)
        parts.append(joined.drop_nulls("series_key"))
    return pl.concat(conform(part, FAULTS) for part in parts).unique(maintain_order=True)
