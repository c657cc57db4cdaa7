"""Findings of two audits, told apart by why they are new or gone: the data, the rules, or what was looked at.

A finding that is new may be so because data broke, because data came, or because a rule is new or asks for more. The
rule as it stands now is asked about the same entity in both audits, so that one is not taken for the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from dqkit.audit.engine import answers_of
from dqkit.audit.frames import KEY
from dqkit.audit.only import Only, part_of
from dqkit.audit.recognise import recognised, recognisers_of
from dqkit.audit.states import SHA_KEPT, AuditRun
from dqkit.catalog.schema import TEXT, Schema, empty
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.rule import Rule

NEW, GONE, SAME = "new", "gone", "same"

BROKE, CAME, MENDED, WENT = "broke", "came", "mended", "went"
RULE, UNKNOWN, APPLIES, CAUSE, SCOPE = "rule", "unknown", "applies", "cause", "scope"

WHY: Mapping[str, tuple[str, ...]] = {
    NEW: (BROKE, CAME, RULE, UNKNOWN, APPLIES, CAUSE, SCOPE),
    GONE: (MENDED, WENT, RULE, UNKNOWN, APPLIES, CAUSE, SCOPE),
    SAME: ("",),
}
"""Change -> its reasons.

broke, mended: the entity was there both times, and passed the other time. came, went: it was there once. rule: the rule
is new, changed or no longer asked. unknown: the other time nobody could tell. applies: the other time the rule did not
speak of it. cause: the other time another fault explained it. scope: the other audit did not look at it.
"""

CHANGES: Schema = {
    "finding_id": TEXT,
    "rule_id": TEXT,
    "variant": TEXT,
    "severity": TEXT,
    "level": TEXT,
    "site": TEXT,
    "entity": TEXT,
    "problem_id": TEXT,
    "modality": TEXT,
    "scanner": TEXT,
    "protocol": TEXT,
    "change": TEXT,
    "why": TEXT,
}

_KEPT = [name for name in CHANGES if name not in ("change", "why")]
_ASKED = ["rule_id", "variant", "entity"]
_TABLE = {
    Level.FILE: "instances", Level.INSTANCE: "instances", Level.STACK: "stacks", Level.SERIES: "series",
    Level.STUDY: "series", Level.PATIENT: "series", Level.LABEL: "labels", Level.SITE: "series",
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One audit: what it saw, out of everything that was there, and what it was judged by."""

    audit: AuditRun
    everything: Catalog

    @property
    def seen(self) -> Tables:
        """What it judged."""
        return part_of(self.everything, self.only)

    @property
    def only(self) -> Only:
        """What it was restricted to, with the series of a cohort at hand whatever the tables."""
        only = self.audit.only
        if only.cohort is None:
            return only
        return replace(only, cohort=replace(only.cohort, series=only.cohort.keys(self.everything).collect()))

    def seen_as(self, other: "Side") -> Tables:
        """Return what the other audit would have judged here."""
        return part_of(self.everything, other.only)

    def findings(self) -> pl.DataFrame:
        """Return its findings; those that somebody accepted are findings all the same."""
        found = self.everything.scan("findings").select(_KEPT)
        return found.with_columns(pl.col("variant").fill_null("")).collect()

    def judged(self) -> frozenset[tuple[str, str]]:
        """Return id and variant of its rules."""
        outcomes = self.everything.scan("outcomes").select("rule_id", pl.col("variant").fill_null(""))
        return frozenset((str(rule_id), str(variant)) for rule_id, variant in outcomes.unique().collect().rows())


