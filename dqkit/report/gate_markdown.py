"""A gate as Markdown: for a pull request, a job's summary or a wiki."""

import re
from collections.abc import Iterable

from dqkit.errors import ExitCode
from dqkit.gate.result import GateResult
from dqkit.report.gate_view import Check, gate_view, site_text
from dqkit.report.words import say

_MOST_CHECKS = 50
_MOST_PLACES = 8
_MOST_LINES = 50
_SIGNS = {ExitCode.OK: "✅", ExitCode.FAILED: "❌"}
_OBEYED = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@-])")


def render_markdown(result: GateResult, lang: str = "en") -> bytes:
    """Return the text; what comes from data is escaped, so that it makes no link, picture, mention or table."""
    view = gate_view(result, lang)
    lines = [f"## {_SIGNS.get(result.judgement.exit_code, '⚠️')} {plain(view.headline)}", ""]
    lines += [f"- {plain(sentence)}" for sentence in view.because]
    lines += _table(say("gate.deciding", lang), view.deciding, lang)
    lines += _table(say("gate.not_deciding", lang), view.others, lang)
    for title, told in (
        (say("gate.waivers", lang), view.accepted),
        (say("gate.notes", lang), view.attention),
        (say("gate.actions", lang), view.actions),
    ):
        lines += _list(title, told, lang)
    return ("\n".join(lines) + "\n").encode()


def plain(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    return _OBEYED.sub(r"\\\1", text)


def _table(title: str, checks: tuple[Check, ...], lang: str) -> list[str]:
    if not checks:
        return []
    head = [say(key, lang) for key in ("gate.table_check", "gate.table_where", "gate.table_do")]
    lines = ["", f"### {plain(title)}", "", f"| {' | '.join(head)} |", "|---|---|---|"]
    for check in checks[:_MOST_CHECKS]:
        what = f"**{plain(check.label)}** {plain(say(check.severity, lang))}<br>{plain(check.title)}"
        places = [f"{plain(site_text(one.site, lang))}: {plain(one.text)}" for one in check.places[:_MOST_PLACES]]
        if (more := len(check.places) - _MOST_PLACES) > 0:
            places.append(plain(say("gate.more_places", lang, n=more)))
        lines.append(f"| {what} | {'<br>'.join(places)} | {plain(check.remedy)} |")
    if (more := len(checks) - _MOST_CHECKS) > 0:
        lines += ["", plain(say("gate.more_places", lang, n=more))]
    return lines


def _list(title: str, told: Iterable[str], lang: str) -> list[str]:
    told = list(told)
    if not told:
        return []
    more = len(told) - _MOST_LINES
    shown = [f"- {plain(line)}" for line in told[:_MOST_LINES]]
    return [
        "",
        f"### {plain(title)}",
        "",
        *shown,
        *([f"- {say('gate.more_places', lang, n=more)}"] if more > 0 else []),
    ]
