"""What a gate holds against its policy: the audit, the dataset, and what is asked for beside the rules."""

from copy import copy
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from dqkit.audit.only import part_of
from dqkit.audit.recognise import recognisers_of
from dqkit.audit.reuse import standing_audit
from dqkit.audit.run import Audited, AuditOptions, preload_verdict, run_audit
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.dataset.tracing import Unfit
from dqkit.gate.asked import Asked
from dqkit.gate.condition import Condition
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.freshness import age_condition, source_seen_at
from dqkit.gate.kinds import KINDS
from dqkit.gate.minimums import minimum_conditions
from dqkit.gate.places import series_keys, with_places
from dqkit.gate.presence import pack_conditions, site_conditions
from dqkit.gate.rehash import rehashed
from dqkit.gate.trace import trace
from dqkit.gate.waivers import waive
from dqkit.identity import Pseudonyms
from dqkit.index.checksums import Rehash
from dqkit.index.progress import Progress
from dqkit.model import RuleStatus
from dqkit.rulebook.rule import Text


@dataclass(frozen=True)
class Gathered:
    """What there is to judge.

    Attributes
    ----------
    reused
        Whether `audited` is the last audit, which still stands.
    judged
        The catalog at the versions that are judged, whatever is written from here on.
    seen_at
        When the source that was looked at longest ago was.
    """

    audited: Audited
    reused: bool
    judged: Catalog
    trace: DatasetTrace | None
    seen_at: datetime | None
    sites: frozenset[str]
    conditions: tuple[Condition, ...]

    def titles(self, asked: Asked) -> dict[tuple[str, str], Text]:
        """Return (id, variant) of every rule, and ("GATE-…", "") of every kind of condition -> its sentence."""
        titles = {rule.key: rule.title for rule in asked.judges.book.rules}
        return titles | {(kind.id, ""): kind.title for kind in (*KINDS, *(one.kind for one in self.conditions))}


def gather(catalog: Catalog, asked: Asked, pseudonyms: Pseudonyms, progress: Progress) -> Gathered:
    """Audit where the last audit does not stand, trace the dataset, and look at what else the policy asks for.

    Raises
    ------
    NothingToCheckError
        The catalog, or the dataset, holds no file.
    DqkitError
        The policy asks for what cannot be, or the dataset cannot be used.
    """
    audited, reused = _audited(catalog, asked, pseudonyms, progress)
    judged = copy(catalog)
    traced = _traced(asked, audited, catalog, pseudonyms, progress)
    seen_at, sites = source_seen_at(judged), _sites(part_of(judged, asked.only))
    conditions = _conditions(asked, audited, judged, sites, traced, seen_at)
    if asked.policy.rehash is not Rehash.NONE and traced is None:
        progress.stage("reading files again")
        conditions += (rehashed(catalog, asked.policy.rehash, pseudonyms, progress),)
    return Gathered(audited, reused, judged, traced, seen_at, sites, conditions)


def _audited(catalog: Catalog, asked: Asked, pseudonyms: Pseudonyms, progress: Progress) -> tuple[Audited, bool]:
    """Return the last audit where it stands, else a new one; and which it is."""
    preload_verdict()
    options, rules = AuditOptions(packs=asked.judges.packs, only=asked.only), asked.judges.book.rules
    standing = standing_audit(catalog, rules, options)
    if standing is not None:
        return standing, True
    return run_audit(catalog, rules, pseudonyms, options, progress), False


def _traced(
    asked: Asked, audited: Audited, catalog: Catalog, pseudonyms: Pseudonyms, progress: Progress
) -> DatasetTrace | None:
    """Trace the dataset, if any; a file of a series that fails at or above `fail_on` and is not waived is unfit."""
    policy, options = asked.policy, asked.options
    if options.dataset is None:
        return None
    progress.stage("tracing the dataset")
    judged = part_of(catalog, asked.only) if asked.only else None
    unfit = _unfit(asked, audited.findings, catalog, pseudonyms)
    return trace(options.dataset, policy, catalog, pseudonyms, progress, judged=judged, unfit=unfit)


def _unfit(asked: Asked, findings: pl.DataFrame, catalog: Catalog, pseudonyms: Pseudonyms) -> Unfit:
    """Return the series with findings that fail the gate and are not waived."""
    rules = [rule for rule in asked.judges.book.rules if rule.status is not RuleStatus.PREVIEW]
    fails = [rule.label for rule in rules if rule.severity.rank >= asked.policy.fail_on.rank]
    mended = [rule.label for rule in rules if rule.remedy.harmonize]
    label = pl.concat_str("rule_id", pl.col("variant").fill_null(""), separator=" ").str.strip_chars_end()
    failing = findings.filter(label.is_in(fails))
    waived, _ = waive(with_places(failing, catalog, pseudonyms), asked.options.waivers, asked.options.now.date())
    keyed = failing.select(series_keys(failing, catalog).alias("key"), label.is_in(mended).alias("mended"))
    keyed = keyed.filter(waived["waived_by"] == "").drop_nulls("key")
    return Unfit(frozenset(keyed["key"]), frozenset(keyed.filter(~pl.col("mended"))["key"]))


def _sites(tables: Tables) -> frozenset[str]:
    found = [tables.scan(name).select("site").unique() for name in ("series", "instances")]
    return frozenset(pl.concat(pl.collect_all(found))["site"].drop_nulls())


def _conditions(
    asked: Asked,
    audited: Audited,
    catalog: Catalog,
    sites: frozenset[str],
    trace: DatasetTrace | None,
    seen_at: datetime | None,
) -> tuple[Condition, ...]:
    """Return what the policy asks for beside the rules: age, sites, packs, numbers, and the dataset."""
    policy, judges = asked.policy, asked.judges
    age = age_condition(seen_at, policy.max_catalog_age, asked.options.now)
    tables = part_of(catalog, asked.only)
    return (
        *([age] if age is not None else []),
        *site_conditions(policy.required_sites, sites),
        *pack_conditions(judges.packs, audited.coverage),
        *minimum_conditions(policy.minimum, tables, sites, trace, recognisers_of(judges.packs)),
        *(trace.conditions if trace is not None else ()),
    )
