"""Policy + outcomes + findings + waivers + baseline -> what fails: pure, but for the checkpoint that judges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from dqkit.audit.notice import Failing, Notice
from dqkit.audit.outcomes import with_accepted
from dqkit.audit.result import Judgement
from dqkit.catalog.schema import OUTCOMES
from dqkit.errors import ExitCode
from dqkit.gate.allowances import Allowances, Key, with_allowances
from dqkit.gate.baseline import Baseline, UsedBaseline
from dqkit.gate.condition import Condition, condition_findings, condition_outcomes
from dqkit.gate.kinds import NOT_COMPLETE
from dqkit.gate.policy import Policy
from dqkit.gate.presence import completeness_condition
from dqkit.gate.unknowns import unknown_conditions
from dqkit.gate.waivers import UsedWaivers, WaiverFile, waive
from dqkit.model import Origin, RuleStatus, Severity, Verdict
from dqkit.rulebook.book import Book
from dqkit.rulebook.rule import Rule, Text

_ENTITY = ["rule_id", "variant", "site"]

Placed = Callable[[pl.DataFrame], pl.DataFrame]
"""Adds to findings what they go by outside (places.with_places)."""


@dataclass(frozen=True)
class Found:
    """What there is to judge.

    Attributes
    ----------
    outcomes, findings
        OUTCOMES and FINDINGS of rules, as the audit left them.
    conditions
        Of everything but unknowns and completeness, which `decide` works out.
    incomplete
        Why not everything could be looked at.
    """

    outcomes: pl.DataFrame
    findings: pl.DataFrame
    conditions: tuple[Condition, ...] = ()
    incomplete: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """What does not fail though it was found: waivers, and the baseline with the digest of the rules that judge now."""

    waivers: WaiverFile = field(default_factory=WaiverFile)
    baseline: Baseline | None = None
    rules_digest: str = ""


@dataclass(frozen=True)
class Decision:
    """What fails, and what that comes to; frames as GateResult has them."""

    outcomes: pl.DataFrame
    findings: pl.DataFrame
    conditions: tuple[Condition, ...]
    judgement: Judgement
    deciding: tuple[Failing, ...]
    waivers: UsedWaivers
    baseline: UsedBaseline | None


Judge = Callable[[Sequence[Failing]], Judgement]
"""Makes a judgement of the outcomes that fail."""


def decide(
    policy: Policy,
    book: Book,
    found: Found,
    accepted: Accepted,
    today: date,
    placed: Placed,
    notices: Callable[[Judge], Sequence[Notice]] = lambda _: (),
) -> Decision:
    """Hold what was found against a policy.

    Parameters
    ----------
    book
        The rules that judged.
    notices
        Returns whom the checkpoint tells, and what, by the judgement that it is given the means to make.

    Raises
    ------
    DqkitError
        The policy names a rule that is not judged.
    """
    rules = {rule.key: rule for rule in book.rules}
    allowed = with_allowances(_unjudged(found.outcomes), rules, Allowances(policy.allow, book))
    limits = Allowances(policy.max_unknown.rules, book)
    conditions = (
        completeness_condition(found.incomplete),
        *found.conditions,
        *unknown_conditions(found.outcomes, rules, policy.max_unknown, limits),
    )
    unwaived = found.findings.with_columns(pl.lit("").alias("waived_by"))
    findings, waivers = waive(placed(pl.concat([unwaived, condition_findings(conditions)])), accepted.waivers, today)
    findings, baseline = _known(findings, accepted)
    rows = with_accepted(pl.concat([allowed, condition_outcomes(conditions)]), findings, book.rules, pl.col("known"))
    reading = _Reading(policy, rules, conditions, found)
    over = _over(rows, rules, notices(reading.judgement))
    deciding = tuple(row for row in over if reading.fails(row) or reading.is_of_tool(row))
    marked = _marked(rows, over, reading)
    return Decision(marked, findings, conditions, reading.judgement(over), deciding, waivers, baseline)


def _unjudged(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Take back what the audit's own checkpoint said, by allowances that may differ from the policy's."""
    failed = pl.col("verdict") == Verdict.FAIL.value
    return outcomes.with_columns(pl.when(failed).then(pl.lit(Verdict.PASS.value)).otherwise("verdict").alias("verdict"))


