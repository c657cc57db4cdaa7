"""What an audit's report tells of the audits before it: what changed since the last one, and the trend."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from dqkit.audit.diff import Diff, diff, of_site
from dqkit.audit.result import AuditResult
from dqkit.audit.states import State, audits_of, before
from dqkit.audit.trend import Trend, trend_of
from dqkit.catalog.store import Catalog
from dqkit.errors import NothingToCheckError
from dqkit.rulebook.pack import Pack


@dataclass(frozen=True)
class History:
    """`since_last` compares with the audit before, where there is one of this scope."""

    trend: Trend
    since_last: Diff | None = None

    def only_site(self, site: str) -> "History":
        """Return what this says of one site."""
        trend = replace(self.trend, rows=self.trend.rows.filter(pl.col("site") == site))
        return History(trend, of_site(self.since_last, site) if self.since_last else None)


def with_history(result: AuditResult, catalog: Catalog, packs: Sequence[Pack] = ()) -> AuditResult:
    """Add to the result of the last audit what changed since the one before it; the first audit has no history."""
    audits = [audit for audit in audits_of(catalog) if audit.run_id == result.run_id]
    if not audits:
        return result
    audit = audits[-1]
    now = State(audit.run, audit.run_id, "audit", audit.ended_at, audit.versions, audit)
    try:
        since = before(catalog, now)
    except NothingToCheckError:
        return result
    alike = since.audit is not None and since.audit.scope == audit.scope
    found = diff(catalog, since, now, result.rules, packs) if alike else None
    return replace(result, history=History(trend_of(catalog, audit), found))
