"""keep-geometry against dcm2niix, the DICOM headers by pydicom, and highdicom: every difference has its reason here.

docs/harmonize-oracles.md tells the reasons; a difference that is not in `DIFFERENT`, or that is no longer there, fails.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import numpy as np
import polars as pl
import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy.ndimage import map_coordinates

from dqkit.archive.paths import unescape
from dqkit.harmonize.run import harmonize
from tests.harmonize.conftest import Archive, indexed
from tests.harmonize.dcm2niix import CORNERS_MM, Placed, closest, convert, manifest_volumes, program
from tests.harmonize.solids import recipe

Row = Mapping[str, Any]
VOLUMES = ("CT", "MR", "PT")


@dataclass(frozen=True)
class Series:
    """One series as three see it: its files, the manifest, and dcm2niix."""

    name: str  # its first file, relative to the archive
    files: Mapping[str, Path]  # by their ids
    rows: tuple[Row, ...]
    images: Path
    work: Path

    @cached_property
    def ours(self) -> list[Placed]:
        return manifest_volumes(self.rows, self.images)

    @cached_property
    def theirs(self) -> list[Placed]:
        return convert(sorted(self.files.values()), self.work)

    @property
    def reasons(self) -> set[str]:
        return {row["reason"] for row in self.rows if row["status"] == "refused"}


def _refused(reason: str) -> Callable[[Series], None]:
    """The rest of the series agrees; what is lacking was refused for `reason`."""

    def check(series: Series) -> None:
        assert series.reasons == {reason}
        assert all(closest(one, series.theirs).is_same for one in series.ours)

    return check


def _no_image(series: Series) -> None:
    """A secondary capture with a modality of its own choosing: no image of the patient."""
    assert not series.rows
    classes = {dcmread(file, stop_before_pixels=True).SOPClassUID.name for file in series.files.values()}
    assert "Secondary Capture Image Storage" in classes


def _padding(series: Series) -> None:
    """Where PixelPaddingValue says that nothing was measured, dcm2niix keeps it as Hounsfield units."""
    assert len(series.ours) == len(series.theirs) == 1
    ours, theirs = series.ours[0], series.theirs[0]
    differ = ours.values != theirs.values
    assert np.unique(ours.values[differ]).tolist() == [-1024]
    assert np.unique(theirs.values[differ]).tolist() == [-3024]
    told = next(step["parameters"] for step in json.loads(series.rows[0]["steps"]) if step["name"] == "load")
    assert told["padding_voxels"] == differ.sum()


def _by_the_header(series: Series) -> None:
    """Same place, other values: test_every_slice_is_what_its_header_says has the header on our side."""
    assert len(series.ours) == len(series.theirs)
    assert all(closest(one, series.theirs).is_same_place for one in series.ours)


def _frames_of_one_place(series: Series) -> None:
    """dcm2niix stacks the frames of a cine as slices; here they are times, each one of their slices."""
    (theirs,) = series.theirs
    slices = [theirs.values[i] for i in range(theirs.values.shape[0])]
    assert len(series.ours) == len(slices)
    assert all(any(np.array_equal(one.values[0], other) for other in slices) for one in series.ours)


def _overlay(series: Series) -> None:
    """dcm2niix writes the overlay as a volume of its own."""
    (ours,) = series.ours
    assert sum(closest(one, [ours]).is_same for one in series.theirs) == 1
    (overlay,) = [one for one in series.theirs if not closest(one, [ours]).is_same]
    assert set(np.unique(overlay.values)) <= {0, 1}


def _tilted(series: Series) -> None:
    """dcm2niix is no oracle for tilt: test_tilt_is_undone_as_the_headers_say has the headers."""
    assert all("shear" in row["do"] for row in series.rows)


DIFFERENT: dict[str, Callable[[Series], None]] = {
    "QIICR__dcmqi/data/segmentations/ct-3slice/01.dcm": _padding,
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/CT-MONO2-16-ankle": _no_image,
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/CT1_J2KI": _padding,
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/D_CLUNIE_CT1_RLE_FRAGS.dcm": _padding,
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH064.dcm": _by_the_header,  # a private slope of Philips
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH1308.dcm": _padding,  # of -2000, told as 63536
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH1339.dcm": _refused("pixels"),  # cut short
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH342.dcm": _refused("scout"),
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/MOVEKNEE.dcm": _frames_of_one_place,
    "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data/abd1.zip.d/adb1_1.dcm": _refused("scout"),
    "icometrix__dicom2nifti/tests/data/failing/gantrytilting/001/IM-0001-0001.dcm": _tilted,
    "icometrix__dicom2nifti/tests/data/failing/sliceincrement/001/IM-0001-0007-0001.dcm": _refused("gap"),
    "icometrix__dicom2nifti/tests/data/failing/sliceincrement/002/IM-0001-0001.dcm": _refused("gap"),
    "icometrix__dicom2nifti/tests/data/generic/anatomical/002_non_isotropic/001.dcm": _by_the_header,  # a slope a slice
    "icometrix__dicom2nifti/tests/data/siemens/fmri/001/IM-0001-0001.dcm": _refused("positions_unknown"),
    "moloney__dcmstack/test/data/dcmstack/2D_16Echo_qT2/TE_20_SlcPos_-2.2076272953718.dcm": _refused("gap"),
    "neurolabusc__dcm_qa_ct/In/GE/01.dcm": _tilted,
    "neurolabusc__dcm_qa_ct/In/Philips/S21570/S1000/I10": _refused("scout"),
    "neurolabusc__dcm_qa_ct/In/Philips/S21610/S2010/I10": _tilted,
    "qurit__rt-utils/tests/mock_data/ct_1.dcm": _padding,
} | {
    # pydicom's files: alone, and in the corpus
    root + name: why
    for root in ("test_files/", "pydicom__pydicom/src/pydicom/data/test_files/")
    for name, why in {
        "693_J2KI.dcm": _padding,
        "J2K_pixelrep_mismatch.dcm": _by_the_header,  # the codestream is signed, the header is not
        "dicomdirtests/77654033/CT2/17106": _refused("gap"),
        "dicomdirtests/98892001/CT2N/6293": _refused("scout"),
        "dicomdirtests/98892003/MR2/4950": _refused("scout"),
        "dicomdirtests/98892003/MR2/6273": _refused("scout"),
        "examples_overlay.dcm": _overlay,
    }.items()
}
"""First file of a series -> what is checked instead of equality."""


# --- what is compared ---


def _series_of(archive: Archive, out: Path) -> list[Series]:
    assert harmonize(archive.plan(recipe()), archive.catalog, out).complete
    rows = pl.read_parquet(out / "manifest.parquet")
    of_series = archive.catalog.scan("series").filter(pl.col("Modality").is_in(VOLUMES)).select("series_key")
    files: dict[str, dict[str, Path]] = {}
    images = archive.catalog.scan("instances").filter(pl.col("has_pixel_data").fill_null(value=False))
    columns = ("series_key", "file_id", "path")
    for key, file, path in images.join(of_series, on="series_key").select(columns).collect().iter_rows():
        files.setdefault(key, {})[file] = archive.root / os.fsdecode(unescape(path))
    return [
        Series(
            min(path.relative_to(archive.root).as_posix() for path in of_one.values()), of_one,
            tuple(rows.filter((pl.col("series_key") == key) & (pl.col("kind") == "image")).iter_rows(named=True)),
            out / recipe().name, out / "dcm2niix" / str(i),
        )
        for i, (key, of_one) in enumerate(sorted(files.items()))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Series]:
    """Return the series of pydicom's wheel."""
    work = tmp_path_factory.mktemp("pydicom")
    return _series_of(indexed(Path(pydicom.data.__file__).parent, work / "catalog"), work / "out")


