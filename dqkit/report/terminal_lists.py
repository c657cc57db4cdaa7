"""Shorter things for the terminal: what an index holds, the rules, one rule, one finding."""

from collections.abc import Iterable
from typing import Any

import polars as pl
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dqkit.report.chinese import localized
from dqkit.report.glance_view import bytes_text
from dqkit.report.page_data import remedy_text, rule_title
from dqkit.report.summary import mender_text
from dqkit.report.terminal import severity_text
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.rulebook.rule import Rule, mender

_MOST_FILES = 10
_MOST_SLICES = 40


def print_index_summary(summary: pl.DataFrame, console: Console, lang: str = "en") -> None:
    """Print what an index holds, by site and modality.

    Parameters
    ----------
    summary
        Columns site, modality (null for files that are no DICOM), series, instances, bytes.
    """
    table = _table()
    table.add_column(say("site", lang), overflow="fold")
    table.add_column(say("modality", lang))
    for name in ("series", "instances", "volume"):
        table.add_column(say(name, lang), justify="right", no_wrap=True)
    before: object = object()
    ordered = summary.sort("site", "modality", nulls_last=True)
    for site, modality, series, instances, size in ordered.select(
        "site", "modality", "series", "instances", "bytes"
    ).iter_rows():
        name = "" if site == before else visible(site or "–", 60)
        before = site
        table.add_row(Text(name, style="bold"), Text(visible(modality or "–", 16)), *_figures(series, instances, size))
    totals = summary.select(pl.col("series", "instances", "bytes").sum()).row(0)
    table.add_row(Text(say("term.total", lang), style="dim"), "", *_figures(*totals))
    console.print(table)


def print_rules_list(rules: Iterable[Rule], console: Console, lang: str = "en") -> None:
    """Print the rules, a line each: id, severity, level, title."""
    table = _table()
    for name in ("rule", "severity", "level"):
        table.add_column(say(name, lang), no_wrap=True)
    table.add_column(say("looked_for", lang), overflow="fold")
    shown = sorted(rules, key=lambda rule: (rule.id, rule.variant))
    for rule in shown:
        name = f"{rule.id} {rule.variant}".strip()
        title = visible(rule_title(rule, rule.id)[lang])
        about = Text.assemble(title, ((f"  {say('for_packs', lang)}") if rule.is_open else "", "dim"))
        table.add_row(
            Text(name, style="bold"), severity_text(rule.severity.value, lang),
            Text(say(f"level.{rule.level.value}", lang)), about,
        )  # fmt: skip
    console.print(table)
    console.print(Text(say("count.rules", lang, n=len(shown)), style="dim"))


def print_rule(text: str, console: Console) -> None:
    """Print a rule's page, written in Markdown, as the terminal shows it; ``rules show`` has the text."""
    console.print(Markdown(text, hyperlinks=False))


def print_explain(
    finding: dict[str, Any],
    rule: Rule | None,
    console: Console,
    lang: str = "en",
    slices: pl.DataFrame | None = None,
) -> None:
    """Print one finding in full: the values, the slices, the rule. In-house only: it names files.

    Parameters
    ----------
    finding
        A row of the findings table (catalog/schema.py), as a dict.
    slices
        Whatever is known of each slice, a row each in order of position; a Boolean column `at_fault` marks those
        to look at. Long stacks are cut to what stands around them.
    """
    rule_id = str(finding["rule_id"])
    console.print(
        Text.assemble(
            severity_text(str(finding["severity"]), lang), "  ", (visible(_named(finding), 120), "bold"), "  ",
            visible(rule_title(rule, rule_id)[lang]),
        )
    )  # fmt: skip
    message = finding.get(f"message_{lang}")
    if message and (rule is None or message != rule.title.get(lang)):
        console.print(Text(visible(message, 500)))
    if finding.get("origin") == "tool":
        console.print(Text(say("term.origin_tool", lang), style="yellow"))
    _print_facts(finding, rule, console, lang)
    if slices is not None and not slices.is_empty():
        _print_slices(slices, console, lang)
    _print_files(finding, console, lang)
    console.print()
    console.print(
        Text.assemble((f"{say('term.show_rule', lang)}{say('colon', lang)}", "dim"), f"dqkit rules show {rule_id}")
    )


