"""What changed between two audits, and the trend, as JSON: ``dqkit diff --json`` and ``history`` of result.json."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dqkit.audit.diff import COUNTS, FLIPS, PROBLEM_CHANGES, Diff, RuleChanges
from dqkit.audit.history import History
from dqkit.audit.inventory import INVENTORY
from dqkit.audit.only import Only
from dqkit.audit.states import AuditRun, State
from dqkit.audit.trend import TREND, Trend, TrendPoint
from dqkit.catalog.schema import Schema
from dqkit.model import Verdict

FORMAT = "dqkit-diff"
FORMAT_VERSION = 1

_FRAMES: dict[str, Schema] = {"inventory": INVENTORY, "counts": COUNTS, "problems": PROBLEM_CHANGES, "flips": FLIPS}


def diff_to_json(found: Diff) -> dict[str, Any]:
    """Return `found` as plain JSON values, free of identifying ones."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "since": _state_to_json(found.since),
        "until": _state_to_json(found.until),
        "compares_findings": found.compares_findings,
        "rules": {
            "new": list(found.rules.new), "gone": list(found.rules.gone), "changed": list(found.rules.changed),
            "unsure": found.rules.unsure,
        },
        "notes": [dict(note) for note in found.notes],
        **{name: getattr(found, name).to_dicts() for name in _FRAMES},
    }  # fmt: skip


def diff_from_json(data: Mapping[str, Any]) -> Diff:
    """Return the diff that `diff_to_json` wrote; single findings stay in the house and are not there."""
    rules = data["rules"]
    frames = {name: pl.from_dicts(data[name], schema=schema) for name, schema in _FRAMES.items()}
    return Diff(
        _state_from_json(data["since"]),
        _state_from_json(data["until"]),
        **frames,
        rules=RuleChanges(tuple(rules["new"]), tuple(rules["gone"]), tuple(rules["changed"]), bool(rules["unsure"])),
        notes=tuple(data["notes"]),
    )


def _state_to_json(state: State) -> dict[str, Any]:
    return {
        "run": state.run,
        "run_id": state.run_id,
        "command": state.command,
        "ended_at": state.ended_at.astimezone(UTC).isoformat(),
        "audit": _audit_to_json(state.audit) if state.audit else None,
    }


def _audit_to_json(audit: AuditRun) -> dict[str, Any]:
    return {
        "run": audit.run,
        "run_id": audit.run_id,
        "ended_at": audit.ended_at.astimezone(UTC).isoformat(),
        "dqkit_version": audit.dqkit_version,
        "verdict": audit.verdict.value,
        "complete": audit.complete,
        "only": audit.only.to_json(),
        "packs": list(audit.packs),
    }


def _state_from_json(data: Mapping[str, Any]) -> State:
    audit = data["audit"]
    return State(
        int(data["run"]),
        str(data["run_id"]),
        str(data["command"]),
        _when(data["ended_at"]),
        audit=_audit_from_json(audit) if audit else None,
    )


def _audit_from_json(data: Mapping[str, Any]) -> AuditRun:
    return AuditRun(
        run=int(data["run"]),
        run_id=str(data["run_id"]),
        ended_at=_when(data["ended_at"]),
        dqkit_version=str(data["dqkit_version"]),
        versions={},
        verdict=Verdict(data["verdict"]),
        complete=bool(data["complete"]),
        only=Only.from_json(data["only"]),
        packs=tuple(data["packs"]),
        rules={},
        rules_digest="",
    )


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def history_to_json(history: History | None) -> dict[str, Any] | None:
    """Return `history` as plain JSON values."""
    if history is None:
        return None
    trend = history.trend
    points = [
        {
            "run": one.run, "ended_at": one.ended_at.astimezone(UTC).isoformat(), "verdict": one.verdict.value,
            "complete": one.complete, "other_rules": one.other_rules,
        }
        for one in trend.points
    ]  # fmt: skip
    told = {"audits": points, "findings": trend.rows.to_dicts(), "left_out": trend.left_out, "earlier": trend.earlier}
    return {"since_last": diff_to_json(history.since_last) if history.since_last else None, "trend": told}


def history_from_json(data: Mapping[str, Any] | None) -> History | None:
    """Return the history that `history_to_json` wrote; an older dqkit wrote none."""
    if data is None:
        return None
    trend = data["trend"]
    points = tuple(
        TrendPoint(
            int(one["run"]), _when(one["ended_at"]), Verdict(one["verdict"]), bool(one["complete"]),
            bool(one["other_rules"]),
        )
        for one in trend["audits"]
    )  # fmt: skip
    rows = pl.from_dicts(trend["findings"], schema=TREND)
    last = data["since_last"]
    return History(
        Trend(points, rows, int(trend["left_out"]), int(trend["earlier"])), diff_from_json(last) if last else None
    )
