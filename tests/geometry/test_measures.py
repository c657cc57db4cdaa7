"""Seeded geometry comes back: whatever the orientation, step, tilt and order of files."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dqkit.geometry.stacks import stacks_of
from tests.geometry.instances import Floats, axial, changed, frame, slice_row

PLAIN = settings(max_examples=60, deadline=None)


@st.composite
def rotations(draw: st.DrawFn) -> Floats:
    """Row, column and normal of any orientation, as rows (3, 3)."""
    quaternion = np.array(draw(st.lists(st.floats(-1, 1), min_size=4, max_size=4)))
    length = np.linalg.norm(quaternion)
    w, x, y, z = quaternion / length if length > 1e-3 else (1.0, 0.0, 0.0, 0.0)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
            [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
            [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def tilted(axes: Floats, heights: Floats, tilt_deg: float = 0.0) -> list[dict[str, object]]:
    """Slices at `heights` along the normal, their origins slid along the columns as a tilted gantry does."""
    slide = np.tan(np.radians(tilt_deg))
    origins = np.array([-120.0, 40.0, 350.0]) + heights[:, None] * (axes[2] + slide * axes[1])
    cosines = [round(float(c), 6) for c in axes[:2].ravel()]
    return [slice_row(i, np.round(origin, 5), ImageOrientationPatient=cosines) for i, origin in enumerate(origins, 1)]


def one(rows: list[dict[str, object]]) -> dict[str, object]:
    stacks = stacks_of(frame(rows))
    assert stacks.height == 1
    return stacks.row(0, named=True)


@PLAIN
@given(rotations(), st.floats(0.3, 8), st.integers(3, 30), st.randoms())
def test_a_regular_stack_is_ok_and_its_step_is_found(axes, step, n, random):
    rows = tilted(axes, np.arange(n) * step)
    random.shuffle(rows)
    stack = one(rows)
    assert stack["verdict"] == "OK"
    assert stack["n_slices"] == n
    assert stack["slice_step_mm"] == pytest.approx(step, abs=1e-3)
    assert stack["gap_after"] == stack["duplicates_at"] == []
    assert stack["number_order_agrees"] is True


@PLAIN
@given(rotations(), st.floats(0.6, 5), st.floats(0.7, 30), st.sampled_from((-1, 1)))
def test_gantry_tilt_is_measured(axes, step, tilt_deg, sign):
    stack = one(tilted(axes, np.arange(24) * step, sign * tilt_deg))
    assert stack["verdict"] == "SHEARED"
    assert stack["tilt_deg"] == pytest.approx(tilt_deg, abs=0.05)
    assert stack["slice_step_mm"] == pytest.approx(step, abs=1e-3)
    assert stack["off_axis_mm"] < 0.01


@PLAIN
@given(rotations(), st.floats(0.3, 8), st.sets(st.integers(1, 28), min_size=1, max_size=6), st.floats(0, 25))
def test_lost_slices_are_counted_and_placed(axes, step, lost, tilt_deg):
    kept = [i for i in range(30) if i not in lost]
    steps = np.diff(kept)
    # Three even wide steps at an end are a change of protocol, not three lost slices (docs/geometry.md).
    assume(all(len(set(end)) > 1 or end[0] == 1 for end in (steps[:3], steps[-3:])))
    stack = one(tilted(axes, np.array(kept) * step, tilt_deg))
    assert stack["verdict"] == "MISSING"
    assert stack["slices_missing"] == len(lost)
    assert stack["gap_after"] == [i for i, (a, b) in enumerate(pairwise(kept)) if b - a > 1]
    assert stack["slice_step_mm"] == pytest.approx(step, abs=1e-3)


@PLAIN
@given(rotations(), st.integers(3, 25), st.data())
def test_the_order_of_files_changes_nothing(axes, n, data):
    heights = np.cumsum(data.draw(st.lists(st.sampled_from((0.0, 1.0, 2.0, 2.5)), min_size=n, max_size=n)))
    rows = tilted(axes, heights)
    shuffled = data.draw(st.permutations(rows))
    assert stacks_of(frame(rows)).equals(stacks_of(frame(shuffled)))


@PLAIN
@given(st.sets(st.integers(0, 19), max_size=15))
def test_a_stack_keeps_its_id_when_slices_go(lost):
    rows = axial(np.arange(20) * 3.0)
    rest = [row for i, row in enumerate(rows) if i not in lost]
    assert one(rest)["stack_id"] == one(rows)["stack_id"]


def test_lists_are_aligned_and_ascend_with_the_position():
    stack = one(axial([9.0, 0.0, 6.0, 3.0]))
    assert stack["slice_positions_mm"] == [0.0, 3.0, 6.0, 9.0]
    assert stack["file_ids"] == ["s-000002", "s-000004", "s-000003", "s-000001"]
    assert stack["instance_numbers"] == [2, 4, 3, 1]
    assert stack["frame_numbers"] == [1, 1, 1, 1]
    assert stack["number_order_agrees"] is False


@pytest.mark.parametrize(
    ("positions", "verdict"),
    [
        ([0, 3, 6, 9], "OK"),
        ([0, 3], "OK"),
        ([0, 3, 9], "MISSING"),
        ([0, 3, 6, 15], "MISSING"),
        ([0, 3, 6, 9.5, 12.5, 15.5], "VARIABLE"),
        ([0, 3, 6, 8, 11, 14], "VARIABLE"),
        ([0, 1, 2, 3, 4, 6, 8, 10], "VARIABLE"),  # another spacing, nothing lost
        ([0, 4, 8, 12, 13, 14, 15, 16], "VARIABLE"),
        ([0, 1, 2, 4, 6, 8, 9, 10, 11], "MISSING"),
        ([0, 3, 3, 6], "AMBIGUOUS"),
        ([0, 0, 0], "AMBIGUOUS"),
        ([7], "SINGLE"),
        ([0.0, 1.2, 2.5, 3.8, 5.0, 6.2, 7.5], "OK"),  # 1.25 mm written with one decimal
        ([0.0, 0.009, 0.018, 0.027], "OK"),  # micro-CT
    ],
)
def test_verdict_of_positions(positions, verdict):
    spacing = [0.009, 0.009] if positions[-1] < 0.1 else [0.7, 0.7]
    assert one(axial(positions, PixelSpacing=spacing))["verdict"] == verdict


def test_duplicate_position_is_named():
    rows = axial([0, 3, 6, 9, 6])
    stack = one(rows)
    assert stack["duplicates_at"] == [3]
    assert stack["slice_step_mm"] == 3.0
    assert stack["gap_after"] == []


def test_a_copy_of_a_file_is_no_second_slice():
    rows = axial([0, 3, 6])
    stack = one([*rows, rows[1] | {"file_id": "copy"}])
    assert (stack["verdict"], stack["n_slices"]) == ("OK", 3)


def test_two_slices_that_share_a_uid_are_both_kept():
    rows = axial([0, 3, 6])
    assert one(changed(rows, 2, SOPInstanceUID=rows[1]["SOPInstanceUID"]))["n_slices"] == 3


def test_origins_off_their_line_are_not_collinear():
    rows = axial(np.arange(6) * 3.0)
    stack = one(changed(rows, 3, ImagePositionPatient=[-178.0, -180.0, 9.0]))
    assert stack["verdict"] == "NOT_COLLINEAR"
    assert stack["off_axis_mm"] > 1


@pytest.mark.parametrize(
    ("cosines", "plane"),
    [
        ([1, 0, 0, 0, 1, 0], "AXIAL"),
        ([0, 1, 0, 0, 0, -1], "SAGITTAL"),
        ([1, 0, 0, 0, 0, -1], "CORONAL"),
        ([1, 0, 0, 0, 0.707107, 0.707107], "OBLIQUE"),
        ([1, 0, 0, 0, 0.9483237, -0.3173047], "AXIAL"),
    ],
)
def test_plane(cosines, plane):
    assert one([slice_row(1, (0, 0, 0), ImageOrientationPatient=cosines)])["plane"] == plane


def test_slice_location_along_the_table_agrees_with_a_tilted_stack():
    axes = np.eye(3)
    rows = tilted(axes, np.arange(10) * 2.37, 18.5)
    table_step = 2.37 / np.cos(np.radians(18.5))
    along = [row | {"SliceLocation": i * table_step} for i, row in enumerate(rows)]
    assert one(along)["slice_location_error_mm"] == pytest.approx(0, abs=1e-4)
    off = changed(along, 4, SliceLocation=4 * table_step + 1.5)
    assert one(off)["slice_location_error_mm"] == pytest.approx(1.5, abs=1e-3)


def test_attributes_that_differ_inside_the_stack_are_null():
    stack = one(changed(axial([0, 3, 6]), 1, SpacingBetweenSlices=3.0))
    assert stack["SpacingBetweenSlices"] is None
    assert stack["SliceThickness"] == 3.0


def test_no_rows_give_no_stacks():
    stacks = stacks_of(frame([]))
    assert stacks.is_empty()
    assert stacks.schema == stacks_of(frame(axial([0, 3]))).schema


def test_rows_come_out_in_the_schema_of_the_catalog():
    from dqkit.catalog.schema import STACKS

    assert stacks_of(frame(axial([0, 3]))).schema == pl.Schema(STACKS)
