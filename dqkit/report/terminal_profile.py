"""A profile for the terminal: who sent what, what is incomplete, what it is made of, what changed."""

from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dqkit.profile.composition import DIMENSIONS, FEW
from dqkit.profile.profile import Profile
from dqkit.report.profile_view import category_name, crosstabs, group_name, percent, scanner_label, with_usable
from dqkit.report.visible import visible
from dqkit.report.words import WORDS, pair, say

_MOST_GROUPS = 25
_MOST_MODALITIES = 8
_MOST_ATTRIBUTES = 12
_MOST_CATEGORIES = 6
_MOST_CHANGES = 10
_MOST_NAME = 40


def print_profile(profile: Profile, console: Console, lang: str = "en", written: tuple[Path, ...] = ()) -> None:
    """Print the few tables that a person wants first.

    Parameters
    ----------
    written
        Files that hold the rest, named at the end.
    """
    _print_groups(profile, console, lang)
    _print_incomplete(profile, console, lang)
    _print_composition(profile, console, lang)
    _print_changes(profile, console, lang)
    _print_written(written, console, lang)


def _print_written(written: tuple[Path, ...], console: Console, lang: str) -> None:
    if written:
        console.print()
    for path in written:
        label = say("prof.page" if path.suffix == ".html" else "prof.files", lang)
        console.print(Text.assemble((f"{label}{say('colon', lang)}", "dim"), visible(path, 4096)), soft_wrap=True)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _table(*, header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=header)


def _print_groups(profile: Profile, console: Console, lang: str) -> None:
    cross = next((table for table in crosstabs(profile) if table.title == pair("dim.modality")), None)
    if cross is None:
        return
    few = max(1, min(_MOST_MODALITIES, (console.width - _MOST_NAME) // 9))
    table = _table()
    table.add_column("", overflow="fold")
    for name in cross.columns[:few]:
        table.add_column(name[lang], justify="right", no_wrap=True)
    table.add_column(say("prof.all", lang), justify="right", no_wrap=True)
    room = max(_MOST_NAME, console.width - 9 * (few + 1))
    for row, cells, total in cross.rows[:_MOST_GROUPS]:
        shown = [Text(text) if text else Text("–", style="dim") for text, _ in cells[:few]]
        table.add_row(Text(visible(row, room), style="bold"), *shown, Text(total))
    console.print(table)
    left = profile.groups.height + profile.more_groups - min(len(cross.rows), _MOST_GROUPS)
    if left > 0:
        console.print(Text(f"… +{left:,}", style="dim"))


def _print_incomplete(profile: Profile, console: Console, lang: str) -> None:
    counts = with_usable(profile.completeness)
    if counts.is_empty():
        return
    _heading(console, say("prof.complete_terminal", lang))
    total = counts.group_by("modality", "attribute").agg(
        pl.col("n", "usable").sum(), pl.col("absent", "empty", "untypeable", "partly_missing").sum()
    )
    lacking = total.filter(pl.col("usable") < pl.col("n"))
    if lacking.is_empty():
        console.print(Padding(Text(say("prof.all_complete", lang)), (0, 0, 0, 2)))
        return
    ordered = lacking.sort(pl.col("n") - pl.col("usable"), "modality", "attribute", descending=[True, False, False])
    table = _table()
    heads = ("modality", "prof.attribute", "prof.usable", "prof.absent", "prof.empty", "prof.worst")
    for i, head in enumerate(heads):
        table.add_column(say(head, lang), justify="left" if i in {0, 1, len(heads) - 1} else "right", overflow="fold")
    for row in ordered.head(_MOST_ATTRIBUTES).to_dicts():
        table.add_row(*_incomplete_row(row, counts, profile.by))
    console.print(table)
    if ordered.height > _MOST_ATTRIBUTES:
        console.print(Text(f"… +{ordered.height - _MOST_ATTRIBUTES}", style="dim"))


def _incomplete_row(row: dict[str, Any], counts: pl.DataFrame, by: tuple[str, ...]) -> list[Text]:
    own = counts.filter(modality=row["modality"], attribute=row["attribute"])
    worst = own.sort("share", "n", descending=[False, True]).row(0, named=True)
    where = f"{visible(group_name(worst, by), _MOST_NAME)} {percent(worst['usable'], worst['n'])} %"
    texts = [
        visible(row["modality"], 12), row["attribute"], f"{percent(row['usable'], row['n'])} %", f"{row['absent']:,}",
        f"{row['empty']:,}", where,
    ]  # fmt: skip
    return [Text(text) for text in texts]


def _print_composition(profile: Profile, console: Console, lang: str) -> None:
    shown = [d for d in DIMENSIONS if d.name != "modality"]
    rows = profile.composition.with_columns(pl.col("n").fill_null(FEW - 1))
    sums = rows.group_by("dimension", "rank", "category").agg(pl.col("n").sum()).sort("dimension", "rank")
    _heading(console, say("h.profile", lang))
    table = _table(header=False)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for dimension in shown:
        own = sums.filter(pl.col("dimension") == dimension.name)
        if own.get_column("category").drop_nulls().len():
            table.add_row(Text(WORDS[f"dim.{dimension.name}"][lang]), _shares(own, dimension.name, lang))
    console.print(table, soft_wrap=False)


def _shares(rows: pl.DataFrame, dimension: str, lang: str) -> Text:
    """Say the share of each category, the commonest where there are many."""
    whole = int(rows.get_column("n").sum())
    kept = rows.sort("n", descending=True).head(_MOST_CATEGORIES).sort("rank")
    parts = [
        f"{category_name(dimension, row['category'])[lang]}{say('colon', lang)}{percent(row['n'], whole)} %"
        for row in kept.to_dicts()
    ]
    left = rows.height - kept.height
    return Text(" · ".join([*parts, *([f"… +{left}"] if left else [])]))


def _print_changes(profile: Profile, console: Console, lang: str) -> None:
    if profile.changes.is_empty():
        return
    _heading(console, say("h.prof.changes", lang))
    table = _table(header=False)
    for _ in range(3):
        table.add_column("", overflow="fold")
    for row in profile.changes.tail(_MOST_CHANGES).reverse().to_dicts():
        where = f"{visible(row['site'] or '–', _MOST_NAME)} · {scanner_label(row)}"
        what = f"{row['attribute']}{say('colon', lang)}{visible(row['before'], 30)} → {visible(row['after'], 30)}"
        table.add_row(Text(row["month"]), Text(where), Text(what))
    console.print(table)
    if profile.changes.height + profile.more_changes > _MOST_CHANGES:
        console.print(Text(say("prof.n_changes", lang, n=profile.changes.height + profile.more_changes), style="dim"))
