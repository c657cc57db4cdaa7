"""A result as JSON: result.json and ``--json``; docs/report.md describes it field by field."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from dqkit.audit.coverage import coverage_to_json
from dqkit.audit.result import AuditResult, Judgement
from dqkit.catalog.schema import INT, OUTCOMES, PROBLEMS, REAL, TEXT, TEXTS, Schema, conform
from dqkit.errors import DqkitError, ExitCode
from dqkit.model import Severity, Verdict
from dqkit.profile.glance import Glance
from dqkit.report.diff_json import history_to_json
from dqkit.report.profile_json import profile_to_json
from dqkit.report.summary import SEVERITIES, by_severity, worst_problems
from dqkit.rulebook.rule import Text

FORMAT = "dqkit-audit"
FORMAT_VERSION = 1
"""Fields are only added within a format version."""

_PROBLEM_FIELDS = (
    "problem_id", "rule_id", "variant", "severity", "site", "modality", "scanner", "protocol", "findings", "patients",
    "studies", "series", "files", "observed", "origin", "state", "state_since",
)  # fmt: skip

_GLANCE: dict[str, Schema] = {
    "sites": {
        "site": TEXT, "files": INT, "dicom_files": INT, "images": INT, "images_decoded": INT, "patients": INT,
        "studies": INT, "series": INT, "instances": INT, "bytes": INT, "modalities": TEXTS, "scanners": INT,
        "first_year": INT, "last_year": INT,
    },
    "modalities": {"site": TEXT, "modality": TEXT, "series": INT, "instances": INT},
    "scanners": {
        "site": TEXT, "scanner": TEXT, "modality": TEXT, "series": INT, "first_year": INT, "last_year": INT,
    },
    "distributions": {
        "measure": TEXT, "unit": TEXT, "site": TEXT, "scanner": TEXT, "modality": TEXT, "value": REAL, "n": INT,
    },
}  # fmt: skip


def result_to_json(result: AuditResult) -> dict[str, Any]:
    """Return `result` as plain JSON values, free of identifying ones; it always has `complete`."""
    judgement = result.judgement
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dqkit_version": result.dqkit_version,
        "run_id": result.run_id,
        "finished_at": result.finished_at.astimezone(UTC).isoformat(),
        "title": result.title,
        "complete": judgement.complete,
        "incomplete_because": [reason["en"] for reason in judgement.incomplete_because],
        "incomplete_because_zh": [reason["zh"] for reason in judgement.incomplete_because],
        "verdict": judgement.verdict.value,
        "fail_on": judgement.fail_on.value if judgement.fail_on else "never",
        "exit_code": int(judgement.exit_code),
        "failing": [_failing(label, site) for label, site in judgement.failing],
        "engine": result.engine,
        "not_expressible": list(result.not_expressible),
        "rules": [{"rule_id": r.id, "variant": r.variant, "sha256": r.sha256} for r in result.rules],
        "tables": [
            {"name": share.name, "series": share.series, "answers": share.answers, "rules": share.rules}
            for share in result.tables
        ],
        "coverage": coverage_to_json(result.coverage),
        "only": result.only.to_json(),
        "counts": _counts(result),
        "outcomes": conform(result.outcomes, OUTCOMES).to_dicts(),
        "problems": _problems(result.problems),
        "profile": profile_to_json(result.profile) if result.profile is not None else None,
        "history": history_to_json(result.history),
        "glance": {name: _glance(result.glance, name) for name in _GLANCE},
    }


def _failing(label: str, site: str | None) -> dict[str, str | None]:
    rule_id, _, variant = label.partition(" ")
    return {"rule_id": rule_id, "variant": variant, "site": site}


def _label(row: dict[str, Any]) -> str:
    return f"{row['rule_id']} {row.get('variant') or ''}".strip()


def judgement_from_json(data: dict[str, Any]) -> Judgement:
    """Return the judgement that `result_to_json` wrote."""
    return Judgement(
        verdict=Verdict(data["verdict"]),
        failing=tuple((_label(row), row["site"]) for row in data["failing"]),
        fail_on=None if data["fail_on"] == "never" else Severity(data["fail_on"]),
        complete=data["complete"] is True,
        incomplete_because=_reasons(data),
        exit_code=ExitCode(data["exit_code"]),
    )


def _reasons(data: dict[str, Any]) -> tuple[Text, ...]:
    """Return why the run is incomplete; an older dqkit wrote English alone."""
    english = data["incomplete_because"]
    chinese = data.get("incomplete_because_zh", english)
    return tuple({"en": en, "zh": zh} for en, zh in zip(english, chinese, strict=True))


def glance_from_json(data: dict[str, Any]) -> Glance:
    """Return the glance that `result_to_json` wrote."""
    frames = {name: pl.from_dicts(data["glance"][name], schema=kinds) for name, kinds in _GLANCE.items()}
    return Glance(**frames)


def check_format(data: Any) -> None:
    """Refuse what `result_to_json` did not write, or wrote in another format version.

    Raises
    ------
    DqkitError
        Says which it is.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DqkitError("result.json is not the result of an audit", "name a folder that dqkit audit --out wrote")
    if data.get("format_version") != FORMAT_VERSION:
        raise DqkitError(
            f"result.json has format version {str(data.get('format_version'))[:20]}, this dqkit reads {FORMAT_VERSION}",
            "run the audit again with this dqkit",
        )


def when_from_json(data: dict[str, Any]) -> datetime:
    """Return when the audit finished, in UTC."""
    return datetime.fromisoformat(data["finished_at"]).astimezone(UTC)


def _glance(glance: Glance, name: str) -> list[dict[str, Any]]:
    frame = conform(getattr(glance, name), _GLANCE[name])
    if name == "distributions":  # JSON knows no NaN
        frame = frame.filter(pl.col("value").is_finite())
    return frame.to_dicts()


def _counts(result: AuditResult) -> dict[str, Any]:
    """Count rules by severity and verdict (the worst of a rule's sites), and findings and problems by severity."""
    order = [verdict.value for verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.UNKNOWN, Verdict.PASS)]
    rank = pl.col("verdict").replace_strict({name: i for i, name in enumerate(order)}, default=len(order))
    worst = result.outcomes.sort(rank.cast(pl.Int8)).unique(["rule_id", "variant"], keep="first", maintain_order=True)
    names = [*order, Verdict.NOT_APPLICABLE.value]
    rules = {
        severity: {name: worst.filter(severity=severity, verdict=name).height for name in names}
        for severity in SEVERITIES
    }
    return {
        "rules": rules,
        "findings": by_severity(result.findings, pl.len()),
        "problems": by_severity(result.problems, pl.len()),
        "sites": result.glance.sites.height,
    }


def _problems(problems: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the problems, worst first, with years for months and without the example's id."""
    years = [
        pl.col(f"{end}_period").str.slice(0, 4).cast(pl.Int64, strict=False).alias(f"{end}_year")
        for end in ("first", "last")
    ]
    since = pl.col("state_since").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    told = worst_problems(conform(problems, PROBLEMS)).with_columns(since)
    return told.select(*_PROBLEM_FIELDS, *years).to_dicts()
