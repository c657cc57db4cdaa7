"""What an audit found, as renderers and the command line see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from dqkit.audit.coverage import Coverage
from dqkit.audit.only import Only
from dqkit.errors import ExitCode
from dqkit.model import Severity, Verdict
from dqkit.profile.glance import Glance
from dqkit.profile.profile import Profile
from dqkit.rulebook.rule import Rule, Text

if TYPE_CHECKING:
    from dqkit.audit.history import History


@dataclass(frozen=True)
class Judgement:
    """The verdict, as the Great Expectations checkpoint gave it.

    Attributes
    ----------
    verdict
        PASS, FAIL, or ERROR when the run is incomplete and nothing failed.
    failing
        (label of the rule: its id, with the variant of a pack; site or None for the archive) of the outcomes that
        fail, worst severity first.
    fail_on
        The mildest severity that fails the run; None = never.
    complete, incomplete_because
        Whether everything could be looked at, and otherwise why not, in every language, free of identifying values.
    """

    verdict: Verdict
    failing: tuple[tuple[str, str | None], ...]
    fail_on: Severity | None
    complete: bool
    incomplete_because: tuple[Text, ...]
    exit_code: ExitCode


@dataclass(frozen=True)
class Picture:
    """A picture of one finding, fit to leave the house: pixels only, no text burned in.

    `caption` maps a language to a sentence; `mime` is ``image/webp`` or ``image/png``.
    """

    finding_id: str
    mime: str
    data: bytes
    caption: dict[str, str]
    width: int
    height: int


@dataclass(frozen=True)
class TableShare:
    """What a table has its share in: its series are judged by the rules that it can answer, and by no other.

    `sites` are those that its series are from; `answers` of `rules` rules can be answered.
    """

    name: str
    series: int
    sites: frozenset[str]
    answers: int
    rules: int


@dataclass(frozen=True)
class AuditResult:
    """Everything that a renderer needs; `findings` and the like have the schemas of catalog/schema.py."""

    title: str
    dqkit_version: str
    run_id: str
    finished_at: datetime
    rules: tuple[Rule, ...]
    outcomes: pl.DataFrame
    findings: pl.DataFrame
    problems: pl.DataFrame
    judgement: Judgement
    glance: Glance
    pictures: tuple[Picture, ...] = ()
    profile: Profile | None = None
    tables: tuple[TableShare, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    only: Only = field(default_factory=Only)
    engine: str = "polars"
    not_expressible: tuple[str, ...] = field(default=())
    """Rules that ``--engine gx`` could not express."""
    history: "History | None" = None


def rules_of_run(rules: Sequence[Rule], outcomes: pl.DataFrame) -> tuple[Rule, ...]:
    """Return the rules that `outcomes` name; a variant whose pack is not at hand has the texts of its rule.

    Parameters
    ----------
    rules
        Those at hand.
    outcomes
        Columns rule_id, variant, severity.
    """
    ran = {(row[0], row[1] or ""): row[2] for row in outcomes.select("rule_id", "variant", "severity").rows()}
    at_hand = {rule.key for rule in rules}
    plain = {rule.id: rule for rule in rules if not rule.variant}
    others = [replace(plain[key[0]], variant=key[1]) for key in sorted(ran) if key not in at_hand and key[0] in plain]
    used = [rule for rule in rules if rule.key in ran] + others
    return tuple(
        replace(rule, severity=Severity(ran[rule.key] or rule.severity), is_open=False) if rule.variant else rule
        for rule in used
    )
