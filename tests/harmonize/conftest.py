"""An archive of series that other readers turn into wrong volumes without a word, indexed once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydicom.dataset import Dataset

from dqkit.archive.site import SiteRule
from dqkit.catalog.store import Catalog
from dqkit.harmonize.make_plan import make_plan
from dqkit.harmonize.plan import Plan
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.run import harmonize
from dqkit.identity import Pseudonyms
from dqkit.index.build import IndexOptions, index
from tests.dicom_exam import Exam, put, uid, write
from tests.harmonize.solids import Scan, images_of, recipe, sphere

KEYED = Pseudonyms(b"0123456789abcdef0123456789abcdef")
BALL = sphere((2.0, -3.0, 1.0), 18.0)
GRID = Scan((24, 24), (2.5, 2.5), tuple(2.5 * i for i in range(20)))


def series(name: str, images: Iterable[Dataset]) -> list[Dataset]:
    """Return images as the series of a patient who is called as the case is."""
    exam = Exam(patient=name)
    return [
        put(image, {
            "PatientID": name, "StudyInstanceUID": exam.uid(), "SeriesInstanceUID": exam.uid("series"),
            "FrameOfReferenceUID": exam.uid("frame"), "SOPInstanceUID": uid(name, i), "InstanceNumber": i + 1,
        })
        for i, image in enumerate(images)
    ]  # fmt: skip


def ball(scan: Scan = GRID, **attributes: Any) -> list[Dataset]:
    return images_of(BALL, scan, **attributes)


def _inverted(images: list[Dataset]) -> list[Dataset]:
    return [put(image, {"PhotometricInterpretation": "MONOCHROME1"}) for image in images]


def _with_slope(images: list[Dataset], after: int, slope: float) -> list[Dataset]:
    """Store later slices by another slope, their values the same to within it."""
    for image in images[after:]:
        values = image.pixel_array.astype(float) - 1024
        stored = np.rint((values + 1024) / slope)
        put(image, {"RescaleSlope": str(slope), "PixelData": stored.astype("<u2").tobytes()})
        image["PixelData"].VR = "OW"
    return images


def _shifted(images: list[Dataset], by_mm: float) -> list[Dataset]:
    for image in images[1::2]:
        x, y, z = (float(v) for v in image.ImagePositionPatient)
        image.ImagePositionPatient = [str(x + by_mm), str(y), str(z)]
    return images


def _copy(images: list[Dataset], i: int, change: int = 0) -> list[Dataset]:
    import copy

    twin = copy.deepcopy(images[i])
    twin.PixelData = (twin.pixel_array + change).astype("<u2").tobytes()
    twin["PixelData"].VR = "OW"
    return [*images[: i + 1], twin, *images[i + 1 :]]


def _numbered_backwards(images: list[Dataset]) -> list[Dataset]:
    return images[::-1]


def _shuffled(images: list[Dataset]) -> list[Dataset]:
    order = np.random.default_rng(5).permutation(len(images))
    return [images[i] for i in order]


def _two_kernels() -> list[Dataset]:
    soft = ball(ConvolutionKernel="B31f")
    sharp = images_of(sphere((2.0, -3.0, 1.0), 10.0), GRID, ConvolutionKernel="B70f")
    return [image for pair in zip(soft, sharp, strict=True) for image in pair]


def _places(*steps: float) -> tuple[float, ...]:
    return tuple(np.cumsum([0.0, *steps]).tolist())


def cases() -> dict[str, list[Dataset]]:
    """Return case -> images: the rows of the table of silent errors."""
    return {
        "regular": ball(),
        "missing": [image for i, image in enumerate(ball()) if i not in {8, 9, 10}],
        "duplicate": _copy(ball(), 7),
        "duplicate-differs": _copy(ball(), 7, change=3),
        "wider": ball(Scan((24, 24), (2.5, 2.5), _places(*[1.5] * 16, *[3.0] * 9))),
        "kernels": _two_kernels(),
        "zigzag": _shifted(ball(), 30.0),
        "slope": _with_slope(ball(), 12, 0.7),
        "monochrome1": _inverted(ball()),
        "tilt": ball(Scan((24, 24), (2.5, 2.5), GRID.places, tilt_deg=18.5)),
        "backwards": _numbered_backwards(ball()),
        "shuffled": _shuffled(ball()),
        "stray": [*ball()[:-1], put(ball()[-1], {"ImagePositionPatient": None})],
    }


@dataclass(frozen=True)
class Archive:
    """An indexed archive: its folder and its catalog."""

    root: Path
    catalog: Catalog

    def plan(self, how: Recipe, select: tuple[str, ...] = ()) -> Plan:
        return make_plan(self.catalog, how, (), KEYED, select)

    def case_of(self) -> Mapping[str, str]:
        """Return series key -> case."""
        table = self.catalog.scan("series").select("series_key", "folder").collect()
        return {key: folder.split("/")[-1] for key, folder in table.iter_rows()}


def indexed(root: Path, catalog: Path) -> Archive:
    made = Catalog.create(catalog, KEYED.fingerprint, "test")
    index(made, [root], IndexOptions(SiteRule("name", "North")))
    return Archive(root, made)


@pytest.fixture(scope="session")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return the archive of silent errors, to be read only: a folder a case."""
    root = tmp_path_factory.mktemp("silent")
    for name, images in cases().items():
        write(series(name, images), root / "archive" / name)
    return indexed(root / "archive", root / "catalog")


@dataclass(frozen=True)
class Outputs:
    """What a recipe made of an archive: case -> rows of the manifest, and where the images lie."""

    rows: Mapping[str, list[dict[str, Any]]]
    images: Path

    def one(self, case: str) -> dict[str, Any]:
        (row,) = self.rows[case]
        return row


def run(archive: Archive, how: Recipe, out: Path) -> Outputs:
    summary = harmonize(archive.plan(how), archive.catalog, out)
    assert summary.complete
    rows: dict[str, list[dict[str, Any]]] = {}
    cases = archive.case_of()
    of_series = summary.manifest.filter(pl.col("series_key").is_not_null())  # labels without an image have none
    for row in of_series.sort("path", "image_id", nulls_last=True).iter_rows(named=True):
        rows.setdefault(cases[row["series_key"]], []).append(row)
    return Outputs(rows, out / how.name)


@pytest.fixture(scope="session")
def kept(silent: Archive, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Return what keep-geometry made of the silent errors."""
    return run(silent, recipe(), tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def resampled(silent: Archive, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Return what ct-1mm-iso, at 2 mm for speed, made of them."""
    return run(silent, recipe("ct-1mm-iso", spacing={"mm": 2}), tmp_path_factory.mktemp("resampled"))
