"""What the terminal says of a verdict that was looked at again."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from dqkit.errors import ExitCode
from dqkit.gate.standing import Standing
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES

_HEADLINES = {
    ExitCode.OK: (("The verdict stands: nothing that matters changed", "判定仍然有效：没有重要变化"), "bold green"),
    ExitCode.FAILED: (
        ("The verdict no longer stands: run the gate again", "判定不再有效：请重新运行门控"),
        "bold red",
    ),
    ExitCode.INCOMPLETE: (("Not everything could be looked at", "未能查看全部内容"), "bold yellow"),
}
_OF = ("Verdict: {verdict}, by the policy {policy}, at {at}", "判定：{verdict}，策略 {policy}，时间 {at}")
_SAME = ("As it was: {names}", "未变：{names}")
_UNSEEN = ("not looked at: ", "未查看：")


def print_standing(standing: Standing, verdict: Mapping[str, Any], console: Console, lang: str) -> None:
    """Say whether the verdict stands, what changed, and what could not be looked at."""
    at = LANGUAGES.index(lang)
    texts, style = _HEADLINES[standing.exit_code]
    _line(console, texts[at], style)
    said = {"verdict": verdict["verdict"], "policy": visible(verdict["policy"]["name"]), "at": verdict["decided_at"]}
    _line(console, "  " + _OF[at].format(**said))
    for change in standing.changes:
        _line(console, f"  ✗ {visible(change.text[lang], 400)}", "red")
    for _, text in standing.not_looked_at:
        _line(console, f"  ? {_UNSEEN[at]}{visible(text[lang], 400)}", "yellow")
    if standing.same:
        _line(console, "  ✓ " + _SAME[at].format(names=", ".join(standing.same)), "dim")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
