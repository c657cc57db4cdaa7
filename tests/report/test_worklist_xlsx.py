"""The workbook that a hospital fills in: readable, answerable, printable, and with no formula in it."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from dqkit.catalog.schema import conform
from dqkit.report.worklist_words import ABOUT, COLUMNS, README, SHEETS
from dqkit.report.worklist_xlsx import harmless, write_worklist
from dqkit.steward.answers import ANSWERS, HEADERS, MEANINGS
from dqkit.steward.reply_file import read_reply
from dqkit.steward.worklist import DETAIL_ROWS, PROBLEM_ROWS, Worklist
from tests.report.sample import HOSTILE, sample_rules

FORMULAS = ('=cmd|"/C calc"!A0', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1+1", '=HYPERLINK("http://x")')
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)


def worklist_of(texts: tuple[str, ...], *, resolved: bool = False, n: int = 1) -> Worklist:
    """Return a worklist in which every text that comes from files is one of `texts`."""
    rules = {rule.key: rule for rule in sample_rules()}
    row = {"severity": "critical", "rule_id": "GEO-003", "variant": "", "findings": 2, "files": 3}
    problems = [
        row | {"row_id": f"P-{i}", "problem_id": f"p{i}", "who": "pacs", "modality": text, "scanner": text,
               "observed": text, "state": "sent", "state_since": NOW, "series": 1, "patients": 1}
        for i, text in enumerate(texts)
    ]  # fmt: skip
    details = [
        row | {"row_id": f"R-{i}-{k}", "problem_row": f"P-{i}", "location": f"series {i}", "modality": text,
               "scanner": text, "observed": text, "expected": text, "answered": "cannot-fix", "answered_at": NOW,
               "PatientID": text, "AccessionNumber": text, "StudyDate": "20240501", "SeriesNumber": "3"}
        for i, text in enumerate(texts)
        for k in range(n)
    ]  # fmt: skip
    if not resolved:
        details = [
            one | dict.fromkeys(("PatientID", "AccessionNumber", "StudyDate", "SeriesNumber")) for one in details
        ]
    return Worklist(
        "handback1", texts[0], NOW, conform(pl.DataFrame(problems), PROBLEM_ROWS),
        conform(pl.DataFrame(details), DETAIL_ROWS), rules, resolved=resolved,
    )  # fmt: skip


def written(worklist: Worklist, folder: Path, lang: str = "en") -> Any:
    path = folder / "w.xlsx"
    write_worklist(worklist, path, lang, "run1")
    assert path.stat().st_mode & 0o777 == 0o600
    return openpyxl.load_workbook(path)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_value_becomes_a_formula_or_a_control_character(lang: str, tmp_path: Path) -> None:
    book = written(worklist_of((*FORMULAS, *HOSTILE, "#REF!", "TRUE"), resolved=True), tmp_path, lang)
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    texts = [cell.value for cell in cells if cell.data_type == "s"]
    assert any(text.startswith("'=cmd") for text in texts)
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t")) or not text.isprintable()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-1000 HU", "-1000 HU"),
        ("+3.5", "+3.5"),
        ("-2.5e-3 mm", "-2.5e-3 mm"),
        ("-1+1", "'-1+1"),
        ("-x", "'-x"),
        ("@a", "'@a"),
    ],
)
def test_negative_numbers_stay_what_they_are(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_sheet_is_fit_to_be_answered_and_printed(lang: str, tmp_path: Path) -> None:
    book = written(worklist_of(("CT", "MR"), n=3), tmp_path, lang)
    assert book.sheetnames[:3] == [SHEETS[name][lang] for name in ("problems", "details", "readme")]
    for sheet, height in zip(book.worksheets[:2], (2, 6), strict=True):
        header = {cell.value: cell.column_letter for cell in sheet[1]}
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == f"A1:{sheet[1][-1].column_letter}{height + 1}"
        assert sheet.print_title_rows == "$1:$1"
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.protection.sheet
        assert not sheet.protection.autoFilter
        (offered,) = sheet.data_validations.dataValidation
        assert offered.formula1 == '"' + ",".join(text[lang] for text in ANSWERS.values()) + '"'
        assert str(offered.sqref) == f"{header[HEADERS['answer'][lang]]}2:{header[HEADERS['answer'][lang]]}{height + 1}"
        for row in sheet.iter_rows(min_row=2):
            replies = {HEADERS[key][lang] for key in ("answer", "comment", "by", "date")}
            assert {name for cell, name in zip(row, header, strict=True) if not cell.protection.locked} == replies
            assert all(cell.alignment.wrap_text for cell, name in zip(row, header, strict=True) if name in replies)
            assert sheet.row_dimensions[row[0].row].height > 12
    assert all(text[lang] for words in (COLUMNS, ABOUT, README, MEANINGS) for text in words.values())


def test_names_of_patients_are_hidden_columns_until_they_are_filled_in(tmp_path: Path) -> None:
    for resolved in (False, True):
        sheet = written(worklist_of(("CT",), resolved=resolved), tmp_path).worksheets[1]
        columns = {cell.value: cell for cell in sheet[1]}
        letter = columns["PatientID"].column_letter
        assert sheet.column_dimensions[letter].hidden is not resolved
        assert (sheet[f"{letter}2"].value is not None) is resolved
        readme = " ".join(str(cell.value) for row in sheet.parent.worksheets[2] for cell in row)
        assert ("THIS FILE NAMES PATIENTS" in readme) is resolved


def test_what_comes_back_unchanged_says_nothing_and_knows_its_worklist(tmp_path: Path) -> None:
    written(worklist_of(("CT",), n=4), tmp_path)
    reply = read_reply(tmp_path / "w.xlsx")
    assert reply.handback_id == "handback1"
    assert [line.cells["row_id"] for line in reply.lines] == ["P-0", *(f"R-0-{k}" for k in range(4))]
    assert not [line for line in reply.lines if line.cells["answer"] or line.cells["comment"]]


def test_earlier_answers_and_states_are_told_in_the_language_of_the_sheet(tmp_path: Path) -> None:
    book = written(worklist_of(("CT",)), tmp_path, "zh")
    rows = [
        {head.value: cell.value for head, cell in zip(sheet[1], sheet[2], strict=True)} for sheet in book.worksheets[:2]
    ]
    assert rows[0]["状态"] == "2026-07-01 起已发送机构"
    assert rows[1]["此前答复"] == "2026-07-01 无法修复"
