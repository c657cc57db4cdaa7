"""What became of each problem: open, sent, answered, reopened, mended (docs/adr/0013-states-of-problems.md).

States are rows of an append-only table; the last one of a problem holds. Replies and stewards add some
(dqkit/steward), every audit adds what it sees: problems that are new, that come back, and that are found no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from dqkit.audit.engine import outcomes_of_entities
from dqkit.audit.only import Only
from dqkit.catalog.schema import PROBLEM_STATES, PROBLEMS, conform, empty
from dqkit.catalog.store import Writer
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome, ProblemState, Verdict
from dqkit.rulebook.rule import Rule

ABOUT = ("rule_id", "variant", "severity", "site", "modality", "scanner", "protocol")
"""What a state tells of its problem, so that one that is found no more still has a name."""

CLOSED = (ProblemState.MENDED, ProblemState.GONE)

BEFORE = ["finding_id", "problem_id", "rule_id", "variant", "level", "entity"]
"""Columns of the findings of the audit before that are needed."""

_OVER = (ProblemState.FIXED, *CLOSED)
"""States that a problem leaves when an audit finds it."""


@dataclass(frozen=True)
class Seen:
    """What an audit saw.

    Attributes
    ----------
    before
        BEFORE, of the findings of the audit before.
    findings, outcomes
        Of this one.
    complete
        Whether everything could be looked at: an audit that is not closes nothing.
    only
        What was judged; an audit of a cohort closes nothing either.
    """

    before: pl.DataFrame
    findings: pl.DataFrame
    outcomes: pl.DataFrame
    complete: bool
    only: Only


def current(states: pl.DataFrame) -> pl.DataFrame:
    """Return the last state of each problem: a row of PROBLEM_STATES each."""
    of_problems = states.filter(pl.col("row_id").is_null())
    return of_problems.sort("at", maintain_order=True).unique("problem_id", keep="last", maintain_order=True)


def answers(states: pl.DataFrame) -> pl.DataFrame:
    """Return the last state of each row of a worklist that was answered."""
    of_rows = states.filter(pl.col("row_id").is_not_null())
    return of_rows.sort("at", maintain_order=True).unique("row_id", keep="last", maintain_order=True)


def with_states(problems: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return `problems` with `state` and `state_since`; one of which nothing was recorded is open."""
    known = current(states).select("problem_id", "state", state_since="at")
    joined = problems.drop("state", "state_since").join(known, on="problem_id", how="left", maintain_order="left")
    return conform(joined.with_columns(pl.col("state").fill_null(ProblemState.OPEN.value)), PROBLEMS)


def row_key() -> pl.Expr:
    """Name what a row of a worklist speaks of: the series of a finding, else its study, patient, folder or entity."""
    folder = pl.col("paths").list.first().str.extract(r"^(.*)/", 1).fill_null("")
    series = pl.format("series {} {}", "StudyInstanceUID", "SeriesInstanceUID")
    study, patient = pl.format("study {}", "StudyInstanceUID"), pl.format("patient {}", "patient_hash")
    of_file = pl.col("level").is_in([Level.FILE, Level.INSTANCE]) & (pl.col("paths").list.len() > 0)
    beside = pl.when(of_file).then(pl.format("folder {}", folder))
    return pl.coalesce(series, study, patient, beside, pl.format("{} {}", "level", "entity")).alias("row_key")


def noted(
    rows: pl.DataFrame, writer: Writer, *, state: ProblemState | None = None, at: datetime | None = None
) -> pl.DataFrame:
    """Return `rows` as PROBLEM_STATES of the run that `writer` is in; `state` and `at` (now) where they lack them."""
    lacking = {"at": at or datetime.now(UTC), "run_id": writer.run_id}
    if state is not None:
        lacking["state"] = state.value
    added = [pl.lit(value).cast(PROBLEM_STATES[name]).alias(name) for name, value in lacking.items()]
    return conform(rows.with_columns(added), PROBLEM_STATES)


def note_audit(
    writer: Writer, tables: Tables, seen: Seen, problems: pl.DataFrame, rules: Sequence[Rule], roles: pl.DataFrame
) -> pl.DataFrame:
    """Record what an audit makes of the states; return `problems` with theirs.

    Parameters
    ----------
    tables
        What was judged of the catalog.
    problems
        Of this audit.
    rules, roles
        As for `engine.evaluate`.
    """
    states = writer.scan("problem_states").collect()
    known = current(states)
    moved = _moved(seen, known, problems)
    lost = known.filter(~pl.col("state").is_in(CLOSED)).join(problems, on="problem_id", how="anti")
    looked = seen.complete and seen.only.cohort is None  # nobody knows whether a problem lies in a cohort
    lost = lost.filter(_judged(seen)) if looked else lost.clear()
    events = [
        *_found(writer, known, problems, moved),
        *_found_again(writer, states, seen),
        *_found_no_more(writer, tables, seen, lost, moved, rules, roles),
    ]
    added = pl.concat([empty(PROBLEM_STATES), *events])
    if added.height:
        writer.append("problem_states", added)
    return with_states(problems, pl.concat([states, added]))


def _found(writer: Writer, known: pl.DataFrame, problems: pl.DataFrame, moved: pl.DataFrame) -> list[pl.DataFrame]:
    """Open problems that are new (as those whose findings they took over stand) and reopen those that come back."""
    new = problems.select("problem_id", *ABOUT).join(known, on="problem_id", how="anti")
    over = pl.when(pl.col("state").is_in(_OVER)).then(pl.lit(ProblemState.REOPENED.value)).otherwise("state")
    heirs = moved.join(known.with_columns(over.alias("state")), on="problem_id").unique("moved_to", keep="first")
    heirs = heirs.select("state", "comment", "by", "answered_on", problem_id="moved_to")
    inherited = new.join(heirs, on="problem_id")
    back = problems.select("problem_id", *ABOUT).join(
        known.filter(pl.col("state").is_in(_OVER)), on="problem_id", how="semi"
    )
    return [
        noted(inherited, writer),
        noted(new.join(heirs, on="problem_id", how="anti"), writer, state=ProblemState.OPEN),
        noted(back, writer, state=ProblemState.REOPENED),
    ]


