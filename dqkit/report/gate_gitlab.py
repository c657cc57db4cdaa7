"""A gate as a GitLab code quality report: a list of issues, one a rule and series of what fails."""

import json
from typing import Any

from dqkit.errors import ExitCode
from dqkit.gate.result import GateResult
from dqkit.identity import digest
from dqkit.report.gate_results import Listed, listed
from dqkit.report.gate_sarif import place_path
from dqkit.report.gate_view import GateView, expired_and_unmatched, gate_view
from dqkit.report.visible import visible

_MOST = 5_000
VERDICT = "dqkit-gate"
"""`check_name` of the issue that says the verdict; there is none where the gate is open."""

_MILDER = {"critical": "major", "warning": "minor", "info": "info"}


def render_gitlab(result: GateResult, lang: str = "en") -> bytes:
    """Return the report: what keeps the gate closed is `critical`, the verdict itself `blocker`."""
    view = gate_view(result, lang)
    issues = [_verdict(result, view)] if result.judgement.exit_code is not ExitCode.OK else []
    issues += [_of_waiver(number, line) for number, line in enumerate(expired_and_unmatched(result, lang))]
    results, _ = listed(result, _MOST)
    issues += [_issue(one, result, lang) for one in results if one.level != "note" and one.state == "new"]
    return json.dumps(issues, ensure_ascii=False, indent=1).encode() + b"\n"


def _verdict(result: GateResult, view: GateView) -> dict[str, Any]:
    text = f"{view.headline} (exit {int(result.judgement.exit_code)})"
    return _row(VERDICT, text, digest("gate", result.policy.name), "blocker", "archive/verdict")


def _of_waiver(number: int, line: str) -> dict[str, Any]:
    return _row(f"{VERDICT}-waiver", line, digest("waiver", line, str(number)), "minor", "archive/waivers")


def _issue(one: Listed, result: GateResult, lang: str) -> dict[str, Any]:
    title = result.titles[one.rule_id, one.variant][lang]
    severity = "critical" if one.level == "error" else _MILDER[one.severity]
    text = f"{one.label} {title}: {visible(one.observed)} [{one.finding}]"
    return _row(one.label, text, one.fingerprint, severity, place_path(one))


def _row(check: str, text: str, fingerprint: str, severity: str, path: str) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": 1}},
    }
