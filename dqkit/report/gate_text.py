"""A gate for the terminal: verdict first, what keeps it closed, what was accepted, and what to do next."""

import shlex
from collections.abc import Iterable
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from dqkit.errors import ExitCode
from dqkit.gate.kinds import TOO_OLD
from dqkit.gate.result import GateResult
from dqkit.report.gate_view import Check, gate_view, site_text
from dqkit.report.terminal import TONES, severity_text
from dqkit.report.words import say

_MOST_CHECKS = 20
_MOST_BRIEF = 10
_MOST_PLACES = 6
_MOST_LINES = 12
_SIGNS = {ExitCode.OK: ("✓", "pass"), ExitCode.FAILED: ("✗", "fail")}


def print_gate(result: GateResult, console: Console, lang: str = "en", verdict: Path | None = None) -> None:
    """Print the verdict and everything a person needs in order to act on it.

    `verdict` is the file that was written, named at the end.
    """
    view = gate_view(result, lang)
    sign, tone = _SIGNS.get(result.judgement.exit_code, ("!", "incomplete"))
    console.print(Text(f"{sign} {view.headline}", style=TONES[tone]))
    for sentence in view.because:
        console.print(Text(f"  {sentence}"))
    _print_checks(say("gate.deciding", lang), view.deciding, console, lang)
    _print_checks(say("gate.not_deciding", lang), view.others, console, lang, brief=True)
    _print_lines(say("gate.waivers", lang), view.accepted, console, lang)
    _print_lines(say("gate.notes", lang), view.attention, console, lang, style="yellow")
    _print_lines(say("gate.actions", lang), view.actions, console, lang)
    _print_next(result, console, lang, verdict)


def _print_checks(title: str, checks: tuple[Check, ...], console: Console, lang: str, *, brief: bool = False) -> None:
    if not checks:
        return
    console.print()
    console.print(Text(title, style="bold"))
    most = _MOST_BRIEF if brief else _MOST_CHECKS
    for check in checks[:most]:
        head = Text.assemble(severity_text(check.severity, lang), "  ", (check.label, "bold"), "  ", check.title)
        if brief:
            places = ("、" if lang == "zh" else ", ").join(
                site_text(one.site, lang) for one in check.places[:_MOST_PLACES]
            )
            head.append(f"  ({places}{'…' if len(check.places) > _MOST_PLACES else ''})", style="dim")
            console.print(head)
            continue
        console.print(head)
        for line in _where(check, lang):
            console.print(_indented(line, "dim"))
        who = f"{check.who}{say('colon', lang)}" if check.who else ""
        console.print(_indented(f"→ {who}{check.remedy}"))
    if (more := len(checks) - most) > 0:
        console.print(Text(say("gate.more_places", lang, n=more), style="dim"))


def _where(check: Check, lang: str) -> list[str]:
    """Return where it fails and how much: in one line for a rule, in one each for what a gate asks beside them."""
    places = [f"{site_text(one.site, lang)}{say('colon', lang)}{one.text}" for one in check.places[:_MOST_PLACES]]
    if (more := len(check.places) - _MOST_PLACES) > 0:
        places.append(say("gate.more_places", lang, n=more))
    return [" · ".join(places)] if check.who else places


def _indented(line: str, style: str = "") -> Padding:
    return Padding(Text(line, style=style), (0, 0, 0, 2), expand=False)


def _print_lines(title: str, lines: Iterable[str], console: Console, lang: str, style: str = "") -> None:
    lines = list(lines)
    if not lines:
        return
    console.print()
    console.print(Text(title, style="bold"))
    for line in lines[:_MOST_LINES]:
        console.print(_indented(line, style))
    if (more := len(lines) - _MOST_LINES) > 0:
        console.print(_indented(say("gate.more_places", lang, n=more), "dim"))


def _print_next(result: GateResult, console: Console, lang: str, verdict: Path | None) -> None:
    lines = [] if verdict is None else [(say("gate.written", lang), str(verdict))]
    steps = next_steps(result, verdict)
    lines += [(f"{say('gate.next', lang)} – {say(key, lang)}", command) for key, command in steps]
    if lines:
        console.print()
    for label, text in lines:
        console.print(Text.assemble((f"{label}{say('colon', lang)}", "dim"), text), soft_wrap=True)


def next_steps(result: GateResult, verdict: Path | None = None) -> list[tuple[str, str]]:
    """Return what to do next, as (key of its words, command); `verdict` is the file that was written."""
    catalog = shlex.quote(str(result.catalog))
    steps = []
    if result.judgement.exit_code is ExitCode.OK and verdict is not None:
        steps.append(("gate.next_verify", f"dqkit gate verify {shlex.quote(str(verdict))} --catalog {catalog}"))
    if any(rule_id == TOO_OLD.id for rule_id, _, _ in result.deciding):
        steps.append(("gate.next_index", f"dqkit index --catalog {catalog}"))
    first = first_finding(result)
    if first:
        steps.append(("gate.next_explain", f"dqkit explain {first} --catalog {catalog}"))
        steps.append(("gate.next_report", f"dqkit report {catalog}"))
        waive = f"dqkit waive {first} --catalog {catalog} --owner NAME --reason TEXT --expires YYYY-MM-DD"
        steps.append(("gate.next_waive", waive))
    return steps


def first_finding(result: GateResult) -> str:
    """Return the pseudonym of a finding of the first rule that keeps the gate closed; empty where none does."""
    new = result.new_findings
    for rule_id, variant, site in result.deciding:
        of_rule = new.filter(rule_id=rule_id, variant=variant)
        there = of_rule if site is None else of_rule.filter(pl.col("site") == site)
        if not rule_id.startswith("GATE-") and there.height:
            return str(there["finding"][0])
    return ""
