"""Hands a site's problems back: makes the worklist, has it written, and records what was sent."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from dqkit import __version__
from dqkit.audit.findings import problems_of
from dqkit.audit.problem_states import ABOUT, noted, with_states
from dqkit.audit.result import rules_of_run
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import HANDBACK_ROWS, conform
from dqkit.catalog.store import Catalog, Writer
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.identity import Pseudonyms
from dqkit.model import ProblemState
from dqkit.rulebook.rule import Rule
from dqkit.steward.resolve import resolved, with_series
from dqkit.steward.worklist import WAITING, Audit, Worklist, worklist_of


@dataclass(frozen=True)
class HandbackOptions:
    """What a person may ask of a handback.

    Attributes
    ----------
    resolve
        Whether the hospital's own names of patients and studies are filled in.
    answered
        Whether problems that were answered are handed back too.
    """

    resolve: bool = False
    answered: bool = False


def hand_back(
    catalog: Catalog,
    site: str,
    rules: Sequence[Rule],
    pseudonyms: Pseudonyms,
    options: HandbackOptions,
    deliver: Callable[[Worklist], None],
) -> Worklist:
    """Make the worklist of `site` from the last audit, and call its problems sent once `deliver` has written it.

    Where there is no problem to hand back, nothing is delivered or recorded.

    Raises
    ------
    NothingToCheckError
        The catalog was never audited.
    DqkitError
        The last audit judged no such site.
    """
    with catalog.write() as writer:
        outcomes = writer.scan("outcomes").collect()
        _check(writer, outcomes, site)
        made = worklist_of(
            _of_site(writer, site),
            rules_of_run(rules, outcomes),
            pseudonyms,
            (uuid.uuid4().hex[:12], site, datetime.now(UTC)),
            [state for state in ProblemState if options.answered or state in WAITING],
        )
        if made.problems.is_empty():
            return made
        rows = with_series(made.rows, site, writer)
        made = replace(made, rows=resolved(rows, writer) if options.resolve else rows, resolved=options.resolve)
        deliver(made)
        _record(writer, made)
    return made


def _check(writer: Writer, outcomes: pl.DataFrame, site: str) -> None:
    if outcomes.is_empty():
        raise NothingToCheckError("this catalog was not audited yet", "audit it first: dqkit audit CATALOG")
    files = writer.scan("instances").select("site").unique().collect()["site"]
    sites = sorted({*outcomes["site"].drop_nulls(), *files.drop_nulls()})
    if site not in sites:
        raise DqkitError(f"there is no site {site!r} in this audit", "its sites: " + ", ".join(sites))


def _of_site(writer: Writer, site: str) -> Audit:
    findings = writer.scan("findings").filter(pl.col("site") == site).collect()
    states = writer.scan("problem_states").filter(pl.col("site") == site).collect()
    return Audit(with_states(problems_of(findings), states), findings, states)


def _record(writer: Writer, made: Worklist) -> None:
    of_problems = made.problems.select("row_id", "problem_id")
    rows = pl.concat([of_problems, made.rows.select("row_id", "problem_id", "row_key", "series_key")], how="diagonal")
    added = [
        pl.lit(value).alias(name)
        for name, value in (
            ("handback_id", made.handback_id), ("site", made.site), ("made_at", made.made_at),
            ("run_id", writer.run_id),
        )
    ]  # fmt: skip
    writer.append("handback_rows", conform(rows.with_columns(added), HANDBACK_ROWS))
    about = made.problems.with_columns(site=pl.lit(made.site), handback_id=pl.lit(made.handback_id))
    sent = about.select("problem_id", "handback_id", *ABOUT)
    writer.append("problem_states", noted(sent, writer, state=ProblemState.SENT, at=made.made_at))
    counts = {"handback_id": made.handback_id, "site": made.site, "problems": made.problems.height,
              "rows": made.rows.height, "resolved": made.resolved}  # fmt: skip
    writer.commit(Record("handback", __version__, counts=counts))
