"""The report as one HTML file that works offline, in English and Chinese."""

import base64
import hashlib
import json
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from dqkit.audit.result import AuditResult
from dqkit.report.charts import charts_of
from dqkit.report.glance_view import modality_bars, scanner_rows, site_table, tiles
from dqkit.report.page_data import MOST_PROBLEMS, page_data
from dqkit.report.palette import DARK, LIGHT, as_css
from dqkit.report.pictures import pictures_for_page
from dqkit.report.scope import only_site
from dqkit.report.summary import SEVERITIES, by_severity, verdict_key
from dqkit.report.verdict_view import because, decides, first_steps, headline, reading
from dqkit.report.visible import visible
from dqkit.report.words import HTML_LANG, LANGUAGES, WORDS, Pair, pair, say

_TEMPLATES = Path(__file__).parent / "templates"
_NAV = ("verdict", "glance", "sites", "charts", "problems", "findings", "coverage", "reading")
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
    scripts = [_script(name) for name in ("report.js", "charts.js")]
    if charts:
        scripts.insert(1, _vega())
    else:
        scripts.pop()
    return _template().render(
        **_verdict(shown, site),
        **_glance(shown),
        lang=lang,
        html_lang=HTML_LANG,
        w=WORDS,
        nav=_NAV,
        severities=SEVERITIES,
        charts=charts,
        cut=_cut(shown),
        css=_text("report.css"),
        light=as_css(LIGHT),
        dark=as_css(DARK),
        scripts=scripts,
        script_hashes=" ".join(_hash(script) for script in scripts),
        data=as_script_data(page_data(shown, charts, pictures_for_page(shown))),
    )


def as_script_data(data: dict[str, Any]) -> str:
    """Write `data` as JSON that cannot end or escape a ``<script>`` element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


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
        "incomplete": [visible(reason, 300) for reason in judgement.incomplete_because],
        "checked": pair("checked", when=when, version=visible(result.dqkit_version, 40)),
        "tally": [(name, problems[name], _tally(problems[name], findings[name])) for name in SEVERITIES],
        "first": first_steps(result),
        "decides": rules,
        "decides_more": more,
        "reading": reading(result),
    }


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


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2")


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    return _inline(_text(name))


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, about 0.9 MB; vl-convert carries them."""
    import vl_convert

    return _inline(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _inline(script: str) -> str:
    """Make `script` safe inside its element; both replacements mean the same inside strings of JavaScript."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
