"""Pictures show the fault where it is, and nothing that must not leave the house."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from dqkit.pixels.canvas import AFTER, BEFORE, MOST_HEIGHT, MOST_WIDTH, Rendered
from dqkit.pixels.picture import Kind, picture_of_image, picture_of_stack
from tests import dicom_defects as defects
from tests.dicom_factory import Exam, Grid, cr_image, ct_series, enhanced_ct, mg_study, mr_series, us_image, write
from tests.pixels.stack_rows import stack_of

GRID = Grid(n=20, step_mm=6.0)


def _pixels(rendered: Rendered | None) -> NDArray[np.int16]:
    assert rendered is not None
    assert rendered.mime == "image/webp"
    assert len(rendered.data) <= 60_000
    assert rendered.width <= MOST_WIDTH
    assert rendered.height <= MOST_HEIGHT
    image = Image.open(io.BytesIO(rendered.data))
    assert image.size == (rendered.width, rendered.height)
    return np.asarray(image.convert("RGB")).astype(np.int16)


def _red(pixels: NDArray[np.int16]) -> NDArray[np.bool_]:
    return (pixels[..., 0] > 150) & (pixels[..., 1] < 110) & (pixels[..., 2] < 110)


def _near(pixels: NDArray[np.int16], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.abs(pixels - np.array(colour)).sum(axis=2) < 60


def _picture(series: list[Dataset], folder: Path, kind: Kind, **more: Any) -> Rendered | None:
    stack, paths = stack_of(series, folder)
    return picture_of_stack(stack, paths.__getitem__, kind, **more)


@pytest.mark.parametrize(("lost", "from_top"), [((4,), 0.775), ((9, 10, 11), 0.475), ((17,), 0.125)])
def test_the_red_band_stands_where_the_slices_are_lost(lost: tuple[int, ...], from_top: float, tmp_path: Path) -> None:
    pixels = _pixels(_picture(defects.drop_slice(ct_series(grid=GRID), *lost), tmp_path, "gap"))
    red = _red(pixels)
    band = np.flatnonzero(red.sum(axis=1) > 0.25 * pixels.shape[1])
    outline = np.flatnonzero((np.abs(pixels - 75).max(axis=2) < 25).sum(axis=1) > 0.4 * pixels.shape[1])
    top, bottom = outline.min(), outline.max()
    assert (band.mean() - top) / (bottom - top) == pytest.approx(from_top, abs=0.03)
    assert len(band) / (bottom - top) == pytest.approx(len(lost) / GRID.n, abs=0.035)


@pytest.mark.parametrize("plane", ["sagittal", "coronal"])
def test_the_head_is_up_whatever_the_plane(plane: str, tmp_path: Path) -> None:
    series = defects.drop_slice(mr_series(grid=Grid(n=20, step_mm=6.0, plane=plane)), 6)
    red = _red(_pixels(_picture(series, tmp_path, "gap")))
    columns, rows = np.flatnonzero(red.sum(axis=0) > 30), np.flatnonzero(red.sum(axis=1) > 30)
    assert len(columns) > 0  # slices lie as columns: so does the band
    assert len(rows) == 0


def test_the_slices_on_either_side_are_framed(tmp_path: Path) -> None:
    pixels = _pixels(_picture(defects.drop_slice(ct_series(grid=GRID), 8), tmp_path, "gap"))
    assert _near(pixels, BEFORE).sum() > 300
    assert _near(pixels, AFTER).sum() > 300


def test_a_thin_gap_in_a_long_scan_is_still_seen(tmp_path: Path) -> None:
    series = defects.drop_slice(ct_series(grid=Grid(n=300, rows=16, columns=16, step_mm=2.0)), 200)
    red = _red(_pixels(_picture(series, tmp_path, "gap")))
    assert (red.sum(axis=1) > 20).sum() >= 3


def test_a_regular_stack_has_no_gap_to_show(tmp_path: Path) -> None:
    assert _picture(ct_series(grid=GRID), tmp_path, "gap") is None


def test_a_slice_next_to_the_gap_that_is_cut_short_shows_what_is_lost(tmp_path: Path) -> None:
    series = defects.drop_slice(ct_series(grid=GRID), 8)
    stack, paths = stack_of(series, tmp_path)
    whole = _red(_pixels(picture_of_stack(stack, paths.__getitem__, "gap"))).sum()
    defects.truncate(Path(paths["f7"].decode()), 0.7)
    assert _red(_pixels(picture_of_stack(stack, paths.__getitem__, "gap"))).sum() > 1.3 * whole


def test_a_tilted_stack_is_drawn_flush_and_as_measured(tmp_path: Path) -> None:
    series = ct_series(grid=Grid(n=20, step_mm=8.0, tilt_deg=18))
    pixels = _pixels(_picture(series, tmp_path, "tilt"))
    assert _red(pixels).any()
    # A slanted outline crosses many columns; the edges of an upright box stay in two
    blue_columns = np.flatnonzero(_near(pixels, BEFORE).any(axis=0))
    assert len(blue_columns) > 40


def test_duplicates_that_are_equal_leave_the_difference_dark(tmp_path: Path) -> None:
    series = defects.duplicate_slice(ct_series(grid=GRID), 6)
    pixels = _pixels(_picture(series, tmp_path / "same", "duplicate"))
    third = pixels[40:-40, 2 * pixels.shape[1] // 3 + 30 : -40]
    assert third.max() < 30
    series[-1] = defects.flatten([series[-1]], 0)[0]
    pixels = _pixels(_picture(series, tmp_path / "other", "duplicate"))
    assert pixels[40:-40, 2 * pixels.shape[1] // 3 + 30 : -40].max() > 150


def test_mixed_orientations_are_shown_side_by_side(tmp_path: Path) -> None:
    axial, paths = stack_of(ct_series(grid=Grid(n=3)), tmp_path / "a")
    coronal, other = stack_of(ct_series(grid=Grid(n=3, plane="coronal"), number=9), tmp_path / "b")
    coronal["file_ids"] = [f"b{i}" for i in coronal["file_ids"]]
    paths |= {f"b{i}": path for i, path in other.items()}
    pixels = _pixels(picture_of_stack(axial, paths.__getitem__, "orientation", sisters=[coronal]))
    assert _near(pixels, BEFORE).sum() > 300
    assert _near(pixels, AFTER).sum() > 300
    assert picture_of_stack(axial, paths.__getitem__, "orientation") is None


def test_a_single_slice_stands_between_its_neighbours(tmp_path: Path) -> None:
    pixels = _pixels(_picture(defects.flatten(ct_series(grid=GRID), 7), tmp_path, "single", at=7))
    assert _red(pixels[:, pixels.shape[1] // 3 : 2 * pixels.shape[1] // 3]).any()
    assert not _red(pixels[:, : pixels.shape[1] // 4]).any()


def test_what_a_cut_image_lost_is_hatched(tmp_path: Path) -> None:
    path = write(ct_series(grid=Grid(n=1)), tmp_path)[0]
    defects.cut_pixels(path, 64 * 2 * 16)
    rows = np.flatnonzero(_red(_pixels(picture_of_image(bytes(path)))).any(axis=1))
    assert 0.70 < rows.min() / rows.max() < 0.80


def test_frames_of_one_file_are_slices_too(tmp_path: Path) -> None:
    grid = Grid(n=10, step_mm=6.0)
    path = bytes(write(enhanced_ct(grid=grid), tmp_path)[0])
    kept = [i for i in range(10) if i != 5]
    stack = {
        "Modality": "CT", "file_ids": ["f"] * 9, "frame_numbers": [i + 1 for i in kept],
        "slice_positions_mm": [6.0 * i for i in kept], "slice_step_mm": 6.0, "gap_after": [4],
    }  # fmt: skip
    assert _red(_pixels(picture_of_stack(stack, lambda _: path, "gap"))).any()


def test_inverted_images_are_shown_the_right_way_round(tmp_path: Path) -> None:
    plain = write(mg_study(), tmp_path / "a")[0]
    inverted = write(defects.vary(mg_study(), "PhotometricInterpretation", "MONOCHROME1"), tmp_path / "b")[0]
    bright, dark = (_pixels(picture_of_image(bytes(path)))[30:60, 30:60].mean() for path in (inverted, plain))
    assert bright > dark + 100


@pytest.mark.parametrize(
    "series",
    [
        us_image(),
        cr_image(),
        ct_series(grid=Grid(n=1), BurnedInAnnotation="YES"),
        ct_series(grid=Grid(n=1), SOPClassUID="1.2.840.10008.5.1.4.1.1.7.2"),
        ct_series(grid=Grid(n=1), Modality="OT"),
    ],
    ids=["ultrasound", "radiograph", "burned in", "secondary capture", "other"],
)
def test_what_may_show_a_person_is_not_shown(series: list[Dataset], tmp_path: Path) -> None:
    assert picture_of_image(bytes(write(series, tmp_path)[0])) is None


def test_one_image_that_must_not_be_shown_hides_the_stack(tmp_path: Path) -> None:
    series = defects.vary(defects.drop_slice(ct_series(grid=GRID), 8), "BurnedInAnnotation", "YES", 2)
    assert _picture(series, tmp_path, "gap") is None


@pytest.mark.parametrize("kind", ["gap", "tilt", "duplicate", "orientation", "single"])
@pytest.mark.parametrize(
    "hostile",
    [
        {"slice_positions_mm": None},
        {"slice_positions_mm": [float("nan")] * 20},
        {"slice_positions_mm": [0.0, 1e300] * 10, "gap_after": [0]},
        {"slice_positions_mm": [5.0] * 20, "slice_step_mm": 0.0, "gap_after": [3], "duplicates_at": [4]},
        {"slice_step_mm": float("inf"), "gap_after": [3]},
        {"gap_after": [99], "duplicates_at": [99]},
        {"frame_numbers": [7] * 20},
        {"file_ids": []},
    ],
)
def test_hostile_geometry_gives_a_picture_or_none(kind: Kind, hostile: dict[str, Any], tmp_path: Path) -> None:
    stack, paths = stack_of(ct_series(Exam(), GRID), tmp_path)
    rendered = picture_of_stack(stack | hostile, paths.__getitem__, kind)
    assert rendered is None or rendered.width <= MOST_WIDTH
