"""Tables as text: encodings, delimiters, headers, and files that are no tables."""

import json
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.index.table_file import RawTable, read_table

KNOWN = {"PatientID", "Modality", "检查号", "患者编号", "00100020"}


def read(path: Path, sheet: str = "") -> RawTable:
    return read_table(path, KNOWN.__contains__, sheet)


def written(tmp_path: Path, data: bytes | str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def rows(table: RawTable) -> list[tuple[str | None, ...]]:
    return table.cells.rows()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gbk", "gb18030"])
def test_every_usual_encoding_is_found_out(tmp_path: Path, encoding: str):
    text = "检查号,患者编号,Modality\r\nA1,000123,CT\r\n"
    table = read(written(tmp_path, text.encode(encoding)))
    assert table.headers == ("检查号", "患者编号", "Modality")
    assert rows(table) == [("A1", "000123", "CT")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_delimiter_is_found_out(tmp_path: Path, delimiter: str):
    text = f"PatientID{delimiter}Modality\n1{delimiter}CT\n2{delimiter}MR\n"
    table = read(written(tmp_path, text))
    assert rows(table) == [("1", "CT"), ("2", "MR")]
    assert table.decimal_comma == (delimiter != ",")


def test_decimal_commas_do_not_pass_for_the_delimiter(tmp_path: Path):
    table = read(written(tmp_path, "PatientID;SliceThickness;KVP\n1;2,5;120,0\n2;1,25;100,5\n"))
    assert rows(table) == [("1", "2,5", "120,0"), ("2", "1,25", "100,5")]


def test_a_line_that_names_the_delimiter_is_believed(tmp_path: Path):
    assert read(written(tmp_path, "sep=;\r\nPatientID;Modality\r\n1;CT\r\n")).headers == ("PatientID", "Modality")


def test_zeros_in_front_stay(tmp_path: Path):
    assert rows(read(written(tmp_path, 'PatientID,Modality\n000123,CT\n="0042",MR\n'))) == [
        ("000123", "CT"),
        ("0042", "MR"),
    ]


def test_formulas_stay_text_and_are_never_computed(tmp_path: Path):
    table = read(written(tmp_path, 'PatientID,Modality\n=1+1,CT\n"=HYPERLINK(""http://x"")",MR\n'))
    assert rows(table) == [("=1+1", "CT"), ('=HYPERLINK("http://x")', "MR")]


def test_titles_above_the_header_are_passed_over(tmp_path: Path):
    table = read(written(tmp_path, "Export of March\n\nPatientID,Modality\n1,CT\n"))
    assert table.headers == ("PatientID", "Modality")
    assert any("above the header" in note for note in table.notes)


def test_ragged_rows_are_left_out_and_counted(tmp_path: Path):
    table = read(written(tmp_path, "PatientID,Modality\n1,CT\n2\n3,MR,more\n4,PT,\n"))
    assert rows(table) == [("1", "CT"), ("4", "PT")]
    assert any(note.startswith("2 rows") and "line 3" in note for note in table.notes)


def test_line_breaks_within_quotes_belong_to_the_cell(tmp_path: Path):
    assert rows(read(written(tmp_path, 'PatientID,Modality\n1,"C\nT"\n'))) == [("1", "C\nT")]


@pytest.mark.parametrize("data", [b"", b"PatientID,Modality\n", b"\xef\xbb\xbf", b"\n\n\n"])
def test_an_empty_table_is_nothing_to_check(tmp_path: Path, data: bytes):
    with pytest.raises(NothingToCheckError):
        read(written(tmp_path, data))


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 128 + b"DICM" + b"\x02\x00\x00\x00",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
        b"PAR1 and then nothing",
        b"PK\x03\x04 and then nothing",
        b"[1, 2",
        b"[1, 2]",
        bytes(range(256)) * 20,
        b'PatientID,Modality\n"1,CT\n' + b"x" * (2 << 20),
    ],
)
def test_what_is_no_table_is_refused_with_its_name(tmp_path: Path, data: bytes):
    with pytest.raises(DqkitError, match="odd"):
        read(written(tmp_path, data, "odd.csv"))


def test_a_table_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(DqkitError, match="cannot be read"):
        read(tmp_path / "none.csv")


