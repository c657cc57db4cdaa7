"""A history to go with a sample result: three audits, what changed since the second, and why."""

from datetime import UTC, datetime
from itertools import product

import polars as pl

from dqkit.audit.diff import COUNTS, FLIPS, PROBLEM_CHANGES, Diff, RuleChanges
from dqkit.audit.history import History
from dqkit.audit.inventory import INVENTORY
from dqkit.audit.only import Only
from dqkit.audit.states import AuditRun, State
from dqkit.audit.trend import TREND, Trend, TrendPoint
from dqkit.model import Verdict

SEVERITIES = ("critical", "warning", "info")


def state(run: int, verdict: Verdict = Verdict.FAIL) -> State:
    when = datetime(2024, 11, run, 9, 30, tzinfo=UTC)
    audit = AuditRun(
        run, f"{run:012x}", when, "0.1.0", {}, verdict, complete=True, only=Only(), packs=("general 1.0.0",), rules={},
        rules_digest="",
    )  # fmt: skip
    return State(run, audit.run_id, "audit", when, audit=audit)


def sample_diff(sites: tuple[str, ...]) -> Diff:
    inventory = [(site, what, 3 * i, i, 1, 90) for i, site in enumerate(sites) for what in ("files", "series")]
    told = (("new", "broke", 2), ("new", "came", 1), ("new", "rule", 4), ("gone", "mended", 5), ("gone", "went", 3),
            ("gone", "scope", 1), ("same", "", 40))  # fmt: skip
    counts = [(site, severity, *row) for site, severity, row in product(sites, SEVERITIES, told)]
    problems = [
        (f"p{i}", "GEO-003", "", "critical", site, "CT", "GE Revolution EVO", "a1", 3, 5, 2, 0, 0, 0, 0)
        for i, site in enumerate(sites)
    ]
    flips = [("GEO-003", "", "critical", site, "pass", "fail") for site in sites]
    return Diff(
        state(4),
        state(7),
        pl.DataFrame(inventory, schema=INVENTORY, orient="row"),
        counts=pl.DataFrame(counts, schema=COUNTS, orient="row"),
        problems=pl.DataFrame(problems, schema=PROBLEM_CHANGES, orient="row"),
        flips=pl.DataFrame(flips, schema=FLIPS, orient="row"),
        rules=RuleChanges(new=("ACQ-101 own/t2",), changed=("GEO-003",)),
        notes=({"en": "the audit of run 4 was not complete", "zh": "第 4 次运行的检查不完整"},),
    )


def sample_trend(sites: tuple[str, ...], audits: int = 3) -> Trend:
    points = tuple(
        TrendPoint(run, state(run).ended_at, Verdict.FAIL, complete=True, other_rules=run == 2)
        for run in range(1, audits + 1)
    )
    rows = [
        (point.run, site, severity, 10 * point.run + i)
        for point, (i, site), severity in product(points, enumerate(sites), SEVERITIES)
    ]
    return Trend(points, pl.DataFrame(rows, schema=TREND, orient="row"), left_out=1)


def sample_history(sites: tuple[str, ...]) -> History:
    return History(sample_trend(sites), sample_diff(sites))
