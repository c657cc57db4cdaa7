"""Real series beside dcm2niix: the same values in the same places; tilted ones beside their own headers."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pydicom
import pytest
from scipy.ndimage import map_coordinates

from dqkit.harmonize.run import harmonize
from dqkit.harmonize.volume import LPS_TO_RAS
from tests.harmonize.conftest import Archive, indexed
from tests.harmonize.solids import recipe

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

ALIKE = {
    "classic CT": "TorchIO-project__torchio/tests/image_data/dicom",
    "Siemens mosaic": "neurolabusc__dcm_qa_nih/In/20180918Si/mr_0003",
    "UIH VFRAME": "neurolabusc__dcm_qa_uih/In/DTI_134434",
    "enhanced MR, time series": "neurolabusc__dcm_qa_agfa/Siemens",
    "enhanced MR": "icometrix__dicom2nifti/tests/data/siemens_multiframe",
    "sagittal MR": "icometrix__dicom2nifti/tests/data/generic/anatomical/001",
    "JPEG-LS": "icometrix__dicom2nifti/tests/data/generic/compressed_jpegls",
}
TILTED = {
    "GE, 14 degrees": "icometrix__dicom2nifti/tests/data/failing/gantrytilting",
    "GE, 18.5 degrees": "neurolabusc__dcm_qa_ct/In/GE",
    "Philips, 18.5 degrees": "neurolabusc__dcm_qa_ct/In/Philips/S21610",
}
CORNER_MM = 0.05


def written(folder: Path, work: Path) -> tuple[Archive, pl.DataFrame, Path]:
    archive = indexed(folder, work / "catalog")
    how = recipe()
    summary = harmonize(archive.plan(how), archive.catalog, work / "out")
    rows = summary.manifest.filter((pl.col("status") == "written") & (pl.col("kind") == "image"))
    return archive, rows, work / "out" / how.name


def by_dcm2niix(folder: Path, work: Path) -> list[nibabel.Nifti1Image]:
    """Convert a folder; values stay as DICOM scales them (-p n)."""
    work.mkdir()
    program = Path(sys.executable).with_name("dcm2niix")
    line = [program, "-b", "n", "-z", "n", "-p", "n", "-d", "9", "-f", "%s_%r", "-o", work, folder]
    subprocess.run(line, check=True, capture_output=True)
    return [nibabel.load(path) for path in sorted(work.glob("*.nii"))]


def corners(image: nibabel.Nifti1Image) -> np.ndarray:
    size = np.array(image.shape[:3]) - 1
    index = np.array(np.meshgrid(*([0, n] for n in size), indexing="ij")).reshape(3, -1)
    return (image.affine @ np.vstack([index, np.ones(8)]))[:3]


@pytest.mark.parametrize("name", ALIKE)
def test_values_and_corners_are_those_of_dcm2niix(corpus: Path, tmp_path: Path, name: str) -> None:
    folder = corpus / ALIKE[name]
    _, rows, images = written(folder, tmp_path)
    theirs = [nibabel.as_closest_canonical(image) for image in by_dcm2niix(folder, tmp_path / "theirs")]
    assert rows.height == len(theirs) >= 1
    for row in rows.iter_rows(named=True):
        ours = nibabel.as_closest_canonical(nibabel.load(images / row["path"]))
        alike = [image for image in theirs if image.shape == ours.shape]
        apart = [(np.abs(corners(image) - corners(ours)).max(), image) for image in alike]
        distance, image = min(apart, key=lambda pair: pair[0])
        assert distance < CORNER_MM
        assert np.asarray(ours.dataobj) == pytest.approx(np.asarray(image.dataobj), abs=1e-3)


@pytest.mark.parametrize("name", TILTED)
def test_voxels_of_a_tilted_ct_stand_where_the_headers_say(corpus: Path, tmp_path: Path, name: str) -> None:
    """Each output slice is the source slice of the manifest, shifted in its plane alone."""
    archive, rows, images = written(corpus / TILTED[name], tmp_path)
    paths = dict(archive.catalog.scan("instances").select("file_id", "path").collect().iter_rows())
    tilted = rows.filter(pl.col("do").list.contains("shear"))
    assert tilted.height >= 1
    for row in tilted.iter_rows(named=True):
        assert [step["name"] for step in json.loads(row["steps"])][:3] == ["load", "shear", "resample"]
        ours = nibabel.load(images / row["path"])
        k = ours.shape[2] // 2
        source = pydicom.dcmread(archive.root / paths[row["source_file_ids"][row["slice_nearest"][k]]])
        expected = _sampled(source, ours.affine, ours.shape[:2], k)
        inside = expected > -1500
        assert inside.sum() > 100_000
        found = np.asarray(ours.dataobj[..., k])
        assert found[inside] == pytest.approx(expected[inside], abs=0.5)


def _sampled(source: pydicom.Dataset, affine: np.ndarray, size: tuple[int, ...], k: int) -> np.ndarray:
    """Return the values of a slice, by its own header, at the voxels of slice `k` of an image; -2000 outside."""
    i, j = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    index = np.stack([i.ravel(), j.ravel(), np.full(i.size, k), np.ones(i.size)])
    places = (LPS_TO_RAS @ affine @ index)[:3]
    row, column = np.reshape([float(v) for v in source.ImageOrientationPatient], (2, 3))
    away = places - np.array([[float(v)] for v in source.ImagePositionPatient])
    assert np.abs(np.cross(row, column) @ away).max() < CORNER_MM  # the slice's own plane
    rows, columns = column @ away / float(source.PixelSpacing[0]), row @ away / float(source.PixelSpacing[1])
    values = source.pixel_array.astype(float) * float(source.RescaleSlope) + float(source.RescaleIntercept)
    values[source.pixel_array == source.get("PixelPaddingValue")] = -1024
    return map_coordinates(values, [rows, columns], order=1, cval=-2000, mode="constant").reshape(size)


def test_every_stack_is_written_or_refused_with_its_reason(corpus: Path, tmp_path: Path) -> None:
    archive = indexed(corpus / "pydicom__pydicom", tmp_path / "catalog")
    plan = archive.plan(recipe())
    summary = harmonize(plan, archive.catalog, tmp_path / "out")
    assert summary.complete
    stacks = set(archive.catalog.scan("stacks").collect()["stack_id"])
    images = summary.manifest.filter(pl.col("kind") == "image")
    assert set(images["stack_ids"].explode()) == stacks
    refused = images.filter(pl.col("status") == "refused")
    assert refused["reason"].null_count() == 0
