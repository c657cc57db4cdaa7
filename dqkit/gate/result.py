"""What a gate decided, as renderers, the verdict file and the evidence see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dqkit.audit.coverage import PackOfRun
from dqkit.audit.only import Only
from dqkit.audit.result import Judgement
from dqkit.gate.condition import Condition
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.policy import Policy
from dqkit.rulebook.rule import Rule, Text


@dataclass(frozen=True)
class Waiver:
    """An accepted finding, or several: who answers for it, why, and until when.

    Attributes
    ----------
    id
        Hash of rule, variant and scope: what `waived_by` of a finding names.
    rule, variant
        Whose findings; an empty variant is the rule of the book alone.
    scope
        Column of FINDINGS (``site``, ``patient_hash``, ``finding_id``, ``problem_id``, ``location``, ``modality``,
        ``scanner``, ``protocol``) -> the value it must have.
    expires
        The last day on which it holds.
    line
        Where it stands in its file.
    """

    id: str
    rule: str
    variant: str
    scope: Mapping[str, str]
    owner: str
    reason: str
    expires: date
    line: int


@dataclass(frozen=True)
class UsedWaivers:
    """What became of the waivers of a file; `used` names how many findings each of them accepts."""

    text: str = ""
    sha256: str = ""
    used: tuple[tuple[Waiver, int], ...] = ()
    expired: tuple[Waiver, ...] = ()
    unmatched: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class UsedBaseline:
    """The baseline that was held against the findings.

    Attributes
    ----------
    known
        Findings that it names and that are still there.
    gone
        Findings that it names and that are not there any more.
    same_rules
        Whether it was made by the same rules; where not, findings of changed rules may seem new.
    """

    sha256: str
    made_at: datetime
    findings: int
    known: int
    gone: int
    same_rules: bool


@dataclass(frozen=True)
class ToldAction:
    """An action of the policy and how it went; `error` is free of secrets, and empty where all went well."""

    kind: str
    ran: bool
    error: str = ""


@dataclass(frozen=True)
class GateResult:
    """Everything that a renderer needs.

    Attributes
    ----------
    outcomes
        OUTCOMES of rules and conditions, with what is waived, what the baseline knows, and the verdict of each.
    findings
        FINDINGS of rules and conditions, with `waived_by`.
    new
        finding_ids that are neither waived nor known to the baseline.
    judgement
        As the checkpoint gave it; its `failing` names rules and conditions.
    title
        Names of the sources.
    run_id, audit_run_id
        Of the gate itself, and of the audit whose outcomes it judged, in the catalog's `runs`.
    table_versions
        Delta versions of the catalog's tables that were judged.
    source_seen_at
        When the source that was looked at longest ago was; None where there is none.
    """

    title: str
    dqkit_version: str
    decided_at: datetime
    run_id: str
    audit_run_id: str
    audit_reused: bool
    catalog: Path
    key_fingerprint: str
    table_versions: Mapping[str, int]
    source_seen_at: datetime | None
    policy: Policy
    rules: tuple[Rule, ...]
    rules_digest: str
    packs: tuple[PackOfRun, ...]
    outcomes: pl.DataFrame
    findings: pl.DataFrame
    new: frozenset[str]
    conditions: tuple[Condition, ...]
    judgement: Judgement
    waivers: UsedWaivers = field(default_factory=UsedWaivers)
    baseline: UsedBaseline | None = None
    only: Only = field(default_factory=Only)
    dataset: DatasetTrace | None = None
    actions: tuple[ToldAction, ...] = ()

    @property
    def titles(self) -> dict[tuple[str, str], Text]:
        """(id, variant) of every rule and condition -> its sentence by language."""
        of_rules = {rule.key: rule.title for rule in self.rules}
        return of_rules | {(one.kind.id, one.variant): one.kind.title for one in self.conditions}
