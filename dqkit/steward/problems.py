"""The problems of a catalog with their states, for a steward to look through and to set."""

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from dqkit import __version__
from dqkit.audit.findings import problems_of
from dqkit.audit.problem_states import ABOUT, CLOSED, current, noted, with_states
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import INT, TEXT, WHEN, Schema, conform
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.model import ProblemState

SETTABLE = (
    ProblemState.OPEN, ProblemState.SENT, ProblemState.FIXED, ProblemState.CANNOT_FIX, ProblemState.DISPUTED,
    ProblemState.QUESTION,
)  # fmt: skip
"""States that a person may set; the others are what an audit sees."""

LISTED: Schema = {
    "problem_id": TEXT, "state": TEXT, "state_since": WHEN, **dict.fromkeys(ABOUT, TEXT), "findings": INT,
    "series": INT, "patients": INT, "first_period": TEXT, "last_period": TEXT, "comment": TEXT, "by": TEXT,
    "moved_to": TEXT,
}  # fmt: skip


def problems_with_states(
    tables: Tables, site: str | None = None, states: Collection[str] | None = None
) -> pl.DataFrame:
    """Return problems (LISTED), worst first: those that the last audit found, and those that it found no more.

    Parameters
    ----------
    site
        Those of one site.
    states
        Those in these states; None = all that are not over.
    """
    recorded = tables.scan("problem_states").collect()
    found = with_states(problems_of(tables.scan("findings").collect()), recorded)
    last = current(recorded).rename({"at": "state_since"})
    lost = last.join(found, on="problem_id", how="anti").with_columns(findings=pl.lit(0, pl.Int64))
    known = pl.concat([conform(found.drop("comment", strict=False), LISTED), conform(lost, LISTED)])
    wanted = list(states) if states is not None else [state for state in ProblemState if state not in CLOSED]
    known = known.filter(pl.col("state").is_in(wanted))
    if site is not None:
        known = known.filter(pl.col("site") == site)
    said = recorded.filter(pl.col("comment").is_not_null()).sort("at").unique("problem_id", keep="last")
    told = known.drop("comment", "by", "moved_to").join(
        said.select("problem_id", "comment", "by"), on="problem_id", how="left"
    )
    moved = last.select("problem_id", "moved_to")
    rank = pl.col("severity").replace_strict({"critical": 0, "warning": 1, "info": 2}, default=3, return_dtype=pl.Int8)
    joined = told.join(moved, on="problem_id", how="left").sort(
        rank, -pl.col("findings"), "rule_id", "site", "problem_id", nulls_last=True
    )
    return conform(joined, LISTED)


def set_state(catalog: Catalog, name: str, state: ProblemState, comment: str | None = None) -> str:
    """Set the state of the problem whose id starts with `name`; return its id.

    Raises
    ------
    DqkitError
        No problem, or several, start so, or the state is an audit's to give.
    """
    if state not in SETTABLE:
        raise DqkitError(f"only an audit can say that a problem is {state.value}", f"set one of: {', '.join(SETTABLE)}")
    with catalog.write() as writer:
        every = problems_with_states(writer, states=list(ProblemState))
        hits = every.filter(pl.col("problem_id").str.starts_with(name.lower()))
        if hits.height != 1:
            how = "no problem starts" if hits.is_empty() else "several problems start"
            raise DqkitError(f"{how} with {name!r}", "`dqkit problems list` shows the ids")
        about = hits.select("problem_id", *ABOUT).with_columns(comment=pl.lit(comment, dtype=pl.String))
        writer.append("problem_states", noted(about, writer, state=state, at=datetime.now(UTC)))
        counts = {"problem_id": hits["problem_id"][0], "state": state.value}
        writer.commit(Record("problems set", __version__, counts=counts))
    return str(hits["problem_id"][0])
