"""How large pixels are, and images of one spacing or size."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqkit.errors import DqkitError
from dqkit.harmonize.refusal import Reason, Refused
from tests.dicom_exam import put, put_pixels
from tests.dicom_factory import cr_image, fundus_image, mg_study
from tests.harmonize.plane.images import made, recipe

HALF = recipe(spacing={"mm": [0.5, 0.5, "keep"]}, bit_depth="float32")


@pytest.mark.parametrize(
    ("attributes", "mm", "record"),
    [
        (
            {"ImagerPixelSpacing": ["0.2", "0.1"], "PixelSpacing": None},
            (0.2, 0.1),
            {"attribute": "ImagerPixelSpacing", "at": "detector", "magnification": None, "corrected": False},
        ),
        (
            {"ImagerPixelSpacing": ["0.2", "0.1"], "PixelSpacing": ["0.2", "0.1"]},
            (0.2, 0.1),
            {"attribute": "ImagerPixelSpacing", "at": "detector", "magnification": None, "corrected": False},
        ),
        (
            {"ImagerPixelSpacing": ["0.2", "0.2"], "PixelSpacing": ["0.15", "0.15"],
             "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.15, 0.15),
            {"attribute": "PixelSpacing", "at": "patient", "calibration": "FIDUCIAL"},
        ),
        (
            {"ImagerPixelSpacing": ["0.2", "0.2"], "PixelSpacing": ["0.15", "0.15"]},
            (0.15, 0.15),
            {"attribute": "PixelSpacing", "at": "patient", "calibration": "not told"},
        ),
        (
            {"ImagerPixelSpacing": None, "PixelSpacing": ["0.15", "0.15"]},
            (0.15, 0.15),
            {"attribute": "PixelSpacing", "at": "not told", "calibration": "not told"},
        ),
        (
            {"ImagerPixelSpacing": ["0.2", "0.1"], "PixelSpacing": None,
             "EstimatedRadiographicMagnificationFactor": "1.25"},
            (0.16, 0.08),
            {"attribute": "ImagerPixelSpacing", "at": "patient", "magnification": 1.25, "corrected": True},
        ),
        (
            {"ImagerPixelSpacing": None, "PixelSpacing": None, "NominalScannedPixelSpacing": ["0.17", "0.17"]},
            (0.17, 0.17),
            {"attribute": "NominalScannedPixelSpacing", "at": "film"},
        ),
        (
            {"ImagerPixelSpacing": ["0", "0.1"], "PixelSpacing": ["-1", "2"], "PixelAspectRatio": [2, 1]},
            (2.0, 1.0),
            {"attribute": "", "at": "unknown", "aspect": [2.0, 1.0]},
        ),
    ],
)  # fmt: skip
def test_the_size_of_a_pixel_says_where_it_comes_from(
    tmp_path: Path, attributes: dict[str, Any], mm: tuple[float, float], record: dict[str, Any]
) -> None:
    done = made(put(cr_image()[0], attributes), tmp_path, recipe())
    assert done.image.volume.spacing_mm[:2] == pytest.approx(mm[::-1])
    assert record.items() <= done.step("load")["pixel"].items()


def test_magnification_can_be_left_alone_and_nonsense_is_not_believed(tmp_path: Path) -> None:
    image = put(cr_image()[0], {"PixelSpacing": None, "EstimatedRadiographicMagnificationFactor": "1.25"})
    done = made(image, tmp_path / "a", recipe(planar={"orient": False, "magnification": "ignore"}))
    assert done.image.volume.spacing_mm[:2] == pytest.approx([1.4, 1.4])
    assert done.step("load")["pixel"]["magnification"] == 1.25
    image.EstimatedRadiographicMagnificationFactor = "0"
    done = made(image, tmp_path / "b", recipe())
    assert any("no magnification" in warning for warning in done.warnings)


def test_a_disc_keeps_its_area_and_place_at_another_spacing(tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :100]
    disc = np.hypot((y - 70) * 0.2, (x - 40) * 0.3) <= 6
    image = put_pixels(cr_image(rows=120, columns=100)[0], disc * 1000.0, 12)
    put(image, {"ImagerPixelSpacing": ["0.2", "0.3"], "PixelSpacing": None})
    done = made(image, tmp_path, HALF)
    affine = next(step.affine for step in done.image.volume.steps if step.name == "resample")
    weight = done.voxels / 1000.0
    assert weight.sum() * 0.25 == pytest.approx(np.pi * 36, rel=0.01)
    rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]]
    middle = affine @ [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum(), 0, 1]
    assert middle[:2] == pytest.approx([40 * 0.3, 70 * 0.2], abs=0.05)


def test_fine_stripes_fade_instead_of_making_waves(tmp_path: Path) -> None:
    stripes = np.zeros((64, 128))
    stripes[:, ::2] = 1000
    image = put(put_pixels(cr_image()[0], stripes, 12), {"ImagerPixelSpacing": ["0.19"] * 2, "PixelSpacing": None})
    smooth = made(image, tmp_path / "a", HALF).voxels
    rough = made(
        image, tmp_path / "b", recipe(spacing={"mm": [0.5, 0.5, "keep"]}, resampling={"antialias": False})
    ).voxels
    assert smooth[4:-4, 4:-4].std() < 0.2 * rough[4:-4, 4:-4].std()


def test_a_spacing_needs_the_size_of_a_pixel(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        made(put(cr_image()[0], {"ImagerPixelSpacing": None, "PixelSpacing": None}), tmp_path, HALF)
    assert refused.value.reason is Reason.NO_SPACING


@pytest.mark.parametrize(("rows", "columns"), [(200, 100), (100, 200), (37, 91), (64, 64), (1, 9)])
def test_an_image_fits_into_its_size_with_background_beside_it(tmp_path: Path, rows: int, columns: int) -> None:
    image = put_pixels(cr_image()[0], np.full((rows, columns), 500.0), 12)
    done = made(image, tmp_path, recipe(planar={"orient": False, "size": [64, 48]}, bit_depth="float32"))
    assert done.voxels.shape == (48, 64)
    seen = done.voxels > 250
    scale = min(64 / columns, 48 / rows)
    assert seen.any(0).sum() == pytest.approx(max(1, columns * scale), abs=1)
    assert seen.any(1).sum() == pytest.approx(max(1, rows * scale), abs=1)
    down, across = np.argwhere(seen).mean(0)
    assert (down, across) == (pytest.approx(23.5, abs=0.5), pytest.approx(31.5, abs=0.5))


def test_pixels_that_are_not_square_become_square_in_a_size(tmp_path: Path) -> None:
    image = put_pixels(cr_image()[0], np.full((50, 100), 500.0), 12)
    put(image, {"ImagerPixelSpacing": ["2", "1"], "PixelSpacing": None})
    done = made(image, tmp_path, recipe(planar={"orient": False, "size": 64}, bit_depth="float32"))
    assert (done.voxels > 250).all()
    assert done.image.volume.spacing_mm[:2] == pytest.approx([100 / 64] * 2)


def test_an_image_of_the_size_already_is_not_touched(tmp_path: Path) -> None:
    image = cr_image(rows=64, columns=64)[0]
    done = made(image, tmp_path, recipe(planar={"orient": False, "size": 64}))
    assert (done.voxels == image.pixel_array).all()
    assert done.voxels.dtype == np.int16


@pytest.mark.parametrize(
    ("planar", "more", "said"),
    [
        ({"size": 0}, {}, "columns and rows"),
        ({"size": [1, 2, 3]}, {}, "columns and rows"),
        ({"size": "large"}, {}, "columns and rows"),
        ({"size": 512}, {"spacing": {"mm": 1}}, "exclude each other"),
        ({"crop": "heart"}, {}, "allowed: none, collimation, foreground, circle"),
        ({"chest_wall": "top"}, {}, "allowed: left, right, hanging"),
        ({"chestwall": "left"}, {}, "did you mean chest_wall"),
    ],
)
def test_recipes_that_cannot_be_are_refused(planar: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(DqkitError) as refused:
        recipe(planar=planar, **more)
    assert said in refused.value.message + " " + refused.value.hint


def test_the_recipe_survives_a_plan() -> None:
    from dqkit.harmonize.read_recipe import load_recipe, recipe_of

    for name in ("mg-standard", "fundus-standard"):
        found = load_recipe(name)
        assert recipe_of(found.plain, Path("plan.yaml")).sha256 == found.sha256


def test_shipped_recipes_do_what_their_titles_say(tmp_path: Path) -> None:
    from dqkit.harmonize.read_recipe import load_recipe

    mammograms = [made(image, tmp_path / str(i), load_recipe("mg-standard")) for i, image in enumerate(mg_study())]
    for done in mammograms:
        assert done.image.volume.spacing_mm[:2] == pytest.approx([0.1, 0.1])
        assert done.voxels.dtype == np.uint16
        assert done.voxels[:, :50].mean() > 5 * done.voxels[:, -50:].mean()
    fundus = made(fundus_image()[0], tmp_path / "eye", load_recipe("fundus-standard"))
    assert fundus.voxels.shape == (1024, 1024)
    assert fundus.voxels.dtype.names == ("R", "G", "B")
