"""Whether what the policy counts on is there at all: its sites, and something for each of its packs to judge."""

from collections.abc import Iterable, Sequence

import polars as pl

from dqkit.audit.coverage import Coverage
from dqkit.gate.condition import CONDITION_FINDINGS, Condition, one_finding
from dqkit.gate.kinds import NOT_COMPLETE, PACK_JUDGES_NOTHING, SITE_MISSING
from dqkit.model import Severity
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.rule import Text


def site_conditions(required: Iterable[str], sites: frozenset[str]) -> list[Condition]:
    """Return, for each required site, whether it is there."""
    missing = one_finding("no series of it", "at least one")
    return [
        Condition(SITE_MISSING, Severity.CRITICAL, site)
        if site in sites
        else Condition(SITE_MISSING, Severity.CRITICAL, site, failed=1, findings=missing)
        for site in required
    ]


def pack_conditions(packs: Sequence[Pack], coverage: Coverage) -> list[Condition]:
    """Return, for each pack that asks for a protocol, whether it judged any series: a gate must not pass on nothing."""
    judged = dict(
        coverage.judged.group_by("pack").agg(pl.col("series", "judged").sum()).select("pack", "judged").rows()
    )
    spoken = dict(coverage.judged.group_by("pack").agg(pl.col("series").sum()).rows())
    conditions = []
    for pack in packs:
        if pack.is_plain or not pack.uses:
            continue
        found = one_finding(f"{spoken.get(pack.name, 0)} series in its scope, none of them judged", "at least one")
        failed = int(not judged.get(pack.name))
        conditions.append(
            Condition(
                PACK_JUDGES_NOTHING,
                Severity.CRITICAL,
                variant=pack.name,
                failed=failed,
                findings=found if failed else found.clear(),
            )
        )
    return conditions


def completeness_condition(reasons: Sequence[Text]) -> Condition:
    """Return whether everything could be looked at; each reason why not is a finding."""
    rows = [(f"reason {number}", reason["en"], "everything is looked at") for number, reason in enumerate(reasons, 1)]
    findings = pl.DataFrame(rows, CONDITION_FINDINGS, orient="row")
    return Condition(NOT_COMPLETE, Severity.CRITICAL, evaluated=max(len(rows), 1), failed=len(rows), findings=findings)