def changes_between(then: Side, now: Side, rules: Sequence[Rule], packs: Sequence[Pack]) -> pl.DataFrame:
    """Return CHANGES: every finding of either audit, and why it is new or gone.

    Parameters
    ----------
    rules
        Those at hand; one that is not as the later audit judged by is told apart by its name and text alone.
    packs
        Those at hand, for what they recognise.
    """
    before, after = then.findings(), now.findings()
    fresh = _not_in(after, before)
    lost = _not_in(before, after)
    by_key = {rule.key: rule for rule in rules if not rule.is_open and _is_as_judged(rule, now.audit)}
    ask = _Asking(by_key, packs)
    known = _Rules(then, now)
    other_texts = known.frame().filter(~pl.col("is_same"))
    retold = lost.join(other_texts, on=["rule_id", "variant"], how="semi")
    told_then = ask.answers(retold, then.seen, "then")
    parts = [
        _told(_with_series(fresh, now), ask.answers(fresh, then.seen_as(now), "then"), known, then, NEW),
        _told(
            _with_series(lost, then).join(told_then, on=_ASKED, how="left"),
            ask.answers(lost, now.seen_as(then), "now"),
            known,
            now,
            GONE,
        ),
        after.join(before.select("finding_id"), on="finding_id", how="semi").with_columns(
            pl.lit(SAME).alias("change"), pl.lit("").alias("why")
        ),
    ]
    return pl.concat([empty(CHANGES), *(part.select(list(CHANGES)) for part in parts)])


def _is_as_judged(rule: Rule, audit: AuditRun) -> bool:
    """Tell whether `rule` has the text that `audit` judged by; of audits that kept none, variants of packs may not."""
    return audit.rules.get(rule.label) == rule.sha256[:SHA_KEPT] if audit.rules else not rule.variant


