"""What changed, for the terminal: the data and the findings by site, the problems that moved, the verdict."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dqkit.audit.diff import Diff
from dqkit.report.diff_view import (
    COLUMNS,
    SiteChange,
    flips_text,
    reasons_otherwise,
    rules_text,
    site_changes,
    state_text,
    total,
    verdict_text,
)
from dqkit.report.page_data import rule_title
from dqkit.report.terminal import severity_text
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.rulebook.rule import Rule

_MOST_SITES = 30
_MOST_PROBLEMS = 12
_MOST_FLIPS = 6
_TONES = {"broke": "red", "came": "red", "more": "yellow", "mended": "green", "went": "dim", "less": "yellow"}
_SIGNS = {"broke": "+", "came": "+", "more": "+", "mended": "−", "went": "−", "less": "−"}


def print_diff(found: Diff, rules: Sequence[Rule], console: Console, lang: str = "en") -> None:
    """Print what changed; `rules` give titles."""
    ends = {"since": state_text(found.since, lang), "until": state_text(found.until, lang)}
    console.print(Text(say("hist.from_to", lang, **ends), style="bold"))
    for note in found.notes:
        console.print(Text(f"  ! {note[lang]}", style="yellow"))
    rows = site_changes(found)
    if found.compares_findings:
        verdict = f"{verdict_text(found.since, lang)} → {verdict_text(found.until, lang)}"
        console.print(Text(f"  {say('hist.verdict', lang)}{say('colon', lang)}{verdict}"))
        _print_flips(found, console, lang)
        for text in rules_text(found):
            console.print(Text(f"  {text[lang]}"))
    _print_data(rows, console, lang)
    if found.compares_findings:
        _print_findings(found, rows, console, lang)
        _print_problems(found, rules, console, lang)


def _print_flips(found: Diff, console: Console, lang: str) -> None:
    for key, verdict, tone in (("hist.fails_now", "fail", "red"), ("hist.passes_now", "pass", "green")):
        texts = flips_text(found, verdict, lang, _MOST_FLIPS)
        if texts:
            between = {"en": "; ", "zh": "；"}[lang]
            told = Text.assemble((f"  {say(key, lang)}{say('colon', lang)}", tone), between.join(texts))
            console.print(told)


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i else "left", overflow="fold", no_wrap=bool(i))
    return table


def _print_data(rows: list[SiteChange], console: Console, lang: str) -> None:
    changed = [row for row in rows if any(any(numbers) for numbers in row.data.values())]
    console.print()
    if not changed:
        console.print(Text(say("hist.no_data", lang)))
        return
    kinds = ("files", "series", "studies", "patients")
    table = _table(say("hist.data", lang), *(say("hist.files" if kind == "files" else kind, lang) for kind in kinds))
    for row in changed[:_MOST_SITES]:
        table.add_row(_name(row, lang), *(_numbers(row.data[kind]) for kind in kinds))
    console.print(table)
    _print_left(len(changed), console, lang)
    key = f"+ {say('hist.new', lang)}  − {say('hist.gone', lang)}  ~ {say('hist.changed', lang)}"
    console.print(Text(key, style="dim"))


def _numbers(numbers: tuple[int, int, int]) -> Text:
    """Say new, gone and changed, what is nothing left out."""
    parts = [
        (f"{sign}{n:,}", tone) for sign, n, tone in zip("+−~", numbers, ("green", "red", "yellow"), strict=True) if n
    ]
    return Text(" ").join(Text(text, style=tone) for text, tone in parts) if parts else Text("·", style="dim")


def _print_findings(found: Diff, rows: list[SiteChange], console: Console, lang: str) -> None:
    changed = [row for row in rows if any(row.findings[name][0] for name in COLUMNS)]
    console.print()
    if not changed:
        console.print(Text(say("hist.no_findings", lang)))
        return
    names = [name for name in COLUMNS if name not in ("more", "less") or any(row.findings[name][0] for row in rows)]
    table = _table(
        say("hist.findings", lang),
        *(say(f"hist.{name}", lang) for name in names),
        f"{say('hist.then', lang)} → {say('hist.now', lang)}",
    )
    for row in changed[:_MOST_SITES]:
        table.add_row(_name(row, lang), *(_cell(row, name) for name in names), _then_now(row))
    if len(changed) > 1:
        whole = total(rows)
        sums = [_cell(whole, name) for name in names]
        table.add_row(Text(say("term.total", lang), style="dim"), *sums, _then_now(whole))
    console.print(table)
    _print_left(len(changed), console, lang)
    console.print(Text(f"■ {say('critical', lang)}", style="dim"))
    for key, n in reasons_otherwise(found):
        console.print(Text(f"{n:,} {say(key, lang)}", style="dim"))


def _print_left(rows: int, console: Console, lang: str) -> None:
    if rows > _MOST_SITES:
        console.print(Text(f"… {say('count.sites', lang, n=rows - _MOST_SITES)}", style="dim"))


def _then_now(row: SiteChange) -> Text:
    return Text(f"{row.findings['then'][0]:,} → {row.findings['now'][0]:,}")


def _cell(row: SiteChange, name: str) -> Text:
    n, critical = row.findings[name]
    if not n:
        return Text("·", style="dim")
    told = Text(f"{_SIGNS[name]}{n:,}", style=_TONES[name])
    return told.append(f" ■{critical:,}") if critical else told


def _name(row: SiteChange, lang: str) -> Text:
    return Text(say("archive", lang) if row.site is None else visible(row.site, 40), style="bold")


def _print_problems(found: Diff, rules: Sequence[Rule], console: Console, lang: str) -> None:
    if found.problems.is_empty():
        return
    console.print()
    console.print(Text(say("hist.problems", lang), style="bold"))
    known = {rule.key: rule for rule in rules}
    for row in found.problems.head(_MOST_PROBLEMS).iter_rows(named=True):
        rule = known.get((row["rule_id"], row["variant"] or ""))
        label = f"{visible(row['rule_id'], 30)} {visible(row['variant'] or '', 60)}".strip()
        title = visible(rule_title(rule, row["rule_id"])[lang])
        console.print(Text.assemble(severity_text(row["severity"], lang), "  ", (label, "bold"), "  ", title))
        where = [
            say("archive", lang) if row["site"] is None else visible(row["site"], 60),
            visible(row["scanner"], 60) if row["scanner"] else "",
            f"{row['then']:,} → {row['now']:,}",
            *(
                f"{say(f'hist.{name}', lang)} {row[name]:,}"
                for name in ("broke", "came", "mended", "went")
                if row[name]
            ),
        ]
        console.print(Padding(Text(" · ".join(part for part in where if part), style="dim"), (0, 0, 0, 2)))
    left = found.problems.height - _MOST_PROBLEMS
    if left > 0:
        console.print(Text(say("hist.more_problems", lang, n=left), style="dim"))
