"""Series that hold several volumes fall apart into them, and only then."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.geometry.hard import DENSE_LIMIT, components
from dqkit.geometry.stacks import stacks_of
from tests.geometry.instances import axial, changed, frame, renumbered, slice_row

PLACES = np.arange(10) * 3.0


def volumes(*settings_of_each: dict[str, object]) -> list[dict[str, object]]:
    """One volume of ten slices for each set of attributes, under one series."""
    return renumbered([row for values in settings_of_each for row in axial(PLACES, **values)])


def summary(stacks: pl.DataFrame) -> list[tuple[object, ...]]:
    return sorted(stacks.select("n_slices", "verdict", pl.col("split_by").list.join(",")).rows())


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("EchoTime", (4.9, 9.8, 14.7)),
        ("EchoNumbers", ([1], [2])),
        ("InversionTime", (150.0, 300.0)),
        ("diffusion_b_value", (0.0, 500.0, 1000.0)),
        ("DiffusionGradientOrientation", ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])),
        ("TemporalPositionIdentifier", (1, 2, 3)),
        ("AcquisitionNumber", (1, 2)),
        ("AcquisitionTime", ("101500.25", "101530.25")),
        ("TriggerTime", (0.0, 40.0)),
        ("FlipAngle", (5.0, 15.0)),
    ],
)
def test_what_tells_volumes_apart(name, values):
    stacks = stacks_of(frame(volumes(*({name: value} for value in values))))
    assert summary(stacks) == [(10, "OK", name)] * len(values)
    assert not stacks["order_inferred"].any()
    assert stacks["split_key"].n_unique() == stacks["stack_id"].n_unique() == len(values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Rows", (512, 256)),
        ("PixelSpacing", ([0.7, 0.7], [0.8, 0.8])),
        ("ConvolutionKernel", (["B30f"], ["B60f"])),
        ("FrameOfReferenceUID", ("1.2.3", "1.2.4")),
        ("is_localizer", (False, True)),
    ],
)
def test_what_never_differs_inside_a_volume(name, values):
    stacks = stacks_of(frame(volumes(*({name: value} for value in values))))
    assert summary(stacks) == [(10, "OK", name)] * 2


@pytest.mark.parametrize("name", ["XRayTubeCurrent", "Exposure", "ExposureTime"])
def test_modulated_exposure_splits_nothing(name):
    rows = [row | {name: 100.0 + i} for i, row in enumerate(axial(PLACES))]
    assert summary(stacks_of(frame(rows))) == [(10, "OK", "")]


def test_times_of_single_slices_split_nothing():
    rows = [row | {"AcquisitionTime": f"1015{i:02d}", "AcquisitionNumber": i} for i, row in enumerate(axial(PLACES))]
    assert summary(stacks_of(frame(rows))) == [(10, "OK", "")]


def test_echoes_of_every_time_point_are_volumes():
    rows = volumes(*({"EchoTime": e, "TemporalPositionIdentifier": t} for e in (5.0, 10.0) for t in (1, 2, 3)))
    stacks = stacks_of(frame(rows))
    assert summary(stacks) == [(10, "OK", "EchoTime,TemporalPositionIdentifier")] * 6
    assert "EchoTime=5.0; TemporalPositionIdentifier=1" in stacks["split_key"].to_list()


def test_repeated_b0_beside_single_directions():
    b0 = [{"diffusion_b_value": 0.0, "AcquisitionNumber": i} for i in (1, 2)]
    directions = [
        {"diffusion_b_value": 1000.0, "DiffusionGradientOrientation": d, "AcquisitionNumber": 3}
        for d in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])
    ]
    stacks = stacks_of(frame(volumes(*b0, *directions)))
    assert stacks["n_slices"].to_list() == [10] * 5
    assert set(stacks["verdict"]) == {"OK"}


@pytest.mark.parametrize("by_place", [False, True])
def test_numbering_alone_gives_inferred_volumes(by_place):
    rows = [slice_row(0, (0, 0, z)) for _ in range(4) for z in PLACES]
    if by_place:
        rows = [slice_row(0, (0, 0, z)) for z in PLACES for _ in range(4)]
    stacks = stacks_of(frame(renumbered(rows)))
    assert summary(stacks) == [(10, "OK", "InstanceNumber")] * 4
    assert stacks["order_inferred"].all()


def test_a_slice_lost_from_a_numbered_time_series_is_a_gap_in_one_volume():
    rows = renumbered([slice_row(0, (0, 0, z)) for _ in range(12) for z in PLACES])
    stacks = stacks_of(frame(rows[:24] + rows[25:]))
    assert stacks["verdict"].value_counts(sort=True).rows() == [("OK", 11), ("MISSING", 1)]


def test_order_at_each_place_gives_inferred_volumes():
    """Cardiac cine: trigger times differ a little from place to place, and no numbers help."""
    rows = [slice_row(0, (0, 0, z), TriggerTime=40.0 * phase + z / 10) for phase in range(5) for z in PLACES]
    rows = [row | {"InstanceNumber": None} for row in renumbered(rows)]
    stacks = stacks_of(frame(rows))
    assert summary(stacks) == [(10, "OK", "TriggerTime")] * 5
    assert stacks["order_inferred"].all()


def test_a_slice_sent_twice_is_ambiguous_and_not_a_volume():
    rows = axial(PLACES)
    again = slice_row(11, rows[4]["ImagePositionPatient"], AcquisitionNumber=2)
    stacks = stacks_of(frame([*rows, again]))
    assert summary(stacks) == [(11, "AMBIGUOUS", "")]
    assert stacks["duplicates_at"].to_list() == [[5]]


def test_step_and_shoot_chunks_with_one_repeated_slice_stay_one_stack():
    rows = [row | {"AcquisitionTime": f"10{i // 5:02d}00"} for i, row in enumerate(axial(PLACES))]
    again = slice_row(11, rows[4]["ImagePositionPatient"], AcquisitionTime="100000")
    assert summary(stacks_of(frame([*rows, again]))) == [(11, "AMBIGUOUS", "")]


def test_a_series_sent_twice_under_new_uids_is_ambiguous():
    again = [row | {"SOPInstanceUID": f"1.7.{i}", "file_id": f"z{i}"} for i, row in enumerate(axial(PLACES))]
    stacks = stacks_of(frame([*axial(PLACES), *again]))
    assert summary(stacks) == [(20, "AMBIGUOUS", "")]
    assert len(stacks["duplicates_at"][0]) == 10


def test_overlapping_runs_are_told_apart_by_their_acquisition():
    chest = axial(PLACES, AcquisitionNumber=1)
    abdomen = axial(PLACES + 24.0, AcquisitionNumber=2)
    assert summary(stacks_of(frame(renumbered([*chest, *abdomen])))) == [(10, "OK", "AcquisitionNumber")] * 2


def test_interrupted_last_time_point_is_a_short_volume():
    rows = volumes(*({"TemporalPositionIdentifier": t} for t in range(1, 6)))[:-7]
    assert sorted(stacks_of(frame(rows))["n_slices"]) == [3, 10, 10, 10, 10]


def test_thin_and_thick_slices_of_one_series_are_two_volumes():
    thin = axial(np.arange(8) * 4.0, SliceThickness=4.0)
    thick = axial(35.0 + np.arange(8) * 7.0, SliceThickness=7.0)
    assert summary(stacks_of(frame(renumbered([*thin, *thick])))) == [(8, "OK", "SliceThickness")] * 2


def test_one_wrong_slice_thickness_splits_nothing():
    rows = changed(axial(PLACES), 4, SliceThickness=2.9)
    assert summary(stacks_of(frame(rows))) == [(10, "OK", "")]


def test_a_gap_is_not_explained_away_by_the_acquisition():
    rows = [row | {"AcquisitionNumber": 1 + (i > 4)} for i, row in enumerate(axial([0, 3, 6, 9, 12, 21, 24, 27, 30]))]
    assert summary(stacks_of(frame(rows))) == [(9, "MISSING", "")]


def test_scout_in_a_series_leaves_the_volume_its_id():
    rows = axial(PLACES)
    scout = slice_row(99, (0, -200, 0), is_localizer=True, ImageOrientationPatient=[1, 0, 0, 0, 0, -1], Rows=888)
    alone = stacks_of(frame(rows))
    both = stacks_of(frame([*rows, scout]))
    assert both["is_localizer"].sum() == 1
    assert alone["stack_id"][0] in both.filter(~pl.col("is_localizer"))["stack_id"]


def test_a_second_echo_leaves_the_first_its_id():
    first = volumes({"EchoTime": 5.0})
    both = volumes({"EchoTime": 5.0}, {"EchoTime": 10.0})
    assert stacks_of(frame(first))["stack_id"][0] in stacks_of(frame(both))["stack_id"].to_list()


def test_one_slice_of_another_orientation_is_a_stack_of_its_own():
    rows = changed(axial(PLACES), 9, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    stacks = stacks_of(frame(rows))
    assert summary(stacks) == [(1, "SINGLE", "ImageOrientationPatient"), (9, "OK", "ImageOrientationPatient")]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-4e-7, 4e-7), min_size=10, max_size=10), st.sampled_from((0.0005, 0.0015, 0.25, 0.12345)))
def test_rounding_of_cosines_splits_nothing(noise, value):
    rows = [
        row | {"ImageOrientationPatient": [(1 - value**2) ** 0.5, value + e, 0, -value, (1 - value**2) ** 0.5, 0]}
        for row, e in zip(axial(PLACES), noise, strict=True)
    ]
    assert stacks_of(frame(rows)).height == 1


def test_positions_lost_by_the_exporter_are_ambiguous():
    rows = [slice_row(i, (0, 0, 0), SliceLocation=3.0 * i, AcquisitionTime=f"1000{i:02d}") for i in range(1, 11)]
    assert summary(stacks_of(frame(rows))) == [(10, "AMBIGUOUS", "")]


def test_bolus_tracking_at_one_place_is_many_single_images():
    rows = [slice_row(i, (0, 0, 0), AcquisitionNumber=i, SliceLocation=0.0) for i in range(1, 5)]
    assert summary(stacks_of(frame(rows))) == [(1, "SINGLE", "AcquisitionNumber")] * 4


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.randoms())
def test_components_do_not_depend_on_the_order_of_points(values, random):
    points = np.array(values)[:, None]
    order = list(range(len(values)))
    random.shuffle(order)
    straight, shuffled = components(points, 0.1), components(points[order], 0.1)
    together = straight[:, None] == straight[None]
    assert (together[np.ix_(order, order)] == (shuffled[:, None] == shuffled[None])).all()


def test_more_orientations_than_can_be_compared_pairwise_still_come_apart():
    points = np.arange(DENSE_LIMIT + 50.0)[:, None]
    assert np.unique(components(points, 0.1)).size == points.size
