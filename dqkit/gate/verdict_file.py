"""verdict.json: the machine-readable record of a gate, from which it can be verified and its evidence collected."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.catalog.schema import OUTCOMES, conform
from dqkit.errors import DqkitError
from dqkit.gate.condition import Condition
from dqkit.gate.result import GateResult
from dqkit.gate.waivers import UsedWaivers, Waiver

FORMAT = "dqkit-gate"
FORMAT_VERSION = 1
"""Fields are only added within a format version."""

FILE = "verdict.json"


@dataclass(frozen=True)
class VerdictFile:
    """A verdict as it was read; `sha256` is that of the file's bytes, `data` what `verdict_to_json` wrote."""

    path: Path
    sha256: str
    data: Mapping[str, Any]


def verdict_to_json(result: GateResult) -> dict[str, Any]:
    """Return `result` as plain JSON values, free of identifying ones; it always has `complete`."""
    judgement = result.judgement
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dqkit_version": result.dqkit_version,
        "decided_at": result.decided_at.astimezone(UTC).isoformat(),
        "verdict": judgement.verdict.value,
        "exit_code": int(judgement.exit_code),
        "complete": judgement.complete,
        "incomplete_because": [dict(reason) for reason in judgement.incomplete_because],
        "failing": [_failing(label, site) for label, site in judgement.failing],
        "deciding": [{"rule_id": rule, "variant": variant, "site": site} for rule, variant, site in result.deciding],
        "notes": [dict(note) for note in result.notes],
        "title": result.title,
        "key_fingerprint": result.key_fingerprint,
        "catalog": {
            "run_id": result.run_id,
            "audit_run_id": result.audit_run_id,
            "audit_reused": result.audit_reused,
            "table_versions": dict(result.table_versions),
            "source_seen_at": result.source_seen_at and result.source_seen_at.astimezone(UTC).isoformat(),
        },
        "policy": {"name": result.policy.name, "sha256": result.policy.sha256, "text": result.policy.text},
        "only": result.only.to_json(),
        "packs": [
            {"name": pack.name, "version": pack.version, "sha256": pack.sha256, "rules": pack.rules}
            for pack in result.packs
        ],
        "rules_digest": result.rules_digest,
        "rules": [{"rule_id": rule.id, "variant": rule.variant, "sha256": rule.sha256} for rule in result.rules],
        "outcomes": conform(result.outcomes, OUTCOMES).to_dicts(),
        "conditions": [_condition(condition) for condition in result.conditions],
        "counts": _counts(result),
        "waivers": _waivers(result.waivers),
        "baseline": _baseline(result),
        "dataset": dict(result.dataset.section) if result.dataset is not None else None,
        "actions": [{"action": one.kind, "sent": one.sent, "error": one.error} for one in result.actions],
    }


def _counts(result: GateResult) -> dict[str, int]:
    findings = result.findings
    return {
        "findings": findings.height,
        "waived": findings.filter(pl.col("waived_by") != "").height,
        "known": findings.filter("known").height,
        "new": result.new_findings.height,
    }


def _failing(label: str, site: str | None) -> dict[str, str | None]:
    rule_id, _, variant = label.partition(" ")
    return {"rule_id": rule_id, "variant": variant, "site": site}


def _condition(condition: Condition) -> dict[str, Any]:
    kind = condition.kind
    return {
        "id": kind.id,
        "variant": condition.variant,
        "name": kind.name,
        "title": dict(kind.title),
        "remedy": dict(kind.remedy),
        "severity": condition.severity.value,
        "site": condition.site,
        "evaluated": condition.evaluated,
        "failed": condition.failed,
        "unknown": condition.unknown,
        "allowed": condition.allowed,
        "findings": condition.findings.head(_FINDINGS_KEPT).to_dicts(),
    }


_FINDINGS_KEPT = 1000
"""Findings of a condition that the file spells out; `failed` counts them all."""


def _waivers(waivers: UsedWaivers) -> dict[str, Any] | None:
    if not waivers.file.sha256:
        return None
    return {
        "sha256": waivers.file.sha256,
        "text": waivers.file.text,
        "used": [{**_waiver(waiver), "findings": findings} for waiver, findings in waivers.used],
        "expired": [{**_waiver(waiver), "findings": findings} for waiver, findings in waivers.expired],
        "unmatched": [_waiver(waiver) for waiver in waivers.unmatched],
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.id,
        "rule": waiver.rule,
        "variant": waiver.variant,
        "scope": dict(waiver.scope),
        "owner": waiver.owner,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
    }


def _baseline(result: GateResult) -> dict[str, Any] | None:
    used = result.baseline
    if used is None:
        return None
    return {
        "sha256": used.baseline.sha256,
        "made_at": used.baseline.made_at.astimezone(UTC).isoformat(),
        "findings": len(used.baseline.findings),
        "known": used.known,
        "gone": used.gone,
        "same_rules": used.same_rules,
    }


def decision_digest(data: Mapping[str, Any]) -> str:
    """Return the hash of a verdict, which its run keeps: over everything but the name of that run."""
    of_run = {**data["catalog"], "run_id": ""}
    text = json.dumps({**data, "catalog": of_run}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verdict_bytes(result: GateResult) -> bytes:
    """Return the content of verdict.json."""
    return json.dumps(verdict_to_json(result), ensure_ascii=False, indent=1).encode() + b"\n"


def read_verdict(path: Path) -> VerdictFile:
    """Read what a gate wrote; `path` is the file, or the folder that holds it.

    Raises
    ------
    DqkitError
        There is no such file, it is damaged, or it has another format version.
    """
    path = path / FILE if path.is_dir() else path
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DqkitError(f"there is no verdict {path}", "name what dqkit gate --out wrote") from error
    except OSError as error:
        raise DqkitError(f"the verdict cannot be read: {error.strerror}", "mend its permissions") from error
    try:
        data = json.loads(content)
    except ValueError as error:
        raise DqkitError(
            f"the verdict {path} is damaged: it is no JSON", "run the gate again with this --out"
        ) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DqkitError(f"{path} is not the verdict of a gate", f"name the {FILE} that dqkit gate --out wrote")
    if data.get("format_version") != FORMAT_VERSION:
        version = str(data.get("format_version"))[:20]
        raise DqkitError(
            f"the verdict has format version {version}, this dqkit reads {FORMAT_VERSION}",
            "use the dqkit that wrote it, or run the gate again",
        )
    if not _fits(data, _SHAPE):
        raise DqkitError(
            f"the verdict {path} is damaged: a part of it is missing", "run the gate again with this --out"
        )
    return VerdictFile(path, hashlib.sha256(content).hexdigest(), data)


_SHAPE: Mapping[str, Any] = {
    "dqkit_version": str,
    "decided_at": str,
    "verdict": str,
    "exit_code": int,
    "key_fingerprint": str,
    "title": str,
    "catalog": {"run_id": str, "audit_run_id": str, "table_versions": dict},
    "policy": {"name": str, "sha256": str, "text": str},
    "only": dict,
    **dict.fromkeys(("incomplete_because", "deciding", "packs", "rules", "outcomes", "conditions"), list),
    **dict.fromkeys(("waivers", "baseline", "dataset"), (dict, type(None))),
}
"""What whoever reads a verdict relies on."""


def _fits(data: Any, shape: Mapping[str, Any]) -> bool:
    """Tell whether `data` has the parts of `shape`, each of its type."""
    return isinstance(data, dict) and all(
        _fits(data.get(name), kind) if isinstance(kind, Mapping) else name in data and isinstance(data[name], kind)
        for name, kind in shape.items()
    )
