"""What a gate decided, as renderers, the verdict file and the evidence see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from dqkit.audit.coverage import PackOfRun
from dqkit.audit.notice import Failing
from dqkit.audit.only import Only
from dqkit.audit.result import Judgement
from dqkit.gate.baseline import UsedBaseline
from dqkit.gate.condition import Condition
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.policy import Policy
from dqkit.gate.waivers import UsedWaivers
from dqkit.rulebook.rule import Rule, Text


@dataclass(frozen=True)
class ToldAction:
    """An action of the policy and how it went.

    Attributes
    ----------
    sent
        Whether somebody was told; an action that waits for a failure tells nobody of a green verdict.
    error
        Why not, free of secrets; empty where all went well.
    """

    kind: str
    sent: bool
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
        With the columns `finding`, `series` and `place` (gate/places.py), and `known`: the baseline names it.
    judgement
        As the checkpoint gave it; its `failing` names rules and conditions.
    deciding
        Of what fails, the outcomes that make the verdict what it is.
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
    conditions: tuple[Condition, ...]
    judgement: Judgement
    deciding: tuple[Failing, ...]
    waivers: UsedWaivers = field(default_factory=UsedWaivers)
    baseline: UsedBaseline | None = None
    only: Only = field(default_factory=Only)
    dataset: DatasetTrace | None = None
    actions: tuple[ToldAction, ...] = ()
    notes: tuple[Text, ...] = ()
    """What a person should know beside the verdict."""

    @property
    def new_findings(self) -> pl.DataFrame:
        """Those that are neither waived nor known to the baseline."""
        return self.findings.filter((pl.col("waived_by") == "") & ~pl.col("known"))

    @cached_property
    def titles(self) -> dict[tuple[str, str], Text]:
        """(id, variant) of every rule and condition -> its sentence by language."""
        of_rules = {rule.key: rule.title for rule in self.rules}
        return of_rules | {(one.kind.id, one.variant): one.kind.title for one in self.conditions}
