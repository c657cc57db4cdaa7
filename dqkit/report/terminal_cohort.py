"""A cohort for the terminal: what is left after each step and why the rest went, then what was written."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dqkit.cohort.attrition import Count
from dqkit.cohort.select import Selected
from dqkit.report.flow_svg import counted, gone
from dqkit.report.visible import visible
from dqkit.report.words import say

_MOST_REASONS = 5
_MOST_SITES = 30
_FIGURES = ("patients", "studies", "series")


def print_cohort(selected: Selected, console: Console, lang: str, written: Mapping[str, Path]) -> None:
    """Print the flow, the sites, decisions that changed nothing, and the files.

    Parameters
    ----------
    written
        What a file is (``cohort``, ``html``, ``paths``) -> where it lies.
    """
    attrition = selected.attrition
    _print_left(say("cohort.all", lang), attrition.start, console, lang)
    for step in attrition.steps:
        sign = "+" if step.brings_back else "−"
        name = visible(step.name[lang], 200)
        console.print(Text.assemble((f"  {sign} {name}{say('colon', lang)}", "bold"), gone(step, lang)))
        for reason in step.reasons[:_MOST_REASONS]:
            console.print(Padding(Text(f"{reason.n:,}  {visible(reason.text[lang], 200)}", "dim"), (0, 0, 0, 6)))
        rest = step.reasons[_MOST_REASONS:]
        if rest:
            more = say("cohort.more_reasons", lang, n=len(rest), of=sum(one.n for one in rest))
            console.print(Padding(Text(more, "dim"), (0, 0, 0, 6)))
        if step.kept_unknown:
            console.print(Padding(Text(say("cohort.kept_unknown", lang, n=step.kept_unknown), "dim"), (0, 0, 0, 6)))
    _print_left(visible(selected.policy.title[lang], 200), attrition.end, console, lang)
    if not attrition.end.series:
        console.print(Text(say("cohort.empty", lang), style="bold yellow"))
    _print_sites(selected, console, lang)
    for line in selected.idle:
        console.print(Text(say("cohort.idle", lang, line=str(line)), style="yellow"))
    _print_written(written, console, lang)


def _print_left(name: str, count: Count, console: Console, lang: str) -> None:
    console.print(Text.assemble((f"{name}{say('colon', lang)}", "bold"), counted(count, lang)))


def _print_sites(selected: Selected, console: Console, lang: str) -> None:
    attrition = selected.attrition
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(say("site", lang), overflow="fold")
    for name in _FIGURES:
        table.add_column(say(name, lang), justify="right", no_wrap=True)
    for site, start in list(attrition.start_sites.items())[:_MOST_SITES]:
        end = attrition.end_sites[site]
        cells = [Text(f"{getattr(end, name):,} / {getattr(start, name):,}") for name in _FIGURES]
        table.add_row(Text(visible(site, 40), style="bold"), *cells)
    console.print()
    console.print(table)
    left = len(attrition.start_sites) - _MOST_SITES
    if left > 0:
        console.print(Text(f"… {say('count.sites', lang, n=left)}", style="dim"))


def _print_written(written: Mapping[str, Path], console: Console, lang: str) -> None:
    console.print()
    for what, key in (("cohort", "cohort.file"), ("html", "cohort.picture"), ("paths", "cohort.paths")):
        if what in written:
            label = f"{say(key, lang)}{say('colon', lang)}"
            console.print(Text.assemble((label, "dim"), visible(written[what], 4096)), soft_wrap=True)
