"""Tables of a workbook (xlsx): stored values as text, merged cells filled, formulas never computed."""

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dqkit.errors import DqkitError
from dqkit.index.table_file import Known, RawTable, Row, shaped

_MOST_BYTES = 256 << 20
"""Uncompressed size up to which a workbook is opened; as CSV or parquet a table may be larger."""

_EXACT = 10**15
"""Workbooks keep 15 digits of a number: longer ones are rounded already."""

_FORMULA = re.compile(rb"<f[ >/]")
_MERGES = re.compile(rb"mergeCell\s")
_MERGED = re.compile(rb"mergeCell\s+ref=[\"']([A-Za-z]{1,3})(\d{1,7}):([A-Za-z]{1,3})(\d{1,7})[\"']")
_MOST_MERGED = 2_000_000
"""Cells in merged ranges up to which a workbook is opened."""

_ZEROS = re.compile(r"0+")


def read_sheet(path: Path, known: Known, sheet: str) -> RawTable:
    """Read one sheet of a workbook.

    Raises
    ------
    DqkitError
        It is damaged, no workbook, too large, or has no such sheet.
    """
    formulas = check_workbook(path, _MOST_BYTES)
    book = opened_workbook(path, data_only=True)
    try:
        chosen = _chosen(book, sheet, path)
        merged = merged_cells(chosen)
        numeric: set[int] = set()
        headers, cells, odd = shaped(_rows(chosen, merged, numeric), known, path.name)
        notes = [f"the sheet {book.sheetnames.index(chosen.title) + 1} of {len(book.sheetnames)} was read"] * (
            len(book.sheetnames) > 1
        )
    finally:
        book.close()
    if merged:
        notes.append("merged cells count for every row that they span")
    if formulas:
        notes.append(f"{formulas:,} formulas stand in the workbook: their stored values were taken, nothing computed")
    return RawTable(headers, cells, frozenset(numeric), (*notes, *odd.text()))


def check_workbook(path: Path, most_bytes: int) -> int:
    """Refuse what is no workbook or unpacks to more than `most_bytes`; return how many formulas it holds.

    Raises
    ------
    DqkitError
        It is damaged, no workbook, or too large.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            names = parts.namelist()
            if "xl/workbook.xml" not in names:
                raise DqkitError(f"{path.name} is no xlsx workbook", "give CSV, xlsx, parquet or QIDO-RS JSON")
            if sum(part.file_size for part in parts.infolist()) > most_bytes:
                raise DqkitError(f"the workbook {path.name} is too large to open", "save it as CSV (UTF-8)")
            sheets = [name for name in names if name.startswith("xl/worksheets/") and name.endswith(".xml")]
            return sum(_formulas(parts.read(name), path) for name in sheets)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise _damaged(path, error) from error


def _formulas(sheet: bytes, path: Path) -> int:
    """Count the formulas of a sheet, after refusing merged ranges that openpyxl 3.1 would fill memory with."""
    if b"\x00" in sheet or b"<!DOCTYPE" in sheet:  # XML in which these patterns would not show
        raise DqkitError(f"the workbook {path.name} is written in an unusual way", "save it again, or as CSV")
    ranges = _MERGED.findall(sheet)
    cells = sum((int(last) - int(first) + 1) * _columns(left, right) for left, first, right, last in ranges)
    if len(ranges) != len(_MERGES.findall(sheet)) or cells > _MOST_MERGED:
        raise DqkitError(f"the workbook {path.name} merges too many cells", "split them, or save it as CSV")
    return len(_FORMULA.findall(sheet))


def _columns(left: bytes, right: bytes) -> int:
    return abs(_number_of(right) - _number_of(left)) + 1


def _number_of(letters: bytes) -> int:
    """Return the number of a column: A = 1, AA = 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def opened_workbook(path: Path, *, data_only: bool) -> Any:
    """Open a workbook; links out of it are dropped, and nothing is computed.

    Parameters
    ----------
    data_only
        Whether formulas give the values that were stored beside them, instead of themselves.

    Raises
    ------
    DqkitError
        It is damaged.
    """
    import warnings

    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and validations that openpyxl 3.1 does not know
            return openpyxl.load_workbook(path, data_only=data_only, keep_links=False)
    except Exception as error:  # a broken workbook raises whatever the broken part does
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException) -> DqkitError:
    return DqkitError(f"the workbook {path.name} is damaged ({type(error).__name__})", "save it again, or as CSV")


def _chosen(book: Any, sheet: str, path: Path) -> Any:
    if sheet:
        if sheet not in book.sheetnames:
            raise DqkitError(f"{path.name} has no sheet {sheet!r}", f"it has {len(book.sheetnames)}")
        return book[sheet]
    shown = [one for one in book.worksheets if one.sheet_state == "visible"]
    if not shown:
        raise DqkitError(f"{path.name} shows no sheet", "name one in the mapping: sheet: NAME")
    return shown[0]


def merged_cells(sheet: Any) -> dict[tuple[int, int], tuple[int, int]]:
    """Return which cell each cell of a merged range takes its value from; ranges across a whole row are titles."""
    found = {}
    for area in sheet.merged_cells.ranges:
        if area.min_col != area.max_col:
            continue
        for row in range(area.min_row + 1, area.max_row + 1):
            found[row, area.min_col] = (area.min_row, area.min_col)
    return found


def _rows(sheet: Any, merged: dict[tuple[int, int], tuple[int, int]], numeric: set[int]) -> Iterator[tuple[int, Row]]:
    kept: dict[tuple[int, int], str | None] = {}
    anchors = set(merged.values())
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells: list[str | None] = []
        for at, cell in enumerate(row, start=1):
            text = kept.get(merged[number, at]) if (number, at) in merged else _text(cell)
            if (number, at) in anchors:
                kept[number, at] = text
            if isinstance(cell.value, int | float):
                numeric.add(at - 1)
            cells.append(text)
        yield number, cells


def _text(cell: Any) -> str | None:
    value = cell.value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, str(getattr(cell, "number_format", "")))
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") if value.time() != dt.time() else value.strftime("%Y-%m-%d")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value).strip() or None if value is not None else None


def _number(value: float, form: str) -> str:
    """Write a number as the sheet shows it where its format keeps zeros in front (``000000``)."""
    if abs(value) >= _EXACT:
        return f"{value:.14e}"  # rounded by the workbook: its form tells that
    if value != int(value):
        return repr(value)
    return f"{int(value):0{len(form)}d}" if _ZEROS.fullmatch(form) else str(int(value))
