"""The profile as the page's tables: composition, completeness, changes."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.profile.changes import LEAST_SERIES
from dqkit.profile.composition import DIMENSIONS, FEW, OTHER, Dimension
from dqkit.profile.profile import Profile
from dqkit.report.charts import Chart
from dqkit.report.timeline import timeline_of
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, pair, say

MOST_ROWS = 40
MOST_COLUMNS = 30  # groups that the heat map of completeness shows side by side
MOST_MISSING = 30
MOST_OF_ONE = 3  # rows of one attribute, so that one missing everywhere does not hide the others
MOST_CHANGES_SHOWN = 100
_NAME = 60
_OF_SERIES = frozenset(d.name for d in DIMENSIONS if d.counts == "series_key")
_LONG_NAME = 9
_MANY = 14
_WIDE = 6  # columns from which a table takes the page's whole width
_SHADES = (0.02, 0.1, 0.25, 0.5, 0.75)  # share of a row from which a cell has the next darker ground
_GAPS = (0.0, 0.05, 0.2, 0.5, 0.95)  # missing share above which a cell of completeness has the next darker ground


@dataclass(frozen=True)
class Crosstab:
    """Groups by the categories of one dimension; `cells` are (text, shade 0 to 5)."""

    title: Pair
    counted: Pair
    columns: list[Pair]
    rows: list[tuple[str, list[tuple[str, int]], str]]
    has_few: bool
    upright: bool  # names of columns too long to stand side by side
    wide: bool


@dataclass(frozen=True)
class Heat:
    """Completeness within one modality; `rows` are (attribute, cells), a cell (text, shade) or None."""

    modality: str
    groups: list[str]
    rows: list[tuple[str, list[tuple[str, int] | None]]]
    complete: str


def profile_view(profile: Profile) -> dict[str, Any]:
    """Return what the partial template of the profile shows."""
    shown = profile.groups.height
    more = profile.more_groups + max(shown - MOST_ROWS, 0)
    changes = profile.changes.tail(MOST_CHANGES_SHOWN)
    hidden = profile.more_changes + profile.changes.height - changes.height
    return {
        "lead": {lang: say("lead.profile", lang, by=by_words(profile.by)[lang]) for lang in LANGUAGES},
        "crosstabs": crosstabs(profile),
        "heats": heats(profile),
        "missing": missing_rows(profile),
        "changes": [_change(row) for row in changes.reverse().to_dicts()],
        "timeline": timeline(profile),
        "more_groups": pair("prof.more_groups", n=more) if more else None,
        "more_changes": pair("prof.more_changes", n=hidden) if hidden else None,
        "least": LEAST_SERIES,
        "few": pair("prof.few", n=FEW),
    }


def timeline(profile: Profile) -> Chart | None:
    """Return the chart of changes; None where nothing changed."""
    return timeline_of(profile.changes) if profile.changes.height else None


def by_words(by: tuple[str, ...]) -> Pair:
    """Say what one row stands for: ``a site and a scanner``."""
    return {
        lang: say("by.and", lang).join(
            WORDS[f"by.{name}"][lang] if f"by.{name}" in WORDS else say("by.other", lang, name=name) for name in by
        )
        for lang in LANGUAGES
    }


def group_name(row: dict[str, Any], by: tuple[str, ...]) -> str:
    """Name a group by its values."""
    return " · ".join(visible(row[name], _NAME) if row[name] is not None else "–" for name in by)


def crosstabs(profile: Profile) -> list[Crosstab]:
    """Return a table for every dimension that has a known category and is not what the rows are."""
    found = []
    for dimension in DIMENSIONS:
        rows = profile.composition.filter(pl.col("dimension") == dimension.name)
        if dimension.name not in profile.by and rows.get_column("category").drop_nulls().len():
            found.append(_crosstab(rows, dimension, profile.by))
    return found


def category_name(dimension: str, category: str | None) -> Pair:
    """Name a category in every language; values stay as the files have them."""
    if category is None:
        return pair("prof.none_or_several" if dimension in _OF_SERIES else "prof.not_stated")
    if category == OTHER:
        return pair("prof.other")
    if dimension == "PatientSex" and f"sex.{category}" in WORDS:
        return pair(f"sex.{category}")
    return dict.fromkeys(LANGUAGES, visible(category, _NAME))


def _crosstab(rows: pl.DataFrame, dimension: Dimension, by: tuple[str, ...]) -> Crosstab:
    columns = rows.select("rank", "category").unique("rank").sort("rank")
    ranks = columns.get_column("rank").to_list()
    sums = rows.group_by(by).agg(pl.col("n").fill_null(FEW - 1).sum().alias("all"), pl.col("rank"), pl.col("n"))
    ordered = sums.sort("all", *by, descending=[True, *(False for _ in by)], nulls_last=True).head(MOST_ROWS)
    lines = [_line(row, ranks, by) for row in ordered.to_dicts()]
    names = [category_name(dimension.name, name) for name in columns.get_column("category")]
    return Crosstab(
        title=pair(f"dim.{dimension.name}"),
        counted=pair(f"counted.{dimension.counts}"),
        columns=names,
        rows=lines,
        has_few=any(text.startswith("<") for _, cells, _ in lines for text, _ in cells),
        upright=len(names) > _MANY or any(len(name["en"]) > _LONG_NAME for name in names[:-1]),
        wide=len(names) > _WIDE,
    )


def _line(row: dict[str, Any], ranks: list[int], by: tuple[str, ...]) -> tuple[str, list[tuple[str, int]], str]:
    known = dict(zip(row["rank"], row["n"], strict=True))
    cells = []
    for rank in ranks:
        n = known.get(rank, 0)
        if n is None:
            cells.append((f"< {FEW}", 1))
        else:
            cells.append((f"{n:,}" if n else "", _shade(n / max(row["all"], 1), _SHADES)))
    total = f"{row['all']:,}" if None not in known.values() else f"≤ {row['all']:,}"
    return group_name(row, by), cells, total


def _shade(share: float, steps: tuple[float, ...]) -> int:
    return sum(share > step for step in steps)


def heats(profile: Profile) -> list[Heat]:
    """Return a heat map for each modality, the one with most series first."""
    counts = with_usable(profile.completeness)
    sizes = counts.group_by("modality").agg(pl.col("n").sum()).sort("n", "modality", descending=[True, False])
    return [_heat(counts.filter(pl.col("modality") == name), name, profile.by) for name in sizes.get_column("modality")]


def with_usable(completeness: pl.DataFrame) -> pl.DataFrame:
    """Add `usable`: series whose every image has a value that fits its type; and its `share`.

    Series of a table that has no column for an attribute do not count.
    """
    usable = pl.col("present") + pl.col("varying") - pl.col("partly_missing")
    told = completeness.with_columns(n=pl.col("n") - pl.col("not_told")).filter(pl.col("n") > 0)
    return told.with_columns(usable.alias("usable"), (usable / pl.col("n")).alias("share"))


def _heat(counts: pl.DataFrame, modality: str, by: tuple[str, ...]) -> Heat:
    own = tuple(name for name in by if name != "modality") or by
    largest = counts.group_by(own).agg(pl.col("n").max()).sort("n", *own, descending=[True, *(False for _ in own)])
    columns = largest.head(MOST_COLUMNS).select(own)
    names = [group_name(row, own) for row in columns.to_dicts()]
    worst = counts.group_by("attribute", maintain_order=True).agg(pl.col("share").min(), pl.col("rank").first())
    gaps = worst.filter(pl.col("share") < 1).sort("rank").get_column("attribute").to_list()
    full = worst.filter(pl.col("share") >= 1).sort("rank").get_column("attribute").to_list()
    cells = {(row["attribute"], group_name(row, own)): row for row in counts.to_dicts()}
    rows = [(name, [_gap(cells.get((name, group))) for group in names]) for name in gaps]
    return Heat(visible(modality, 20), names, rows, ", ".join(full))


def _gap(row: dict[str, Any] | None) -> tuple[str, int] | None:
    if row is None:
        return None
    return percent(row["usable"], row["n"]), _shade(1 - row["share"], _GAPS)


def percent(part: int, whole: int) -> str:
    """Round down, so that 100 means all, and up to 1, so that 0 means none."""
    return str(max(100 * part // whole, 1 if part else 0)) if whole else "–"


def missing_rows(profile: Profile) -> list[dict[str, str]]:
    """Return where most series lack an attribute that matters."""
    counts = with_usable(profile.completeness).filter(pl.col("share") < 1)
    lacking = (pl.col("n") - pl.col("usable")).alias("lacking")
    order = [True, *(False for _ in ("modality", "attribute", *profile.by))]
    worst = counts.with_columns(lacking).sort("lacking", "modality", "attribute", *profile.by, descending=order)
    worst = worst.filter(pl.int_range(pl.len()).over("modality", "attribute") < MOST_OF_ONE)
    names = {"absent": "absent", "empty": "empty", "untypeable": "untypeable", "partly": "partly_missing"}
    return [
        {
            "attribute": row["attribute"],
            "modality": visible(row["modality"], 20),
            "row": group_name(row, profile.by),
            "series": f"{row['n']:,}",
            "usable": f"{percent(row['usable'], row['n'])} %",
            **{key: f"{row[column]:,}" if row[column] else "–" for key, column in names.items()},
        }
        for row in worst.head(MOST_MISSING).to_dicts()
    ]


def _change(row: dict[str, Any]) -> dict[str, str]:
    return {
        "month": row["month"],
        "site": visible(row["site"] or "–", _NAME),
        "scanner": scanner_label(row),
        "attribute": row["attribute"],
        "before": visible(row["before"], _NAME),
        "after": visible(row["after"], _NAME),
        "protocols": f"{row['protocols']:,}" if row["protocols"] is not None else "–",
        "series": f"{row['series_before']:,} → {row['series_after']:,}",
    }


def scanner_label(row: dict[str, Any]) -> str:
    """Name a scanner, numbered where its site has several of the model."""
    return visible(row["scanner"], _NAME) + (f" #{row['device']}" if row["device"] is not None else "")
