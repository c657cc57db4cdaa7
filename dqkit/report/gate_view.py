"""What every format says of a gate: the verdict, what decides it, and what was accepted; words are made here, once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.audit.notice import Failing
from dqkit.gate.allowances import ANY_NUMBER
from dqkit.gate.kinds import NOT_COMPLETE, TOO_MUCH_UNKNOWN
from dqkit.gate.result import GateResult
from dqkit.gate.telling import HEADLINES
from dqkit.model import Origin, Severity
from dqkit.report.gate_chinese import gate_localized
from dqkit.report.page_data import remedy_text
from dqkit.report.summary import mender_text
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.rulebook.rule import Rule, mender

_SITE = 60


@dataclass(frozen=True)
class Place:
    """One outcome that fails: where, and in one line how much."""

    site: str | None
    text: str


@dataclass(frozen=True)
class Check:
    """A rule, or a kind of condition, that fails somewhere.

    Attributes
    ----------
    label
        ``GEO-003``, ``ACQ-101 prostate-mr/t2-thickness``, ``GATE-002``.
    decides
        Whether it keeps the gate closed.
    is_of_tool
        Whether it says nothing about the data, but that not everything could be looked at.
    who
        Who can mend it; empty for conditions.
    """

    label: str
    title: str
    severity: str
    decides: bool
    is_of_tool: bool
    places: tuple[Place, ...]
    who: str
    remedy: str


@dataclass(frozen=True)
class GateView:
    """A gate in words of one language."""

    headline: str
    because: tuple[str, ...]
    deciding: tuple[Check, ...]
    others: tuple[Check, ...]
    accepted: tuple[str, ...]
    attention: tuple[str, ...]
    actions: tuple[str, ...]


def gate_view(result: GateResult, lang: str = "en") -> GateView:
    """Return what is said of `result` in `lang`; nothing in it is obeyed by a terminal, and nothing identifies anybody.

    `accepted` says what is waived or in the baseline, `attention` what somebody should look at: waivers that ended or
    fit nothing, and notes.
    """
    checks, code = tuple(_checks(result, lang)), result.judgement.exit_code
    return GateView(
        headline=f"{HEADLINES[code][lang]}{say('colon', lang)}{visible(result.policy.name, _SITE)}",
        because=tuple(_because(result, checks, lang)),
        deciding=tuple(check for check in checks if check.decides),
        others=tuple(check for check in checks if not check.decides),
        accepted=tuple(_accepted(result, lang)),
        attention=(*expired_and_unmatched(result, lang), *(visible(note[lang], 300) for note in result.notes)),
        actions=tuple(_actions(result, lang)),
    )


def site_text(site: str | None, lang: str) -> str:
    """Return a site's name, or the word for the archive."""
    return say("archive", lang) if site is None else visible(site, _SITE)


def count_text(row: dict[str, Any], lang: str) -> str:
    """Say how much of an outcome fails, how much may, and how much of it is accepted."""
    allowed = say("gate.any_allowed", lang) if row["allowed"] >= ANY_NUMBER else f"{row['allowed']:,}"
    text = say("gate.of", lang, failed=row["failed"], judged=row["passed"] + row["failed"], allowed=allowed)
    if row["waived"] or row["baseline"]:
        accepted = say("gate.accepted", lang, waived=row["waived"], known=row["baseline"])
        return f"{text}{say('comma', lang)}{accepted}"
    return text


def expired_and_unmatched(result: GateResult, lang: str) -> list[str]:
    """Return a line for each waiver that ended, or that fits nothing."""
    expired = [_waiver("gate.waiver_expired", waiver, lang, n) for waiver, n in result.waivers.expired]
    return expired + [_waiver("gate.waiver_unmatched", waiver, lang) for waiver in result.waivers.unmatched]


def _waiver(key: str, waiver: Any, lang: str, n: int = 0) -> str:
    return say(
        key,
        lang,
        n=n,
        what=visible(waiver.what),
        owner=visible(waiver.owner, _SITE),
        reason=visible(waiver.reason),
        expires=waiver.expires.isoformat(),
    )


def _because(result: GateResult, checks: tuple[Check, ...], lang: str) -> Iterator[str]:
    judgement = result.judgement
    yield say("gate.policy", lang, name=visible(result.policy.name, _SITE), code=str(int(judgement.exit_code)))
    severity = say(result.policy.fail_on.value, lang)
    failing = sum(check.decides and not check.is_of_tool for check in checks)
    yield say("gate.fails" if failing else "gate.passes", lang, n=failing, severity=severity)
    if milder := sum(not check.decides for check in checks):
        yield say("gate.milder", lang, n=milder)
    for reason in judgement.incomplete_because:
        yield visible(reason[lang], 300)
    packs = ("、" if lang == "zh" else ", ").join(pack.label for pack in result.packs)
    yield say("gate.packs", lang, packs=packs)
    yield say("gate.audit_reused" if result.audit_reused else "gate.audit_new", lang, run=result.audit_run_id)


