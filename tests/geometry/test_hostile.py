"""Bad values make rows, nulls or no stack; never an exception or a warning."""

import math
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.geometry.stacks import stacks_of
from tests.geometry.instances import axial, changed, frame, renumbered, slice_row

ANY = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from((0.0, 1.0, -1.0, 1e308)))
LISTS = st.one_of(st.none(), st.lists(ANY, max_size=7), st.lists(ANY, min_size=6, max_size=6))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(LISTS, LISTS, LISTS, ANY, st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))), max_size=8)
)
def test_no_value_is_too_odd(values):
    rows = renumbered(axial([0, 3, 6])) + [
        slice_row(100 + i, (0, 0, 0)) | {
            "ImagePositionPatient": p, "ImageOrientationPatient": o, "PixelSpacing": s, "SliceLocation": v,
            "SliceThickness": v, "EchoTime": v, "TriggerTime": v, "InstanceNumber": n, "frame_positions_mm": s,
            "frame_orientations": o, "DiffusionGradientOrientation": p,
        }
        for i, (p, o, s, v, n) in enumerate(values)
    ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stacks = stacks_of(frame(rows))
    assert stacks["n_slices"].sum() >= 3
    numbers = stacks.select(pl.selectors.float())
    assert all(v is None or math.isfinite(v) for column in numbers for v in column)


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), 1e300])
def test_a_slice_without_a_place_is_left_out(bad):
    rows = changed(axial([0, 3, 6, 9]), 3, ImagePositionPatient=[0.0, bad, 9.0])
    assert stacks_of(frame(rows))["n_slices"].to_list() == [3]


def test_directions_of_no_length_make_no_order():
    rows = [slice_row(i, (0, 0, 3 * i), ImageOrientationPatient=[0.0] * 6) for i in range(4)]
    stack = stacks_of(frame(rows)).row(0, named=True)
    assert stack["verdict"] == "AMBIGUOUS"
    assert stack["plane"] is stack["slice_positions_mm"] is stack["slice_step_mm"] is None
    assert stack["orthonormality_error"] == 1.0


def test_departure_from_orthonormal_cosines_is_measured():
    rows = [row | {"ImageOrientationPatient": [1.0, 0, 0, 0.02, 1.0, 0]} for row in axial([0, 3, 6])]
    assert stacks_of(frame(rows))["orthonormality_error"][0] == pytest.approx(0.02, abs=1e-3)


@pytest.mark.parametrize("status", ["not_dicom", "empty", "damaged", "nifti"])
def test_files_that_are_no_dicom_form_no_stack(status):
    assert stacks_of(frame(axial([0, 3, 6], status=status))).is_empty()


def test_images_of_one_place_in_thousands_do_not_explode():
    rows = frame(axial([0.0], AcquisitionNumber=1))[np.zeros(4000, dtype=int)].with_columns(
        pl.format("f{}", pl.int_range(pl.len())).alias("file_id"),
        pl.format("1.5.{}", pl.int_range(pl.len())).alias("SOPInstanceUID"),
        pl.int_range(pl.len()).alias("InstanceNumber"),
    )
    spread = rows.with_columns(
        pl.Series("ImagePositionPatient", [[0.0, 0.0, float(i // 2000 * (i - 1999))] for i in range(4000)]),
        pl.int_range(pl.len()).alias("AcquisitionNumber"),
    )
    assert stacks_of(rows)["n_slices"].to_list() == [4000]
    assert stacks_of(spread)["verdict"].to_list() == ["AMBIGUOUS"]
