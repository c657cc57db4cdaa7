"""Which pictures a report carries, within a budget."""

import base64
from collections import Counter
from typing import Any

import polars as pl

from dqkit.audit.result import AuditResult, Picture

PER_RULE_AND_SITE = 3
MOST_BYTES = 2_000_000
"""Of all pictures together, as base64."""

_MIMES = {"image/webp", "image/png"}


def pictures_for_page(result: AuditResult) -> list[dict[str, Any]]:
    """Return the pictures to show: at most three a rule and site, and 2 MB in all, in the result's order."""
    about = _about(result)
    taken: Counter[tuple[str, str | None]] = Counter()
    shown, used = [], 0
    for picture in result.pictures:
        if picture.finding_id not in about or picture.mime not in _MIMES:
            continue
        problem_id, rule_id, site = about[picture.finding_id]
        size = len(picture.data) * 4 // 3 + 4
        if taken[rule_id, site] >= PER_RULE_AND_SITE or used + size > MOST_BYTES:
            continue
        taken[rule_id, site] += 1
        used += size
        shown.append({"problem_id": problem_id, **_of(picture)})
    return shown


def _about(result: AuditResult) -> dict[str, tuple[str, str, str | None]]:
    ids = [picture.finding_id for picture in result.pictures]
    rows = result.findings.filter(pl.col("finding_id").is_in(ids))
    return {row[0]: row[1:] for row in rows.select("finding_id", "problem_id", "rule_id", "site").iter_rows()}


def _of(picture: Picture) -> dict[str, Any]:
    data = base64.b64encode(picture.data).decode()
    return {
        "src": f"data:{picture.mime};base64,{data}",
        "caption": {lang: picture.caption.get(lang, "") for lang in ("en", "zh")},
        "width": picture.width,
        "height": picture.height,
    }
