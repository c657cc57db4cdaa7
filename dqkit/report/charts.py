"""Distributions of acquisition parameters as Vega-Lite charts, each with a table that says the same."""

import itertools
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, pair, say

MEASURES = ("SliceThickness", "slice_step_mm", "PixelSpacing", "KVP", "MagneticFieldStrength", "Rows")
"""In the order that the report shows them."""

MODALITY_COLOURS = {
    "CT": "#3d7fc1", "MR": "#c0622d", "MG": "#a0559c", "CR": "#3b8a5e", "DX": "#7f7a1f", "PT": "#c04a63",
    "US": "#5c78a8",
}  # fmt: skip
"""Middle tones: at least 3:1 against both the light and the dark ground (WCAG 1.4.11)."""

OTHER_COLOUR = "#7d8590"
_OTHER = "…"  # modalities without a colour of their own, as the data calls them

_MOST_ROWS = 20
_MOST_VALUES = 40
_LABEL = 60
_FEW = 8
_STEP = 30  # height of a row, px
_DIGITS = ",.4~r"  # d3-format: four significant digits, no trailing zeros
_LOG_FROM = 60  # largest : smallest from which a linear axis would crush the small values


@dataclass(frozen=True)
class View:
    """One grouping of a measure: the rows to draw and to list, and the chart in every language."""

    rows: list[dict[str, Any]]
    table: list[dict[str, str]]
    spec: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Chart:
    """One measure by site and by scanner; `about` says in a sentence what the picture shows."""

    measure: str
    unit: Pair
    title: Pair
    about: Pair
    views: dict[str, View]


def charts_of(distributions: pl.DataFrame) -> list[Chart]:
    """Return a chart for every measure of `distributions` (profile/glance.py) that has a value."""
    coloured = pl.col("modality").is_in(list(MODALITY_COLOURS))
    ready = distributions.filter(pl.col("value").is_finite() & (pl.col("n") > 0)).with_columns(
        pl.col("site", "scanner").fill_null("–"),
        pl.when(coloured).then("modality").otherwise(pl.lit(_OTHER)).alias("modality"),
    )
    found = set(ready.get_column("measure").to_list())
    return [_chart(ready.filter(pl.col("measure") == name), name) for name in MEASURES if name in found]


def number(value: float) -> str:
    """Write a measured value with as many digits as it needs: 0.703, 1.25, 120."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:,.0f}"  # noqa: PLR2004


def _chart(frame: pl.DataFrame, measure: str) -> Chart:
    unit = _unit(str(frame.get_column("unit").drop_nulls().first() or ""))
    site, scanner = (_named(frame, *columns) for columns in (("site",), ("site", "scanner")))
    about = {
        lang: say(
            "chart.about", lang, measure=WORDS[f"measure.{measure}"][lang], unit=unit[lang],
            n=int(frame.get_column("n").sum()), low=number(_quantile(frame, 0)), high=number(_quantile(frame, 1)),
            median=number(_quantile(frame, 0.5)), groups=site.get_column("row").n_unique(),
        )
        for lang in LANGUAGES
    }  # fmt: skip
    views = {"site": _view(site, unit, 200), "scanner": _view(scanner, unit, 420)}
    return Chart(measure, unit, pair(f"measure.{measure}"), about, views)


def _unit(unit: str) -> Pair:
    return WORDS.get(f"unit.{unit}") or dict.fromkeys(LANGUAGES, unit)


def _named(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Add `row`, the label of the row that a value stands in; two groups never share one."""
    groups = frame.select(columns).unique().sort(columns)
    labels: list[str] = []
    for group in groups.iter_rows():
        label = " · ".join(visible(value, _LABEL) for value in group)
        again = sum(other == label or other.startswith(f"{label} (") for other in labels)
        labels.append(f"{label} ({again + 1})" if again else label)
    return frame.join(groups.with_columns(row=pl.Series(labels, dtype=pl.String)), on=columns, how="left")


def _binned(frame: pl.DataFrame) -> pl.DataFrame:
    """Round values so that at most `_MOST_VALUES` remain, at the same relative width when they span decades."""
    value = frame.get_column("value")
    if value.n_unique() <= _MOST_VALUES:
        return frame
    low, high = _ends(value)
    width = (high - low) / _MOST_VALUES
    if low > 0 and high / low >= _LOG_FROM:
        ratio = (high / low) ** (1 / _MOST_VALUES)
        step = ((pl.col("value") / low).log(ratio)).round(0)
        return frame.with_columns(value=(low * pl.lit(ratio).pow(step)).round_sig_figs(3))
    return frame.with_columns(value=(low + ((pl.col("value") - low) / width).round(0) * width).round_sig_figs(3))


def _cut(frame: pl.DataFrame) -> pl.DataFrame:
    """Make the rows beyond the largest `_MOST_ROWS` one row, called ``… +12``; sort rows by name, that one last."""
    sizes = frame.group_by("row").agg(pl.col("n").sum()).sort("n", "row", descending=[True, False])
    kept = sizes.head(_MOST_ROWS).get_column("row").to_list()
    rest = f"… +{sizes.height - len(kept)}"
    is_kept = pl.col("row").is_in(kept)
    return (
        frame.with_columns(row=pl.when(is_kept).then("row").otherwise(pl.lit(rest)), rest=~is_kept)
        .sort("rest", "row", "modality", "value")
        .drop("rest")
    )


