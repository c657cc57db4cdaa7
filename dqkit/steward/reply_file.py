"""Reads the rows of a reply: a worklist that came back as xlsx, or was saved as CSV.

Nothing in it is trusted: sizes are limited, links are not followed, formulas are told from text and never computed, and
headers are looked for, as columns and rows may have moved.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dqkit.errors import DqkitError
from dqkit.index.table_sheet import check_workbook, merged_cells, opened_workbook
from dqkit.index.table_text import rows_of_text
from dqkit.steward.answers import column_of
from dqkit.steward.worklist import META

MOST_BYTES = 32 << 20
"""A worklist of 20,000 rows has 2 MB."""

_UNPACKED = 64 << 20
_MOST_CELLS = 4_000_000
_HEADER_WITHIN = 20
"""Rows at the top among which the header is looked for."""

Cell = str | float | dt.datetime | dt.date | None


@dataclass(frozen=True)
class Line:
    """A row of a reply.

    Attributes
    ----------
    sheet
        1-based; 0 for text.
    row
        As a spreadsheet numbers it, or the line of a text file.
    cells
        Key of answers.HEADERS -> what stands there.
    formulas
        Keys whose cells hold a formula; `cells` has its text.
    """

    sheet: int
    row: int
    cells: dict[str, Cell]
    formulas: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReplyFile:
    """What a reply holds: its rows, and which worklist it says it is (empty where it says nothing)."""

    lines: tuple[Line, ...]
    handback_id: str = ""


def read_reply(path: Path) -> ReplyFile:
    """Read a worklist that came back.

    Raises
    ------
    DqkitError
        It cannot be read, is too large, or has no header that names ID and Answer.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DqkitError(f"{path.name} is larger than {MOST_BYTES >> 20} MB", "send the worklist itself, unpacked")
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DqkitError(f"{path.name} cannot be read: {error.strerror}", "check the path") from error
    if head.startswith(b"PK\x03\x04"):
        return _of_workbook(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise DqkitError(
            f"{path.name} is a workbook of the old format, or locked with a password", "save it as .xlsx or as CSV"
        )
    rows = ((line, [(cell, False) for cell in cells]) for line, cells in rows_of_text(path))
    lines = tuple(_lines(0, rows))
    return ReplyFile(_or_refused(lines, path))


def _or_refused(lines: tuple[Line, ...], path: Path) -> tuple[Line, ...]:
    if not lines:
        raise DqkitError(
            f"{path.name} holds no worklist: no row names ID and Answer, or none stands below it",
            "the headers of the worklist must stay as they were",
        )
    return lines


def open_reply(path: Path) -> Any:
    """Open a workbook that came from elsewhere, formulas as they are.

    Raises
    ------
    DqkitError
        It is damaged or too large.
    """
    check_workbook(path, _UNPACKED)
    book = opened_workbook(path, data_only=False)
    for number, sheet in enumerate(book.worksheets, start=1):
        if sheet.max_row * sheet.max_column > _MOST_CELLS:
            raise DqkitError(
                f"sheet {number} of {path.name} reaches down to row {sheet.max_row:,} and column {sheet.max_column:,}",
                "delete what stands far below or right of the worklist, or save the sheet as CSV",
            )
    return book


def _of_workbook(path: Path) -> ReplyFile:
    book = open_reply(path)
    lines: list[Line] = []
    for number, sheet in enumerate(book.worksheets, start=1):
        if sheet.sheet_state == "visible":
            lines += _lines(number, _rows(sheet))
    return ReplyFile(_or_refused(tuple(lines), path), handback_of(book))


def handback_of(book: Any) -> str:
    """Return the id of the worklist that a workbook says it is; empty where it says nothing."""
    if META not in book.sheetnames:
        return ""
    told = {str(row[0]): str(row[1]) for row in book[META].iter_rows(max_row=9, max_col=2, values_only=True)}
    return told.get("handback_id", "")


def _rows(sheet: Any) -> Iterator[tuple[int, list[tuple[Cell, bool]]]]:
    """Give the rows of a sheet; a merged cell counts for every row that it spans."""
    merged = merged_cells(sheet)
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = []
        for at, cell in enumerate(row, start=1):
            own = sheet.cell(*merged[number, at]) if (number, at) in merged else cell
            cells.append((own.value, own.data_type == "f"))
        yield number, cells


def _lines(sheet: int, rows: Iterable[tuple[int, Sequence[tuple[Cell, bool]]]]) -> Iterator[Line]:
    """Give the rows below the header that hold anything a reply is read from."""
    header: dict[int, str] = {}
    for number, cells in rows:
        if not header:
            header = _header(cells)
            if not header and number > _HEADER_WITHIN:
                return
            continue
        found = {key: cells[at] for at, key in header.items() if at < len(cells)}
        values = {key: _plain(value) for key, (value, _) in found.items()}
        if any(value is not None for value in values.values()):
            formulas = frozenset(key for key, (_, is_formula) in found.items() if is_formula)
            yield Line(sheet, number, values, formulas)


def _header(cells: Sequence[tuple[Cell, bool]]) -> dict[int, str]:
    """Return position -> key where `cells` are the header; the first of two columns of one name counts."""
    keys: dict[str, int] = {}
    for at, (value, _) in enumerate(cells):
        key = column_of(value) if isinstance(value, str) else None
        if key is not None:
            keys.setdefault(key, at)
    return {at: key for key, at in keys.items()} if {"row_id", "answer"} <= keys.keys() else {}


def _plain(value: Any) -> Cell:
    """Return a value as one of few types: an array formula, an error or a rich text as its text."""
    if value is None or isinstance(value, int | float | dt.datetime | dt.date):
        return None if isinstance(value, bool) else value
    text = str(getattr(value, "text", value)).strip()
    return text or None
