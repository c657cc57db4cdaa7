"""A reconciliation for the terminal: counts by site, what is missing by pseudonym, and what was odd about the list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqkit.identity import Pseudonyms
from dqkit.report.reconcile_view import changes_of, column_notes_of, lacking, notes_of
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.steward.reconcile import MISSING, UNMATCHED, Reconciled

_MOST_SITES = 40
_MOST_STUDIES = 10
_COLUMNS = ("expected", "complete", "partial", "missing", "extra", "changed")
_TONES = {
    "partial": "yellow",
    "missing": "red",
    "extra": "yellow",
    "changed": "yellow",
    "complete": "green",
    UNMATCHED: "yellow",
}


def print_reconciled(
    found: Reconciled, pseudonyms: Pseudonyms, console: Console, lang: str = "en", written: Sequence[Path] = ()
) -> None:
    """Print the counts, the studies that lack most, and the notes.

    Parameters
    ----------
    written
        Files of the in-house list, where there are any.
    """
    expected = int(found.by_site["expected"].sum())
    head = say("rec.head", lang, n=expected, rows=found.rows)
    console.print(Text(f"{head} {say(f'rec.level.{found.listed.level}', lang)}", style="bold"))
    for note in column_notes_of(found):
        console.print(Text(f"  {visible(note, 300)}", style="dim"))
    _print_sites(found, console, lang)
    told = [say(f"rec.change.{name}", lang, n=n) for name, n in changes_of(found)]
    if told:
        between = "；" if lang == "zh" else "; "
        console.print(Text(f"{say('rec.changed', lang)}{say('colon', lang)}{between.join(told)}"))
    for remark in notes_of(found):
        console.print(Text(f"! {remark[lang]}", style="yellow"))
    _print_lacking(found, pseudonyms, console, lang, has_list=bool(written))
    for path in written:
        if path.suffix != ".json":
            label = f"{say('rec.detail', lang)}{say('colon', lang)}"
            console.print(Text.assemble((label, "dim"), visible(path, 4096)), soft_wrap=True)


def _print_sites(found: Reconciled, console: Console, lang: str) -> None:
    if found.by_site.is_empty():
        return
    columns = [*_COLUMNS, *([UNMATCHED] if found.by_site[UNMATCHED].sum() else [])]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    names = [visible(name, 40) for name in found.by_site["site"].drop_nulls()]
    table.add_column(say("site", lang), overflow="fold", min_width=min(max(map(len, names), default=4), 24))
    for name in columns:
        table.add_column(say(f"rec.{name}", lang), justify="right", no_wrap=True)
    table.add_column(say("rec.images", lang), justify="right")
    for row in found.by_site.head(_MOST_SITES).iter_rows(named=True):
        name = say("rec.nowhere", lang) if row["site"] is None else visible(row["site"], 40)
        cells = [_cell(row[column], _TONES.get(column, "")) for column in columns]
        table.add_row(Text(name, style="bold"), *cells, _cell(row["missing_instances"], "red"))
    console.print()
    console.print(table)
    if found.by_site.height > _MOST_SITES:
        console.print(Text(f"… {say('count.sites', lang, n=found.by_site.height - _MOST_SITES)}", style="dim"))
    console.print()


def _cell(n: int, tone: str) -> Text:
    return Text(f"{n:,}", style=tone) if n else Text("·", style="dim")


def _print_lacking(found: Reconciled, pseudonyms: Pseudonyms, console: Console, lang: str, *, has_list: bool) -> None:
    rows = lacking(found)
    if rows.is_empty():
        if not found.exit_code:
            console.print(Text(say("rec.all", lang), style="green"))
        return
    console.print(Text(say("rec.worst", lang), style="bold"))
    for row in rows.head(_MOST_STUDIES).iter_rows(named=True):
        name = say("rec.study", lang, name=pseudonyms.of("study", row["study_key"]))
        site = say("rec.nowhere", lang) if row["site"] is None else visible(row["site"], 40)
        status = say(f"rec.{row['status']}", lang)
        console.print(Text(" · ".join([f"  {site}", name, status, *_numbers(row, lang)])))
    left = rows.height - _MOST_STUDIES
    if left > 0:
        console.print(Text("  " + say("rec.more" if has_list else "rec.more_no_out", lang, n=left), style="dim"))


def _numbers(row: dict[str, Any], lang: str) -> list[str]:
    """Say how much of a study is there."""
    parts = []
    if row["status"] != MISSING and row["missing_series"]:
        parts.append(
            say(
                "rec.of_series",
                lang,
                found=row["expected_series"] - row["missing_series"],
                expected=row["expected_series"],
            )
        )
    if row["expected_instances"]:
        there = row["expected_instances"] - (row["missing_instances"] or 0)
        parts.append(say("rec.of", lang, found=there, expected=row["expected_instances"]))
    return parts
