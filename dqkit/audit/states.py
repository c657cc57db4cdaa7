"""Moments of a catalog: a run that somebody names, and the audit that holds then."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dqkit.audit.only import Only
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.model import Verdict

SHA_KEPT = 16
"""Digits of a rule's sha256 that a run keeps."""

_RUN_ID = re.compile(r"[0-9a-f]{12}")
_VERSION = re.compile(r"([a-z_]+)@(\d+)")
_LIST = "list the runs: dqkit catalog runs"


@dataclass(frozen=True)
class AuditRun:
    """An audit as the log of runs keeps it.

    Attributes
    ----------
    versions
        Table -> Delta version of what it saw, and of the findings and outcomes it left.
    rules
        Label of a rule -> the beginning of its sha256; empty where an older dqkit kept none.
    rules_digest
        Of all its rules.
    packs
        Name and version of those it judged by.
    """

    run: int
    run_id: str
    ended_at: dt.datetime
    dqkit_version: str
    versions: Mapping[str, int]
    verdict: Verdict
    complete: bool
    only: Only
    packs: tuple[str, ...]
    rules: Mapping[str, str]
    rules_digest: str

    @property
    def part(self) -> str:
        """The part of the archive that it judged, as a text that is equal for audits of the same part."""
        only = self.only.to_json()
        cohort = only.get("cohort", {}).get("sha256", "")
        return json.dumps([sorted(only["sites"]), sorted(only["modalities"]), cohort], ensure_ascii=False)

    @property
    def scope(self) -> str:
        """The part and the names of its packs, as a text that is equal for audits that compare."""
        return json.dumps([self.part, [name.split(" ")[0] for name in self.packs]], ensure_ascii=False)


@dataclass(frozen=True)
class State:
    """A moment: a run, the versions of the tables then, and the last audit before or at it."""

    run: int
    run_id: str
    command: str
    ended_at: dt.datetime
    versions: Mapping[str, int] = field(default_factory=dict)
    audit: AuditRun | None = None

    @property
    def is_audit(self) -> bool:
        """Whether the run is an audit itself."""
        return self.audit is not None and self.audit.run == self.run


def audits_of(catalog: Catalog) -> tuple[AuditRun, ...]:
    """Return all audits of a catalog, oldest first."""
    rows = catalog.scan("runs").filter(pl.col("command") == "audit").collect()
    return tuple(_audit(row) for row in rows.iter_rows(named=True))


def _audit(row: Mapping[str, Any]) -> AuditRun:
    kept = json.loads(row["counts"])
    coverage = kept.get("coverage") or {}
    return AuditRun(
        run=row["run"],
        run_id=row["run_id"],
        ended_at=row["ended_at"],
        dqkit_version=row["dqkit_version"],
        versions=json.loads(row["table_versions"]),
        verdict=Verdict(kept["verdict"]),
        complete=bool(row["complete"]),
        only=Only.from_json(kept.get("only")),
        packs=tuple(f"{pack['name']} {pack['version']}" for pack in coverage.get("packs", ())),
        rules=kept.get("rule_sha256", {}),
        rules_digest=row["rules"],
    )


def state_of(catalog: Catalog, named: str, option: str, *, end_of_day: bool = False) -> State:
    """Return the moment that somebody names.

    Parameters
    ----------
    named
        A run by number or id, a version of a table (``instances@12``), or a date or time (ISO 8601, local unless it
        names a zone): the last run before it. Empty = the last run.
    option
        What it was given to, for errors.
    end_of_day
        Whether a date stands for its end rather than its beginning.

    Raises
    ------
    DqkitError
        There is no such run, or none before that date.
    """
    runs = catalog.scan("runs").select("run", "run_id", "command", "ended_at", "table_versions").collect()
    row = _row(runs, named.strip(), option, end_of_day=end_of_day)
    return _state(row, audits_of(catalog))


def audit_state(state: State) -> State:
    """Return the moment of the audit that holds at `state`.

    Raises
    ------
    NothingToCheckError
        There is none.
    """
    if state.audit is None:
        raise NothingToCheckError("this catalog was not audited yet", "audit it, or name two runs: --since RUN")
    return _of_audit(state.audit)


def before(catalog: Catalog, until: State) -> State:
    """Return the audit before that of `until`: the last one of its scope, else the last one.

    Raises
    ------
    NothingToCheckError
        There is none.
    """
    audit = audit_state(until).audit
    earlier = [one for one in audits_of(catalog) if audit is not None and one.run < audit.run]
    if audit is None or not earlier:
        raise NothingToCheckError(
            "this catalog was audited once: there is nothing to compare with", "audit it again later, or name a run"
        )
    alike = [one for one in earlier if one.scope == audit.scope]
    return _of_audit((alike or earlier)[-1])


def _of_audit(audit: AuditRun) -> State:
    return State(audit.run, audit.run_id, "audit", audit.ended_at, audit.versions, audit)


def _state(row: Mapping[str, Any], audits: Sequence[AuditRun]) -> State:
    until = [audit for audit in audits if audit.run <= row["run"]]
    versions = json.loads(row["table_versions"])
    audit = until[-1] if until else None
    return State(row["run"], row["run_id"], row["command"], row["ended_at"], versions, audit)


def _row(runs: pl.DataFrame, named: str, option: str, *, end_of_day: bool) -> dict[str, Any]:
    if not named:
        return runs.row(-1, named=True)
    if named.isdecimal():
        return _found(runs.filter(pl.col("run") == int(named[:18])), f"there is no run {named[:18]}", runs, option)
    if _RUN_ID.fullmatch(named):
        return _found(runs.filter(run_id=named), f"there is no run {named}", runs, option)
    if match := _VERSION.fullmatch(named):
        at = _at_version(runs, str(match.group(1)), int(match.group(2)))
        return _found(at, f"no run has {named[:40]}", runs, option)
    moment = _moment(named, option, end_of_day=end_of_day)
    earlier = runs.filter(pl.col("ended_at") < moment)
    first = runs["ended_at"][0].astimezone()
    return _found(earlier, f"there is no run before {named}: the first ended {first:%Y-%m-%d %H:%M}", runs, option)


def _found(rows: pl.DataFrame, why_not: str, runs: pl.DataFrame, option: str) -> dict[str, Any]:
    if rows.is_empty():
        raise DqkitError(f"{option}: {why_not}", f"runs are numbered 0 to {runs.height - 1}; {_LIST}")
    return rows.row(-1, named=True)


def _at_version(runs: pl.DataFrame, table: str, version: int) -> pl.DataFrame:
    at = [json.loads(text).get(table) == version for text in runs["table_versions"]]
    return runs.filter(pl.Series(at, dtype=pl.Boolean)).head(1)


def _moment(named: str, option: str, *, end_of_day: bool) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(named)
    except ValueError as error:
        raise DqkitError(
            f"{option} {named[:40]!r} is not understood",
            "a run (3), a run's id, TABLE@VERSION, or a date (2025-03-01)",
        ) from error
    is_date = len(named) <= len("2025-03-01")
    if is_date and end_of_day:
        moment += dt.timedelta(days=1)
    return moment.astimezone(dt.UTC)
