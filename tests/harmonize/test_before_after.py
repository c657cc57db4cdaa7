"""Pictures of both sides: of what may be shown, the most telling first, head up and right way round."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dqkit.harmonize.before_after import before_after
from dqkit.harmonize.run import RunSummary, harmonize
from dqkit.report.harmonize_page import render_run
from tests.dicom_exam import Exam, Grid, write
from tests.dicom_factory import mr_series
from tests.harmonize.conftest import Archive, indexed, series
from tests.harmonize.solids import Scan, images_of, recipe, rotation, sphere

HOW = recipe("ct-1mm-iso", spacing={"mm": 4})
PLACES = tuple(4.0 * i for i in range(20))
LEFT_OF_THE_PATIENT = sphere((30.0, 0.0, 0.0), 14.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, Path, RunSummary]:
    """Return three CTs of a ball in the patient's left: upright, tilted, and with rows that run to the right."""
    root = tmp_path_factory.mktemp("made")
    scans = {
        "plain": Scan((40, 40), (4.0, 4.0), PLACES),
        "tilted": Scan((40, 40), (4.0, 4.0), PLACES, tilt_deg=15),
        "turned": Scan((40, 40), (4.0, 4.0), PLACES, axes=rotation((0, 0, 180))),
        "burned": Scan((40, 40), (4.0, 4.0), PLACES),
    }
    for name, scan in scans.items():
        burned = {"BurnedInAnnotation": "YES"} if name == "burned" else {}
        write(series(name, images_of(LEFT_OF_THE_PATIENT, scan, **burned)), root / "archive" / name)
    archive = indexed(root / "archive", root / "catalog")
    return archive, root / "out", harmonize(archive.plan(HOW), archive.catalog, root / "out")


def drawn(made: tuple[Archive, Path, RunSummary], most: int = 8, of: str = HOW.name) -> dict[str, np.ndarray]:
    archive, out, summary = made
    cases = archive.case_of()
    return {
        cases[one.row["series_key"]]: np.asarray(Image.open(io.BytesIO(one.picture.data)).convert("L"), dtype=float)
        for one in before_after(summary.manifest, archive.catalog, out / of, most)
    }


def test_images_with_text_burned_in_are_not_shown(made: tuple[Archive, Path, RunSummary]) -> None:
    assert made[2].written == 4
    assert set(drawn(made)) == {"plain", "tilted", "turned"}


def test_what_changed_most_comes_first_and_no_more_than_asked(made: tuple[Archive, Path, RunSummary]) -> None:
    assert list(drawn(made, 1)) == ["tilted"]
    assert drawn(made, 0) == {}


@pytest.mark.parametrize("case", ["plain", "turned"])
def test_the_left_of_the_patient_is_on_the_right_of_both_halves(
    made: tuple[Archive, Path, RunSummary], case: str
) -> None:
    picture = drawn(made)[case]
    for half in np.array_split(picture, 2, axis=1):
        inner = np.where(half > 160, half, 0)[20:-20, 20:-20]
        centre = (inner.sum(axis=0) * np.arange(inner.shape[1])).sum() / inner.sum()
        assert centre > inner.shape[1] * 0.55


def test_both_halves_show_the_same_plane(tmp_path: Path) -> None:
    """Where nothing was changed they are alike: of a body off the middle, of thick slices and oblique rows, too."""

    def two(points: np.ndarray) -> np.ndarray:
        return np.maximum(sphere((8, -20, 5), 25)(points), 0.7 * sphere((-20, -8, -8), 15)(points))

    for name, axes in {"straight": np.eye(3), "oblique": rotation((8, -5, 12))}.items():
        scan = Scan((40, 50), (2.5, 2.0), tuple(6.0 * i for i in range(12)), axes=axes)
        write(series(name, images_of(two, scan)), tmp_path / "archive" / name)
    archive = indexed(tmp_path / "archive", tmp_path / "catalog")
    summary = harmonize(archive.plan(recipe()), archive.catalog, tmp_path / "out")
    pictures = drawn((archive, tmp_path / "out", summary), of=recipe().name)
    assert set(pictures) == {"straight", "oblique"}
    for picture in pictures.values():
        left, right = (half[20:-20, 20:-20] for half in np.array_split(picture, 2, axis=1))
        width = min(left.shape[1], right.shape[1])
        close = [np.corrcoef(left[:, k : width - 8 + k].ravel(), right[:, : width - 8].ravel())[0, 1] for k in range(8)]
        assert max(close) > 0.97


def test_a_volume_of_a_few_thin_slices_shows_nothing_and_is_passed(tmp_path: Path) -> None:
    write(
        series("thin", images_of(LEFT_OF_THE_PATIENT, Scan((60, 60), (4.0, 4.0), (0, 1, 2)))), tmp_path / "a" / "thin"
    )
    archive = indexed(tmp_path / "a", tmp_path / "catalog")
    summary = harmonize(archive.plan(recipe()), archive.catalog, tmp_path / "out")
    assert summary.written == 1
    assert drawn((archive, tmp_path / "out", summary), of=recipe().name) == {}


def test_the_page_says_what_a_person_should_know_of_what_was_written(made: tuple[Archive, Path, RunSummary]) -> None:
    told = made[2].manifest.with_columns(
        warnings=pl.lit(["nothing says that its values are Hounsfield units"]).cast(pl.List(pl.String))
    )
    page = render_run(HOW, told, [], "0.1.0", "en")
    assert "Written with a warning" in page
    assert "没有信息表明其数值为 HU" in page
    assert "Written with a warning" not in render_run(HOW, made[2].manifest, [], "0.1.0", "en")


def test_the_page_shows_them_and_names_nobody(made: tuple[Archive, Path, RunSummary]) -> None:
    archive, out, summary = made
    pairs = list(before_after(summary.manifest, archive.catalog, out / HOW.name, 2))
    page = render_run(HOW, summary.manifest, pairs, "0.1.0", "en")
    assert page.count("data:image/webp;base64,") == 2
    assert "tilt undone" in page
    assert "校正机架倾斜" in page
    assert "default-src 'none'" in page
    assert not any(word in page for word in ("Morgan", "North General", "2.25.", "20240311"))


def test_a_file_that_is_gone_costs_its_picture_alone(made: tuple[Archive, Path, RunSummary]) -> None:
    archive, out, summary = made
    nowhere = list(before_after(summary.manifest, archive.catalog, out / "elsewhere", 8))
    assert nowhere == []


def test_of_several_images_of_a_series_one_comes_first(tmp_path: Path) -> None:
    for name in ("A", "B"):
        write(
            mr_series(Exam(patient=name), Grid(n=12, step_mm=4.0), echoes_ms=(5.0, 10.0)), tmp_path / "archive" / name
        )
    archive = indexed(tmp_path / "archive", tmp_path / "catalog")
    how = recipe("keep-geometry", output={"four_d": False})
    summary = harmonize(archive.plan(how), archive.catalog, tmp_path / "out")
    assert summary.written == 4
    pictures = list(before_after(summary.manifest, archive.catalog, tmp_path / "out" / how.name, 2))
    assert len({one.row["series_key"] for one in pictures}) == 2
