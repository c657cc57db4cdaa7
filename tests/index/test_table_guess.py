"""What the headers of tables are taken for."""

import polars as pl
import pytest

from dqkit.errors import DqkitError
from dqkit.index.table_file import RawTable
from dqkit.index.table_guess import NEAR, guess, may_be_shown
from dqkit.rulebook.mapping import known_headers


def meaning(header: str) -> str | None:
    found = known_headers().exactly(header)
    return found.to if found else None


@pytest.mark.parametrize(
    ("header", "to"),
    [
        ("SliceThickness", "SliceThickness"),
        ("slice_thickness", "SliceThickness"),
        ("Slice Thickness (mm)", "SliceThickness"),
        ("层厚", "SliceThickness"),
        ("层厚（mm）", "SliceThickness"),
        ("(0018,0050)", "SliceThickness"),
        ("00180050", "SliceThickness"),
        ("Slice Thickness (0018,0050)", "SliceThickness"),
        ("检查号", "AccessionNumber"),
        ("患者编号", "PatientID"),
        ("设备型号", "ManufacturerModelName"),
        ("Patient's Sex", "PatientSex"),
        ("MRN", "PatientID"),
        ("Acc. No.", "AccessionNumber"),
        ("Series Instance UID", "SeriesInstanceUID"),
        ("00201209", "n_instances"),
        ("ＰａｔｉｅｎｔＩＤ", "PatientID"),
        ("ward phone", None),
        ("", None),
        ("ImagePositionPatient", None),
    ],
)
def test_headers_are_known_by_keyword_name_tag_and_usual_names(header: str, to: str | None):
    assert meaning(header) == to


@pytest.mark.parametrize(
    ("header", "to"),
    [
        ("SliceThicknes", "SliceThickness"),
        ("Manufacurer", "Manufacturer"),
        ("EchoTime2", None),
        ("Pat", None),
        ("科室电话", None),
    ],
)
def test_misspelt_headers_are_found_where_only_one_attribute_is_near(header: str, to: str | None):
    found = known_headers().nearly(header)
    assert (found.to if found else None) == to


def raw(*headers: str) -> RawTable:
    return RawTable(headers, pl.DataFrame({str(i): ["x"] for i in range(len(headers))}))


def guessed(*headers: str) -> dict[str, str]:
    return {column.header: column.to for column in guess(raw(*headers), known_headers()).columns}


def test_of_two_columns_for_one_attribute_the_surer_is_taken():
    assert guessed("患者编号", "PatientID") == {"PatientID": "PatientID"}
    assert guessed("PatientID", "Manufacurer") == {"PatientID": "PatientID", "Manufacurer": "Manufacturer"}


def test_misspelt_headers_are_marked():
    columns = guess(raw("PatientID", "Manufacurer"), known_headers()).columns
    assert [column.how == NEAR for column in columns] == [False, True]


@pytest.mark.parametrize(
    ("headers", "level"),
    [
        (("StudyInstanceUID", "SeriesInstanceUID"), "series"),
        (("StudyInstanceUID", "SOPInstanceUID"), "instance"),
        (("AccessionNumber", "PatientID"), "study"),
    ],
)
def test_the_headers_show_what_a_row_stands_for(headers: tuple[str, ...], level: str):
    assert guess(raw(*headers), known_headers()).level == level


def test_ages_without_a_unit_are_years_unless_the_header_says_months():
    units = {c.to: c.unit for c in guess(raw("PatientID", "年龄"), known_headers()).columns}
    assert units["PatientAge"] == "Y"


def test_a_table_that_names_no_patient_study_or_series_is_refused():
    with pytest.raises(DqkitError, match="none of the 2 headers"):
        guess(raw("Modality", "SliceThickness"), known_headers())


@pytest.mark.parametrize(("header", "shown"), [
    ("ward phone", True), ("科室电话", True), ("Pixel (mm)", True), ("Doe^John", False), ("19870312", False),
    ("1.2.840.113619.2", False), ("MRN00123", False), ("13800138000", False), ("a" * 80, False),
])  # fmt: skip
def test_headers_that_may_be_values_are_not_shown(header: str, shown: bool):
    assert may_be_shown(header) == shown
