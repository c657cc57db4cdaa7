"""Outcomes of a verdict as a table, for evidence."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from dqkit.report.neutral import neutral

_COLUMNS = (
    "rule_id", "variant", "severity", "site", "verdict", "evaluated", "passed", "failed", "allowed", "waived",
    "baseline", "implied", "errors", "unknown", "unknown_missing", "unknown_varying", "unknown_not_looked_at",
    "not_applicable",
)  # fmt: skip


def outcomes_csv(verdict: Mapping[str, Any]) -> bytes:
    """Return the outcomes of a verdict as a table that a spreadsheet opens and computes nothing of."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in verdict["outcomes"]:
        writer.writerow([_cell(row.get(name)) for name in _COLUMNS])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    return neutral(value) if isinstance(value, str) else value
