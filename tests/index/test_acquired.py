"""What the images of a series say of its acquisition together."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dqkit.catalog.schema import INSTANCES, conform
from dqkit.index.acquired import acquired, time_points, with_frame_b_values
from dqkit.index.read import read_files
from tests.dicom_factory import mr_series, write


def images(*rows: dict[str, Any]) -> pl.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    filled = [{"series_key": "s", "Modality": "MR", **row} for row in rows]
    schema = {name: INSTANCES[name] for name in ("series_key", "Modality", *names)}
    return conform(pl.DataFrame(filled, schema=schema), INSTANCES)


def together(*rows: dict[str, Any]) -> dict[str, Any]:
    members = images(*rows)
    series = members.group_by("series_key").agg(*acquired())
    return with_frame_b_values(series, members).row(0, named=True)


def test_b_values_stand_once_and_ascending() -> None:
    assert together(*({"diffusion_b_value": b} for b in (1000.0, 0.0, 1000.0, None)))["b_values"] == [0.0, 1000.0]
    assert together({"Rows": 3})["b_values"] is None


def test_b_values_of_frames_count_too() -> None:
    frames = ["StackID=1|DiffusionBValue=0", "StackID=1|DiffusionBValue=800", "StackID=1|DiffusionBValue="]
    assert together({"frame_groups": frames}, {"diffusion_b_value": 1500.0})["b_values"] == [0.0, 800.0, 1500.0]


@pytest.mark.parametrize(
    ("image", "views"),
    [
        ({"ImageLaterality": "R", "ViewPosition": "CC"}, ["R-CC"]),
        ({"Laterality": "l", "ViewCodeMeaning": "Medio-Lateral Oblique"}, ["L-MLO"]),
        ({"ViewPosition": "PA"}, ["PA"]),
        ({"ImageLaterality": "L"}, ["L"]),
        ({"ViewCodeMeaning": "something else"}, None),
    ],
)
def test_a_view_is_side_and_position(image: dict[str, Any], views: list[str] | None) -> None:
    assert together(image)["views"] == views


def test_the_largest_dose_and_the_earliest_time_stand_for_the_series() -> None:
    found = together(
        {"CTDIvol": 3.0, "XRayTubeCurrent": 80.0, "AcquisitionTime": "10:15:00"},
        {"CTDIvol": 6.2, "XRayTubeCurrent": 240.0, "AcquisitionTime": "101459.5"},
    )
    assert [found[name] for name in ("ctdi_vol_mgy", "tube_current_ma", "exposure_mas")] == [6.2, 240.0, None]
    assert found["first_acquisition_time"] == "101459.5"


def dynamic(**more: Any) -> list[dict[str, Any]]:
    """Return two places seen at three times, 15 s apart."""
    return [
        {"ImagePositionPatient": [0.0, 0.0, z], "AcquisitionTime": f"1000{15 * t:02d}", "TriggerTime": 15000.0 * t}
        | more
        for t in range(3)
        for z in (0.0, 3.0)
    ]


def told(rows: list[dict[str, Any]]) -> list[tuple[int, float, float]]:
    return time_points(images(*rows)).select("n_time_points", "time_span_s", "time_step_s").rows()


def test_places_that_repeat_tell_the_time_between_volumes() -> None:
    assert told(dynamic()) == [(3, 30.0, 15.0)]


def test_trigger_times_tell_where_acquisition_times_do_not() -> None:
    assert told(dynamic(AcquisitionTime="100000")) == [(3, 30.0, 15.0)]
    assert told(dynamic(AcquisitionTime=None)) == [(3, 30.0, 15.0)]


def test_a_pause_for_the_injection_does_not_slow_the_series_down() -> None:
    rows = [
        {"ImagePositionPatient": [0.0, 0.0, 0.0], "AcquisitionTime": f"10{t}"} for t in ("0000", "0200", "0215", "0230")
    ]
    assert told(rows) == [(4, 150.0, 15.0)]


def test_a_time_point_that_is_missing_makes_no_step_of_its_own() -> None:
    rows = [{"ImagePositionPatient": [0.0, 0.0, 0.0], "AcquisitionTime": f"1000{t}"} for t in ("00", "04", "06")]
    assert told(rows) == [(3, 6.0, 2.0)]


@pytest.mark.parametrize(
    "rows",
    [
        dynamic(AcquisitionTime="100000", TriggerTime=0.0),
        dynamic(AcquisitionTime="hostile", TriggerTime=None),
        dynamic(ImagePositionPatient=None),
        dynamic(is_localizer=True),
        dynamic(Modality="MG"),
        dynamic()[:2],
    ],
)
def test_a_single_look_has_no_time_points(rows: list[dict[str, Any]]) -> None:
    assert told(rows) == []


def test_two_sides_of_midnight_are_not_a_day_of_dynamic_imaging() -> None:
    rows = dynamic(TriggerTime=None)
    rows[0]["AcquisitionTime"] = rows[1]["AcquisitionTime"] = "235950"
    assert told(rows) == []


@pytest.mark.parametrize(("name", "b_value"), [("*ep_b1000#12", 1000.0), ("*ep_b0", 0.0), ("*ep_b0_1000", None)])
def test_old_siemens_software_tells_the_b_value_in_the_name(name: str, b_value: float | None, tmp_path: Path) -> None:
    [path] = write(mr_series(contrast="DWI", SequenceName=name)[:1], tmp_path)
    [found] = read_files(bytes(tmp_path), "source", [(path.name, 0, 0)])["diffusion_b_value"]
    assert found == b_value
