"""What changed between two audits, laid out for the page and the terminal."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dqkit.audit.diff import Diff
from dqkit.audit.states import State
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, pair, say

COLUMNS = ("broke", "came", "more", "mended", "went", "less")
"""Columns of findings, in the order of reports: what is new, then what is gone."""

_NEW, _GONE = ("broke", "came"), ("mended", "went")
_KINDS = ("files", "series", "studies", "patients")


@dataclass(frozen=True)
class SiteChange:
    """A site: what became of its data, and of its findings.

    Attributes
    ----------
    site
        None = rules that speak of the whole archive.
    data
        files, series, studies, patients -> (new, gone, changed).
    findings
        A key of COLUMNS, ``now`` or ``then`` -> (findings, those of them that are critical).
    """

    site: str | None
    data: dict[str, tuple[int, int, int]]
    findings: dict[str, tuple[int, int]]

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return any(any(numbers) for numbers in self.data.values()) or any(self.findings[name][0] for name in COLUMNS)


def site_changes(found: Diff) -> list[SiteChange]:
    """Return a row a site, and one of the archive where rules speak of it."""
    sites = [*found.inventory["site"].unique().sort(), *found.counts["site"].unique().sort()]
    named = list(dict.fromkeys(site for site in sites if site is not None))
    return [_site(found, site) for site in [*named, *([None] if found.counts["site"].has_nulls() else [])]]


def total(rows: list[SiteChange]) -> SiteChange:
    """Return the sum of all sites."""
    return SiteChange(
        None,
        {kind: _added([row.data[kind] for row in rows], 3) for kind in _KINDS},  # type: ignore[misc]
        {name: _added([row.findings[name] for row in rows], 2) for name in (*COLUMNS, "now", "then")},  # type: ignore[misc]
    )


def _added(numbers: list[Any], width: int) -> tuple[int, ...]:
    return tuple(sum(one[i] for one in numbers) for i in range(width))


def _site(found: Diff, site: str | None) -> SiteChange:
    here = pl.col("site").eq_missing(pl.lit(site, dtype=pl.String))
    data = dict.fromkeys(_KINDS, (0, 0, 0))
    for row in found.inventory.filter(here).iter_rows(named=True):
        data[row["what"]] = (row["new"], row["gone"], row["changed"])
    counts = found.counts.filter(here)
    return SiteChange(site, data, {name: _number(counts, name) for name in (*COLUMNS, "now", "then")})


def _number(counts: pl.DataFrame, name: str) -> tuple[int, int]:
    change, why = pl.col("change"), pl.col("why")
    tests = {
        "more": (change == "new") & ~why.is_in(_NEW),
        "less": (change == "gone") & ~why.is_in(_GONE),
        "now": change != "gone",
        "then": change != "new",
    }
    rows = counts.filter(tests.get(name, why == name))
    return int(rows["findings"].sum()), int(rows.filter(severity="critical")["findings"].sum())


def reasons_otherwise(found: Diff) -> list[tuple[str, int]]:
    """Return why findings are new or gone but for the data, and how many: (key of WORDS, number)."""
    of_data = ("", *_NEW, *_GONE)
    rows = found.counts.filter(~pl.col("why").is_in(of_data)).group_by("why").agg(pl.col("findings").sum())
    return [(f"why.{why}", int(n)) for why, n in rows.sort("findings", "why", descending=[True, False]).iter_rows()]


def rules_text(found: Diff) -> list[Pair]:
    """Say how the rules changed."""
    rules = found.rules
    told = [
        pair(f"hist.rules.{name}", n=len(labels))
        for name, labels in (("new", rules.new), ("gone", rules.gone), ("changed", rules.changed))
        if labels
    ]
    if rules.unsure:
        told.append(dict(WORDS["hist.rules.unsure"]))
    if not told:
        return []
    joined = {lang: {"en": "; ", "zh": "；"}[lang].join(one[lang] for one in told) for lang in LANGUAGES}
    end = {"en": ".", "zh": "。"}
    return [
        {lang: joined[lang][:1].upper() + joined[lang][1:] + end[lang] for lang in LANGUAGES},
        dict(WORDS["hist.rules.apart"]),
    ]


def state_text(state: State, lang: str) -> str:
    """Say which run that is, and when it ended."""
    return say("hist.run", lang, run=str(state.run), command=state.command, when=when_text(state.ended_at))


def when_text(when: datetime) -> str:
    """Say when a run ended, in UTC as all reports do."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def verdict_text(state: State, lang: str) -> str:
    """Say the verdict that held then."""
    if state.audit is None:
        return "–"
    return say(f"hist.verdict.{state.audit.verdict.value}", lang)


def flips_text(found: Diff, verdict: str, lang: str, most: int) -> list[str]:
    """Name rules whose verdict turned to `verdict` (pass, fail), with their sites."""
    rows = found.flips.filter(now=verdict)
    texts = []
    for row in rows.head(most).iter_rows(named=True):
        site = say("archive", lang) if row["site"] is None else visible(row["site"], 60)
        texts.append(f"{row['rule_id']} {row['variant']}".strip() + f" · {site}")
    if rows.height > most:
        texts.append(say("hist.more_problems", lang, n=rows.height - most))
    return texts