def _named(finding: dict[str, Any]) -> str:
    """Return the rule's id, and the variant where a pack made it."""
    return f"{finding['rule_id']} {finding.get('variant') or ''}".strip()


def print_table(frame: pl.DataFrame, console: Console) -> None:
    """Print a small frame as it is, a column each."""
    table = _table()
    for name in frame.columns:
        table.add_column(name, overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _figures(series: int | None, instances: int | None, size: int | None) -> list[Text]:
    return [Text(f"{series or 0:,}"), Text(f"{instances or 0:,}"), Text(bytes_text(size or 0))]


def _print_facts(finding: dict[str, Any], rule: Rule | None, console: Console, lang: str) -> None:
    facts = [
        ("observed", localized(finding.get("observed"), lang)),
        ("expected", localized(finding.get("expected"), lang)),
        ("site", finding.get("site")),
        ("scanner", finding.get("scanner")),
        ("modality", finding.get("modality")),
        ("level", say(f"level.{finding['level']}", lang) if finding.get("level") else None),
        ("why", rule.why.get(lang) if rule else None),
        ("remedy", remedy_text(rule)[lang]),
        ("mender", mender_text(mender(rule, finding.get("origin")))[lang]),
        ("standard", rule.standard if rule else None),
    ]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts:
        if value:
            grid.add_row(say(name, lang), Text(visible(value, 500)))
    console.print()
    console.print(grid)


def _print_slices(slices: pl.DataFrame, console: Console, lang: str) -> None:
    """Print the slices at fault with their neighbours, and an ellipsis where slices are left out."""
    numbered = slices.with_row_index("#", offset=1)
    marked = numbered.get_column("at_fault").fill_null(value=False) if "at_fault" in slices.columns else None
    kept = _around(marked, numbered.height)
    columns = [name for name in numbered.columns if name != "at_fault"]
    table = _table()
    for name in columns:
        table.add_column(name, justify="right", no_wrap=name == "#")
    last = -1
    for i in kept:
        if i != last + 1:
            table.add_row(*["…"] * len(columns))
        last = i
        style = "bold red" if marked is not None and marked[i] else ""
        sign = "▸ " if style else ""
        cells = [_cell(numbered.item(i, name)) for name in columns]
        table.add_row(*(Text((sign if j == 0 else "") + cell, style=style) for j, cell in enumerate(cells)))
    if last != numbered.height - 1:
        table.add_row(*["…"] * len(columns))
    console.print()
    console.print(Text(say("term.slices", lang), style="bold"))
    console.print(table)


def _around(marked: pl.Series | None, height: int) -> list[int]:
    if height <= _MOST_SLICES or marked is None or not marked.any():
        return list(range(min(height, _MOST_SLICES)))
    near = {j for i in marked.arg_true() for j in range(i - 2, i + 3) if 0 <= j < height}
    return sorted(near)[:_MOST_SLICES]


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else visible(value)


def _print_files(finding: dict[str, Any], console: Console, lang: str) -> None:
    paths = list(finding.get("paths") or [])
    total = finding.get("n_paths") or len(paths)
    if not paths:
        return
    console.print()
    console.print(Text(f"{say('term.files', lang)} ({total:,})", style="bold"))
    for path in paths[:_MOST_FILES]:
        console.print(Padding(Text(visible(path, 4096), overflow="fold"), (0, 0, 0, 2)))
    if total > _MOST_FILES:
        console.print(Text(f"  {say('term.more_files', lang, n=total - _MOST_FILES)}", style="dim"))
