"""Dates, times, ages, numbers and lists as tables have them."""

import datetime as dt

import polars as pl
import pytest

from dqkit.index.table_dates import ages, dates, times
from dqkit.index.table_mapping import Column
from dqkit.index.table_numbers import number_lists, numbers
from dqkit.index.table_units import split_header

FIFTH_OF_MARCH = dt.date(2024, 3, 5)


def text(*cells: str | None) -> pl.Series:
    return pl.Series(cells, dtype=pl.String)


@pytest.mark.parametrize(
    "cell",
    ["20240305", "2024-03-05", "2024-3-5", "2024/03/05", "2024.03.05", "2024年3月5日", "2024-03-05 08:15:00",
     "2024-03-05T08:15", "20240305081500", "05.03.2024", "05-MAR-2024", "5 Mar 2024", "March 5, 2024", "45356"],
)  # fmt: skip
def test_dates_of_every_usual_form_are_read(cell: str):
    assert dates(text(cell)).values.to_list() == [FIFTH_OF_MARCH]


def test_the_column_shows_which_number_is_the_day():
    assert dates(text("5/3/2024", "25/3/2024")).values[0] == FIFTH_OF_MARCH
    assert dates(text("3/5/2024", "3/25/2024")).values[0] == FIFTH_OF_MARCH


def test_dates_that_may_be_read_in_two_ways_are_not_guessed():
    found = dates(text("5/3/2024", "6/4/2024"))
    assert found.unclear
    assert found.values.null_count() == 2


def test_a_form_that_is_told_is_used():
    assert dates(text("03/05/24"), "%m/%d/%y").values.to_list() == [FIFTH_OF_MARCH]
    assert dates(text("03/05/24 10:11"), "%m/%d/%y %H:%M").values.to_list() == [FIFTH_OF_MARCH]


def test_what_is_no_date_is_null():
    assert dates(text("20241399", "soon", None, "2024-02-30")).values.null_count() == 4


def test_five_digits_are_a_workbook_s_day_only_where_all_are():
    assert dates(text("45356", "2024-03-05")).values.to_list() == [None, FIFTH_OF_MARCH]


def test_times_are_written_as_dicom_has_them():
    assert times(text("8:15", "08:15:30", "2024-03-05 08:15:30", "081530", None)).to_list() == [
        "0815", "081530", "081530", "081530", None,
    ]  # fmt: skip


def test_ages_are_written_as_dicom_has_them_and_others_stay():
    cells = text("034Y", "34", "34岁", "6个月", "3 weeks", "old", None)
    assert ages(cells, "Y").to_list() == ["034Y", "034Y", "034Y", "006M", "003W", "old", None]
    assert ages(text("34"), "").to_list() == ["34"]


def thickness(*cells: str | None, comma: bool = False, unit: str = "", decimal: str = "") -> list[float | None] | None:
    column = Column("x", "SliceThickness", unit=unit, decimal=decimal)
    found = numbers(text(*cells), column, decimal_comma=comma, whole=False)
    return None if found.unclear else found.values.to_list()


def test_decimal_commas_and_points_are_told_apart():
    assert thickness("2,5", "5") == [2.5, 5.0]
    assert thickness("1.234,5") == [1234.5]
    assert thickness("1,234.5") == [1234.5]
    assert thickness("1,250", comma=True) == [1.25]
    assert thickness("1,250", decimal=".") == [1250.0]


def test_a_comma_before_three_digits_is_not_guessed():
    assert thickness("1,250", "3,125") is None


def test_units_behind_numbers_and_of_the_column_are_converted():
    assert thickness("5 mm", "0.5cm", "5毫米", None) == [5.0, 5.0, 5.0, None]
    assert thickness("0.5", "5 mm", unit="cm") == [5.0, 5.0]


def test_what_is_no_number_of_the_attribute_is_null():
    assert thickness("thin", "5 kg", "inf", "nan", "1.2.3", "") == [None] * 6


def test_an_integer_takes_no_fraction():
    column = Column("x", "Rows")
    found = numbers(text("512", "512.0", "512.5", "1,024"), column, decimal_comma=False, whole=True)
    assert found.values.to_list() == [512, 512, None, 1024]


@pytest.mark.parametrize(
    "cell",
    [
        "0.5\\0.25",
        "[0.5, 0.25]",
        "(0.5,0.25)",
        "0.5 x 0.25",
        "0.5*0.25",
        "0.5;0.25",
        "0.5/0.25",
        "0.5mm\\0.25mm",
        "['0.5', '0.25']",
    ],
)
def test_several_numbers_in_a_cell_are_a_list(cell: str):
    column = Column("x", "PixelSpacing")
    assert number_lists(text(cell, None), column, decimal_comma=False, whole=False).values.to_list() == [
        [0.5, 0.25],
        None,
    ]


def test_decimal_commas_within_a_list():
    column = Column("x", "PixelSpacing")
    assert number_lists(text("0,5\\0,25"), column, decimal_comma=True, whole=False).values.to_list() == [[0.5, 0.25]]


def test_one_component_that_is_no_number_spoils_the_list():
    column = Column("x", "PixelSpacing")
    assert number_lists(text("0.5\\wide"), column, decimal_comma=False, whole=False).values.to_list() == [None]


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("Slice Thickness (mm)", ("Slice Thickness", "mm")),
        ("层厚（毫米）", ("层厚", "毫米")),
        ("EchoTime[ms]", ("EchoTime", "ms")),
        ("slice_thickness_mm", ("slice_thickness", "mm")),
        ("Patient ID (internal)", ("Patient ID (internal)", "")),
    ],
)
def test_units_in_headers_are_found(header: str, parts: tuple[str, str]):
    assert split_header(header) == parts
