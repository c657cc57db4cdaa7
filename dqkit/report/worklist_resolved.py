"""A worklist that was handed back, with the hospital's own names filled in beside its rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqkit.errors import DqkitError
from dqkit.report.folder import replacing
from dqkit.report.worklist_words import COLUMNS
from dqkit.report.worklist_xlsx import put
from dqkit.steward.reply_file import handback_of, open_reply
from dqkit.steward.resolve import Names
from dqkit.steward.worklist import RESOLVED

_WANTED = ("row_id", *RESOLVED)


class WorklistFile:
    """A worklist as it came; what was filled in stays.

    Raises
    ------
    DqkitError
        The file is no worklist, damaged or too large.
    """

    def __init__(self, path: Path) -> None:
        self._book = open_reply(path)
        self.handback_id = handback_of(self._book)
        self._columns = [(sheet, found) for sheet in self._book.worksheets if (found := _header(sheet))]
        if not self.handback_id or not self._columns:
            raise DqkitError(
                f"{path.name} is no worklist of dqkit, or its columns of names are gone", "give the file as it was sent"
            )

    def write(self, target: Path, names: Names) -> int:
        """Write the worklist with `names` to the new file `target` (0600); return how many rows have any."""
        filled = sum(_fill(sheet, columns, names) for sheet, columns in self._columns)
        for sheet in self._book.worksheets:
            _defuse(sheet)
        with replacing(target) as file:
            self._book.save(file)
        return filled


def _header(sheet: Any) -> dict[str, int]:
    """Return key -> column of the first row's headers, where all that are wanted are there."""
    known = {word: key for key in _WANTED for word in COLUMNS[key].values()}
    found = {known[cell.value]: cell.column for cell in sheet[1] if cell.value in known}
    return found if set(_WANTED) <= found.keys() else {}


def _fill(sheet: Any, columns: Mapping[str, int], names: Names) -> int:
    from openpyxl.utils import get_column_letter

    filled = 0
    for key in RESOLVED:
        sheet.column_dimensions[get_column_letter(columns[key])].hidden = False
    for row in range(2, sheet.max_row + 1):
        own = names.get(str(sheet.cell(row, columns["row_id"]).value), {})
        for key, value in own.items():
            put(sheet.cell(row, columns[key]), value)
        filled += any(value is not None for value in own.values())
    return filled


def _defuse(sheet: Any) -> None:
    """Make text of formulas: ours has none, and whose they are nobody knows."""
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f":
                put(cell, getattr(cell.value, "text", cell.value))
