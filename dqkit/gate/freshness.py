"""How long ago the sources of a catalog were looked at."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from dqkit.catalog.store import Catalog
from dqkit.gate.condition import Condition, one_finding
from dqkit.gate.kinds import TOO_OLD
from dqkit.model import Severity

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def source_seen_at(catalog: Catalog) -> datetime | None:
    """Return when the source that was looked at longest ago was; None where there is no source.

    An index that finds nothing new leaves `sources` as it is, so that its run counts too.
    """
    sources = catalog.scan("sources").select("source_id", "indexed_at").collect()
    seen: dict[str, datetime] = {
        source: at for source, at in sources.iter_rows() if at is not None
    }  # a source that was always offline was never seen, and makes the run incomplete
    for ended_at, looked_at in _looks(catalog):
        for source in looked_at:
            if source in seen:
                seen[source] = max(seen[source], ended_at)
    return min(seen.values(), default=None)


def _looks(catalog: Catalog) -> Iterator[tuple[datetime, list[str]]]:
    looking = pl.col("command").is_in(["index", "index table"])
    runs = catalog.scan("runs").filter(looking).select("ended_at", "counts").collect()
    for ended_at, counts in runs.iter_rows():
        yield ended_at, json.loads(counts).get("sources", [])


def age_condition(seen_at: datetime | None, most: timedelta | None, now: datetime) -> Condition | None:
    """Return whether the last look is recent enough; None where the policy does not ask."""
    if most is None or seen_at is None:
        return None
    age = now - seen_at
    if age <= most:
        return Condition(TOO_OLD, Severity.CRITICAL)
    finding = one_finding(f"last looked at {age_words(age)} ago", f"at most {age_words(most)} ago")
    return Condition(TOO_OLD, Severity.CRITICAL, failed=1, findings=finding)


def age_words(age: timedelta) -> str:
    """Say a time in its largest fitting unit (``3 days``, ``5 hours``, ``12 minutes``)."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour")):
        if age >= 2 * unit or age == unit:
            return f"{age / unit:.3g} {name}{'' if age == unit else 's'}"
    return f"{age / timedelta(minutes=1):.3g} minutes"
