"""A file that comes back is read as it was meant, or refused with the place and what to do; nothing in it runs."""

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from dqkit.errors import DqkitError
from dqkit.steward.reply_file import Line, read_reply

FIRST_OF_JULY = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - cells have no zone
HEADER = ["ID", "What is wrong", "Answer", "Comment", "Answered by", "Date"]


def saved(path: Path, rows: list[list[Any]], change: Callable[[Any], object] = lambda sheet: None) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    book.save(path)
    return path


def cells(lines: tuple[Line, ...]) -> list[tuple[object, ...]]:
    return [tuple(line.cells.get(key) for key in ("row_id", "answer", "comment", "by", "date")) for line in lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reply.xlsx"


def test_columns_are_found_wherever_they_moved_and_others_are_passed_over(path: Path) -> None:
    rows = [
        ["our list", None, None],
        [None],
        ["Date", "our own notes", "Comment", " answer ", "ID"],
        [FIRST_OF_JULY, "x", "done", "fixed", "P-1"],
        [None, "only a note", None, None, None],
        [None, None, None, None, "P-2"],
    ]
    lines = read_reply(saved(path, rows)).lines
    assert cells(lines) == [("P-1", "fixed", "done", None, FIRST_OF_JULY), ("P-2", *[None] * 4)]
    assert [(line.sheet, line.row) for line in lines] == [(1, 4), (1, 6)]


def test_every_sheet_that_is_shown_counts(path: Path) -> None:
    book = Workbook()
    for number in range(3):
        sheet = book.create_sheet()
        sheet.append(["编号", "答复"])
        sheet.append([f"R-{number}", "已修复"])
    book.worksheets[2].sheet_state = "hidden"
    book.save(path)
    assert [(line.sheet, line.cells["row_id"]) for line in read_reply(path).lines] == [(2, "R-0"), (4, "R-2")]


def test_a_merged_cell_counts_for_every_row_that_it_spans(path: Path) -> None:
    rows = [HEADER, *([f"P-{n}", "x", "fixed" if n == 0 else None, None, None, None] for n in range(3))]
    lines = read_reply(saved(path, rows, lambda sheet: sheet.merge_cells("C2:C4"))).lines
    assert [row[1] for row in cells(lines)] == ["fixed"] * 3


def test_formulas_are_told_from_text_and_never_computed(path: Path) -> None:
    rows = [HEADER, ["P-1", "x", '=IF(1,"fixed","")', '=cmd|"/C calc"!A0', None, None]]

    def as_text(sheet: Any) -> None:
        sheet["E2"].value = "=1+1"
        sheet["E2"].data_type = "s"

    line = read_reply(saved(path, rows, as_text)).lines[0]
    assert line.formulas == {"answer", "comment"}
    assert line.cells["by"] == "=1+1"
    assert line.cells["comment"] == '=cmd|"/C calc"!A0'


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("ID,Answer,Comment\nP-1,fixed,x\n", "utf-8"),
        ("﻿ID;Answer;Comment\r\nP-1;fixed;x\r\n", "utf-8"),
        ("ID\tAnswer\tComment\nP-1\tfixed\tx\n", "utf-16"),
        ('编号,答复,备注\n"P-1",已修复,"x"\n', "gb18030"),
        ('sep=;\nID;Answer;Comment\n="P-1";fixed;x\n', "utf-8"),
    ],
)
def test_a_worklist_that_was_saved_as_text_is_read(text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "reply.csv"
    path.write_bytes(text.encode(encoding))
    (line,) = read_reply(path).lines
    assert line.cells["row_id"] == "P-1"
    assert line.cells["answer"] in {"fixed", "已修复"}
    assert line.cells["comment"] == "x"
    assert line.sheet == 0


def test_a_row_of_text_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "reply.csv"
    path.write_text('ID,Answer,Comment\nP-1,fixed,"over\ntwo lines"\n\nP-2,fixed,\n', encoding="utf-8")
    assert [line.row for line in read_reply(path).lines] == [3, 5]


def part(path: Path, name: str, content: bytes) -> Path:
    """Replace one part of a workbook."""
    with zipfile.ZipFile(path) as old:
        parts = {one: old.read(one) for one in old.namelist()}
    parts[name] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for one, data in parts.items():
            new.writestr(one, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"
WRAPPED = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData>%s</worksheet>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WRAPPED % (b" " * (70 << 20), b""), "too large to open"),
        (WRAPPED % (b"", b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'), "merges too many cells"),
        (WRAPPED % (b"", b'<mergeCells><mergeCell ref="&#65;1:XFD1048576"/></mergeCells>'), "merges too many cells"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + WRAPPED % (b"", b""), "unusual way"),
        ((WRAPPED % (b"", b"")).decode().encode("utf-16"), "unusual way"),
        (WRAPPED % (b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', b""), "reaches down to row"),
        (WRAPPED % (b"<row><c>", b""), "is damaged"),
        (WRAPPED % (b'<row r="1"><c r="A1"><v>1</v></c></row>', b""), "holds no worklist"),
    ],
    ids=["bomb", "merged bomb", "hidden merged bomb", "entities", "utf-16", "far cell", "broken", "another sheet"],
)
def test_a_hostile_workbook_is_refused_at_once(content: bytes, said: str, path: Path) -> None:
    saved(path, [HEADER])
    with pytest.raises(DqkitError, match=said):
        read_reply(part(path, SHEET, content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old format, or locked"),
        (b"PK\x03\x04 no archive", "is damaged"),
        (b"ID,Comment\nP-1,x\n", "holds no worklist"),
        (b"ID,Answer\n", "holds no worklist"),
        (b"", "holds no worklist"),
        (bytes(range(256)) * 20, "no table that dqkit reads"),
    ],
)
def test_what_is_no_worklist_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "reply.xlsx"
    path.write_bytes(content)
    with pytest.raises(DqkitError, match=said):
        read_reply(path)


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DqkitError, match="cannot be read"):
        read_reply(tmp_path / "no.xlsx")
    monkeypatch.setattr("dqkit.steward.reply_file.MOST_BYTES", 10)
    (tmp_path / "large.csv").write_bytes(b"ID,Answer\nP-1,fixed\n")
    with pytest.raises(DqkitError, match="is larger than"):
        read_reply(tmp_path / "large.csv")


def test_links_to_other_files_are_dropped(path: Path) -> None:
    saved(path, [HEADER, ["P-1", "='[1]other.xlsx'!A1", "fixed", None, None, None]])
    book = openpyxl.load_workbook(path, keep_links=False)
    assert not book._external_links
    assert read_reply(path).lines[0].cells["answer"] == "fixed"
