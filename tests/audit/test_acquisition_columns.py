"""What is worked out of how a series was acquired, vendor by vendor."""

from typing import Any

import polars as pl
import pytest

from dqkit.audit.acquisition_columns import MADE_OF, with_acquisition
from dqkit.catalog.schema import ACQUISITION, FRAMES, SERIES, conform
from dqkit.model import Level

SIEMENS_RECTANGULAR: dict[str, Any] = {
    "Manufacturer": "SIEMENS", "AcquisitionMatrix": [256, 0, 0, 134], "InPlanePhaseEncodingDirection": "COL",
    "PercentPhaseFieldOfView": 75.0, "Rows": 300, "Columns": 400, "PixelSpacing": [0.75, 0.75],
}  # fmt: skip
SQUARE: dict[str, Any] = {
    "Manufacturer": "GE MEDICAL SYSTEMS", "AcquisitionMatrix": [0, 320, 224, 0],
    "InPlanePhaseEncodingDirection": "ROW", "PercentPhaseFieldOfView": 100.0, "Rows": 512, "Columns": 512,
    "PixelSpacing": [0.46875, 0.46875],
}  # fmt: skip


def worked_out(**series: Any) -> dict[str, Any]:
    series = {"Modality": "MR", **series}
    extra = {"volume_sizes": pl.List(pl.Int64()), "slice_step_mm": pl.Float64()}
    schema = SERIES | extra
    frame = conform(pl.DataFrame([series], schema={name: schema[name] for name in series}), schema)
    return with_acquisition(frame.lazy()).select(list(ACQUISITION)).collect().row(0, named=True)


def test_the_acquired_pixel_is_field_of_view_by_steps() -> None:
    found = worked_out(**SQUARE)
    assert (found["acquired_frequency_mm"], found["fov_mm"]) == (0.75, 240.0)
    assert found["acquired_phase_mm"] == pytest.approx(240 / 224)


def test_a_rectangular_image_shows_what_its_steps_encode() -> None:
    found = worked_out(**SIEMENS_RECTANGULAR)
    assert found["acquired_phase_mm"] == pytest.approx(300 * 0.75 / 134)
    assert found["acquired_frequency_mm"] == pytest.approx(300 / 256)
    assert (found["fov_mm"], found["fov_short_mm"]) == (300.0, 225.0)


def test_a_square_image_of_a_rectangular_field_is_trusted_of_philips_alone() -> None:
    padded = SQUARE | {"PercentPhaseFieldOfView": 80.0}
    assert worked_out(**padded)["acquired_phase_mm"] is None
    assert worked_out(**padded)["acquired_frequency_mm"] == 0.75
    philips = worked_out(**padded | {"Manufacturer": "Philips Medical Systems"})
    assert philips["acquired_phase_mm"] == pytest.approx(240 * 0.8 / 224)


@pytest.mark.parametrize(
    "change",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]},
        {"InPlanePhaseEncodingDirection": None},
        {"InPlanePhaseEncodingDirection": "OBLIQUE"},
        {"AcquisitionMatrix": [0, 0, 0, 0]},
        {"AcquisitionMatrix": [320]},
        {"AcquisitionMatrix": None},
        {"PixelSpacing": [0.5]},
        {"PixelSpacing": [0.0, 0.0]},
        {"Rows": None, "Columns": None},
    ],
)
def test_no_acquired_pixel_is_made_up(change: dict[str, Any]) -> None:
    found = worked_out(**SQUARE | change)
    assert (found["acquired_phase_mm"], found["acquired_frequency_mm"]) == (None, None)


@pytest.mark.parametrize(
    ("series", "gap"),
    [
        ({"slice_step_mm": 3.3, "SliceThickness": 3.0}, 0.3),
        ({"slice_step_mm": 3.0, "SpacingBetweenSlices": 6.0, "SliceThickness": 3.0}, 0.0),
        ({"SpacingBetweenSlices": -5.0, "SliceThickness": 4.0}, 1.0),
        ({"slice_step_mm": 0.5, "SliceThickness": 1.0}, -0.5),
        ({"slice_step_mm": 3.0}, None),
    ],
)
def test_the_gap_is_between_the_faces_of_slices(series: dict[str, Any], gap: float | None) -> None:
    assert worked_out(**series)["slice_gap_mm"] == gap


