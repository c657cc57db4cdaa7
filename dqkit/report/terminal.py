"""An audit's result for the terminal: verdict first, then sites, the worst problems, and where to go on.

Everything from data becomes `rich.text.Text`: markup such as ``[bold]`` stays literal, control characters are
spelled out. Rich itself honours NO_COLOR and the width of the terminal.
"""

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dqkit.audit.result import AuditResult
from dqkit.report.chinese import localized
from dqkit.report.page_data import remedy_text, rule_title
from dqkit.report.summary import SEVERITIES, mender_text, rules_by_key, site_rows, verdict_key, worst_problems
from dqkit.report.terminal_packs import print_coverage
from dqkit.report.verdict_view import because, headline
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.rulebook.rule import mender

MOST_PROBLEMS = 10
_OF_ONE_RULE = 2  # so that one widespread fault does not hide the others
_MOST_SITES = 30
_MOST_REASONS = 10
_PLENTY = 60  # columns from which the sites table has room for its rightmost columns

TONES = {
    "critical": "red", "warning": "yellow", "info": "blue", "fail": "bold red", "pass": "bold green",
    "incomplete": "bold yellow", "nothing": "bold yellow", "unknown": "yellow", "error": "red", "not_applicable": "dim",
}  # fmt: skip
_SIGNS = {"fail": "✗", "pass": "✓", "incomplete": "!", "nothing": "!", "critical": "■", "warning": "▲", "info": "●"}


def print_audit(
    result: AuditResult,
    console: Console,
    lang: str = "en",
    report_path: Path | None = None,
    catalog: Path | None = None,
) -> None:
    """Print the verdict, the sites, the worst problems with one action each, and the next command.

    `catalog` is named in that command where it is not the usual one.
    """
    key = verdict_key(result)
    console.print(Text(f"{_SIGNS[key]} {headline(result)[lang]}", style=TONES[key]))
    for sentence in because(result):
        console.print(Text(f"  {sentence[lang]}"))
    _print_incomplete(result, console, lang)
    _print_sites(result, console, lang)
    print_coverage(result.coverage, console, lang)
    _print_problems(result, console, lang)
    _print_next(result, console, lang, (report_path, catalog))


def severity_text(severity: str, lang: str) -> Text:
    """Return a severity as sign and word; the sign alone tells them apart without colour."""
    return Text(f"{_SIGNS.get(severity, '·')} {say(severity, lang)}", style=TONES.get(severity, ""))


def _print_incomplete(result: AuditResult, console: Console, lang: str) -> None:
    if result.judgement.complete:
        return
    console.print(Text(f"  {say('complete.no', lang)}", style="bold yellow"))
    reasons = result.judgement.incomplete_because
    for reason in reasons[:_MOST_REASONS]:
        console.print(Padding(Text(f"– {visible(reason[lang], 300)}"), (0, 0, 0, 4)))
    if len(reasons) > _MOST_REASONS:
        console.print(Text(f"    – {say('term.more_files', lang, n=len(reasons) - _MOST_REASONS)}"))


def _print_sites(result: AuditResult, console: Console, lang: str) -> None:
    rows = site_rows(result)
    if not rows:
        return
    roomy = console.width >= _PLENTY
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(say("site", lang), overflow="fold", ratio=None)
    for severity in SEVERITIES:
        table.add_column(say(severity, lang), justify="right", no_wrap=True)
    if roomy:
        table.add_column(say("pass_rate", lang), justify="right", no_wrap=True)
    for row in rows[:_MOST_SITES]:
        name = Text(visible(row.site, 40) if row.site is not None else say("archive", lang), style="bold")
        counts = [_count(row.problems[severity], severity) for severity in SEVERITIES]
        rate = Text(say("of_rules", lang, passed=row.passed, judged=row.judged))
        table.add_row(name, *counts, *([rate] if roomy else []))
    console.print()
    console.print(table)
    if len(rows) > _MOST_SITES:
        console.print(Text(f"… {say('count.sites', lang, n=len(rows) - _MOST_SITES)}", style="dim"))


def _count(n: int, severity: str) -> Text:
    return Text(f"{n:,}", style=TONES[severity]) if n else Text("–", style="dim")


def _print_problems(result: AuditResult, console: Console, lang: str) -> None:
    if result.problems.is_empty():
        return
    console.print()
    console.print(Text(say("term.worst", lang), style="bold"))
    known = rules_by_key(result)
    ordered = worst_problems(result.problems)
    of_its_rule = pl.int_range(pl.len()).over("rule_id", "variant")
    worst = ordered.filter(of_its_rule < _OF_ONE_RULE).head(MOST_PROBLEMS).to_dicts()
    for row in worst:
        rule = known.get((row["rule_id"], row["variant"] or ""))
        name = Text.assemble(
            severity_text(row["severity"], lang), "  ", (visible(row["rule_id"], 30), "bold"), "  ",
            visible(rule_title(rule, row["rule_id"])[lang]),
        )  # fmt: skip
        console.print(name)
        console.print(Padding(Text(_where(row, lang), style="dim"), (0, 0, 0, 2)))
        who = mender_text(mender(rule, row["origin"]))[lang]
        action = f"→ {who}{say('colon', lang)}{visible(remedy_text(rule)[lang], 300)}"
        console.print(Padding(Text(action), (0, 0, 0, 2)))
    left = result.problems.height - len(worst)
    if left:
        console.print(Text(say("term.n_more", lang, n=left), style="dim"))


def _where(row: dict[str, Any], lang: str) -> str:
    """Say where a problem is and how much of it there is."""
    parts = [
        say("archive", lang) if row["site"] is None else visible(row["site"], 60),
        visible(row["scanner"], 60) if row["scanner"] else "",
        say("count.findings", lang, n=row["findings"] or 0),
        say("count.series", lang, n=row["series"]) if row["series"] else "",
        say("term.since", lang, year=str(row["first_period"])[:4]) if row["first_period"] else "",
        visible(localized(row["observed"], lang), 60) if row["observed"] else "",
        state_text(row["state"], row["state_since"], lang) if row["state"] not in {None, "open"} else "",
    ]
    return " · ".join(part for part in parts if part)


def state_text(state: str, since: datetime | None, lang: str) -> str:
    """Say how far a problem has come, and since when."""
    word = say(f"state.{state}", lang)
    return say("state.since", lang, state=word, when=f"{since:%Y-%m-%d}") if since else word


def _print_next(result: AuditResult, console: Console, lang: str, places: tuple[Path | None, Path | None]) -> None:
    report_path, catalog = places
    lines = []
    if report_path is not None:
        lines.append((say("term.report", lang), visible(report_path, 4096)))
    worst = worst_problems(result.problems).head(1).get_column("example").drop_nulls().to_list()
    if worst:
        where = f" --catalog {visible(shlex.quote(str(catalog)), 4096)}" if catalog else ""
        lines.append((say("term.next", lang), f"dqkit explain {visible(worst[0], 40)}{where}"))
    if lines:
        console.print()
    for label, text in lines:
        console.print(Text.assemble((f"{label}{say('colon', lang)}", "dim"), text), soft_wrap=True)
