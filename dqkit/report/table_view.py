"""What became of a table: its columns, its series, and which rules it can answer; free of values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dqkit.audit.answerable import answerable, lacking, told_by
from dqkit.index.table import TableSummary
from dqkit.index.table_guess import NEAR, may_be_shown
from dqkit.report.visible import visible
from dqkit.rulebook.rule import Rule

_MOST_NAMED = 12
_MOST_COLUMNS = 8


def table_to_json(summary: TableSummary, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return `summary` as plain JSON values, with the rules that the table can answer."""
    yes, no = answerable(rules, summary.given)
    told = told_by(summary.given)
    shown, hidden = _headers(summary.unmapped)
    return {
        "source": summary.name,
        "state": summary.state,
        "rows": summary.rows,
        "series": summary.series,
        "repeated_rows": summary.repeated,
        "rows_without_series_uid": summary.unnamed,
        "series_known_from_elsewhere": summary.elsewhere,
        "removed": summary.removed,
        "columns": {column.header: column.to for column in summary.mapping.columns} if summary.mapping else {},
        "unmapped": shown,
        "unmapped_not_shown": hidden,
        "notes": [*summary.notes, *(f"{note.to}: {note.count:,} {note.what}" for note in summary.column_notes)],
        "answers": [rule.id for rule in yes],
        "does_not_answer": {rule.id: list(lacking(rule, told)) for rule in no},
        "seconds": round(summary.seconds, 3),
    }


def table_lines(summary: TableSummary, rules: Sequence[Rule]) -> list[str]:
    """Say what became of a table, a line each."""
    if summary.state == "offline":
        return [f"{visible(summary.name)}: the table is not there (its {summary.series:,} series stay)"]
    if summary.state == "unchanged":
        return [
            f"{visible(summary.name)}: {summary.series:,} series; the table has not changed",
            *_answers(summary, rules),
        ]
    rate = summary.rows / summary.seconds if summary.seconds else 0.0
    counted = f"{summary.rows:,} rows in {summary.seconds:.1f} s, {summary.series:,} series ({rate:,.0f} rows/s)"
    lines = [f"{visible(summary.name)}: {counted}"]
    lines += [f"note: {note}" for note in summary.notes]
    lines += [f"note: {visible(note.header, 60)}: {note.count:,} {note.what}" for note in summary.column_notes]
    lines += [
        f"note: {count:,} {what}"
        for count, what in (
            (summary.repeated, "rows name a series that another row names too: each such series counts once"),
            (summary.unnamed, "rows have no SeriesInstanceUID: each counts as a series"),
            (summary.elsewhere, "series are known from files or another table already: those count"),
            (summary.removed, "series are no longer in the table"),
        )
        if count
    ]
    return [*lines, *_unmapped_lines(summary), *_answers(summary, rules)]


def mapping_lines(summary: TableSummary) -> list[str]:
    """Say what the columns were taken for, a line a column; those that are only nearly spelt so are marked."""
    if summary.mapping is None:
        return []
    width = max((len(visible(column.header, 40)) for column in summary.mapping.columns), default=0)
    lines = []
    for column in summary.mapping.columns:
        more = f" in {column.unit}" if column.unit else ""
        sign = "  (nearly spelt so: check it)" if column.how == NEAR else ""
        lines.append(f"  {visible(column.header, 40):<{width}}  {column.to}{more}{sign}")
    return lines


def _unmapped_lines(summary: TableSummary) -> list[str]:
    shown, hidden = _headers(summary.unmapped)
    lines = []
    if shown:
        more = f" and {len(shown) - _MOST_NAMED:,} more" if len(shown) > _MOST_NAMED else ""
        lines.append(f"columns without a meaning here: {', '.join(shown[:_MOST_NAMED])}{more}")
    if hidden:
        lines.append(f"{hidden:,} more columns have headers that may be values, and are not named")
    return lines


def _headers(headers: Iterable[str]) -> tuple[list[str], int]:
    all_of_them = list(headers)
    shown = [visible(header, 60) for header in all_of_them if may_be_shown(header)]
    return shown, len(all_of_them) - len(shown)


def _answers(summary: TableSummary, rules: Sequence[Rule]) -> list[str]:
    """Say how many rules the table can answer, and what it lacks for the others."""
    yes, no = answerable(rules, summary.given)
    told = told_by(summary.given)
    of_images = [rule for rule in no if not lacking(rule, told)]
    lines = [
        f"it can answer {len(yes)} of {len(rules)} rules: {_ids(yes)}",
        f"{len(of_images)} need the images themselves, not a table: {_by_family(of_images)}",
    ]
    wanted = Counter(column for rule in no for column in lacking(rule, told))
    if wanted:
        most = ", ".join(f"{column} ({count})" for column, count in wanted.most_common(_MOST_COLUMNS))
        number = len(no) - len(of_images)
        lines.append(f"{number} need columns that the table does not have; most wanted: {most} (--json names all)")
    return lines


def _ids(rules: Sequence[Rule]) -> str:
    return ", ".join(dict.fromkeys(rule.id for rule in rules))


def _by_family(rules: Sequence[Rule]) -> str:
    families = Counter(rule.family for rule in rules)
    return ", ".join(f"{count} {family}" for family, count in sorted(families.items()))