def _view(named: pl.DataFrame, unit: Pair, limit: int) -> View:
    domain, log = _axis(named.get_column("value"))
    cut = _cut(named)
    dots = (
        _binned(cut.with_columns(order=pl.col("row").rle_id()))
        .group_by("order", "row", "modality", "value")
        .agg(pl.col("n").sum())
        .sort("order", "n", "modality", "value", descending=[False, True, False, False])  # small dots on top
        .drop("order")
    )
    return View(
        rows=dots.to_dicts(),
        table=[_table_row(part) for part in cut.partition_by("row", maintain_order=True)],
        spec={lang: _spec(dots, unit[lang], (domain, log), limit, lang) for lang in LANGUAGES},
    )


def _table_row(part: pl.DataFrame) -> dict[str, str]:
    return {
        "row": str(part.get_column("row").first()),
        "n": f"{part.get_column('n').sum():,}",
        **{key: number(_quantile(part, q)) for key, q in (("min", 0.0), ("median", 0.5), ("max", 1.0))},
    }


def _quantile(part: pl.DataFrame, share: float) -> float:
    """Weighted lower quantile of `value` by `n`."""
    ordered = part.sort("value")
    total = int(ordered.get_column("n").sum())
    reached = ordered.get_column("n").cum_sum() >= max(share * total, 1)
    return float(ordered.get_column("value").filter(reached)[0])


def _ends(value: pl.Series) -> tuple[float, float]:
    return float(value.min()), float(value.max())  # type: ignore[arg-type]


def _axis(value: pl.Series) -> tuple[list[float], bool]:
    """Return the axis' ends with room for the dots, and whether it is logarithmic."""
    low, high = _ends(value)
    if low > 0 and high / low >= _LOG_FROM:
        return [low / 1.4, high * 1.4], True
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return [low - room, high + room], False


def _spec(rows: pl.DataFrame, unit: str, axis: tuple[list[float], bool], limit: int, lang: str) -> dict[str, Any]:
    """Return the Vega-Lite specification; `limit` is the room for a row's name in px."""
    import altair as alt

    domain, log = axis
    modalities = sorted(rows.get_column("modality").unique().to_list())
    colours = [MODALITY_COLOURS.get(name, OTHER_COLOUR) for name in modalities]
    scale = (
        alt.Scale(type="log", domain=domain, nice=False) if log else alt.Scale(domain=domain, nice=False, zero=False)
    )
    ticks = _ticks(sorted(rows.get_column("value").unique().to_list()), domain, log=log)
    other = f"datum.label == '{_OTHER}' ? '{say('chart.other', lang)}' : datum.label"
    chart = (
        alt.Chart(alt.NamedData(name="rows"))
        .mark_circle(opacity=0.85, aria=False)
        .encode(
            x=alt.X("value:Q", title=unit, scale=scale, axis=alt.Axis(labelOverlap=True, format=_DIGITS, **ticks)),
            y=alt.Y("row:N", title=None, sort=None, axis=alt.Axis(labelLimit=limit, ticks=False, labelPadding=10)),
            size=alt.Size("n:Q", scale=alt.Scale(range=[18, 420]), legend=None),
            color=alt.Color(
                "modality:N",
                scale=alt.Scale(domain=modalities, range=colours),
                legend=alt.Legend(title=None, orient="top", columns=6, symbolType="circle", labelExpr=other),
            ),
            tooltip=[
                alt.Tooltip("row:N", title=say("where", lang)),
                alt.Tooltip("modality:N", title=say("modality", lang)),
                alt.Tooltip("value:Q", title=unit or say("observed", lang), format=_DIGITS),
                alt.Tooltip("n:Q", title=say("chart.count", lang), format=","),
            ],
        )
        .properties(
            width="container",
            height=_STEP * rows.get_column("row").n_unique(),
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)
    for key in ("$schema", "config", "usermeta"):
        spec.pop(key, None)
    return spec


def _ticks(values: list[float], domain: list[float], *, log: bool) -> dict[str, Any]:
    """Return ticks at the values themselves where they are few, at 1, 2, 5, 10 … on a logarithmic axis."""
    if log:
        steps = [digit * 10.0**power for power in range(-6, 10) for digit in (1, 2, 5)]
        return {"values": [step for step in steps if domain[0] <= step <= domain[1]]}
    few = len(values) <= _FEW and _apart(values, domain)
    return {"values": values} if few else {"tickCount": _FEW}


def _apart(values: list[float], domain: list[float]) -> bool:
    """Whether ticks at every value would leave room for their labels."""
    gaps = [b - a for a, b in itertools.pairwise(values)]
    return all(gap > (domain[1] - domain[0]) * 0.06 for gap in gaps)
