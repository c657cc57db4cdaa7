"""Which way images lie: every way of lying comes to the standard, and what says nothing is left and told."""

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from dqkit.harmonize.plane.orientation import OPPOSITE, Turn, turn_to
from tests.dicom_exam import put, put_pixels
from tests.dicom_factory import cr_image, fundus_image, mg_study
from tests.harmonize.plane.images import Made, made, recipe

MG = recipe(planar={"orient": True, "voi": "window"}, bit_depth="float32")
PLANE = [
    (row, column) for a, b in permutations(("LR", "AP", "HF"), 2) for row, column in product(a, b)
]  # every pair of directions that span a plane


def laid(pixels: np.ndarray, lying: tuple[str, str], standard: tuple[str, str]) -> np.ndarray:
    """Return pixels that lie like `standard` as an image that lies like `lying`, by the letters alone."""
    turn = turn_to(standard, lying)
    found = pixels.T if turn.swap else pixels
    return found[:: -1 if turn.flip_rows else 1, :: -1 if turn.flip_columns else 1]


def radiograph(lying: tuple[str, str], **attributes: Any) -> tuple[Dataset, np.ndarray]:
    """A radiograph of 40 x 30 pixels, no two alike, stored as `lying`, and how it looks as L\\F."""
    upright = np.arange(1200.0).reshape(40, 30)
    stored = laid(upright, lying, ("L", "F"))
    image = put_pixels(cr_image(rows=40, columns=30)[0], stored, 12)
    return put(image, {"PatientOrientation": list(lying), **attributes}), upright


@pytest.mark.parametrize("lying", [pair for pair in PLANE if {"A", "P"}.isdisjoint(pair)])
def test_coronal_radiographs_come_to_left_and_feet(tmp_path: Path, lying: tuple[str, str]) -> None:
    image, upright = radiograph(lying)
    done = made(image, tmp_path, recipe(planar={"orient": True}))
    assert (done.voxels == upright).all()
    assert done.step("place")["patient_orientation"] == ["L", "F"]


@pytest.mark.parametrize("lying", PLANE)
def test_the_affine_of_a_turned_image_leads_back_to_the_pixels_of_the_file(
    tmp_path: Path, lying: tuple[str, str]
) -> None:
    image, _ = radiograph(("L", "F"), ImagerPixelSpacing=["2.0", "0.5"], PixelSpacing=None)
    image.PatientOrientation = list(lying)
    stored = image.pixel_array
    done = made(image, tmp_path, recipe(planar={"orient": True}))
    affine = next(step.affine for step in done.image.volume.steps if step.name == "orient")
    rows, columns = done.voxels.shape
    index = np.array([(c, r, 0, 1) for r in range(rows) for c in range(columns)])
    there = index @ affine.T
    assert (stored[np.rint(there[:, 1] / 2.0).astype(int), np.rint(there[:, 0] / 0.5).astype(int)].ravel()
            == done.voxels.ravel()).all()  # fmt: skip


def test_the_affine_of_the_output_points_along_the_patient(tmp_path: Path) -> None:
    image, _ = radiograph(("R", "H"), ImagerPixelSpacing=["2.0", "0.5"], PixelSpacing=None)
    affine = made(image, tmp_path, recipe(planar={"orient": True})).image.volume.affine
    assert affine[:3, 0] == pytest.approx([0.5, 0, 0])  # columns to the left
    assert affine[:3, 1] == pytest.approx([0, 0, -2])  # rows to the feet
    assert np.linalg.det(affine[:3, :3]) > 0


def test_hands_stay_with_their_fingers_above_where_the_recipe_says_so(tmp_path: Path) -> None:
    image, upright = radiograph(("L", "H"))
    done = made(image, tmp_path, recipe(planar={"orient": True, "down": "H"}))
    assert (done.voxels == upright[::-1]).all()


@pytest.mark.parametrize(("lateral", "lying"), [("P", ("P", "F")), ("A", ("A", "F"))])
def test_lateral_images_face_one_side(tmp_path: Path, lateral: str, lying: tuple[str, str]) -> None:
    image, _ = radiograph(("L", "F"))
    image.PatientOrientation = ["A", "F"]
    done = made(image, tmp_path, recipe(planar={"orient": True, "lateral": lateral}))
    assert done.step("place")["patient_orientation"] == list(lying)
    assert done.step("orient")["mirrored"] is (lateral == "P")


def test_a_flip_on_the_way_from_the_detector_is_not_undone_a_second_time(tmp_path: Path) -> None:
    image, upright = radiograph(("L", "F"), FieldOfViewHorizontalFlip="YES", FieldOfViewRotation="90")
    done = made(image, tmp_path, recipe(planar={"orient": True}))
    assert (done.voxels == upright).all()
    assert done.step("load")["detector"] == {"fov_flip": "YES", "fov_rotation": 90.0}


