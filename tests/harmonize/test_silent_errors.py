"""Series that other readers turn into wrong volumes without a word: they come out right, or not at all and say why."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from dqkit.harmonize.run import harmonize
from dqkit.harmonize.volume import LPS_TO_RAS
from tests.dicom_exam import Exam
from tests.dicom_factory import Grid, ct_series, enhanced_ct, mr_series, write
from tests.harmonize.conftest import Archive, Outputs, ball, indexed, run, series
from tests.harmonize.solids import AIR, TISSUE, Measured, recipe, soft_sphere_mm3

BALL_MM3 = soft_sphere_mm3(18.0)
CENTRE = (2.0, -3.0, 1.0)


def seen(outputs: Outputs, row: dict[str, Any]) -> Measured:
    """Measure the ball in a file that was written, by what the file alone says."""
    image = nibabel.load(outputs.images / row["path"])
    share = (np.asarray(image.dataobj, dtype=float) - AIR) / (TISSUE - AIR)
    index = np.array([(share * i).sum() / share.sum() for i in np.indices(share.shape)])
    place = LPS_TO_RAS @ image.affine @ [*index, 1]
    return Measured(share.sum() * abs(np.linalg.det(image.affine[:3, :3])), place[:3])


def check_ball(outputs: Outputs, row: dict[str, Any], mm3: float = BALL_MM3, off: float = 0.01) -> None:
    assert row["status"] == "written", row["reason"]
    found = seen(outputs, row)
    assert found.volume == pytest.approx(mm3, rel=off)
    assert np.abs(found.centre - CENTRE).max() < 1.25


def voxels_of(outputs: Outputs, case: str) -> np.ndarray:
    return np.asarray(nibabel.load(outputs.images / outputs.one(case)["path"]).dataobj)


WRITTEN = ["regular", "duplicate", "slope", "monochrome1", "tilt", "backwards", "shuffled"]


@pytest.mark.parametrize("case", WRITTEN)
def test_volume_and_place_are_right_as_acquired(kept: Outputs, case: str) -> None:
    check_ball(kept, kept.one(case))


@pytest.mark.parametrize("case", [*WRITTEN, "wider"])
def test_volume_and_place_are_right_after_resampling(resampled: Outputs, case: str) -> None:
    check_ball(resampled, resampled.one(case))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("missing", "gap"),
        ("zigzag", "not_collinear"),
        ("duplicate-differs", "duplicates_differ"),
        ("wider", "irregular"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_reason(kept: Outputs, case: str, reason: str) -> None:
    row = kept.one(case)
    assert (row["status"], row["reason"], row["path"]) == ("refused", reason, None)


def test_slices_are_not_interpolated_unless_the_gantry_was_tilted(kept: Outputs) -> None:
    for case in ("regular", "backwards", "shuffled", "monochrome1"):
        row = kept.one(case)
        assert row["shape"] == [24, 24, 20]
        assert row["dtype"] == "int16"
        assert row["slice_sources"] == [[i] for i in range(20)]


def test_two_kernels_under_one_uid_are_two_images(kept: Outputs) -> None:
    soft, sharp = sorted(kept.rows["kernels"], key=lambda row: -seen(kept, row).volume)
    check_ball(kept, soft)
    check_ball(kept, sharp, soft_sphere_mm3(10.0))


def test_a_fractional_slope_of_a_later_slice_is_kept(kept: Outputs) -> None:
    regular, sloped = (
        np.asarray(nibabel.load(kept.images / kept.one(case)["path"]).dataobj) for case in ("regular", "slope")
    )
    assert sloped.dtype == np.float32
    assert np.abs(sloped - regular).max() <= 0.35


def test_monochrome1_of_a_ct_changes_no_hounsfield_unit(kept: Outputs) -> None:
    regular, shown = (
        np.asarray(nibabel.load(kept.images / kept.one(case)["path"]).dataobj) for case in ("regular", "monochrome1")
    )
    assert np.array_equal(regular, shown)
    assert (shown.min(), shown.max()) == (-1024, 1000)


def test_missing_slices_are_interpolated_on_demand_and_on_record(silent: Archive, tmp_path: Path) -> None:
    outputs = run(silent, recipe(policy={"gaps": "interpolate"}), tmp_path / "out")
    row = outputs.one("missing")
    check_ball(outputs, row, off=0.03)  # three slices of the ball are guesses
    assert row["shape"][2] == 20
    assert row["slice_sources"][9] == [7, 8]
    assert row["slice_weights"][9] == [0.5, 0.5]
    assert any("interpolated" in warning for warning in row["warnings"])


def test_an_image_that_nothing_places_is_missed(kept: Outputs) -> None:
    row = kept.one("stray")
    check_ball(kept, row)
    assert row["shape"][2] == 19
    assert row["warnings"] == ["the series holds images that nothing places: they are in no volume"]
    assert kept.one("regular")["warnings"] == []


def test_a_copy_of_an_image_is_not_missed(tmp_path: Path) -> None:
    write(series("twice", ball()), tmp_path / "archive" / "twice")
    write(series("twice", ball())[3:5], tmp_path / "archive" / "twice" / "again")
    archive = indexed(tmp_path / "archive", tmp_path / "catalog")
    (row,) = harmonize(archive.plan(recipe()), archive.catalog, tmp_path / "out").manifest.iter_rows(named=True)
    assert (row["status"], row["shape"], row["warnings"]) == ("written", [24, 24, 20], [])


def test_gaps_and_wider_steps_can_be_split_at(silent: Archive, tmp_path: Path) -> None:
    outputs = run(silent, recipe(policy={"gaps": "split", "irregular": "split"}), tmp_path / "out")
    shapes = {case: [row["shape"][2] for row in outputs.rows[case]] for case in ("missing", "wider")}
    assert shapes == {"missing": [8, 9], "wider": [17, 9]}
    assert all("_part-" in row["path"] for row in outputs.rows["missing"])
    spacings = [round(row["spacing_mm"][2], 6) for row in outputs.rows["wider"]]
    assert spacings == [1.5, 3.0]


def test_tilt_can_be_left_and_the_sform_alone_holds_it(silent: Archive, tmp_path: Path) -> None:
    outputs = run(silent, recipe(policy={"tilt": "off"}), tmp_path / "out")
    row = outputs.one("tilt")
    image = nibabel.load(outputs.images / row["path"])
    assert row["shape"] == [24, 24, 20]
    assert row["dtype"] == "int16"
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)
    check_ball(outputs, row)


def test_what_a_header_does_not_say_is_not_said_for_it(tmp_path: Path) -> None:
    grid = Grid(n=4, rows=12, columns=12)
    (short,) = enhanced_ct(Exam(patient="unplaced"), grid)
    short.PerFrameFunctionalGroupsSequence = list(short.PerFrameFunctionalGroupsSequence)[:3]
    times = mr_series(Exam(patient="times"), grid, time_points=4)
    for name, images in {
        "unplaced": [short],
        "stripped": ct_series(Exam(patient="stripped"), grid, RescaleIntercept=None, RescaleType=None),
        "times": [*times[:4], *times[8:]],  # the second of four volumes was lost
    }.items():
        write(images, tmp_path / "archive" / name)
    outputs = run(indexed(tmp_path / "archive", tmp_path / "catalog"), recipe(), tmp_path / "out")
    assert outputs.one("unplaced")["reason"] == "positions_unknown"
    assert outputs.one("stripped")["unit"] == ""
    assert outputs.one("stripped")["warnings"] == ["nothing says that its values are Hounsfield units"]
    assert "nothing says one time from volume to volume" in outputs.one("times")["warnings"][0]
    header = nibabel.load(outputs.images / outputs.one("times")["path"]).header
    assert (header.get_zooms()[3], header.get_xyzt_units()) == (1.0, ("mm", "unknown"))