def _accepted(result: GateResult, lang: str) -> Iterator[str]:
    waived = result.findings.filter(pl.col("waived_by") != "").height
    if waived:
        yield say("gate.waived", lang, n=waived)
    for waiver, n in result.waivers.used:
        yield _waiver("gate.waiver_used", waiver, lang, n)
    used = result.baseline
    if used is not None:
        made = f"{used.baseline.made_at:%Y-%m-%d}"
        total, new = len(used.baseline.findings), result.new_findings.filter(_of_rules()).height
        yield say("gate.baseline", lang, made=made, known=used.known, total=total, gone=used.gone, new=new)
    if result.dataset is not None:
        yield say("gate.dataset", lang, files=result.dataset.rows.height)


def _of_rules() -> pl.Expr:
    return ~pl.col("rule_id").str.starts_with("GATE-")


def _actions(result: GateResult, lang: str) -> Iterator[str]:
    for one in result.actions:
        key = "gate.action_sent" if one.sent else "gate.action_failed" if one.error else "gate.action_quiet"
        yield say(key, lang, action=one.kind, error=visible(one.error, _SITE))


def _checks(result: GateResult, lang: str) -> Iterator[Check]:
    """Yield what fails, worst first; unknowns of many rules are one check."""
    rows = {(row["rule_id"], row["variant"], row["site"]): row for row in result.outcomes.iter_rows(named=True)}
    deciding = set(result.deciding)
    grouped: dict[tuple[str, str, bool], list[Failing]] = {}
    for label, site in result.judgement.failing:
        rule_id, _, variant = label.partition(" ")
        failing = (rule_id, variant, site)
        own = "" if rule_id == TOO_MUCH_UNKNOWN.id else variant
        grouped.setdefault((rule_id, own, failing in deciding), []).append(failing)
    for (rule_id, variant, decides), failing_rows in grouped.items():
        yield _check(result, (rule_id, variant), failing_rows, decides=decides, lang=lang, rows=rows)


def _check(
    result: GateResult, key: tuple[str, str], failing: list[Failing], *, decides: bool, lang: str, rows: dict[Any, Any]
) -> Check:
    rule = next((rule for rule in result.rules if rule.key == key), None)
    severities = [Severity(rows[one]["severity"]) for one in failing]
    title, remedy, who = _texts(result, rule, key[0], lang)
    return Check(
        label=f"{key[0]} {key[1]}".strip(),
        title=title,
        severity=max(severities, key=lambda severity: severity.rank).value,
        decides=decides,
        is_of_tool=key[0] in _of_tool(result),
        places=tuple(_place(result, one, rows[one], lang) for one in failing),
        who=who,
        remedy=remedy,
    )


def _of_tool(result: GateResult) -> set[str]:
    return {one.kind.id for one in result.conditions if one.kind.origin is Origin.TOOL}


def _texts(result: GateResult, rule: Rule | None, rule_id: str, lang: str) -> tuple[str, str, str]:
    """Return title, remedy and who can do it."""
    if rule is not None:
        who = mender_text(mender(rule, rule.origin.value))[lang]
        return rule.title[lang], remedy_text(rule)[lang], who
    kind = next(one.kind for one in result.conditions if one.kind.id == rule_id)
    return kind.title[lang], kind.remedy[lang], ""


def _place(result: GateResult, failing: Failing, row: dict[str, Any], lang: str) -> Place:
    rule_id, variant, site = failing
    condition = next(
        (c for c in result.conditions if (c.kind.id, c.variant, c.site) == failing and c.findings.height), None
    )
    if condition is None:
        return Place(site, count_text(row, lang))
    first = condition.findings.row(0, named=True)
    observed, expected = (gate_localized(first[name], lang) for name in ("observed", "expected"))
    said = say("gate.expected", lang, observed=observed, expected=expected)
    if condition.kind is NOT_COMPLETE:
        said = result.judgement.incomplete_because[0][lang]
    of_many = rule_id == TOO_MUCH_UNKNOWN.id  # other conditions have their variant in their name
    what = f"{visible(variant)}{say('colon', lang)}" if of_many else ""
    more = f" ({say('gate.more_places', lang, n=row['failed'] - 1)})" if condition.findings.height > 1 else ""
    own = result.findings.filter(rule_id=rule_id, variant=variant)
    names = own.filter(pl.col("site").eq_missing(pl.lit(site, dtype=pl.String)))["finding"]
    name = f" [{names[0]}]" if names.len() else ""  # what a waiver of it is written with
    return Place(site, f"{what}{visible(said, 300)}{more}{name}")
