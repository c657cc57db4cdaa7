"""Whom the checkpoint tells of a verdict, and in which words."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dqkit.audit.notice import Failing, Message, Notice
from dqkit.errors import ExitCode
from dqkit.gate.decide import Judge
from dqkit.gate.policy import Action, Policy
from dqkit.gate.result import ToldAction
from dqkit.rulebook.rule import Text

_MOST_LINES = 10

HEADLINES: Mapping[ExitCode, Text] = {
    ExitCode.OK: {"en": "The gate is open", "zh": "放行"},
    ExitCode.FAILED: {"en": "The gate is closed", "zh": "不予放行"},
    ExitCode.INCOMPLETE: {
        "en": "The gate stays closed: not everything could be looked at",
        "zh": "不予放行：未能读取全部内容",
    },
    ExitCode.NOTHING: {"en": "The gate stays closed: nothing could be judged", "zh": "不予放行：没有可供判断的内容"},
}
"""What a verdict is in one sentence, by its exit code."""


class Told:
    """The actions of a policy: those that can be carried out as notices, the others with what they lack."""

    def __init__(self, policy: Policy, titles: Mapping[tuple[str, str], Text], lang: str) -> None:
        self._policy, self._titles, self._lang = policy, titles, lang
        self._lacking: list[ToldAction] = []
        self._notices: list[Notice] = []

    def notices(self, judge: Judge) -> Sequence[Notice]:
        """Return whom the checkpoint tells."""
        for action in self._policy.actions:
            settings, missing = _with_secrets(action)
            if missing:
                self._lacking.append(ToldAction(action.kind, sent=False, error=f"{missing} is not set"))
                continue
            self._notices.append(Notice(action.kind, settings, self._composer(action, judge)))
        return self._notices

    def outcome(self) -> tuple[ToldAction, ...]:
        """Return how it went, after the checkpoint has run."""
        return (*self._lacking, *(ToldAction(one.kind, one.sent, one.error) for one in self._notices))

    def _composer(self, action: Action, judge: Judge) -> Any:
        def compose(over: list[Failing]) -> Message | None:
            code = judge(over).exit_code
            if code is ExitCode.OK and not action.always:
                return None
            return Message(f"dqkit gate {self._policy.name}: {HEADLINES[code][self._lang]}", self._lines(over))

        return compose

    def _lines(self, over: Sequence[Failing]) -> tuple[str, ...]:
        """Say what fails where, a line a rule."""
        places: dict[tuple[str, str], list[str]] = {}
        for rule_id, variant, site in over:
            places.setdefault((rule_id, variant), []).append(site or ("archive" if self._lang == "en" else "影像库"))
        lines = [
            f"{f'{rule_id} {variant}'.strip()} {self._title(rule_id, variant)} ({', '.join(sites)})"
            for (rule_id, variant), sites in places.items()
        ]
        more = len(lines) - _MOST_LINES
        return tuple(lines[:_MOST_LINES] + ([f"+ {more}"] if more > 0 else []))

    def _title(self, rule_id: str, variant: str) -> str:
        title = self._titles.get((rule_id, variant)) or self._titles.get((rule_id, "")) or {}
        return title.get(self._lang, "")


def _with_secrets(action: Action) -> tuple[dict[str, Any], str]:
    """Return the settings with the values of the variables they name, and the first variable that is not set."""
    settings: dict[str, Any] = {}
    for key, value in action.settings.items():
        if not key.endswith("_env"):
            settings[key] = value
            continue
        secret = os.environ.get(str(value), "")
        if not secret:
            return {}, str(value)
        settings[key.removesuffix("_env")] = secret
    return settings, ""