def _not_in(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return the findings of `one` that `other` does not have."""
    return one.join(other.select("finding_id"), on="finding_id", how="anti")


@dataclass(frozen=True)
class _Asking:
    """Asks rules as they stand now about single entities."""

    rules: Mapping[tuple[str, str], Rule]
    packs: Sequence[Pack]

    def answers(self, found: pl.DataFrame, tables: Tables, name: str) -> pl.DataFrame:
        """Return rule_id, variant, entity, `name`: what the rules of `found` say of its entities in `tables`."""
        keys = sorted(set(found.select("rule_id", "variant").rows()))
        rules = [self.rules[key] for key in keys if key in self.rules]
        if not rules:
            return pl.DataFrame(schema=dict.fromkeys(_ASKED, pl.String()) | {name: pl.Int8()})
        roles = recognised(tables, recognisers_of(self.packs))
        return answers_of(rules, found.select(_ASKED), tables, roles).rename({"outcome": name})


@dataclass(frozen=True)
class _Rules:
    """Which rules the two audits judged by."""

    then: Side
    now: Side

    def frame(self) -> pl.DataFrame:
        """Return rule_id, variant, and whether the rule was judged then, is judged now, and has the same text."""
        before, after = self.then.judged(), self.now.judged()
        rows = [(*key, key in before, key in after, self._is_same(key)) for key in sorted(before | after)]
        schema = {"rule_id": pl.String, "variant": pl.String} | dict.fromkeys(
            ("judged_then", "judged_now", "is_same"), pl.Boolean
        )
        return pl.DataFrame(rows, schema=schema, orient="row")

    @property
    def same_part(self) -> bool:
        """Whether both audits looked at the same part of the archive."""
        return self.then.audit.part == self.now.audit.part

    def _is_same(self, key: tuple[str, str]) -> bool:
        label = " ".join(key).strip()
        before, after = self.then.audit, self.now.audit
        if before.rules and after.rules:
            return before.rules.get(label) == after.rules.get(label)
        return before.rules_digest == after.rules_digest


def _with_series(found: pl.DataFrame, own: Side) -> pl.DataFrame:
    """Add the series of volumes, from the audit that found them: split anew, the same images are another volume."""
    ids = found.filter(level=Level.STACK.value)["entity"].unique()
    stacks = own.everything.scan("stacks").select("stack_id", "series_key")
    of_stacks = stacks.filter(pl.col("stack_id").is_in(ids.implode())).collect()
    return found.join(of_stacks, left_on="entity", right_on="stack_id", how="left")


def _told(found: pl.DataFrame, answers: pl.DataFrame, known: _Rules, other: Side, change: str) -> pl.DataFrame:
    """Say why findings are new or gone.

    Parameters
    ----------
    answers
        What rules say of them in the audit `other`, which does not have them.
    """
    told = found.join(known.frame(), on=["rule_id", "variant"], how="left").join(answers, on=_ASKED, how="left")
    told = told.with_columns(_is_in(found, other.everything).alias("there"), _is_in(found, other.seen).alias("seen"))
    # What the rule says of the same part of the archive, and did not find there, is due to what was looked at
    explained = CAUSE if known.same_part else SCOPE
    why = _why_new(explained) if change == NEW else _why_gone(explained)
    return told.with_columns(pl.lit(change).alias("change"), why.alias("why"))


def _is_in(found: pl.DataFrame, tables: Tables) -> pl.Expr:
    entities = pl.col("entity").is_in(_entities_there(found, tables).implode())
    series = tables.scan("series").select("series_key").collect()["series_key"].unique()
    return entities | pl.col("series_key").is_in(series.implode()).fill_null(value=False)


def _is(column: str, outcome: Outcome) -> pl.Expr:
    return (pl.col(column) == outcome.value).fill_null(value=False)


def _unclear(column: str) -> pl.Expr:
    return (pl.col(column) >= Outcome.MISSING.value).fill_null(value=False)


def _word(text: str) -> pl.Expr:
    return pl.lit(text)


def _why_new(explained: str) -> pl.Expr:
    other_rule = ~pl.col("judged_then").fill_null(value=False) | ~pl.col("is_same").fill_null(value=False)
    return (
        pl.when(~pl.col("there")).then(_word(CAME))
        .when(~pl.col("seen")).then(_word(SCOPE))
        .when(_is("then", Outcome.PASS)).then(_word(BROKE))
        .when(_is("then", Outcome.FAIL)).then(pl.when(other_rule).then(_word(RULE)).otherwise(_word(explained)))
        .when(_unclear("then")).then(_word(UNKNOWN))
        .when(_is("then", Outcome.NOT_APPLICABLE)).then(_word(APPLIES))
        .when(other_rule).then(_word(RULE))
        .otherwise(_word(BROKE))
    )  # fmt: skip


def _why_gone(explained: str) -> pl.Expr:
    no_longer_asked = ~pl.col("judged_now").fill_null(value=False)
    other_rule = ~pl.col("is_same").fill_null(value=False)
    would_have_passed = _is("then", Outcome.PASS) | _is("then", Outcome.NOT_APPLICABLE)
    return (
        pl.when(~pl.col("there")).then(_word(WENT))
        .when(no_longer_asked).then(_word(RULE))
        .when(~pl.col("seen")).then(_word(SCOPE))
        .when(other_rule & would_have_passed).then(_word(RULE))
        .when(_is("now", Outcome.PASS)).then(_word(MENDED))
        .when(_is("now", Outcome.FAIL)).then(_word(explained))
        .when(_unclear("now")).then(_word(UNKNOWN))
        .when(_is("now", Outcome.NOT_APPLICABLE)).then(_word(APPLIES))
        .when(other_rule).then(_word(RULE))
        .otherwise(_word(MENDED))
    )  # fmt: skip


def _entities_there(found: pl.DataFrame, tables: Tables) -> pl.Series:
    """Return the entities of `found` that `tables` has."""
    parts = [pl.Series("entity", ["archive"], dtype=pl.String)]
    for (name,), rows in found.partition_by("level", as_dict=True).items():
        level = Level(str(name))
        if level is Level.ARCHIVE:
            continue
        key = KEY[level]
        ids = rows["entity"].unique()
        keys = tables.scan(_TABLE[level]).select(key).filter(pl.col(key).is_in(ids.implode())).unique().collect()
        parts.append(keys[key].alias("entity"))
    return pl.concat(parts)