def _known(findings: pl.DataFrame, accepted: Accepted) -> tuple[pl.DataFrame, UsedBaseline | None]:
    baseline = accepted.baseline
    if baseline is None:
        return findings.with_columns(known=pl.lit(value=False)), None
    of_rules = ~pl.col("rule_id").str.starts_with("GATE-")
    there = findings.with_columns(known=of_rules & pl.col("finding").is_in(list(baseline.findings)))
    same = baseline.rules_digest == accepted.rules_digest
    return there, UsedBaseline(baseline, int(there["known"].sum()), same)


def _over(rows: pl.DataFrame, rules: Mapping[Key, Rule], notices: Sequence[Notice]) -> list[Failing]:
    """Let the checkpoint say what fails; where nothing was judged nothing can. A preview is information at most."""
    from dqkit.audit.verdict import failing

    previews = [f"{rule.id} {rule.variant}" for rule in rules.values() if rule.status is RuleStatus.PREVIEW]
    preview = pl.concat_str("rule_id", "variant", separator=" ").is_in(previews)
    severity = pl.when(preview).then(pl.lit(Severity.INFO.value)).otherwise("severity").alias("severity")
    judged = (pl.col("evaluated") > 0) | (pl.col("failed") > 0)
    return failing(rows.filter(judged).with_columns(severity), notices)


def _marked(rows: pl.DataFrame, over: Sequence[Failing], reading: "_Reading") -> pl.DataFrame:
    words = [(*row, (Verdict.ERROR if reading.is_of_tool(row) else Verdict.FAIL).value) for row in over]
    marks = pl.DataFrame(words, dict.fromkeys([*_ENTITY, "word"], pl.String), orient="row")
    joined = rows.join(marks, on=_ENTITY, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.coalesce("word", "verdict").alias("verdict")).select(list(OUTCOMES))


class _Reading:
    """What outcomes that fail come to, by the severity, the status and the origin of each."""

    def __init__(
        self, policy: Policy, rules: Mapping[Key, Rule], conditions: Sequence[Condition], found: Found
    ) -> None:
        self._policy, self._found = policy, found
        self._rules = rules
        self._conditions = {(one.kind.id, one.variant, one.site): one for one in conditions}
        self._judged_nothing = not found.outcomes["evaluated"].sum()

    def severity(self, row: Failing) -> Severity:
        """Return how bad a failing outcome is."""
        condition = self._conditions.get(row)
        return condition.severity if condition is not None else self._rules[row[0], row[1]].severity

    def is_of_tool(self, row: Failing) -> bool:
        """Tell whether it says nothing about the data, but that the verdict is incomplete."""
        condition = self._conditions.get(row)
        return condition is not None and condition.kind.origin is Origin.TOOL

    def fails(self, row: Failing) -> bool:
        """Tell whether it fails the gate: previews and milder severities do not."""
        rule = self._rules.get((row[0], row[1]))
        is_preview = rule is not None and rule.status is RuleStatus.PREVIEW
        return not is_preview and not self.is_of_tool(row) and self.severity(row).rank >= self._policy.fail_on.rank

    def judgement(self, over: Sequence[Failing]) -> Judgement:
        """Return the judgement that follows from the outcomes that fail."""
        reasons = self._reasons(over)
        if any(map(self.fails, over)):
            verdict, code = Verdict.FAIL, ExitCode.FAILED
        elif reasons:
            verdict, code = Verdict.ERROR, ExitCode.INCOMPLETE
        elif self._judged_nothing:
            verdict, code = Verdict.UNKNOWN, ExitCode.NOTHING
        else:
            verdict, code = Verdict.PASS, ExitCode.OK
        worst = sorted(over, key=lambda row: -self.severity(row).rank)
        failing = tuple((f"{rule_id} {variant}".strip(), site) for rule_id, variant, site in worst)
        return Judgement(verdict, failing, self._policy.fail_on, not reasons, reasons, code)

    def _reasons(self, over: Sequence[Failing]) -> tuple[Text, ...]:
        """Return why the verdict is incomplete: by what the checkpoint says, in the words of what was found."""
        kinds = {self._conditions[row].kind.id: self._conditions[row].kind for row in over if self.is_of_tool(row)}
        of_run = self._found.incomplete if kinds.pop(NOT_COMPLETE.id, None) else ()
        return (*of_run, *(kind.title for kind in kinds.values()))