@pytest.mark.parametrize("odd", [None, "", ["L"], ["L", "R"], ["X", "F"], ["L", "L"]])
def test_what_says_nothing_is_left_as_it_is_and_told(tmp_path: Path, odd: Any) -> None:
    image, upright = radiograph(("L", "F"))
    put(image, {"PatientOrientation": odd})
    done = made(image, tmp_path, recipe(planar={"orient": True}))
    assert (done.voxels == upright).all()
    assert any("nothing says which way the image lies" in warning for warning in done.warnings)


def test_animals_on_four_legs_are_left_as_they_are(tmp_path: Path) -> None:
    image, upright = radiograph(("L", "F"), AnatomicalOrientationType="QUADRUPED")
    image.PatientOrientation = ["R", "H"]
    assert (made(image, tmp_path, recipe(planar={"orient": True})).voxels == upright).all()


def test_orientation_can_be_left_alone(tmp_path: Path) -> None:
    image, _ = radiograph(("R", "H"))
    done = made(image, tmp_path, recipe(planar={"orient": False}))
    assert (done.voxels == image.pixel_array).all()
    assert done.step("place")["patient_orientation"] == ["R", "H"]


@pytest.mark.parametrize("pair", PLANE)
def test_every_turn_does_what_its_letters_say(pair: tuple[str, str]) -> None:
    for swap, columns, rows in product((False, True), repeat=3):
        turn = Turn(swap, columns, rows)
        there = turn.letters(pair)
        assert turn_to(pair, there) == turn
        assert turn_to(there, pair).letters(there) == pair
    assert Turn(flip_columns=True).is_mirrored
    assert not Turn(swap=True, flip_rows=True).is_mirrored
    assert set(OPPOSITE) == set("LRAPHF")


# --- mammograms ---


def breast_side(done: Made) -> str:
    edge = done.voxels.shape[1] // 10
    left, right = done.voxels[:, :edge].mean(), done.voxels[:, -edge:].mean()
    return "left" if left > 3 * right else "right" if right > 3 * left else "neither"


@pytest.mark.parametrize("chest_wall", ["left", "right", "hanging"])
@pytest.mark.parametrize("which", range(4))
def test_the_chest_wall_of_every_mammogram_stands_where_the_recipe_says(
    tmp_path: Path, chest_wall: str, which: int
) -> None:
    image = mg_study()[which]
    done = made(image, tmp_path, recipe(planar={"orient": True, "voi": "window", "chest_wall": chest_wall}))
    hanging = {"R": "right", "L": "left"}[image.ImageLaterality]
    assert breast_side(done) == (hanging if chest_wall == "hanging" else chest_wall)
    assert done.warnings == []
    row, column = done.step("place")["patient_orientation"]
    assert row == {"left": "A", "right": "P"}[breast_side(done)]
    assert column == ("F" if image.ViewPosition == "MLO" else OPPOSITE[image.ImageLaterality])


def test_a_mammogram_that_was_stored_on_its_side_is_turned(tmp_path: Path) -> None:
    upright = made(mg_study()[1], tmp_path / "a", MG)
    image = mg_study()[1]  # L CC: A\R
    turned = put_pixels(image, image.pixel_array.T[:, ::-1].astype(float), 12)
    turned.PatientOrientation = ["L", "A"]
    done = made(turned, tmp_path / "b", MG)
    assert np.abs(done.voxels - upright.voxels).max() < 1e-6


def test_a_mammogram_without_orientation_is_turned_by_its_pixels(tmp_path: Path) -> None:
    image = put(mg_study()[0], {"PatientOrientation": ""})  # R CC, chest wall at the right
    done = made(image, tmp_path, MG)
    assert breast_side(done) == "left"
    assert done.step("orient")["by"] == "pixels"
    assert any("chest wall was found in the pixels" in warning for warning in done.warnings)


def test_a_mammogram_whose_orientation_is_wrong_is_told(tmp_path: Path) -> None:
    image = put(mg_study()[0], {"PatientOrientation": ["A", "L"]})
    done = made(image, tmp_path, MG)
    assert any("at the other side than Patient Orientation says" in warning for warning in done.warnings)


def test_an_image_without_breast_names_no_side(tmp_path: Path) -> None:
    image = put(mg_study()[0], {"PatientOrientation": ""})
    empty = put_pixels(image, np.zeros((64, 64)), 12)
    done = made(empty, tmp_path, MG)
    assert any("it was left so" in warning for warning in done.warnings)


# --- photographs ---


def test_left_eyes_can_be_mirrored_to_look_like_right_ones(tmp_path: Path) -> None:
    using = recipe(planar={"orient": True, "mirror_to": "R"})
    right, left = (made(fundus_image(side=side)[0], tmp_path / side, using) for side in "RL")
    as_is = made(fundus_image(side="L")[0], tmp_path / "as-is", recipe(planar={"orient": True}))
    assert (left.voxels == as_is.voxels[:, ::-1]).all()
    assert left.step("place")["patient_orientation"] == ["R", "F"]
    assert right.step("orient")["mirrored"] is False
    assert left.step("orient")["mirrored"] is True
