"""The report as one HTML file that works offline, in English and Chinese."""

from datetime import UTC
from typing import Any

import polars as pl

from dqkit.audit.result import AuditResult
from dqkit.profile.profile import Profile
from dqkit.report.charts import Chart, charts_of
from dqkit.report.coverage_view import coverage_view
from dqkit.report.glance_view import modality_bars, scanner_rows, site_table, tiles
from dqkit.report.history_view import history_charts, history_view
from dqkit.report.page import as_script_data, rendered
from dqkit.report.page_data import MOST_PROBLEMS, page_data
from dqkit.report.pictures import pictures_for_page
from dqkit.report.profile_view import profile_view, timeline
from dqkit.report.scope import only_site
from dqkit.report.summary import SEVERITIES, by_severity, rules_by_key, verdict_key
from dqkit.report.verdict_view import because, decides, first_steps, headline, reading
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, Pair, pair, say
from dqkit.rulebook.rule import Text

_NAV = (
    "verdict", "glance", "sites", "history", "charts", "profile", "problems", "findings", "packs", "coverage",
    "reading",
)  # fmt: skip
_SITE_FIGURES = ("patients", "studies", "series", "scanners")


def render_html(result: AuditResult, lang: str = "en", site: str | None = None) -> str:
    """Render `result` as one self-contained HTML page.

    The page loads nothing: its Content-Security-Policy forbids every request and runs only the scripts whose
    hashes it names. It holds no identifying value (PS3.15 Table E.1-1): places are pseudonyms, dates are years.

    Parameters
    ----------
    lang
        ``en`` or ``zh``: the language that the page opens in; it holds both.
    site
        Render what is known of this site alone, free of the others' names.

    Raises
    ------
    DqkitError
        There is no such site.
    """
    shown = only_site(result, site) if site is not None else result
    charts = charts_of(shown.glance.distributions)
    of_data = [*charts, *_timeline(shown.profile)]
    of_history = history_charts(shown.history)
    drawn = [*of_data, *of_history]
    return rendered(
        "report",
        lang,
        with_charts=bool(drawn),
        **_verdict(shown, site),
        **_glance(shown),
        nav=[name for name in _NAV if _is_there(name, shown)],
        recognised=coverage_view(shown.coverage),
        **_profile(shown.profile),
        history=history_view(shown.history, rules_by_key(shown), list(enumerate(of_history, start=len(of_data)))),
        severities=SEVERITIES,
        charts=charts,
        cut=_cut(shown),
        data=as_script_data(page_data(shown, drawn, pictures_for_page(shown))),
    )


def _is_there(section: str, result: AuditResult) -> bool:
    if section == "packs":
        return coverage_view(result.coverage) is not None
    if section == "history":
        return result.history is not None
    return section != "profile" or result.profile is not None


def _timeline(profile: Profile | None) -> list[Chart]:
    chart = timeline(profile) if profile is not None else None
    return [chart] if chart else []


def _profile(profile: Profile | None) -> dict[str, Any]:
    return {"profile": profile_view(profile) if profile is not None else None, "fill_pair": pair, "folds_open": 4}


def _verdict(result: AuditResult, site: str | None) -> dict[str, Any]:
    judgement = result.judgement
    rules, more = decides(result)
    problems = by_severity(result.problems, pl.len())
    findings = by_severity(result.problems, pl.col("findings").sum())
    when = result.finished_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return {
        "key": verdict_key(result),
        "title": visible(result.title),
        "headline": headline(result, site),
        "because": because(result),
        "complete": judgement.complete,
        "incomplete": [_visible(reason) for reason in judgement.incomplete_because],
        "checked": pair("checked", when=when, version=visible(result.dqkit_version, 40)),
        "tally": [(name, problems[name], _tally(problems[name], findings[name])) for name in SEVERITIES],
        "first": first_steps(result),
        "decides": rules,
        "decides_more": more,
        "reading": reading(result),
    }


def _visible(reason: Text) -> Pair:
    return {lang: visible(reason[lang], 300) for lang in LANGUAGES}


def _tally(problems: int, findings: int) -> Pair:
    found = pair("count.findings", n=findings)
    return {lang: say("tally", lang, n=problems, findings=found[lang]) for lang in LANGUAGES}


def _glance(result: AuditResult) -> dict[str, Any]:
    return {
        "tiles": tiles(result.glance),
        "modalities": modality_bars(result.glance.modalities),
        "scanners": scanner_rows(result.glance.scanners),
        "sites": site_table(result, _SITE_FIGURES),
        "site_figures": _SITE_FIGURES,
    }


def _cut(result: AuditResult) -> dict[str, str] | None:
    all_of_them = result.problems.height
    return pair("problems_cut", n=MOST_PROBLEMS, all=all_of_them) if all_of_them > MOST_PROBLEMS else None
