"""The worklist of one hospital: its problems, and beneath each the series, studies or folders that have it.

Pure: frames in, frames out. What stands in a worklist may leave the house; the columns of RESOLVED are filled only
where a person asks for it (steward/resolve.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from dqkit import identity
from dqkit.audit.problem_states import answers, row_key
from dqkit.catalog.schema import INT, TEXT, WHEN, Schema, conform
from dqkit.identity import Pseudonyms
from dqkit.model import ProblemState
from dqkit.rulebook.rule import Rule, mender

WAITING = (ProblemState.OPEN, ProblemState.SENT, ProblemState.REOPENED)
"""States of problems that wait for the hospital."""

_NOT_THEIRS = ("dqkit", "operator", "steward")
"""Menders that are no hospital: a recipe, whoever runs dqkit, the steward of the archive."""

MOST_ROWS = 20_000
"""Rows of details that a worklist holds, worst first: an answer to a problem holds for all of its rows anyway."""

META = "dqkit"
"""Title of the hidden sheet that says which worklist a workbook is."""

PROBLEM_ROWS: Schema = {
    "row_id": TEXT, "problem_id": TEXT, "severity": TEXT, "rule_id": TEXT, "variant": TEXT, "who": TEXT,
    "findings": INT, "series": INT, "patients": INT, "files": INT, "modality": TEXT, "scanner": TEXT, "protocol": TEXT,
    "first_period": TEXT, "last_period": TEXT, "observed": TEXT, "state": TEXT, "state_since": WHEN, "rows": INT,
}  # fmt: skip

RESOLVED = ("PatientID", "AccessionNumber", "StudyDate", "SeriesNumber")
"""Columns that only `--resolve` fills: the hospital's own names of what a row speaks of."""

DETAIL_ROWS: Schema = {
    "row_id": TEXT, "problem_row": TEXT, "problem_id": TEXT, "severity": TEXT, "rule_id": TEXT, "variant": TEXT,
    "location": TEXT, "modality": TEXT, "scanner": TEXT, "period": TEXT, "findings": INT, "files": INT,
    "observed": TEXT, "expected": TEXT, "answered": TEXT, "answered_at": WHEN, "row_key": TEXT, "level": TEXT,
    "entity": TEXT, "StudyInstanceUID": TEXT, "SeriesInstanceUID": TEXT, "series_key": TEXT,
    **dict.fromkeys(RESOLVED, TEXT),
}  # fmt: skip


@dataclass(frozen=True)
class Worklist:
    """What is handed back to a hospital.

    Attributes
    ----------
    problems
        PROBLEM_ROWS, worst first.
    rows
        DETAIL_ROWS, in the order of their problems.
    rules
        Texts of the rules.
    left_out
        Why -> problems that are not the hospital's to mend (their mender), or were answered (their state).
    rows_left_out
        Rows beyond MOST_ROWS.
    resolved
        Whether RESOLVED is filled in.
    """

    handback_id: str
    site: str
    made_at: datetime
    problems: pl.DataFrame
    rows: pl.DataFrame
    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    rows_left_out: int = 0
    resolved: bool = False


@dataclass(frozen=True)
class Audit:
    """The part of an audit that concerns one site: PROBLEMS with their states, FINDINGS, and what was answered."""

    problems: pl.DataFrame
    findings: pl.DataFrame
    states: pl.DataFrame


def worklist_of(
    audit: Audit,
    rules: Sequence[Rule],
    pseudonyms: Pseudonyms,
    named: tuple[str, str, datetime],
    states: Collection[str] = WAITING,
) -> Worklist:
    """Return the worklist of a site.

    Parameters
    ----------
    audit
        What was found there.
    rules
        Those of the audit.
    pseudonyms
        For the ids of rows, which stay the same from worklist to worklist, and for places.
    named
        Id of the handback, site, and when it is made.
    states
        Those of the problems that are handed back.
    """
    known = {rule.key: rule for rule in rules}
    problems = _with_menders(audit.problems, known)
    theirs = ~pl.col("who").is_in(_NOT_THEIRS)
    wanted = problems.filter(theirs & pl.col("state").is_in(list(states)))
    ranked = _ranked(wanted, pseudonyms)
    rows = _rows(audit, ranked, pseudonyms, named[1])
    counted = ranked.join(rows.group_by("problem_id").len("rows"), on="problem_id", how="left")
    return Worklist(
        *named,
        problems=conform(counted.sort("rank"), PROBLEM_ROWS),
        rows=conform(rows.head(MOST_ROWS), DETAIL_ROWS),
        rules=known,
        left_out=_counts(problems.filter(~theirs), "who")
        | _counts(problems.filter(theirs & ~pl.col("state").is_in(list(states))), "state"),
        rows_left_out=max(0, rows.height - MOST_ROWS),
    )


