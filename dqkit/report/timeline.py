"""Which scanner changed what when, as a Vega-Lite chart."""

from typing import Any

import polars as pl

from dqkit.report.charts import OTHER_COLOUR, Chart, View
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, pair, say

_MOST_ROWS = 25
_STEP = 26  # height of a row, px

_KINDS = {
    "software": ("SoftwareVersions",),
    "kernel": ("ConvolutionKernel",),
    "geometry": ("SliceThickness", "PixelSpacing", "ReconstructionDiameter"),
    "timing": (
        "RepetitionTime", "EchoTime", "InversionTime", "FlipAngle", "EchoTrainLength", "PixelBandwidth",
        "MRAcquisitionType",
    ),
    "dose": ("KVP",),
}  # fmt: skip
_LOOKS = {
    "software": ("#a0559c", "diamond"),
    "kernel": ("#c0622d", "square"),
    "geometry": ("#3d7fc1", "circle"),
    "timing": ("#3b8a5e", "triangle-up"),
    "dose": ("#7f7a1f", "triangle-down"),
    "else": (OTHER_COLOUR, "cross"),
}
"""Colour and shape by kind of change: neither has to be told apart alone."""


def timeline_of(changes: pl.DataFrame) -> Chart:
    """Return the chart of `changes` (profile.changes), the scanners that changed last in rows."""
    kind_of = {name: kind for kind, names in _KINDS.items() for name in names}
    rows = [
        {
            "row": _row(change),
            "month": change["month"],
            "kind": kind_of.get(change["attribute"], "else"),
            "what": change["attribute"],
            "change": f"{visible(change['before'], 40)} → {visible(change['after'], 40)}",
            "n": change["series_after"],
        }
        for change in changes.reverse().to_dicts()
    ]
    kept = set(list(dict.fromkeys(row["row"] for row in rows))[:_MOST_ROWS])
    shown = sorted((row for row in rows if row["row"] in kept), key=lambda row: (row["row"], row["month"]))
    months = changes.get_column("month")
    about = pair("prof.chart", n=changes.height, first=str(months.min()), last=str(months.max()))
    view = View(shown, [], {lang: _spec(shown, lang) for lang in LANGUAGES})
    return Chart(
        "changes", dict.fromkeys(LANGUAGES, ""), pair("h.prof.changes"), about, {"site": view, "scanner": view}
    )


def _row(change: dict[str, Any]) -> str:
    device = f" #{change['device']}" if change["device"] is not None else ""
    return f"{visible(change['site'] or '–', 40)} · {visible(change['scanner'], 50)}{device}"


def _spec(rows: list[dict[str, Any]], lang: str) -> dict[str, Any]:
    import altair as alt

    kinds = [kind for kind in _LOOKS if any(row["kind"] == kind for row in rows)]
    words = {kind: say(f"kind.{kind}", lang) for kind in kinds}
    label = " : ".join(f"datum.value == '{kind}' ? '{word}'" for kind, word in words.items()) + " : ''"
    legend = alt.Legend(title=None, orient="top", columns=6, labelExpr=label)
    chart = (
        alt.Chart(alt.NamedData(name="rows"))
        .mark_point(size=110, filled=True, opacity=0.85, aria=False)
        .encode(
            x=alt.X("month:T", title=None, axis=alt.Axis(format="%Y-%m", labelOverlap=True, tickCount=8)),
            y=alt.Y("row:N", title=None, sort=None, axis=alt.Axis(labelLimit=380, ticks=False, labelPadding=10)),
            color=alt.Color(
                "kind:N", scale=alt.Scale(domain=kinds, range=[_LOOKS[kind][0] for kind in kinds]), legend=legend
            ),
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=kinds, range=[_LOOKS[kind][1] for kind in kinds]), legend=legend
            ),
            tooltip=[
                alt.Tooltip("row:N", title=say("scanner", lang)),
                alt.Tooltip("month:T", title=say("prof.month", lang), format="%Y-%m"),
                alt.Tooltip("what:N", title=say("prof.changed", lang)),
                alt.Tooltip("change:N", title=say("prof.after", lang)),
                alt.Tooltip("n:Q", title=say("series", lang), format=","),
            ],
        )
        .properties(
            width="container",
            height=_STEP * max(len({row["row"] for row in rows}), 2),
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)
    for key in ("$schema", "config", "usermeta"):
        spec.pop(key, None)
    return spec
