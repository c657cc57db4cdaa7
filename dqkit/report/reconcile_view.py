"""A reconciliation in words and as plain JSON values, free of identifying ones."""

from typing import Any

import polars as pl

from dqkit.identity import Pseudonyms
from dqkit.index.table_guess import may_be_shown
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, Pair, pair
from dqkit.steward.reconcile import CHANGES, COMPLETE, MISSING, PARTIAL, UNMATCHED, Reconciled

FORMAT = "dqkit-reconciliation"
FORMAT_VERSION = 1

_MOST_NAMED = 1000
_MOST_SITES = 10
_COLUMNS = (
    "site", "status", "changed", "expected_series", "found_series", "expected_instances", "found_instances",
    "missing_series", "missing_instances", "more_instances", "rows",
)  # fmt: skip


def notes_of(found: Reconciled) -> list[Pair]:
    """Return what a person should know of the list, free of values."""
    studies = found.studies
    counted = {
        "damaged": studies.filter(status=UNMATCHED).height,
        "repeated": found.repeated,
        "contradicting": found.contradicting,
        "respelt": found.respelt,
        "outside": found.outside,
        "more": studies.filter(pl.col("more_instances") > 0).height,
    }
    notes = [pair(f"rec.note.{name}", n=n) for name, n in counted.items() if n]
    if not found.listed.counted:
        notes.append(pair("rec.note.uncounted"))
    if found.unlisted:
        shown = [visible(name, 40) for name in found.unlisted[:_MOST_SITES]]
        names = shown + (["…"] if len(found.unlisted) > len(shown) else [])
        joined = {lang: {"en": ", ", "zh": "、"}[lang].join(names) for lang in LANGUAGES}
        notes.append({lang: pair("rec.note.unlisted", names=joined[lang])[lang] for lang in LANGUAGES})
    return notes + [pair("rec.note.offline", name=visible(name, 60)) for name in found.offline]


def column_notes_of(found: Reconciled) -> list[str]:
    """Return what was odd about columns, in English as index tells it; a header that may be a value is not named."""
    told = [
        f"{note.header if may_be_shown(note.header) else 'a column'} ({note.to}): {note.count:,} {note.what}"
        for note in found.listed.column_notes
    ]
    return [*found.listed.notes, *told]


def changes_of(found: Reconciled) -> list[tuple[str, int]]:
    """Return how many studies differ in what."""
    lists = found.studies["changed"]
    counted = [(name, int(lists.list.contains(name).sum())) for name in CHANGES]
    return [(name, n) for name, n in counted if n]


def lacking(found: Reconciled) -> pl.DataFrame:
    """Return the studies that are missing or partial, those that lack most first."""
    rows = found.studies.filter(pl.col("status").is_in([MISSING, PARTIAL]))
    size = pl.col("missing_instances").fill_null(0)
    return rows.sort(pl.col("status") == PARTIAL, -size, "site", "study_key", nulls_last=True)


def reconciled_to_json(found: Reconciled, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Return `found` as plain JSON values: studies by their pseudonyms, complete ones left out."""
    listed = found.listed
    rows = found.studies.filter((pl.col("status") != COMPLETE) | (pl.col("changed").list.len() > 0))
    named = [
        {"study": pseudonyms.of("study", row["study_key"]), **{name: row[name] for name in _COLUMNS}}
        for row in rows.head(_MOST_NAMED).iter_rows(named=True)
    ]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "exit_code": int(found.exit_code),
        "list": {
            "level": listed.level,
            "rows": found.rows,
            "repeated_rows": found.repeated,
            "contradicting_studies": found.contradicting,
            "columns": {column.header: column.to for column in listed.mapping.columns if may_be_shown(column.header)},
            "notes": column_notes_of(found),
        },
        "sites": found.by_site.to_dicts(),
        "changed": dict(changes_of(found)),
        "outside_dates": found.outside,
        "unlisted_sites": list(found.unlisted),
        "offline_sources": list(found.offline),
        "studies": named,
        "studies_left_out": max(rows.height - _MOST_NAMED, 0),
    }
