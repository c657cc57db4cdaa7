"""What came, went, broke and was mended between two moments of a catalog."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from dqkit.audit.finding_changes import CHANGES, GONE, NEW, SAME, Side, changes_between
from dqkit.audit.inventory import INVENTORY, inventory_of
from dqkit.audit.states import AuditRun, State
from dqkit.catalog.schema import INT, TEXT, Schema, empty
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.model import Verdict
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.rule import Rule, Text

COUNTS: Schema = {"site": TEXT, "severity": TEXT, "change": TEXT, "why": TEXT, "findings": INT}
"""Findings by what became of them; site null = the archive."""

PROBLEM_CHANGES: Schema = {
    "problem_id": TEXT,
    "rule_id": TEXT,
    "variant": TEXT,
    "severity": TEXT,
    "site": TEXT,
    "modality": TEXT,
    "scanner": TEXT,
    "protocol": TEXT,
    "then": INT,  # findings
    "now": INT,
    "broke": INT,
    "came": INT,
    "mended": INT,
    "went": INT,
    "otherwise": INT,  # new or gone for another reason than the data
}
"""Problems with more or fewer findings than before, those that changed most first."""

FLIPS: Schema = {"rule_id": TEXT, "variant": TEXT, "severity": TEXT, "site": TEXT, "then": TEXT, "now": TEXT}
"""Rules whose verdict at a site changed between pass and fail; site null = the archive."""

_PROBLEM = ["problem_id", "rule_id", "variant", "severity", "site", "modality", "scanner", "protocol"]
_RANK = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class RuleChanges:
    """Labels of rules that the later audit judged and the earlier did not, the reverse, and those with another text.

    `unsure` = which texts changed is not known: an older dqkit kept none.
    """

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unsure: bool = False

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.changed or self.unsure)


@dataclass(frozen=True)
class Diff:
    """What became of a catalog; findings are compared where both moments have an audit.

    Attributes
    ----------
    inventory
        INVENTORY.
    counts, problems, flips
        COUNTS, PROBLEM_CHANGES, FLIPS.
    rules
        How the rules changed.
    notes
        What stands in the way of comparing the two, in every language.
    """

    since: State
    until: State
    inventory: pl.DataFrame
    counts: pl.DataFrame = field(default_factory=lambda: empty(COUNTS))
    problems: pl.DataFrame = field(default_factory=lambda: empty(PROBLEM_CHANGES))
    flips: pl.DataFrame = field(default_factory=lambda: empty(FLIPS))
    rules: RuleChanges = RuleChanges()
    notes: tuple[Text, ...] = ()
    changes: pl.DataFrame = field(default_factory=lambda: empty(CHANGES))
    """Every finding of either audit: in-house."""

    @property
    def compares_findings(self) -> bool:
        """Whether both moments have an audit of their own."""
        return _audits(self.since, self.until) is not None


def diff(catalog: Catalog, since: State, until: State, rules: Sequence[Rule], packs: Sequence[Pack] = ()) -> Diff:
    """Compare two moments of `catalog`.

    Parameters
    ----------
    rules, packs
        Those at hand, as they stand now.

    Raises
    ------
    DqkitError
        `since` is not before `until`, or its tables were vacuumed.
    """
    if since.run >= until.run:
        raise DqkitError(f"run {since.run} is not before run {until.run}", "swap --since and --until")
    found = Diff(since, until, _inventory(catalog, since, until), notes=_notes(since, until))
    audits = _audits(since, until)
    if audits is None:
        return found
    then, now = (Side(audit, catalog.as_of(audit.versions)) for audit in audits)
    changes = changes_between(then, now, rules, packs)
    return Diff(
        since,
        until,
        found.inventory,
        counts=_counts(changes),
        problems=_problems(changes),
        flips=_flips(then, now),
        rules=_rules(then, now),
        notes=found.notes,
        changes=changes,
    )


def _audits(since: State, until: State) -> tuple[AuditRun, AuditRun] | None:
    then, now = since.audit, until.audit
    return (then, now) if then is not None and now is not None and then.run != now.run else None


def _inventory(catalog: Catalog, since: State, until: State) -> pl.DataFrame:
    try:
        return inventory_of(catalog.as_of(since.versions), catalog.as_of(until.versions))
    except DqkitError as error:
        if since.is_audit:  # its versions are kept for good: the catalog is damaged indeed
            raise
        raise DqkitError(
            f"the tables of run {since.run} or {until.run} are no longer there",
            "dqkit catalog vacuum frees them; those of audits stay: dqkit catalog runs",
        ) from error


def _notes(since: State, until: State) -> tuple[Text, ...]:
    """Say what stands in the way of comparing."""
    notes = []
    for state in (since, until):
        if state.audit is None:
            notes.append(_note(f"run {state.run} comes before any audit: findings are not compared",
                               f"第 {state.run} 次运行之前没有检查：不比较检出项"))  # fmt: skip
        elif not state.is_audit:
            notes.append(_note(f"run {state.run} is no audit: its findings are those of run {state.audit.run}",
                               f"第 {state.run} 次运行不是检查：采用第 {state.audit.run} 次运行的检出项"))  # fmt: skip
    audits = _audits(since, until)
    if audits is None:
        if since.audit is not None and until.audit is not None:
            notes.append(_note("no audit lies between the two: findings are not compared",
                               "两者之间没有检查：不比较检出项"))  # fmt: skip
        return tuple(notes)
    return (*notes, *_differences(*audits))


def _differences(then: AuditRun, now: AuditRun) -> list[Text]:
    notes = []
    if then.scope != now.scope:
        notes.append(_note("the two audits do not judge the same: another part of the archive, or other packs",
                           "两次检查的范围不同：影像库的部分或规则包不同"))  # fmt: skip
    if not (then.complete and now.complete):
        which = then.run if now.complete else now.run
        notes.append(_note(f"the audit of run {which} was not complete", f"第 {which} 次运行的检查不完整"))
    if then.dqkit_version != now.dqkit_version:
        notes.append(_note(f"dqkit was {then.dqkit_version} then and {now.dqkit_version} later",
                           f"dqkit 版本由 {then.dqkit_version} 变为 {now.dqkit_version}"))  # fmt: skip
    return notes


def _note(en: str, zh: str) -> Text:
    return {"en": en, "zh": zh}


def _counts(changes: pl.DataFrame) -> pl.DataFrame:
    by = ["site", "severity", "change", "why"]
    counted = changes.group_by(by).agg(pl.len().cast(INT).alias("findings"))
    rank = pl.col("severity").replace_strict(_RANK, default=9, return_dtype=pl.Int8)
    return counted.sort("site", rank, "change", "why", nulls_last=True).select(list(COUNTS))


def _problems(changes: pl.DataFrame) -> pl.DataFrame:
    def count(*tests: pl.Expr) -> pl.Expr:
        return pl.all_horizontal(tests).sum().cast(INT)

    change, why = pl.col("change"), pl.col("why")
    of_data = ("broke", "came", "mended", "went")
    rolled = changes.group_by(_PROBLEM).agg(
        count(change != NEW).alias("then"),
        count(change != GONE).alias("now"),
        *(count(why == word).alias(word) for word in of_data),
        count(change != SAME, ~why.is_in(of_data)).alias("otherwise"),
    )
    moved = rolled.filter((pl.col("then") != pl.col("now")) | (pl.col("broke") + pl.col("came") > 0))
    rank = pl.col("severity").replace_strict(_RANK, default=9, return_dtype=pl.Int8)
    size = -(pl.col("now") - pl.col("then")).abs()
    return moved.sort(rank, size, "rule_id", "site", "problem_id", nulls_last=True).select(list(PROBLEM_CHANGES))


def _flips(then: Side, now: Side) -> pl.DataFrame:
    key = ["rule_id", "variant", "site"]
    before, after = (
        side.everything.scan("outcomes").with_columns(pl.col("variant").fill_null("")).collect() for side in (then, now)
    )
    both = after.select(*key, "severity", pl.col("verdict").alias("now")).join(
        before.select(*key, pl.col("verdict").alias("then")), on=key, nulls_equal=True
    )
    judged = [Verdict.PASS.value, Verdict.FAIL.value]
    turned = both.filter(pl.col("now").is_in(judged) & pl.col("then").is_in(judged) & (pl.col("now") != pl.col("then")))
    rank = pl.col("severity").replace_strict(_RANK, default=9, return_dtype=pl.Int8)
    return turned.sort("now", rank, "rule_id", "variant", "site", nulls_last=True).select(list(FLIPS))


def _rules(then: Side, now: Side) -> RuleChanges:
    before, after = ({" ".join(key).strip() for key in side.judged()} for side in (then, now))
    texts = then.audit.rules, now.audit.rules
    unsure = not all(texts) and then.audit.rules_digest != now.audit.rules_digest
    changed = sorted(label for label in before & after if texts[0].get(label) != texts[1].get(label))
    return RuleChanges(
        new=tuple(sorted(after - before)),
        gone=tuple(sorted(before - after)),
        changed=() if not all(texts) else tuple(changed),
        unsure=unsure,
    )


def of_site(found: Diff, site: str) -> Diff:
    """Return what `found` says of one site.

    Raises
    ------
    DqkitError
        It has no such site.
    """
    known = sorted({str(name) for name in found.inventory["site"].drop_nulls()})
    if site not in known:
        raise DqkitError(f"there is no site {site!r} in this catalog", f"there are: {', '.join(known)}")
    here = pl.col("site") == site
    return Diff(
        found.since,
        found.until,
        found.inventory.filter(here),
        counts=found.counts.filter(here),
        problems=found.problems.filter(here),
        flips=found.flips.filter(here),
        rules=found.rules,
        notes=found.notes,
        changes=found.changes.filter(here),
    )


__all__ = ["COUNTS", "FLIPS", "INVENTORY", "PROBLEM_CHANGES", "Diff", "RuleChanges", "diff", "of_site"]