@pytest.fixture(scope="module")
def real(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Series]:
    """Return the series of the corpus."""
    work = tmp_path_factory.mktemp("corpus")
    return _series_of(indexed(corpus, work / "catalog"), work / "out")


def test_the_oracle_is_there() -> None:
    assert program().exists()


def _compare(found: list[Series]) -> tuple[int, list[str]]:
    """Return how many series are the same, and the first files of those that are not and have no reason."""
    same, unexplained = 0, []
    for series in found:
        if not series.theirs and not series.ours:
            continue
        both = [closest(one, series.ours) for one in series.theirs] + [
            closest(one, series.theirs) for one in series.ours
        ]
        is_same = bool(series.ours) and bool(series.theirs) and all(answer.is_same for answer in both)
        if series.name in DIFFERENT:
            assert not is_same, f"{series.name} is the same: take its reason out"
            DIFFERENT[series.name](series)
        elif not is_same:
            unexplained.append(series.name)
        same += is_same
    return same, unexplained


def test_pydicoms_series_are_what_dcm2niix_makes_of_them(shipped: list[Series]) -> None:
    same, unexplained = _compare(shipped)
    assert unexplained == []
    assert same >= 8


@pytest.mark.corpus
def test_the_corpus_is_what_dcm2niix_makes_of_it(real: list[Series]) -> None:
    same, unexplained = _compare(real)
    assert unexplained == []
    assert same >= 46
    kinds = {kind for series in real for kind in _kinds(series)}
    assert kinds >= {"uniform", "4d", "mosaic", "enhanced", "vframe or mosaic tiles"}