def _found_again(writer: Writer, states: pl.DataFrame, seen: Seen) -> list[pl.DataFrame]:
    """Reopen rows that were said to be fixed and are found still, and with them problems of which others were not."""
    answered = answers(states)
    claimed = answered.filter(pl.col("state") == ProblemState.FIXED).select("row_id", "problem_id")
    mixed = current(states).filter(~pl.col("state").is_in([*_OVER, ProblemState.REOPENED]))
    if claimed.join(mixed, on="problem_id", how="semi").is_empty():
        return []
    meant = writer.scan("handback_rows").select("row_id", "problem_id", "row_key").unique().collect()
    whole = claimed.join(meant.filter(pl.col("row_key").is_null()), on="row_id", how="semi")
    by_whole = meant.join(whole, on="problem_id", how="semi").join(answered, on="row_id", how="anti")
    rows = pl.concat([meant.join(claimed, on="row_id", how="semi"), by_whole]).join(mixed, on="problem_id", how="semi")
    found = seen.findings.select("problem_id", row_key()).unique()
    still = rows.join(found, on=["problem_id", "row_key"], how="semi").unique("row_id")
    told = still.select("problem_id", "row_id").join(mixed.select("problem_id", *ABOUT), on="problem_id")
    problems = told.drop("row_id").unique("problem_id")
    return [noted(one, writer, state=ProblemState.REOPENED) for one in (told, problems)]


def _found_no_more(
    writer: Writer,
    tables: Tables,
    seen: Seen,
    lost: pl.DataFrame,
    moved: pl.DataFrame,
    rules: Sequence[Rule],
    roles: pl.DataFrame,
) -> list[pl.DataFrame]:
    """Close problems: mended where something that failed passes now and nothing fails, else gone."""
    if lost.is_empty():
        return []
    told = lost.select("problem_id", *ABOUT)
    mended = _mended(writer, tables, seen.before.join(lost, on="problem_id", how="semi"), rules, roles)
    went = told.join(moved, on="problem_id", how="left")
    passes = pl.col("problem_id").is_in(mended.implode()) & pl.col("moved_to").is_null()
    state = pl.when(passes).then(pl.lit(ProblemState.MENDED.value)).otherwise(pl.lit(ProblemState.GONE.value))
    return [noted(went.with_columns(state.alias("state")), writer)]


def _moved(seen: Seen, known: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """Return problem_id and moved_to of problems whose findings count to another problem now.

    A problem is known by scanner and protocol; a header that was mended there moves its findings.
    """
    gone = known.join(problems, on="problem_id", how="anti").select("problem_id")
    before = seen.before.join(gone, on="problem_id", how="semi").select("problem_id", "finding_id")
    now = seen.findings.select("finding_id", moved_to="problem_id")
    return (
        before.join(now, on="finding_id")
        .group_by("problem_id", "moved_to")
        .len()
        .sort("len", "moved_to", descending=[True, False])
        .unique("problem_id", keep="first", maintain_order=True)
        .select("problem_id", "moved_to")
    )


def _judged(seen: Seen) -> pl.Expr:
    """Tell which problems this audit would have found: their rule ran where they were."""
    rule = pl.concat_str("rule_id", pl.col("variant").fill_null(""), separator="\x1f")
    ran = seen.outcomes.filter(pl.col("verdict") != Verdict.ERROR.value).select(rule.alias("rule"))["rule"].unique()
    judged = rule.is_in(ran.implode())
    if seen.only.sites:
        judged &= pl.col("site").is_in(seen.only.sites)
    if seen.only.modalities:
        judged &= pl.col("modality").is_in(seen.only.modalities)
    return judged


def _mended(
    writer: Writer, tables: Tables, before: pl.DataFrame, rules: Sequence[Rule], roles: pl.DataFrame
) -> pl.Series:
    """Return the problems of which something passes now, and nothing fails (as the consequence of another fault)."""
    at_hand = pl.DataFrame([rule.key for rule in rules], {"rule_id": pl.String, "variant": pl.String}, orient="row")
    asked = _as_they_are_now(writer, before).join(at_hand, on=["rule_id", "variant"], how="semi")
    said = outcomes_of_entities(asked, rules, tables, roles)
    by_problem = said.group_by("problem_id").agg(
        (pl.col("outcome") == Outcome.PASS.value).any().alias("passes"),
        (pl.col("outcome") == Outcome.FAIL.value).any().alias("fails"),
    )
    return by_problem.filter(pl.col("passes").fill_null(value=False) & ~pl.col("fails").fill_null(value=False))[
        "problem_id"
    ]


def _as_they_are_now(writer: Writer, before: pl.DataFrame) -> pl.DataFrame:
    """Return the findings of before, those of files at the file that took their place."""
    of_files = pl.col("level").is_in([Level.FILE, Level.INSTANCE])
    ids = before.filter(of_files)["entity"].unique()
    rows = writer.scan("instances", superseded=True).filter(pl.col("file_id").is_in(ids.implode()))
    taken = rows.select("superseded_by", entity="file_id").filter(pl.col("superseded_by").is_not_null()).collect()
    return before.join(taken, on="entity", how="left").with_columns(
        pl.when(of_files).then(pl.coalesce("superseded_by", "entity")).otherwise("entity").alias("entity")
    )