def test_ten_thousand_columns_are_read(tmp_path: Path):
    header = ",".join(["PatientID", *(f"c{i}" for i in range(9_999))])
    table = read(written(tmp_path, f"{header}\n{',' * 9_999}\n1{',x' * 9_999}\n"))
    assert len(table.headers) == 10_000
    assert table.cells.height == 1


def test_more_columns_than_a_workbook_can_have_are_refused(tmp_path: Path):
    with pytest.raises(DqkitError, match="20,000 columns"):
        read(written(tmp_path, ",".join(f"c{i}" for i in range(20_000)) + "\n"))


def test_parquet_is_text_too_and_numbers_are_noted(tmp_path: Path):
    path = tmp_path / "t.csv"  # what a file is, its content says
    frame = {"PatientID": [12, 7], "Modality": ["CT", None], "spacing": [[0.5, 0.6], None], "day": ["a", "b"]}
    pl.DataFrame(frame).write_parquet(path)
    table = read(path)
    assert rows(table) == [("12", "CT", "0.5\\0.6", "a"), ("7", None, None, "b")]
    assert table.numeric == frozenset({0})


def test_columns_that_nobody_wants_are_not_read(tmp_path: Path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"PatientID": ["1"], "other": ["x"]}).write_parquet(path)
    table = read_table(path, bool, wanted=["patientid"])
    assert table.headers == ("PatientID", "other")
    assert rows(table) == [("1", None)]


def test_an_answer_of_qido_is_a_table(tmp_path: Path):
    answer = [{"00100020": {"vr": "LO", "Value": ["7"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}]}}]
    table = read(written(tmp_path, json.dumps(answer), "q.json"))
    assert table.headers == ("00100020", "00100010")
    assert rows(table) == [("7", "A^B")]


def workbook(tmp_path: Path, cells: list[list[object]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in cells:
        book.active.append(row)
    return book


def saved(tmp_path: Path, book: openpyxl.Workbook) -> Path:
    path = tmp_path / "t.xlsx"
    book.save(path)
    return path


def test_merged_cells_count_for_each_row(tmp_path: Path):
    book = workbook(tmp_path, [["Export", None], ["PatientID", "Modality"], ["001", "CT"], [None, "MR"]])
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A3:A4")
    table = read(saved(tmp_path, book))
    assert table.headers == ("PatientID", "Modality")
    assert rows(table) == [("001", "CT"), ("001", "MR")]


def test_numbers_of_a_workbook_keep_the_zeros_that_their_format_shows(tmp_path: Path):
    book = workbook(tmp_path, [["PatientID", "Modality"], [42, "CT"], [123456789012, "MR"], [2.5, "PT"]])
    book.active["A2"].number_format = "000000"
    table = read(saved(tmp_path, book))
    assert [row[0] for row in rows(table)] == ["000042", "123456789012", "2.5"]


def test_numbers_that_a_workbook_rounded_show_it(tmp_path: Path):
    table = read(saved(tmp_path, workbook(tmp_path, [["PatientID"], [12345678901234567890]])))
    assert rows(table) == [("1.23456789012346e+19",)]


def test_formulas_of_a_workbook_are_counted_and_not_computed(tmp_path: Path):
    table = read(saved(tmp_path, workbook(tmp_path, [["PatientID", "Modality"], ["=1+1", "CT"]])))
    assert rows(table) == [(None, "CT")]
    assert any("1 formulas" in note for note in table.notes)


def test_a_hidden_sheet_is_not_read_unless_named(tmp_path: Path):
    book = workbook(tmp_path, [["PatientID"], ["hidden"]])
    book.active.sheet_state = "hidden"
    book.create_sheet("second").append(["PatientID"])
    book["second"].append(["shown"])
    path = saved(tmp_path, book)
    assert rows(read(path)) == [("shown",)]
    assert rows(read(path, "Sheet")) == [("hidden",)]
    with pytest.raises(DqkitError, match="no sheet"):
        read(path, "third")


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = saved(tmp_path, workbook(tmp_path, [["PatientID"], ["1"]]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/media/bomb.bin", b"\0" * (257 << 20))
    with pytest.raises(DqkitError, match="too large"):
        read(path)
