"""How much may stay unknown: a rule that could not be judged is no rule that passed."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from dqkit.gate.allowances import Allowances, Key, at_most
from dqkit.gate.condition import Condition, one_finding
from dqkit.gate.kinds import TOO_MUCH_UNKNOWN
from dqkit.gate.policy import MaxUnknown, Unknown
from dqkit.model import RuleStatus, Severity
from dqkit.rulebook.rule import Allow, Rule

_WORDS = {Unknown.MISSING: "missing", Unknown.VARYING: "varying", Unknown.NOT_LOOKED_AT: "not looked at"}


def unknown_conditions(
    outcomes: pl.DataFrame, rules: Mapping[Key, Rule], limits: MaxUnknown, of_rules: Allowances
) -> list[Condition]:
    """Return a condition for each outcome that has unknowns and a limit, and one for all others together.

    Previews are left out, since they never fail a gate.

    Parameters
    ----------
    outcomes
        OUTCOMES of rules.
    of_rules
        Finds `limits.rules`.
    """
    found: list[Condition] = []
    without = 0
    for row in outcomes.iter_rows(named=True):
        key = row["rule_id"], row["variant"]
        rule = rules.get(key)
        if rule is None or rule.status is RuleStatus.PREVIEW:
            continue
        limit, is_limited = _limit(rule, row["site"], limits, of_rules)
        if not is_limited:
            continue
        unknown = {reason: int(row[f"unknown_{reason}"]) for reason in Unknown if reason in limits.reasons}
        if sum(unknown.values()):
            found.append(_condition(rule, row, unknown, limit))
        else:
            without += 1
    if without:
        found.append(Condition(TOO_MUCH_UNKNOWN, Severity.INFO, evaluated=without))
    return found


def _limit(rule: Rule, site: str | None, limits: MaxUnknown, of_rules: Allowances) -> tuple[Allow | None, bool]:
    """Return the limit that holds, and whether there is one."""
    entry = of_rules.of(rule.key, site)
    if entry is not None:
        return entry.at_most, entry.at_most is not None
    return limits.by_severity.get(rule.severity), rule.severity in limits.by_severity


def _condition(rule: Rule, row: Mapping[str, Any], unknown: Mapping[Unknown, int], limit: Allow | None) -> Condition:
    entities = row["evaluated"] + row["unknown"]
    most = at_most(limit, entities)
    failed = sum(unknown.values())
    why = ", ".join(f"{count} {_WORDS[reason]}" for reason, count in unknown.items() if count)
    finding = one_finding(f"{failed} of {entities} unknown ({why})", f"at most {most}")
    return Condition(
        TOO_MUCH_UNKNOWN,
        rule.severity,
        row["site"],
        rule.label,
        evaluated=entities,
        failed=failed,
        allowed=most,
        findings=finding if failed > most else finding.clear(),
    )
