"""Packs in the terminal: a list of them, and what an audit judged by them."""

from collections.abc import Sequence

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqkit.audit.coverage import Coverage
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.rulebook.book import Book
from dqkit.rulebook.pack import GENERAL, Pack


def print_packs_list(packs: Sequence[Pack], book: Book, console: Console, lang: str = "en") -> None:
    """Print the packs, a line each: name, version, what it is for, how many rules and sources."""
    table = _table()
    for name in ("pack", "version"):
        table.add_column(say(name, lang), no_wrap=True)
    table.add_column(say("pack.for", lang), overflow="fold")
    for name in ("rules", "sources"):
        table.add_column(say(name, lang), justify="right", no_wrap=True)
    plain = sum(not rule.is_open for rule in book)
    for pack in packs:
        rules = len(pack.uses) + (plain if pack.is_plain else 0)
        table.add_row(
            Text(pack.name, style="bold"), Text(pack.version), Text(pack.title[lang]),
            Text(f"{rules:,}"), Text(f"{len(pack.sources):,}" if pack.sources else "–"),
        )  # fmt: skip
    console.print(table)
    console.print(Text(say("pack.next", lang), style="dim"))


def print_coverage(coverage: Coverage, console: Console, lang: str = "en") -> None:
    """Print how many series each protocol pack judged, and how many none speaks of; nothing without such packs."""
    if not coverage.has_protocol:
        return
    console.print()
    table = _table()
    table.add_column(say("pack", lang), no_wrap=True)
    for name in ("pack.in_scope", "pack.judged"):
        table.add_column(say(name, lang), justify="right", no_wrap=True)
    for pack in coverage.packs:
        if pack.name == GENERAL:
            continue
        rows = coverage.judged.filter(pl.col("pack") == pack.name)
        series, judged = int(rows["series"].sum()), int(rows["judged"].sum())
        table.add_row(Text(visible(pack.label, 60), style="bold"), Text(f"{series:,}"), Text(f"{judged:,}"))
    console.print(table)
    without = int(coverage.unjudged["series"].sum())
    console.print(Text(say("pack.unjudged", lang, n=without), style="dim"))


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
