"""A gate as SARIF 2.1.0, one result a rule and series, for GitHub code scanning and other readers.

GitHub takes at most 25,000 results of a run and shows the first 5,000: those that keep the gate closed come first.
"""

import json
from typing import Any
from urllib.parse import quote

from dqkit.gate.result import GateResult
from dqkit.model import Severity
from dqkit.report.gate_results import Listed, listed
from dqkit.report.gate_view import expired_and_unmatched, gate_view
from dqkit.report.page_data import remedy_text
from dqkit.report.visible import visible
from dqkit.rulebook.rule import Rule

MOST_RESULTS = 25_000
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_BASELINE = {"new": "new", "known": "unchanged"}


def render_sarif(result: GateResult, lang: str = "en") -> bytes:
    """Return the log; places are pseudonyms, and so no file of a repository."""
    results, total = listed(result, MOST_RESULTS)
    rules = _rules(result, results, lang)
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    view = gate_view(result, lang)
    judgement = result.judgement
    run = {
        "tool": {
            "driver": {
                "name": "dqkit",
                "semanticVersion": result.dqkit_version,
                "version": result.dqkit_version,
                "rules": rules,
            }
        },
        "automationDetails": {"id": f"dqkit-gate/{quote(result.policy.name, safe='')}/"},
        "invocations": [
            {
                "executionSuccessful": judgement.complete,
                "exitCode": int(judgement.exit_code),
                "exitCodeDescription": view.headline,
                "endTimeUtc": f"{result.decided_at:%Y-%m-%dT%H:%M:%SZ}",
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": line}} for line in expired_and_unmatched(result, lang)
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, numbers[one.label], result, lang) for one in results],
        "properties": {
            "verdict": judgement.verdict.value,
            "exitCode": int(judgement.exit_code),
            "complete": judgement.complete,
            "resultsInAll": total,
            "policySha256": result.policy.sha256,
            "runId": result.run_id,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1).encode() + b"\n"


def _rules(result: GateResult, results: list[Listed], lang: str) -> list[dict[str, Any]]:
    known = {rule.label: rule for rule in result.rules}
    kinds = {f"{one.kind.id} {one.variant}".strip(): one.kind for one in result.conditions}
    described = []
    for label in dict.fromkeys(one.label for one in results):
        if label in known:
            described.append(_of_rule(label, known[label], lang))
        else:
            kind = kinds[label]
            described.append(_descriptor(label, kind.name, Severity.CRITICAL, kind.title[lang], kind.remedy[lang], ""))
    return described


def _of_rule(label: str, rule: Rule, lang: str) -> dict[str, Any]:
    described = _descriptor(label, rule.name, rule.severity, rule.title[lang], remedy_text(rule)[lang], rule.why[lang])
    return described | {"properties": {"tags": [rule.family], "severity": rule.severity.value}}


def _descriptor(label: str, name: str, severity: Severity, title: str, remedy: str, why: str) -> dict[str, Any]:
    return {
        "id": label,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": why or title},
        "help": {"text": remedy or title},
        "defaultConfiguration": {"level": _LEVELS[severity]},
    }


def _result(one: Listed, rule_index: int, result: GateResult, lang: str) -> dict[str, Any]:
    title = result.titles[one.rule_id, one.variant][lang]
    many = f" (x {one.findings})" if one.findings > 1 else ""
    found: dict[str, Any] = {
        "ruleId": one.label,
        "ruleIndex": rule_index,
        "level": one.level,
        "kind": "fail",
        "message": {"text": f"{title}{many}: {visible(one.observed)} ({visible(one.expected)}) [{one.finding}]"},
        "locations": [_location(one)],
        "partialFingerprints": {"primaryLocationLineHash": f"{one.fingerprint}:1", "dqkit/v1": one.fingerprint},
        "properties": {"severity": one.severity, "findings": one.findings, "finding": one.finding},
    }
    if one.state == "waived":
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": visible(one.waived_by)}]
    elif result.baseline is not None:
        found["baselineState"] = _BASELINE[one.state]
    return found


def place_path(one: Listed) -> str:
    """Return the place of a result as a relative path that leads to no file."""
    site = "archive" if one.site is None else quote(one.site, safe="")
    return f"{site}/{quote(one.place.replace(' ', '-'), safe='-')}"


def _location(one: Listed) -> dict[str, Any]:
    return {
        "physicalLocation": {"artifactLocation": {"uri": place_path(one)}, "region": {"startLine": 1}},
        "logicalLocations": [{"name": one.place, "kind": "resource"}],
    }