def _kinds(series: Series) -> Iterator[str]:
    for row in series.rows:
        if row["status"] != "written" or series.name in DIFFERENT:
            continue
        yield "4d" if len(row["shape"]) > 3 else "uniform"
        if any(tile is not None for tile in row["source_tiles"]):
            yield "vframe or mosaic tiles"
            yield "mosaic"
        if max(row["source_frames"]) > 1:
            yield "enhanced"


# --- values by the header ---


def _slices(row: Row, images: Path) -> np.ndarray:
    """Return the slices of an image as (slices, rows, columns), volume after volume."""
    voxels = np.asarray(nibabel.load(images / row["path"]).dataobj, np.float64)
    flat = voxels.reshape(*voxels.shape[:3], -1)
    return np.moveaxis(flat, (0, 1, 2, 3), (3, 2, 1, 0)).reshape(-1, voxels.shape[1], voxels.shape[0])


def _by_header(header: Dataset, frame: int, background: float) -> np.ndarray:
    """Return one frame as pydicom decodes it, rescaled by its own attributes, padding as background."""
    stored = header.pixel_array
    stored = stored[frame - 1] if stored.ndim == 3 else stored
    groups = [header]
    for sequence, i in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame - 1)):
        inner = header.get(sequence)
        if inner and "PixelValueTransformationSequence" in inner[i]:
            groups.insert(0, inner[i].PixelValueTransformationSequence[0])
    told = next((group for group in groups if group.get("RescaleSlope") is not None), Dataset())
    values = stored * float(told.get("RescaleSlope", 1)) + float(told.get("RescaleIntercept", 0))
    padding = header.get("PixelPaddingValue")
    if padding is not None and header.PixelRepresentation == 1:
        padding = int(np.uint16(int(padding) & 0xFFFF).astype(np.int16))  # in GH1308 a US of 63536
    if padding is not None:
        low, high = sorted((int(padding), int(header.get("PixelPaddingRangeLimit", padding))))
        values[(stored >= low) & (stored <= high)] = background
    return np.asarray(values)


def _check_values(found: list[Series]) -> int:
    checked = 0
    for series in found:
        for row in series.rows:
            is_plain = row["status"] == "written" and not set(row["do"]) & {"shear", "even"}
            if not is_plain or any(tile is not None for tile in row["source_tiles"]):
                continue
            for values, nearest in zip(_slices(row, series.images), row["slice_nearest"], strict=True):
                header = dcmread(series.files[row["source_file_ids"][nearest]])
                expected = _by_header(header, row["source_frames"][nearest], row["background"])
                assert np.allclose(values, expected, rtol=1e-6, atol=1e-6), series.name
                checked += 1
    return checked


