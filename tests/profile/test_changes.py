from datetime import date
from typing import Any

import polars as pl

from dqkit.profile.changes import CHANGES, LEAST_SERIES, changes_of
from tests.audit.conftest import HandMade


def series(month: int, n: int = LEAST_SERIES, **more: Any) -> list[dict[str, Any]]:
    row = {
        "site": "N", "Modality": "CT", "Manufacturer": "GE", "ManufacturerModelName": "X", "DeviceSerialNumber": "1",
        "ProtocolName": "chest", "study_date": date(2020 + month // 12, month % 12 + 1, 5),
    }  # fmt: skip
    return [{"series_key": f"{month}-{k}-{sorted(more.items())}", **row, **more} for k in range(n)]


def found(*parts: list[dict[str, Any]]) -> pl.DataFrame:
    return changes_of(HandMade({"series": [row for part in parts for row in part]}).scan("series"))


def test_an_archive_without_dates_has_no_changes() -> None:
    rows = found(series(0, study_date=None, KVP=120.0), series(1, study_date=None, KVP=100.0))
    assert rows.is_empty()
    assert rows.schema == pl.Schema(CHANGES)


def test_a_new_software_is_dated_by_its_first_month() -> None:
    rows = found(series(0, SoftwareVersions=["VA"]), series(2, SoftwareVersions=["VB"]))
    assert rows.select("month", "attribute", "before", "after", "protocols").row(0) == (
        "2020-03", "SoftwareVersions", "VA", "VB", None,
    )  # fmt: skip


def test_an_exception_is_no_change() -> None:
    rows = found(series(0, KVP=120.0), series(1, LEAST_SERIES - 1, KVP=100.0), series(2, KVP=120.0))
    assert rows.is_empty()


def test_two_protocols_of_one_scanner_are_not_each_others_change() -> None:
    rows = found(series(0, KVP=120.0), series(1, KVP=80.0, ProtocolName="hand"))
    assert rows.is_empty()


def test_two_scanners_of_one_model_are_told_apart() -> None:
    other = {"DeviceSerialNumber": "2"}
    rows = found(
        series(0, SoftwareVersions=["VA"]),
        series(1, SoftwareVersions=["VB"]),
        series(0, SoftwareVersions=["VB"], **other),
    )
    assert rows["device"].to_list() == [1]


def test_the_same_change_of_several_protocols_within_months_is_one() -> None:
    rows = found(
        series(0, SliceThickness=5.0), series(4, SliceThickness=2.5),
        series(0, SliceThickness=5.0, ProtocolName="neck"), series(6, SliceThickness=2.5, ProtocolName="neck"),
    )  # fmt: skip
    assert rows.select("month", "protocols", "series_after").rows() == [("2020-05", 2, 2 * LEAST_SERIES)]


def test_there_and_back_again_is_two_changes() -> None:
    rows = found(
        *(series(month, ConvolutionKernel=[kernel]) for month, kernel in ((0, "B30"), (6, "B70"), (12, "B30")))
    )
    assert rows.select("before", "after").rows() == [("B30", "B70"), ("B70", "B30")]


def test_values_that_alternate_are_no_changes() -> None:
    months = ((month, ["VA"] if month % 2 else ["VB"]) for month in range(8))
    assert found(*(series(month, SoftwareVersions=software) for month, software in months)).is_empty()


def test_what_scanners_round_away_is_no_change() -> None:
    assert found(series(0, SliceThickness=2.5), series(1, SliceThickness=2.4999)).is_empty()


def test_no_protocol_and_no_serial_number_is_named() -> None:
    rows = found(
        series(0, KVP=120.0, DeviceSerialNumber="SN-7", ProtocolName="Morgan"),
        series(1, KVP=100.0, DeviceSerialNumber="SN-7", ProtocolName="Morgan"),
    )
    assert rows.height == 1
    assert not {"SN-7", "Morgan"} & {str(value) for value in rows.row(0)}
