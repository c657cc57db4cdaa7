"""What an audit found, as renderers and the command line see it."""

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from dqkit.errors import ExitCode
from dqkit.model import Severity, Verdict
from dqkit.profile.glance import Glance
from dqkit.rulebook.rule import Rule


@dataclass(frozen=True)
class Judgement:
    """The verdict, as the Great Expectations checkpoint gave it.

    Attributes
    ----------
    verdict
        PASS, FAIL, or ERROR when the run is incomplete and nothing failed.
    failing
        (rule id, site or None for the archive) of the outcomes that fail, worst severity first.
    fail_on
        The mildest severity that fails the run; None = never.
    complete, incomplete_because
        Whether everything could be looked at, and otherwise why not, in words free of identifying values.
    """

    verdict: Verdict
    failing: tuple[tuple[str, str | None], ...]
    fail_on: Severity | None
    complete: bool
    incomplete_because: tuple[str, ...]
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
    engine: str = "polars"
    not_expressible: tuple[str, ...] = field(default=())
    """Rules that ``--engine gx`` could not express."""