def test_the_largest_volume_counts_its_slices() -> None:
    assert worked_out(volume_sizes=[20, 24], n_frames=44)["n_slices"] == 24
    assert worked_out(n_frames=1, n_instances=1)["n_slices"] == 1


def test_time_points_are_measured_before_they_are_told() -> None:
    measured = worked_out(n_time_points=5, time_span_s=60.0, TemporalResolution=9000.0)
    assert (measured["temporal_resolution_s"], measured["dynamic_duration_s"]) == (15.0, 75.0)
    paused = worked_out(n_time_points=4, time_span_s=150.0, time_step_s=15.0)
    assert (paused["temporal_resolution_s"], paused["dynamic_duration_s"]) == (15.0, 165.0)
    told = worked_out(NumberOfTemporalPositions=40, TemporalResolution=9000.0)
    assert (told["temporal_resolution_s"], told["dynamic_duration_s"]) == (9.0, 360.0)
    assert worked_out(NumberOfTemporalPositions=1, TemporalResolution=9000.0)["temporal_resolution_s"] is None


@pytest.mark.parametrize(
    ("start", "first", "minutes"),
    [
        ("083000", "093000", 60.0),
        ("08:30:00", "093030.5", 60.51),
        ("233000", "003000.00", 60.0),
        ("093500", "093000", -5.0),
        ("0830", "093000", None),
        ("hostile", "093000", None),
    ],
)
def test_uptake_runs_over_midnight(start: str, first: str, minutes: float | None) -> None:
    found = worked_out(RadiopharmaceuticalStartTime=start, first_acquisition_time=first, SeriesTime="120000")
    assert found["uptake_minutes"] == minutes


def test_the_date_and_time_of_the_tracer_comes_first() -> None:
    both = {"RadiopharmaceuticalStartDateTime": "20240311083000.00", "RadiopharmaceuticalStartTime": "070000"}
    found = worked_out(**both, SeriesTime="093000")
    assert (found["uptake_minutes"], found["tracer_start"]) == (60.0, "20240311083000.00")


@pytest.mark.parametrize(("written", "tesla"), [(3.0, 3.0), (1.494, 1.494), (15000.0, 1.5), (1500.0, None)])
def test_field_strengths_in_gauss_are_understood(written: float, tesla: float | None) -> None:
    assert worked_out(MagneticFieldStrength=written)["field_strength_t"] == tesla


@pytest.mark.parametrize(
    ("agent", "known"),
    [("IOHEXOL 350", True), ("None", False), ("NO", False), ("平扫", False), ("NOVATREX", True), (None, False)],
)
def test_an_agent_that_is_none_is_no_agent(agent: str | None, known: bool) -> None:
    assert (worked_out(ContrastBolusAgent=agent)["contrast_agent"] is not None) is known


def test_enhanced_objects_name_their_agent_by_code() -> None:
    assert worked_out(ContrastBolusAgentCodeMeaning="Iohexol")["contrast_agent"] == "Iohexol"


def test_an_agent_that_varies_is_an_agent() -> None:
    assert worked_out(varying=["ContrastBolusAgent"])["contrast_agent"] == "several"


def test_small_things() -> None:
    found = worked_out(
        TotalCollimationWidth=40.0, SingleCollimationWidth=0.625, ImageLaterality="r ", Laterality="L",
        ConvolutionKernel=["Br40d", "3"], HorizontalFieldOfView=45.0, Columns=1800,
    )  # fmt: skip
    names = ("detector_rows", "laterality", "kernel", "pixels_per_degree")
    assert [found[name] for name in names] == [64.0, "R", "Br40d", 40.0]
    assert worked_out(TotalCollimationWidth=40.0, SingleCollimationWidth=0.0)["detector_rows"] is None


def test_every_column_says_what_it_is_made_of() -> None:
    assert set(MADE_OF) == set(ACQUISITION)
    assert {name for names in MADE_OF.values() for name in names} <= set(FRAMES[Level.SERIES])
