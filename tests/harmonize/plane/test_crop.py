"""What is cut away: by the header, else by the pixels, and never most of the image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.harmonize.plane.circle import circle_of
from dqkit.harmonize.volume import Volume
from tests.dicom_exam import put, put_pixels
from tests.dicom_factory import cr_image, fundus_image, mg_study
from tests.harmonize.plane.images import Made, made, recipe

COLLIMATED = recipe(planar={"orient": False, "crop": "collimation"})
NOISE = np.random.default_rng(4)


def field(rows: int = 120, columns: int = 100, outside: float = 0.0) -> np.ndarray:
    """An image with structure in rows 20 to 99 and columns 10 to 79, and one value outside."""
    values = np.full((rows, columns), outside)
    values[20:100, 10:80] = NOISE.uniform(500, 3000, (80, 70))
    return values


def cropped(folder: Path, pixels: np.ndarray, **attributes: Any) -> tuple[Made, list[int]]:
    image = put(put_pixels(cr_image()[0], pixels, 12), attributes)
    done = made(image, folder, COLLIMATED)
    return done, done.step("crop")["box"]


@pytest.mark.parametrize("kind", ["Shutter", "Collimator"])
def test_a_rectangle_in_the_header_counts_from_one(tmp_path: Path, kind: str) -> None:
    edges = {"UpperHorizontalEdge": 31, "LowerHorizontalEdge": 90, "LeftVerticalEdge": 21, "RightVerticalEdge": 70}
    told = {f"{kind}Shape": "RECTANGULAR"} | {f"{kind}{name}": value for name, value in edges.items()}
    done, box = cropped(tmp_path, pixels := field(), **told)
    assert box == [30, 90, 20, 70]
    assert (done.voxels == np.rint(pixels[30:90, 20:70])).all()
    assert done.step("crop")["by"] == f"{kind}Shape"


def test_several_shapes_leave_open_what_all_leave_open(tmp_path: Path) -> None:
    _, box = cropped(
        tmp_path, field(), ShutterShape=["RECTANGULAR", "CIRCULAR"],
        ShutterUpperHorizontalEdge=11, ShutterLowerHorizontalEdge=110, ShutterLeftVerticalEdge=1,
        ShutterRightVerticalEdge=100, CenterOfCircularShutter=[61, 51], RadiusOfCircularShutter=30,
    )  # fmt: skip
    assert box == [30, 91, 20, 81]


def test_a_polygon_is_cut_to_the_box_around_it(tmp_path: Path) -> None:
    vertices = [21, 51, 61, 91, 101, 51, 61, 11]
    _, box = cropped(tmp_path, field(), CollimatorShape="POLYGONAL", VerticesOfThePolygonalCollimator=vertices)
    assert box == [20, 101, 10, 91]


def test_a_shutter_that_would_cover_the_image_is_not_believed(tmp_path: Path) -> None:
    done, box = cropped(
        tmp_path, field(), ShutterShape="RECTANGULAR", ShutterUpperHorizontalEdge=500, ShutterLowerHorizontalEdge=900,
        ShutterLeftVerticalEdge=500, ShutterRightVerticalEdge=900,
    )  # fmt: skip
    assert box == [20, 100, 10, 80]
    assert any("not believed" in warning for warning in done.warnings)
    assert done.step("crop")["by"] == "pixels"


@pytest.mark.parametrize("outside", [0.0, 4095.0, 1800.0])
def test_borders_of_one_brightness_are_found_in_the_pixels(tmp_path: Path, outside: float) -> None:
    _, box = cropped(tmp_path, field(outside=outside) + NOISE.normal(0, 5, (120, 100)))
    assert box == [20, 100, 10, 80]


def test_an_image_without_border_is_left_whole(tmp_path: Path) -> None:
    _, box = cropped(tmp_path, NOISE.uniform(0, 4000, (50, 60)))
    assert box == [0, 50, 0, 60]


def test_an_image_of_one_value_is_left_whole(tmp_path: Path) -> None:
    _, box = cropped(tmp_path, np.full((50, 60), 7.0))
    assert box == [0, 50, 0, 60]


def test_the_breast_can_be_cut_out(tmp_path: Path) -> None:
    image = mg_study()[1]
    done = made(image, tmp_path, recipe(planar={"orient": True, "voi": "window", "crop": "foreground"}))
    top, bottom, left, right = done.step("crop")["box"]
    bright = np.argwhere(image.pixel_array > 700)
    assert [top, left] == pytest.approx(bright.min(0), abs=2)
    assert [bottom - 1, right - 1] == pytest.approx(bright.max(0), abs=2)


def test_the_affine_of_a_crop_leads_back_to_the_file(tmp_path: Path) -> None:
    done, (top, _, left, _) = cropped(tmp_path, field(), ImagerPixelSpacing=["2", "3"], PixelSpacing=None)
    affine = next(step.affine for step in done.image.volume.steps if step.name == "crop")
    assert affine @ [0, 0, 0, 1] == pytest.approx([left * 3, top * 2, 0, 1])


# --- the circle of a fundus camera ---


def retina(side: tuple[int, int], row: float, column: float, radius: float) -> Volume:
    y, x = np.mgrid[: side[0], : side[1]]
    inside = np.hypot(y - row, x - column) <= radius
    noise = np.random.default_rng(1).normal(0, 2, (3, *side))
    colour = np.stack([170.0, 80.0, 40.0])[:, None, None] * (1 - 0.4 * np.hypot(y - row, x - column) / radius)
    return Volume(np.clip(inside * (colour + noise) + 4, 0, 255)[:, None].astype(np.float32), np.eye(4))


@settings(max_examples=15)
@given(st.floats(90, 150), st.floats(100, 180), st.floats(70, 140))
def test_the_circle_of_a_camera_is_found_within_a_pixel(row: float, column: float, radius: float) -> None:
    found = circle_of(retina((240, 280), row, column, radius))
    assert found is not None
    assert (found.row, found.column, found.radius) == (
        pytest.approx(row, abs=1), pytest.approx(column, abs=1), pytest.approx(radius, abs=1),
    )  # fmt: skip


def test_circles_of_large_photographs_are_found_on_a_coarse_copy() -> None:
    found = circle_of(retina((1100, 1300), 540, 660, 510))
    assert found is not None
    assert (found.row, found.column, found.radius) == (
        pytest.approx(540, abs=3), pytest.approx(660, abs=3), pytest.approx(510, abs=3),
    )  # fmt: skip


def test_a_photograph_is_cut_to_the_square_around_its_circle(tmp_path: Path) -> None:
    image = fundus_image(rows=200, columns=320)[0]
    y, x = np.mgrid[:200, :320]
    inside = np.hypot(y - 100, x - 170) <= 120  # cut off above and below
    image = put_pixels(image, np.where(inside[..., None], [170.0, 90.0, 40.0], 3.0), 8)
    done = made(image, tmp_path, recipe(planar={"orient": False, "crop": "circle"}))
    assert done.voxels.shape == (241, 241)
    assert done.voxels[0, 120].tolist() == (0, 0, 0)  # padding above the image
    assert done.voxels[120, 120].tolist() == (170, 90, 40)
    assert done.step("crop")["radius"] == pytest.approx(120, abs=1)


def test_a_photograph_without_circle_is_left_whole_and_told(tmp_path: Path) -> None:
    image = put_pixels(fundus_image()[0], NOISE.uniform(0, 255, (100, 120, 3)), 8)
    done = made(image, tmp_path, recipe(planar={"orient": False, "crop": "circle"}))
    assert done.voxels.shape == (100, 120)
    assert any("no circle" in warning for warning in done.warnings)
