"""A gate: a catalog held against a policy, and the verdict kept in the catalog's runs."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from dqkit import __version__
from dqkit.audit.coverage import packs_of_run
from dqkit.audit.only import Only, part_of
from dqkit.audit.recognise import recognisers_of
from dqkit.audit.reuse import standing_audit
from dqkit.audit.run import Audited, AuditOptions, preload_verdict, rules_digest, run_audit, title_of
from dqkit.catalog.cohort import Cohort
from dqkit.catalog.runs import Record, last
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.dataset.tracing import Unfit
from dqkit.gate.baseline import Baseline
from dqkit.gate.condition import Condition
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.decide import Accepted, Decision, Found, decide
from dqkit.gate.freshness import age_condition, source_seen_at
from dqkit.gate.kinds import KINDS
from dqkit.gate.minimums import minimum_conditions
from dqkit.gate.places import series_keys, with_places
from dqkit.gate.policy import Policy
from dqkit.gate.policy_file import pinned_packs
from dqkit.gate.presence import pack_conditions, site_conditions
from dqkit.gate.rehash import rehashed
from dqkit.gate.result import GateResult
from dqkit.gate.telling import Told
from dqkit.gate.trace import trace
from dqkit.gate.verdict_file import decision_digest, verdict_to_json
from dqkit.gate.waivers import UsedWaivers, WaiverFile, waive
from dqkit.identity import Pseudonyms
from dqkit.index.checksums import Rehash
from dqkit.index.progress import Progress, Silent
from dqkit.model import Origin, RuleStatus
from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.pack_rules import with_packs
from dqkit.rulebook.rule import Text

_SOON = timedelta(days=14)


@dataclass(frozen=True)
class GateOptions:
    """What a person may give a gate beside its policy.

    Attributes
    ----------
    dataset
        The file or folder that names what training will read.
    cohort
        The series that are judged.
    lang
        Language of what actions say.
    now
        What time it is.
    """

    waivers: WaiverFile = field(default_factory=WaiverFile)
    baseline: Baseline | None = None
    dataset: Path | None = None
    cohort: Cohort | None = None
    lang: str = "en"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Judges:
    """The rules that a policy asks for, and the packs that they come from beside the book."""

    book: Book
    packs: tuple[Pack, ...]


@dataclass(frozen=True)
class Asked:
    """What a gate was asked."""

    policy: Policy
    judges: Judges
    options: GateOptions

    @property
    def only(self) -> Only:
        """What alone is judged."""
        return replace(self.policy.only, cohort=self.options.cohort)


def judges_of(policy: Policy, rules: Sequence[Path] = ()) -> Judges:
    """Load the rules that `policy` asks for; `rules` are files and folders of further ones.

    Raises
    ------
    DqkitError
        A rule, a pack or a selector is wrong, or a pack has another version than the policy relies on.
    NothingToCheckError
        The policy leaves no rule.
    """
    packs = pinned_packs(policy)
    return Judges(with_packs(load_book(rules), packs).select(policy.select, policy.ignore), packs)


def gate(
    catalog: Catalog,
    policy: Policy,
    judges: Judges,
    pseudonyms: Pseudonyms,
    options: GateOptions | None = None,
    progress: Progress | None = None,
) -> GateResult:
    """Hold `catalog` against `policy`; the last audit is taken where it still stands, else it is done again.

    The verdict is appended to the catalog's runs, with the versions of the tables that were judged.

    Raises
    ------
    NothingToCheckError
        The catalog holds no file.
    DqkitError
        The policy asks for what cannot be: a rule that is not judged, a site or modality that is not there, classes
        without a dataset.
    """
    options, progress = options or GateOptions(), progress or Silent()
    began = datetime.now(UTC)
    asked = Asked(policy, judges, options)
    audited, reused = _audited(catalog, asked, pseudonyms, progress)
    judged = copy(catalog)  # stays at the versions of the audit, whatever is written from here on
    trace = _traced(asked, audited, catalog, pseudonyms, progress)
    seen_at = source_seen_at(judged)
    sites = _sites(part_of(judged, asked.only))
    conditions = _conditions(asked, audited, judged, sites, trace, seen_at)
    if policy.rehash is not Rehash.NONE and trace is None:
        progress.stage("reading files again")
        conditions += (rehashed(catalog, policy.rehash, pseudonyms, progress),)
    progress.stage("reaching a verdict")
    told = Told(policy, _titles(judges, conditions), options.lang)
    decision = decide(
        policy,
        judges.book,
        Found(audited.outcomes, audited.findings, conditions, audited.judgement.incomplete_because),
        Accepted(options.waivers, options.baseline, rules_digest(judges.book.rules)),
        options.now.date(),
        lambda findings: with_places(findings, judged, pseudonyms),
        told.notices,
    )
    result = GateResult(
        title=title_of(judged),
        dqkit_version=__version__,
        decided_at=options.now,
        run_id="",
        audit_run_id=audited.run_id,
        audit_reused=reused,
        catalog=catalog.path,
        key_fingerprint=pseudonyms.fingerprint,
        table_versions=judged.versions,
        source_seen_at=seen_at,
        policy=policy,
        rules=judges.book.rules,
        rules_digest=rules_digest(judges.book.rules),
        packs=packs_of_run(judges.book.rules, judges.packs),
        outcomes=decision.outcomes,
        findings=decision.findings,
        conditions=decision.conditions,
        judgement=decision.judgement,
        deciding=decision.deciding,
        waivers=decision.waivers,
        baseline=decision.baseline,
        only=asked.only,
        dataset=trace,
        actions=told.outcome(),
        notes=tuple(_notes(policy, decision, sites, options.now)),
    )
    return _kept(catalog, result, began, progress)


def baseline_of(result: GateResult) -> Baseline:
    """Return what `result` found of rules as a baseline; what is waived is part of it, and stays when its waiver ends.

    What the tool could not do is no part of it.
    """
    found = result.findings.filter(
        ~pl.col("rule_id").str.starts_with("GATE-") & (pl.col("origin") != Origin.TOOL.value)
    )
    return Baseline(
        result.decided_at, __version__, result.key_fingerprint, result.rules_digest, frozenset(found["finding"])
    )


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


def _titles(judges: Judges, conditions: Sequence[Condition]) -> dict[tuple[str, str], Text]:
    titles = {rule.key: rule.title for rule in judges.book.rules}
    return titles | {(kind.id, ""): kind.title for kind in (*KINDS, *(one.kind for one in conditions))}


def _notes(policy: Policy, decision: Decision, sites: frozenset[str], now: datetime) -> Iterator[Text]:
    for entry in (*policy.allow, *policy.max_unknown.rules):
        if entry.site is not None and entry.site not in sites:
            yield {
                "en": f"line {entry.mark.line} of the policy speaks of the site {entry.site}, which is not there",
                "zh": f"策略第 {entry.mark.line} 行提到的机构 {entry.site} 不存在",
            }
    if decision.baseline is not None and not decision.baseline.same_rules:
        yield {
            "en": "the baseline was made by other rules: findings of rules that changed since seem new",
            "zh": "基线由不同的规则生成：此后有变动的规则，其检出项会被视为新增",
        }
    yield from _expiring(decision.waivers, now)


def _expiring(waivers: UsedWaivers, now: datetime) -> Iterator[Text]:
    for waiver, _ in waivers.used:
        if waiver.expires <= (now + _SOON).date():
            yield {
                "en": f"the waiver of {waiver.what} ends on {waiver.expires} (owner: {waiver.owner})",
                "zh": f"对 {waiver.what} 的豁免将于 {waiver.expires} 到期（负责人：{waiver.owner}）",
            }


def _kept(catalog: Catalog, result: GateResult, began: datetime, progress: Progress) -> GateResult:
    """Append the verdict to `runs`, with a digest that ties verdict.json to it."""
    judgement, policy = result.judgement, result.policy
    counts = {
        "verdict": judgement.verdict.value,
        "exit_code": int(judgement.exit_code),
        "decision_sha256": decision_digest(verdict_to_json(result)),
        "audit_run_id": result.audit_run_id,
        "judged_versions": dict(result.table_versions),
        "policy": {"name": policy.name, "sha256": policy.sha256},
        "packs": {pack.name: pack.version for pack in result.packs},
        "waivers_sha256": result.waivers.file.sha256,
        "baseline_sha256": result.baseline.baseline.sha256 if result.baseline else "",
        "findings": result.findings.height,
        "new": result.new_findings.height,
        "only": result.only.to_json(),
    }
    with catalog.write(lambda: progress.note("another dqkit is writing this catalog: waiting for it")) as writer:
        complete = judgement.complete
        writer.commit(Record("gate", __version__, result.rules_digest, counts, complete=complete, started_at=began))
        return replace(result, run_id=last(catalog.path).run_id)
