"""The chapter of the report that tells what changed since the last audit, and the trend."""

from typing import Any

import polars as pl

from dqkit.audit.diff import Diff
from dqkit.audit.history import History
from dqkit.report.charts import Chart
from dqkit.report.diff_view import (
    COLUMNS,
    SiteChange,
    flips_text,
    reasons_otherwise,
    rules_text,
    site_changes,
    state_text,
    total,
    verdict_text,
)
from dqkit.report.page_data import rule_title
from dqkit.report.trend_charts import trend_charts, trend_notes
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, pair, say
from dqkit.rulebook.rule import Rule

_MOST_PROBLEMS = 40
_MOST_FLIPS = 20
_TONE = {
    "broke": "critical",
    "came": "critical",
    "more": "warning",
    "mended": "pass",
    "went": "muted",
    "less": "warning",
}


def history_view(
    history: History | None, rules: dict[tuple[str, str], Rule], charts: list[tuple[int, Chart]]
) -> dict[str, Any] | None:
    """Return what the template needs; None where there is nothing to tell.

    Parameters
    ----------
    rules
        Id and variant -> rule.
    charts
        Those of `history_charts`, each with its number among those of the page.
    """
    if history is None:
        return None
    return {
        "last": _last(history.since_last, rules) if history.since_last is not None else None,
        "charts": charts,
        "notes": trend_notes(history.trend),
    }


def history_charts(history: History | None) -> list[Chart]:
    """Return the charts that the chapter draws."""
    return trend_charts(history.trend) if history is not None else []


def _last(found: Diff, rules: dict[tuple[str, str], Rule]) -> dict[str, Any]:
    rows = site_changes(found)
    whole = total(rows)
    shown = [name for name in COLUMNS if name not in ("more", "less") or whole.findings[name][0]]
    return {
        "lead": {
            lang: say("hist.from_to", lang, since=state_text(found.since, lang), until=state_text(found.until, lang))
            for lang in LANGUAGES
        },
        "notes": [dict(note) for note in found.notes] + rules_text(found),
        "verdict": {
            lang: f"{verdict_text(found.since, lang)} → {verdict_text(found.until, lang)}" for lang in LANGUAGES
        },
        "flips": [
            _flips(found, key, verdict) for key, verdict in (("hist.fails_now", "fail"), ("hist.passes_now", "pass"))
        ],
        "columns": shown,
        "tones": _TONE,
        "tiles": [(name, _TONE[name], f"{whole.findings[name][0]:,}", WORDS[f"hist.about.{name}"]) for name in shown],
        "sites": [_row(row, shown) for row in rows if row.changed],
        "otherwise": [(dict(WORDS[key]), f"{n:,}") for key, n in reasons_otherwise(found)],
        "problems": [_problem(row, rules) for row in found.problems.head(_MOST_PROBLEMS).iter_rows(named=True)],
        "more": pair("hist.more_problems", n=found.problems.height - _MOST_PROBLEMS)
        if found.problems.height > _MOST_PROBLEMS
        else None,
    }


def _flips(found: Diff, key: str, verdict: str) -> tuple[Pair, Pair] | None:
    if found.flips.filter(pl.col("now") == verdict).is_empty():
        return None
    between = {"en": "; ", "zh": "；"}
    texts = {lang: between[lang].join(flips_text(found, verdict, lang, _MOST_FLIPS)) for lang in LANGUAGES}
    return dict(WORDS[key]), texts


def _row(row: SiteChange, shown: list[str]) -> dict[str, Any]:
    return {
        "site": visible(row.site, 60) if row.site is not None else None,
        "files": _data(row, "files"),
        "series": _data(row, "series"),
        "cells": [(name, *row.findings[name]) for name in shown],
        "then": f"{row.findings['then'][0]:,}",
        "now": f"{row.findings['now'][0]:,}",
    }


def _data(row: SiteChange, kind: str) -> str:
    return " ".join(f"{sign}{n:,}" for sign, n in zip("+−~", row.data[kind], strict=True) if n) or "·"


def _problem(row: dict[str, Any], rules: dict[tuple[str, str], Rule]) -> dict[str, Any]:
    why = [(name, row[name]) for name in ("broke", "came", "mended", "went") if row[name]]
    return {
        "severity": row["severity"],
        "id": f"{visible(row['rule_id'], 30)} {visible(row['variant'] or '', 60)}".strip(),
        "title": rule_title(rules.get((row["rule_id"], row["variant"] or "")), row["rule_id"]),
        "site": visible(row["site"], 60) if row["site"] is not None else None,
        "scanner": visible(row["scanner"], 60) if row["scanner"] else "",
        "then": f"{row['then']:,}",
        "now": f"{row['now']:,}",
        "why": {lang: " · ".join(f"{say(f'hist.{name}', lang)} {n:,}" for name, n in why) for lang in LANGUAGES},
    }