def _with_menders(problems: pl.DataFrame, known: Mapping[tuple[str, str], Rule]) -> pl.DataFrame:
    keys = problems.select("rule_id", pl.col("variant").fill_null(""), "origin").iter_rows()
    who = [mender(known.get((rule, variant)), origin) for rule, variant, origin in keys]
    return problems.with_columns(pl.Series("who", who, dtype=pl.String))


def _counts(problems: pl.DataFrame, by: str) -> dict[str, int]:
    return dict(problems.group_by(by).len().sort(by).iter_rows())


def _ranked(problems: pl.DataFrame, pseudonyms: Pseudonyms) -> pl.DataFrame:
    """Sort problems, worst and widest first, and name their rows."""
    severity = pl.col("severity").replace_strict(
        {"critical": 0, "warning": 1, "info": 2}, default=3, return_dtype=pl.Int8
    )
    worst = problems.sort(severity, -pl.col("files"), -pl.col("findings"), "rule_id", "problem_id", nulls_last=True)
    ids = [f"P-{pseudonyms.of('worklist', problem)}" for problem in worst["problem_id"]]
    return worst.with_columns(pl.Series("row_id", ids, dtype=pl.String)).with_row_index("rank")


def _rows(audit: Audit, problems: pl.DataFrame, pseudonyms: Pseudonyms, site: str) -> pl.DataFrame:
    """Roll the findings of each problem up to what a PACS knows: series, else studies, patients, folders."""
    of_problems = problems.select("problem_id", "rank", problem_row="row_id")
    found = audit.findings.with_columns(row_key()).join(of_problems, on="problem_id")
    first = ("severity", "rule_id", "variant", "modality", "scanner", "expected", "level", "StudyInstanceUID",
             "SeriesInstanceUID", "problem_row", "rank")  # fmt: skip
    ordered = found.sort("rank", "finding_id")
    rolled = ordered.group_by("problem_id", "row_key", maintain_order=True).agg(
        *(pl.col(name).first() for name in first),
        pl.col("entity").first(),
        pl.col("location").drop_nulls().first(),
        pl.col("period").min(),
        pl.col("observed").first(),
        pl.len().cast(pl.Int64).alias("findings"),
        pl.col("n_paths").sum().alias("files"),
    )
    keys = rolled.select("problem_id", "row_key").iter_rows()
    ids = [f"R-{pseudonyms.of('worklist row', f'{problem} {key}')}" for problem, key in keys]
    named = rolled.with_columns(pl.Series("row_id", ids, dtype=pl.String), _locations(rolled, pseudonyms, site))
    before = answers(audit.states).select("row_id", answered=pl.coalesce("answer", "state"), answered_at="at")
    return named.join(before, on="row_id", how="left").sort("rank", "period", "row_id", nulls_last=True)


def _locations(rows: pl.DataFrame, pseudonyms: Pseudonyms, site: str) -> pl.Series:
    """Name each place as reports do, those included that a report leaves out."""
    columns = ("row_key", "location", "level", "entity", "StudyInstanceUID", "SeriesInstanceUID")
    places = []
    for key, location, level, entity, study, series in rows.select(columns).iter_rows():
        if key.startswith("series "):
            place = f"series {pseudonyms.of('series', identity.series_key(site, study, series, ''))}"
        elif key.startswith("folder "):
            place = f"folder {pseudonyms.of('folder', key)}"
        else:
            place = location or f"{level} {pseudonyms.of('entity', entity)}"
        places.append(place)
    return pl.Series("location", places, dtype=pl.String)