def test_every_slice_of_pydicoms_files_is_what_its_header_says(shipped: list[Series]) -> None:
    assert _check_values(shipped) >= 20


@pytest.mark.corpus
def test_every_slice_is_what_its_header_says(real: list[Series]) -> None:
    assert _check_values(real) > 900


# --- tilt by the header ---


def _sampled(header: Dataset, background: float, affine: np.ndarray, shape: tuple[int, int], k: int) -> np.ndarray:
    """Return what stands at the voxels of slice `k` of an image by the header of one of its source slices.

    NaN where that slice measured nothing; each voxel must lie in its plane.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    index = np.stack([columns, rows, np.full_like(rows, k), np.ones_like(rows)], axis=-1)
    away = (index @ affine.T)[..., :3] - np.array(header.ImagePositionPatient, float)
    along_row, along_column = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
    assert np.abs(away @ np.cross(along_row, along_column)).max() < CORNERS_MM
    between_rows, between_columns = (float(step) for step in header.PixelSpacing)
    at = [away @ along_column / between_rows, away @ along_row / between_columns]
    return map_coordinates(_by_header(header, 1, background), at, order=1, cval=np.nan)


@pytest.mark.corpus
def test_tilt_is_undone_as_the_headers_say(real: list[Series]) -> None:
    """A shear moves slices in their planes: each voxel holds what its slice's own header has at that place."""
    checked = 0
    for series in real:
        for row in series.rows:
            if row["status"] != "written" or "shear" not in row["do"]:
                continue
            affine = np.array(row["affine"]).reshape(4, 4)
            for k, (values, nearest) in enumerate(zip(_slices(row, series.images), row["slice_nearest"], strict=True)):
                header = dcmread(series.files[row["source_file_ids"][nearest]])
                expected = _sampled(header, row["background"], affine, values.shape, k)
                inside = np.isfinite(expected)
                assert inside.sum() > 0.98 * header.Rows * header.Columns
                off = np.abs(values - expected)[inside]
                assert np.percentile(off, 99.9) < 1.0, series.name  # HU; steps from voxel to voxel are thousands
                checked += 1
    assert checked > 80


# --- highdicom ---


def _by_highdicom(series: Series) -> Placed | None:
    """Return the volume that highdicom makes of single-frame files; None where it makes none."""
    headers = [dcmread(path) for path in series.files.values()]
    if len(headers) < 2 or any("NumberOfFrames" in header for header in headers):
        return None
    try:
        volume = highdicom.get_volume_from_series(headers, apply_real_world_transform=False)
    except (ValueError, RuntimeError, AttributeError):
        return None
    image = nibabel.Nifti1Image(volume.array, np.diag([-1.0, -1, 1, 1]) @ volume.affine)
    turned = nibabel.as_closest_canonical(image)
    return Placed("highdicom", np.asarray(turned.dataobj, np.float64), np.asarray(turned.affine, np.float64))


def _agreeing(found: list[Series]) -> int:
    agree = 0
    for series in found:
        theirs = _by_highdicom(series) if series.ours and not series.reasons else None
        if theirs is None:
            continue
        answer = closest(theirs, series.ours)
        assert answer.is_same_place, series.name
        if DIFFERENT.get(series.name) is not _padding:  # which highdicom does not look at
            assert answer.is_same, series.name
        agree += 1
    return agree


def test_highdicom_has_the_same_volume_of_pydicoms_series(shipped: list[Series]) -> None:
    assert _agreeing(shipped) >= 1


@pytest.mark.corpus
def test_highdicom_has_the_same_volume_where_it_reads(real: list[Series]) -> None:
    assert _agreeing(real) >= 6
