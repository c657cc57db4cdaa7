"""A worklist as a workbook: problems, details, and a page that explains both; no text in it is ever a formula."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dqkit.report.chinese import localized
from dqkit.report.folder import replacing
from dqkit.report.page_data import remedy_text, rule_title
from dqkit.report.summary import mender_text
from dqkit.report.terminal import state_text
from dqkit.report.visible import visible
from dqkit.report.words import say
from dqkit.report.worklist_words import ABOUT, COLUMNS, README, SHEETS, WRONG_ANSWER
from dqkit.rulebook.rule import Rule
from dqkit.steward.answers import ANSWERS, MEANINGS
from dqkit.steward.worklist import META, RESOLVED, Worklist

FORMAT = "dqkit-worklist"
FORMAT_VERSION = 1
_NUMBERS = ("findings", "series", "patients", "files")
_REPLY = ("answer", "comment", "by", "date")
_LONG = 500
"""Characters of a text of ours; values from files are cut to 120."""

_SPARE = 8
"""Columns right of ours that may be written to."""

_A4 = 9
_FONT, _SIZE, _LINE = "Calibri", 10, 13
"""Letters, and points of a letter and of a line."""

_CHARACTERS_A_UNIT = 1.0
"""Characters that a column of width 1 holds on average at that size."""

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_A_NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?( ?[\w%°²/]+)?", re.ASCII | re.IGNORECASE)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Column:
    """A column of a sheet: its key, its width in characters, and what a row shows in it."""

    key: str
    width: float
    show: Callable[[Row], object] = lambda _: None
    hidden: bool = False

    def lines(self, value: object) -> int:
        """Return how many lines `value` takes; Chinese characters are twice as wide."""
        text = "" if value is None else str(value)
        wide = len(text)
        if not text.isascii():
            wide += sum(unicodedata.east_asian_width(character) in "WF" for character in text)
        return 0 if self.hidden else -(-wide // max(1, int(self.width * _CHARACTERS_A_UNIT)))


def harmless(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula, not even after it was saved as CSV."""
    if text.startswith(_STARTS_A_FORMULA) and not _A_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def write_worklist(worklist: Worklist, path: Path, lang: str, run_id: str) -> None:
    """Write `worklist` to the new file `path`, for its owner alone (0600).

    Parameters
    ----------
    run_id
        Of the audit that found the problems.

    Raises
    ------
    OSError
        The disk is full, or the folder may not be written to.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _Sheet(book, SHEETS["problems"][lang], _problem_columns(worklist, lang), lang).write(
        worklist.problems.iter_rows(named=True), worklist.problems.height
    )
    _Sheet(book, SHEETS["details"][lang], _detail_columns(worklist, lang), lang).write(
        worklist.rows.iter_rows(named=True), worklist.rows.height
    )
    _write_readme(book.create_sheet(SHEETS["readme"][lang]), worklist, lang, run_id)
    meta = book.create_sheet(META)
    meta.sheet_state = "veryHidden"
    for row in (("format", FORMAT), ("format_version", str(FORMAT_VERSION)), ("handback_id", worklist.handback_id)):
        meta.append(row)
    with replacing(path) as file:
        book.save(file)


def _problem_columns(worklist: Worklist, lang: str) -> list[_Column]:
    about = _Texts(worklist, lang)
    return [
        _Column("row_id", 15, _of("row_id")),
        _Column("severity", 9, about.severity),
        _Column("rule", 10, about.rule),
        _Column("title", 27, about.title),
        _Column("todo", 38, about.todo),
        _Column("who", 15, about.who),
        *(_Column(name, 9, _of(name)) for name in ("findings", "series", "patients", "modality")),
        _Column("scanner", 16, _of("scanner")),
        _Column("first", 9, _of("first_period")),
        _Column("last", 9, _of("last_period")),
        _Column("observed", 21, about.observed),
        _Column("state", 13, about.state),
        *_reply_columns(),
    ]


def _detail_columns(worklist: Worklist, lang: str) -> list[_Column]:
    about = _Texts(worklist, lang)
    hidden = not worklist.resolved
    return [
        _Column("row_id", 15, _of("row_id")),
        _Column("problem_row", 15, _of("problem_row")),
        _Column("severity", 9, about.severity),
        _Column("title", 27, about.title),
        _Column("location", 19, _of("location")),
        *(_Column(name, 15, _of(name), hidden=hidden) for name in RESOLVED),
        _Column("modality", 9, _of("modality")),
        _Column("scanner", 16, _of("scanner")),
        _Column("month", 9, _of("period")),
        _Column("findings", 9, _of("findings")),
        _Column("files", 8, _of("files")),
        _Column("observed", 21, about.observed),
        _Column("expected", 21, about.expected),
        _Column("earlier", 13, about.earlier),
        *_reply_columns(),
    ]


@dataclass(frozen=True)
class _Texts:
    """What cells say of a row, in one language."""

    worklist: Worklist
    lang: str

    def _of(self, row: Row) -> Rule | None:
        return self.worklist.rules.get((row["rule_id"], row["variant"] or ""))

    def severity(self, row: Row) -> str:
        return say(row["severity"], self.lang)

    def rule(self, row: Row) -> str:
        return f"{row['rule_id']} {row['variant'] or ''}".strip()

    def title(self, row: Row) -> str:
        return rule_title(self._of(row), row["rule_id"])[self.lang]

    def todo(self, row: Row) -> str:
        return remedy_text(self._of(row))[self.lang]

    def who(self, row: Row) -> str:
        return mender_text(row["who"])[self.lang]

    def observed(self, row: Row) -> str | None:
        return localized(row["observed"], self.lang)

    def expected(self, row: Row) -> str | None:
        return localized(row["expected"], self.lang)

    def state(self, row: Row) -> str:
        return state_text(row["state"], row["state_since"], self.lang)

    def earlier(self, row: Row) -> str | None:
        answered = row["answered"]
        if answered is None:
            return None
        word = ANSWERS[answered][self.lang] if answered in ANSWERS else say(f"state.{answered}", self.lang)
        return f"{row['answered_at']:%Y-%m-%d} {word}"


def _of(name: str) -> Callable[[Row], object]:
    return lambda row: row[name]


def _reply_columns() -> list[_Column]:
    widths = {"answer": 13, "comment": 30, "by": 14, "date": 11}
    return [_Column(name, widths[name]) for name in _REPLY]


class _Sheet:
    """A sheet of one header and many rows, for filtering, answering and printing."""

    def __init__(self, book: Any, title: str, columns: Sequence[_Column], lang: str) -> None:
        self._sheet = book.create_sheet(title)
        self._columns, self._lang = columns, lang

    def write(self, rows: Iterable[Row], height: int) -> None:
        """Write the header and `rows`, `height` in number."""
        self._lay_out(height)
        self._append([self._head(column) for column in self._columns], 1, 2)
        cells = [self._cell(column) for column in self._columns]
        for number, row in enumerate(rows, start=2):
            for column, cell in zip(self._columns, cells, strict=True):
                put(cell, column.show(row))
            lines = max(column.lines(cell.value) for column, cell in zip(self._columns, cells, strict=True))
            self._append(cells, number, lines)

    def _append(self, cells: Sequence[Any], number: int, lines: int) -> None:
        """Write a row as high as its text: LibreOffice 7 does not see to that when it opens a workbook."""
        self._sheet.row_dimensions[number].height = _LINE * lines + 3
        self._sheet.append(cells)
        del self._sheet.row_dimensions[number]

    def _lay_out(self, height: int) -> None:
        from openpyxl.styles import Protection
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.page import PageMargins
        from openpyxl.worksheet.properties import PageSetupProperties

        sheet, last = self._sheet, get_column_letter(len(self._columns))
        for number, column in enumerate(self._columns, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = column.width
            sheet.column_dimensions[get_column_letter(number)].hidden = column.hidden
        for number in range(len(self._columns) + 1, len(self._columns) + 1 + _SPARE):
            sheet.column_dimensions[get_column_letter(number)].protection = Protection(locked=False)
        sheet.freeze_panes = "B2"
        sheet.auto_filter.ref = f"A1:{last}{height + 1}"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", _A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.page_margins = PageMargins(left=0.3, right=0.3, top=0.4, bottom=0.5)
        sheet.oddFooter.center.text = "&P / &N"
        protection = sheet.protection
        protection.sheet = True
        for allowed in ("autoFilter", "sort", "formatColumns", "formatRows", "formatCells"):
            setattr(protection, allowed, False)  # False: not protected
        self._offer_answers(height)

    def _offer_answers(self, height: int) -> None:
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.datavalidation import DataValidation

        letter = get_column_letter([column.key for column in self._columns].index("answer") + 1)
        words = ",".join(text[self._lang] for text in ANSWERS.values())
        offered = DataValidation("list", f'"{words}"', allow_blank=True, showErrorMessage=True)
        offered.error = WRONG_ANSWER[self._lang]
        offered.add(f"{letter}2:{letter}{max(height + 1, 2)}")
        self._sheet.data_validations.append(offered)

    def _head(self, column: _Column) -> Any:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

        cell = WriteOnlyCell(self._sheet, COLUMNS[column.key][self._lang])
        cell.font = Font(_FONT, _SIZE, bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="B45309" if column.key in _REPLY else "1F3A5F")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        cell.border = Border(bottom=Side("thin", color="FFFFFF"))
        return cell

    def _cell(self, column: _Column) -> Any:
        """Return a cell in the style of `column`; it is written again and again, with another value."""
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side

        cell = WriteOnlyCell(self._sheet)
        cell.font = Font(_FONT, _SIZE, bold=column.key in {"severity", "title"})
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        line = Side("thin", color="D0D5DD")
        cell.border = Border(bottom=line, right=line)
        if column.key in _REPLY:
            cell.fill = PatternFill("solid", fgColor="FFF8E1")
            cell.protection = Protection(locked=False)
            cell.number_format = "yyyy-mm-dd" if column.key == "date" else "@"
        elif column.key in _NUMBERS:
            cell.alignment = Alignment(horizontal="center", vertical="top")
        elif column.key in {"row_id", "problem_row", "location", "rule"}:
            cell.font = Font(_FONT, _SIZE, color="667085")
        return cell


def put(cell: Any, value: object) -> None:
    """Put a value into a cell; text stays text, whatever it begins with."""
    if value is None or isinstance(value, int):
        cell.value = value
        return
    cell.value = harmless(visible(value, _LONG))
    cell.data_type = "s"


def _write_readme(sheet: Any, worklist: Worklist, lang: str, run_id: str) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 96
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    for name, text, font in _readme_lines(worklist, lang, run_id):
        cells = [WriteOnlyCell(sheet), WriteOnlyCell(sheet)]
        for cell, value in zip(cells, (name, text), strict=True):
            put(cell, value)
            cell.alignment = Alignment(wrap_text=cell is cells[1], vertical="top")
            cell.font = Font(_FONT, **font)
        cells[0].font = Font(_FONT, **{"bold": True, **font})
        sheet.append(cells)


def _readme_lines(worklist: Worklist, lang: str, run_id: str) -> list[tuple[str | None, str | None, dict[str, Any]]]:
    values = {
        "site": visible(worklist.site), "when": f"{worklist.made_at:%Y-%m-%d}", "run": run_id,
        "handback": worklist.handback_id, "problems": f"{worklist.problems.height:,}",
        "rows": f"{worklist.rows.height:,}", "sheet": SHEETS["problems"][lang], "details": SHEETS["details"][lang],
        "n": f"{worklist.rows_left_out:,}",
    }  # fmt: skip
    told = ["made", "what", *(["more"] if worklist.rows_left_out else []), "how", "protected"]
    privacy = "identifying" if worklist.resolved else "pseudonymous"
    columns = dict.fromkeys(
        column.key for columns in (_problem_columns, _detail_columns) for column in columns(worklist, lang)
    )
    red = {"color": "B42318", "bold": True} if worklist.resolved else {}
    return [
        (README["title"][lang].format(**values), None, {"bold": True, "size": 16}),
        (None, None, {}),
        *((None, README[key][lang].format(**values), {}) for key in told),
        (None, README[privacy][lang], red),
        (None, None, {}),
        (README["answers"][lang], None, {"bold": True, "size": 13}),
        *((ANSWERS[key][lang], MEANINGS[key][lang], {}) for key in ANSWERS),
        (None, None, {}),
        (README["columns"][lang], None, {"bold": True, "size": 13}),
        *((COLUMNS[key][lang], ABOUT[key][lang], {}) for key in columns if key in ABOUT),
    ]
