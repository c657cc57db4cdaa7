"""A gate as GitHub workflow commands: annotations of a job; its summary is the Markdown.

GitHub shows ten errors, ten warnings and ten notices of a step, so that the verdict comes first and rules, not series,
follow.
"""

from collections.abc import Iterator

from dqkit.errors import ExitCode
from dqkit.gate.result import GateResult
from dqkit.report.gate_view import Check, gate_view, site_text
from dqkit.report.words import say

_MOST = 9
_PLACES = 4


def render_github(result: GateResult, lang: str = "en") -> bytes:
    """Return the commands, one a line."""
    return ("\n".join(_commands(result, lang)) + "\n").encode()


def _commands(result: GateResult, lang: str) -> Iterator[str]:
    view = gate_view(result, lang)
    level = "notice" if result.judgement.exit_code is ExitCode.OK else "error"
    yield _command(level, "dqkit gate", f"{view.headline}\n" + "\n".join(view.because))
    for check in view.deciding[:_MOST]:
        yield _command("error", f"{check.label} {check.title}", _text(check, lang))
    for line in view.attention[:_MOST]:
        yield _command("warning", f"dqkit gate: {say('gate.notes', lang)}", line)
    for check in view.others[: max(_MOST - len(view.attention), 0)]:
        yield _command("warning", f"{check.label} {check.title}", _text(check, lang))
    if view.accepted:
        yield _command("notice", f"dqkit gate: {say('gate.waivers', lang)}", "\n".join(view.accepted))


def _text(check: Check, lang: str) -> str:
    places = [f"{site_text(one.site, lang)}{say('colon', lang)}{one.text}" for one in check.places[:_PLACES]]
    if (more := len(check.places) - _PLACES) > 0:
        places.append(say("gate.more_places", lang, n=more))
    return "\n".join([*places, f"→ {check.remedy}"])


def _command(level: str, title: str, text: str) -> str:
    """Write a command as GitHub's toolkit does: what would end the line or a property is percent-encoded."""
    return f"::{level} title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
