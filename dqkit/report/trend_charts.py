"""Findings of every audit as small charts, one for the archive and one a site: three rows of bars, by severity.

Each row has a scale of its own (its largest number fills it): a handful of critical findings would not show beside
hundreds of milder ones.
"""

from typing import Any

import polars as pl

from dqkit.audit.trend import Trend
from dqkit.report.charts import Chart, View
from dqkit.report.diff_view import when_text
from dqkit.report.summary import SEVERITIES
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, pair, say

SEVERITY_COLOURS = {"critical": "#c8483e", "warning": "#a8731a", "info": "#3d7fc1"}
"""Middle tones: at least 3:1 against both the light and the dark ground (WCAG 1.4.11)."""

MOST_SITES = 11
_ROW = 46  # height of a row of bars, px
_FILLED = 0.66  # of a row, by its largest number: the number itself stands above the bar
_LABELLED = 12  # audits up to which every bar has its number


def trend_charts(trend: Trend) -> list[Chart]:
    """Return the chart of the archive and those of the sites with most critical findings; none for a single audit."""
    if len(trend.points) < 2:  # noqa: PLR2004
        return []
    sites = _worst_sites(trend)
    charts = [_chart(trend, trend.rows, dict(WORDS["trend.all"]))] if len(sites) != 1 else []
    for site in sites[:MOST_SITES]:
        name = dict.fromkeys(LANGUAGES, visible(site, 60))
        charts.append(_chart(trend, trend.rows.filter(pl.col("site") == site), name))
    return charts


def sites_left_out(trend: Trend) -> int:
    """Return how many sites have no chart of their own."""
    return max(len(_worst_sites(trend)) - MOST_SITES, 0)


def _worst_sites(trend: Trend) -> list[str]:
    """Return the sites, those with most critical findings in any audit first."""
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    rows = trend.rows.drop_nulls("site").with_columns(rank=pl.col("severity").replace_strict(rank, default=9))
    wide = rows.group_by("site").agg(
        *(pl.col("findings").filter(pl.col("rank") == place).max().fill_null(0).alias(str(place)) for place in range(3))
    )
    return [str(site) for site in wide.sort("0", "1", "2", "site", descending=[True, True, True, False])["site"]]


def counts(trend: Trend, rows: pl.DataFrame, severity: str) -> list[int]:
    """Return the findings of one severity in every audit of the trend."""
    summed = rows.filter(severity=severity).group_by("run").agg(pl.col("findings").sum())
    found = dict(summed.iter_rows())
    return [int(found.get(point.run, 0)) for point in trend.points]


def _chart(trend: Trend, rows: pl.DataFrame, name: Pair) -> Chart:
    numbers = {severity: counts(trend, rows, severity) for severity in SEVERITIES}
    audits = [f"{when_text(point.ended_at)} (#{point.run})" for point in trend.points]
    drawn = [
        {
            "row": audit, "severity": severity, "n": n,
            "low": len(SEVERITIES) - 1 - place, "high": len(SEVERITIES) - 1 - place + _FILLED * n / max(most, 1),
        }
        for place, severity in enumerate(SEVERITIES)
        for most in [max(numbers[severity])]
        for audit, n in zip(audits, numbers[severity], strict=True)
    ]  # fmt: skip
    table = [
        {"row": audit, **{severity: f"{numbers[severity][i]:,}" for severity in SEVERITIES}}
        for i, audit in enumerate(audits)
    ]
    spec = {lang: _spec(drawn, len(audits), lang) for lang in LANGUAGES}
    view = View(drawn, table, spec)
    listed = {severity: ", ".join(f"{n:,}" for n in numbers[severity]) for severity in SEVERITIES}
    about = {lang: say("trend.about", lang, name=name[lang], **listed) for lang in LANGUAGES}
    return Chart("trend", dict.fromkeys(LANGUAGES, ""), name, about, {"site": view, "scanner": view})


def _spec(rows: list[dict[str, Any]], audits: int, lang: str) -> dict[str, Any]:
    import altair as alt

    order = list(dict.fromkeys(row["row"] for row in rows))
    named = " : ".join(
        f"datum.value == {len(SEVERITIES) - 1 - place + 0.25} ? '{say(severity, lang)}'"
        for place, severity in enumerate(SEVERITIES)
    )
    places = [len(SEVERITIES) - 1 - place + 0.25 for place in range(len(SEVERITIES))]
    base = alt.Chart(alt.NamedData(name="rows")).encode(
        x=alt.X(
            "row:O", title=None, sort=order, scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2),
            axis=alt.Axis(labelAngle=0, labelOverlap=True, labelExpr="slice(datum.label, 0, 10)", ticks=False),
        ),
        color=alt.Color(
            "severity:N", legend=None,
            scale=alt.Scale(domain=list(SEVERITY_COLOURS), range=list(SEVERITY_COLOURS.values())),
        ),
        tooltip=[
            alt.Tooltip("row:O", title=say("trend.audit", lang)),
            alt.Tooltip("severity:N", title=say("severity", lang)),
            alt.Tooltip("n:Q", title=say("hist.findings", lang), format=","),
        ],
    )  # fmt: skip
    y = alt.Y(
        "low:Q", title=None, scale=alt.Scale(domain=[0, len(SEVERITIES)], nice=False),
        axis=alt.Axis(values=places, labelExpr=f"{named} : ''", grid=False, ticks=False, labelPadding=8),
    )  # fmt: skip
    wide = alt.RelativeBandSize(band=min(0.1 + audits / 10, 1.0))  # two bars alone would fill the panel
    bars = base.mark_bar(aria=False, width=wide).encode(y=y, y2="high:Q")
    texts = base.mark_text(aria=False, dy=-7, fontSize=11.5).encode(
        y=alt.Y("high:Q"), text=alt.Text("n:Q", format=","), color=alt.value("currentColor")
    )
    layers = alt.layer(bars, texts) if audits <= _LABELLED else alt.layer(bars)
    chart = layers.properties(
        width="container", height=_ROW * len(SEVERITIES), autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)
    for key in ("$schema", "config", "usermeta"):
        spec.pop(key, None)
    return spec


def trend_notes(trend: Trend) -> list[Pair]:
    """Say what the trend does not show, and where rules changed."""
    notes = []
    if trend.left_out:
        notes.append(pair("trend.left_out", n=trend.left_out))
    if trend.earlier:
        notes.append(pair("trend.earlier", n=trend.earlier))
    if left := sites_left_out(trend):
        notes.append(pair("trend.more_sites", n=left))
    other = [f"#{point.run}" for point in trend.points if point.other_rules]
    if other:
        notes.append(pair("trend.other_rules", runs=", ".join(other)))
    return notes
