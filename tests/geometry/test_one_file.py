"""Images that hold a whole volume, and enhanced multi-frame files."""

import numpy as np

from dqkit.geometry.stacks import stacks_of
from tests.geometry.instances import AXIAL, axial, frame, slice_row


def enhanced(heights, **values):
    heights = list(heights)
    row = slice_row(1, (0, 0, 0), ImagePositionPatient=None, ImageOrientationPatient=None, NumberOfFrames=len(heights))
    return (
        row
        | {
            "frame_positions_mm": [float(x) for z in heights for x in (0, 0, z)],
            "frame_orientations": list(AXIAL) * len(heights),
        }
        | values
    )


def test_frames_of_an_enhanced_file_are_slices():
    stack = stacks_of(frame([enhanced([6, 3, 0, 9])])).row(0, named=True)
    assert (stack["verdict"], stack["n_slices"], stack["slice_step_mm"]) == ("OK", 4, 3.0)
    assert stack["frame_numbers"] == [3, 2, 1, 4]
    assert stack["file_ids"] == ["s-000001"] * 4
    assert stack["number_order_agrees"] is None


def test_a_gap_between_frames_is_found():
    assert stacks_of(frame([enhanced([0, 3, 9, 12])]))["gap_after"].to_list() == [[1]]


def test_frame_groups_tell_the_volumes_of_a_file_apart():
    groups = ["1"] * 5 + ["2"] * 5
    stacks = stacks_of(frame([enhanced(list(range(5)) * 2, frame_groups=groups)]))
    assert stacks["n_slices"].to_list() == [5, 5]
    assert stacks["split_by"].to_list() == [["frame_groups"]] * 2


def test_one_orientation_shared_by_all_frames():
    assert stacks_of(frame([enhanced([0, 3, 6], frame_orientations=list(AXIAL))]))["verdict"].to_list() == ["OK"]


def test_positions_that_do_not_fit_the_orientations_make_no_frames():
    assert stacks_of(frame([enhanced([0, 3, 6], frame_orientations=list(AXIAL) * 2)])).is_empty()
    assert stacks_of(frame([enhanced([0, 3, 6], frame_positions_mm=[0.0] * 8)])).is_empty()


def test_a_mosaic_series_is_a_series_of_volumes():
    rows = [slice_row(i, (-800, -800, 5), is_mosaic=True, mosaic_tiles=36, Modality="MR") for i in (1, 2, 3)]
    stacks = stacks_of(frame([*rows, rows[0] | {"file_id": "z-copy"}]))
    assert stacks["verdict"].to_list() == ["OK"] * 3
    assert stacks["n_slices"].to_list() == [36] * 3
    assert stacks["plane"].to_list() == ["AXIAL"] * 3
    assert stacks["stack_id"].n_unique() == 3
    assert stacks["slice_positions_mm"].null_count() == 3
    assert sorted(stacks["file_ids"].explode()) == ["s-000001", "s-000002", "s-000003"]


def test_a_vframe_without_position_is_a_volume():
    row = slice_row(1, (0, 0, 0), is_vframe=True, ImagePositionPatient=None, mosaic_tiles=30)
    assert stacks_of(frame([row]))["verdict"].to_list() == ["OK"]


def test_a_volume_in_one_image_without_orientation_claims_no_error_of_it():
    stacks = stacks_of(frame([slice_row(1, (0, 0, 0), is_mosaic=True, ImageOrientationPatient=None)]))
    assert stacks.select("orthonormality_error", "plane", "slice_step_mm").row(0) == (None, None, None)


def test_a_mosaic_beside_plain_slices_leaves_them_alone():
    mosaic = slice_row(9, (0, 0, 0), is_mosaic=True, mosaic_tiles=4)
    stacks = stacks_of(frame([mosaic, *axial(np.arange(4) * 3.0)]))
    assert stacks["n_slices"].to_list() == [4, 4]
    assert stacks["stack_id"].n_unique() == 2


def test_segmentations_and_doses_are_no_stacks():
    uids = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.2")
    assert stacks_of(frame([enhanced([0, 3, 12], SOPClassUID=uid) for uid in uids])).is_empty()
