"""Labels that point at an image come to its grid with their volume and place; others are left alone."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset

from dqkit.harmonize.derived.write import write as write_derived
from dqkit.harmonize.following.follow import LOST, follow
from dqkit.harmonize.image import FollowedLabel, HarmonizedImage, LabelFile
from tests.dicom_exam import Grid, put, uid
from tests.dicom_factory import ct_series, mg_study
from tests.harmonize.derived.made import faults, image_of, plane_of
from tests.harmonize.solids import recipe
from tests.labels.shapes import (
    SPHERE,
    Ellipsoid,
    Marked,
    centres,
    contour,
    contours_of,
    rtstruct,
    saved,
    seg,
    stack_of,
)

GRID = Grid(n=30, rows=60, columns=64, spacing_mm=(1.2, 1.1), step_mm=2.5, tilt_deg=12.0)
OTHER = Ellipsoid((12.0, 15.0, 9.0), centre_mm=(12.0, 5.0, 3.0))
HOW = {
    "as acquired": recipe(),
    "turned": recipe(orientation={"axes": "RSA"}),
    "left-handed": recipe(orientation={"axes": "RPS"}),
    "1.5 mm": recipe("ct-1mm-iso", spacing={"mm": 1.5}),
    "gaussian": recipe("ct-1mm-iso", spacing={"mm": 1.5}, labels={"interpolation": "gaussian"}),
}


@dataclass
class Case:
    """A series, its image by one recipe, and labels on it."""

    series: list[Dataset]
    image: HarmonizedImage
    folder: Path

    def label(self, dataset: Dataset, name: str, kind: str) -> LabelFile:
        saved(dataset, self.folder, f"{name}.dcm")
        return LabelFile(f"{name:0<20}", bytes(self.folder / f"{name}.dcm"), kind, dataset.SOPInstanceUID)

    def follow(self, *labels: LabelFile, formats: Sequence[str] = ("nifti",)) -> list[FollowedLabel]:
        return list(follow(labels, self.image, self.folder / "out", formats))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    series = ct_series(grid=GRID)
    found = {}
    for name, how in HOW.items():
        folder = tmp_path_factory.mktemp("follow")
        found[name] = Case(series, image_of(series, folder, how), folder)
    return found


def structures(case: Case, rois: dict[str, Ellipsoid] | None = None) -> LabelFile:
    drawn = {
        name: [contour(points, image) for image, points in contours_of(case.series, shape)]
        for name, shape in (rois or {"Liver": SPHERE}).items()
    }
    return case.label(rtstruct(case.series, drawn), "rt", "RTSTRUCT")


def segmentation(case: Case) -> LabelFile:
    places = centres(stack_of(case.series).planes)
    shapes = [Marked(SPHERE.holds(places)), Marked(OTHER.holds(places), "GTV 1", ("108369006", "SCT", "Neoplasm"))]
    return case.label(seg(case.series, shapes), "seg", "SEG")


def extent(path: Path, value: int) -> tuple[float, np.ndarray]:
    """Volume (mm3) and centroid (LPS, mm) of a value in a NIfTI file, by nibabel alone."""
    image = nibabel.load(path)
    index = np.argwhere(np.asarray(image.dataobj) == value)
    return len(index) * abs(np.linalg.det(image.affine[:3, :3])), nibabel.affines.apply_affine(
        image.affine, index.mean(axis=0)
    ) * [-1, -1, 1]


@pytest.mark.parametrize("name", HOW)
@pytest.mark.parametrize("kind", ["RTSTRUCT", "SEG"])
def test_a_shape_keeps_volume_and_place(cases, name, kind):
    case = cases[name]
    rows = case.follow(structures(case) if kind == "RTSTRUCT" else segmentation(case))
    row = next(row for row in rows if row.name in {"roi-1", "segment-1"})
    volume, centre = extent(row.path, row.parameters["value"])
    assert volume == pytest.approx(SPHERE.volume_mm3, rel=0.01 if name != "gaussian" else 0.02)
    assert np.abs(centre - SPHERE.centre_mm).max() < 0.4
    assert row.volume_after_mm3 == pytest.approx(volume)
    assert row.volume_before_mm3 == pytest.approx(SPHERE.volume_mm3, rel=0.01)
    assert row.parameters["centroid_shift_mm"] < 0.4
    assert (row.reason, row.warnings) == ("", ())


@pytest.mark.parametrize("name", HOW)
def test_label_maps_stand_on_the_very_grid_of_the_image(cases, name):
    case = cases[name]
    row = case.follow(structures(case))[-1]
    image = nibabel.load(row.path)
    assert np.allclose(image.affine, case.image.volume.affine_ras, atol=1e-5)
    assert image.shape == case.image.volume.grid
    assert image.get_data_dtype() == np.uint8


def test_segments_that_overlap_are_in_several_files_and_none_is_lost(cases):
    case = cases["as acquired"]
    rows = {row.name: row for row in case.follow(segmentation(case))}
    assert rows["segment-1"].path != rows["segment-2"].path
    places = centres(stack_of(case.series).planes)
    for name, shape, value in (("segment-1", SPHERE, 1), ("segment-2", OTHER, 2)):
        volume, centre = extent(rows[name].path, value)
        assert volume == pytest.approx(shape.volume_mm3, rel=0.02)
        assert np.abs(centre - shape.centre_mm).max() < 0.3
    assert SPHERE.holds(places)[OTHER.holds(places)].any()


def test_the_table_names_by_vocabulary_and_code_and_says_how_large(cases):
    case = cases["1.5 mm"]
    (table,) = (row for row in case.follow(segmentation(case)) if row.name == "table")
    said = json.loads(table.path.read_text())
    assert said["recipe"].startswith("ct-1mm-iso")
    liver, tumour = said["segments"]
    assert (liver["name"], tumour["name"]) == ("liver", "gtv-1")
    assert tumour["code"] == {"value": "108369006", "scheme": "SCT", "meaning": "Neoplasm"}
    assert liver["file"] != tumour["file"]
    assert liver["volume_after_mm3"] == pytest.approx(SPHERE.volume_mm3, rel=0.01)


def test_names_that_people_typed_stand_nowhere(cases):
    case = cases["as acquired"]
    rows = case.follow(structures(case, {"Liver of Zephyrine": SPHERE}), formats=("nifti", "dicom"))
    assert {row.name for row in rows} == {"table", "roi-1"}
    assert {Path(row.path).suffix for row in rows} == {".json", ".gz", ".dcm"}
    for row in rows:
        text = gzip.decompress(row.path.read_bytes()) if row.path.suffix == ".gz" else row.path.read_bytes()
        assert b"Zephyrine" not in text
        assert "Zephyrine" not in str((row.parameters, row.warnings, row.path.name))


def test_a_label_of_another_image_is_left_alone(cases):
    case = cases["as acquired"]
    elsewhere = [put(image, {"SOPInstanceUID": uid("elsewhere", i), "SeriesInstanceUID": uid("elsewhere")})
                 for i, image in enumerate(ct_series(grid=GRID))]  # fmt: skip
    drawn = [contour(points, image) for image, points in contours_of(elsewhere, SPHERE)]
    label = case.label(rtstruct(elsewhere, {"Liver": drawn}), "other", "RTSTRUCT")
    assert case.follow(label) == []


def by_frame_alone(case: Case, off_mm: float) -> LabelFile:
    drawn = [contour(points + np.array([0, 0, off_mm])) for _, points in contours_of(case.series, SPHERE)]
    dataset = rtstruct(case.series, {"Liver": drawn})
    del dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence
    return case.label(dataset, f"frame{off_mm}".replace(".", ""), "RTSTRUCT")


def test_a_frame_of_reference_alone_leads_to_an_image_whose_slices_were_drawn_on(cases):
    case = cases["as acquired"]
    assert [row.name for row in case.follow(by_frame_alone(case, 0.0))] == ["table", "roi-1"]
    assert case.follow(by_frame_alone(case, 1.2)) == []


def test_what_is_lost_on_a_coarse_grid_is_told_with_its_size(tmp_path):
    series = ct_series(grid=GRID)
    case = Case(series, image_of(series, tmp_path, recipe("ct-1mm-iso", spacing={"mm": 9})), tmp_path)
    small = Ellipsoid((1.2, 1.2, 2.6), centre_mm=(3.0, 2.0, 3.0))
    rows = case.follow(structures(case, {"Nodule": small, "Liver": SPHERE}))
    lost = next(row for row in rows if row.name == "roi-1")
    assert (lost.path, lost.reason, lost.volume_after_mm3) == (None, LOST, 0)
    assert lost.volume_before_mm3 > 0
    assert "nothing is left of" in lost.warnings[0]
    assert next(row for row in rows if row.name == "roi-2").path is not None


def test_what_cannot_be_read_is_told_beside_what_can(cases):
    case = cases["as acquired"]
    drawn = [contour(points, image) for image, points in contours_of(case.series, SPHERE)]
    point = contour(np.zeros((1, 3)), case.series[0], "POINT")
    rows = {row.name: row for row in case.follow(case.label(
        rtstruct(case.series, {"Liver": drawn, "Isocenter": [point]}), "two", "RTSTRUCT"))}  # fmt: skip
    assert (rows["roi-2"].path, rows["roi-2"].reason) == (None, "not_a_region")
    assert json.loads(rows["table"].path.read_text())["left_out"] == [
        {"contours": 1, "reason": "not_a_region", "roi": 2}
    ]


def test_a_mask_follows_the_series_that_a_table_gave_for_it(cases):
    case = cases["1.5 mm"]
    affine = np.diag([-1.3, -1.2, 1.4, 1.0])
    affine[:3, 3] = [45, 45, -40]
    index = np.stack(np.meshgrid(*(np.arange(n) for n in (70, 75, 60)), indexing="ij"), axis=-1)
    places = (index @ affine[:3, :3].T + affine[:3, 3]) * [-1, -1, 1]
    nibabel.save(nibabel.Nifti1Image(SPHERE.holds(places).astype(np.uint8) * 7, affine), case.folder / "mask.nii.gz")
    label = LabelFile("mask0000000000000000", bytes(case.folder / "mask.nii.gz"), "NIFTI")
    assert case.follow(label) == []
    pointing = replace(label, points_at="the series")
    assert case.follow(pointing) == []
    case = replace(case, image=replace(case.image, series={"series_key": "the series"}))
    row = case.follow(pointing)[-1]
    assert row.name == "value-7"
    assert extent(row.path, 7)[0] == pytest.approx(SPHERE.volume_mm3, rel=0.01)


@pytest.mark.dciodvfy
@pytest.mark.parametrize("name", ["1.5 mm", "left-handed"])
def test_a_seg_on_the_derived_series_holds_the_same_voxels(cases, name):
    case = cases[name]
    label = segmentation(case) if name == "left-handed" else structures(case)
    rows = case.follow(label, formats=("nifti", "dicom"))
    write_derived(case.image, case.folder / "out")
    for of_segment in {row.name for row in rows} - {"table"}:
        nifti, dicom = (row for row in rows if row.name == of_segment)
        wanted = nifti.parameters["value"] == np.asarray(nibabel.load(nifti.path).dataobj).T
        assert _voxels(dicom.path, case) == pytest.approx(wanted)
        assert faults([dcmread(dicom.path)]) == []
    again = case.folder / "again"
    for row in follow([label], case.image, again, ("dicom",)):
        first = case.folder / "out" / row.path.relative_to(again)
        assert row.path.read_bytes() == first.read_bytes()


def _voxels(path: Path, case: Case) -> np.ndarray:
    """Return the only segment of a SEG on the slices of the derived series, by highdicom."""
    read = highdicom.seg.segread(path)
    files = sorted((case.folder / "out" / case.image.stem).glob("*.dcm"))
    uids = [str(dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files]
    found: Any = read.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    return np.asarray(found[..., 0]) > 0


def test_a_seg_says_what_its_segments_are(cases):
    case = cases["as acquired"]
    drawn = {"Lung_L": SPHERE, "of Morgan": OTHER}
    rows = case.follow(structures(case, drawn), formats=("dicom",))
    described = [dcmread(row.path).SegmentSequence[0] for row in rows]
    lung, unknown = described
    assert (lung.SegmentLabel, lung.SegmentedPropertyTypeCodeSequence[0].CodeValue) == ("lung-left", "39607008")
    side = lung.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert side.CodeMeaning == "Left"
    assert (unknown.SegmentLabel, unknown.SegmentedPropertyTypeCodeSequence[0].CodeValue) == ("roi 2", "111099")


def planar_case(folder: Path, source: Dataset, **how: Any) -> Case:
    return Case([source], plane_of(source, folder, recipe(takes="images", **how)), folder)


def test_a_mark_on_a_mammogram_is_turned_and_scaled_with_it(tmp_path):
    source = mg_study()[0]
    rows, columns = np.mgrid[: source.Rows, : source.Columns]
    marked = (rows - 0.4 * source.Rows) ** 2 + (columns - 0.3 * source.Columns) ** 2 <= 20**2
    how = {
        "spacing": {"mm": [0.25, 0.25, "keep"]},
        "bit_depth": "uint16",
        "planar": {"orient": True, "chest_wall": "left"},
    }
    case = planar_case(tmp_path, source, **how)
    assert "orient" in [step.name for step in case.image.volume.steps]
    label = case.label(seg([source], [Marked(marked[None])]), "mg", "SEG")
    rows_of = case.follow(label, formats=("nifti", "png", "dicom"))
    nifti, png, dicom = (row for row in rows_of if row.name == "segment-1")
    wanted = np.asarray(nibabel.load(nifti.path).dataobj).T[0] > 0
    mm = case.image.before.spacing_mm[0]  # at the breast: what the detector saw is magnified
    assert wanted.sum() * 0.25**2 == pytest.approx(marked.sum() * mm**2, rel=0.02)
    centre = np.argwhere(wanted).mean(axis=0) * 0.25
    mirrored = np.array([0.4 * source.Rows, source.Columns - 1 - 0.3 * source.Columns]) * mm
    assert np.abs(centre - mirrored).max() < 0.5
    assert (np.asarray(Image.open(png.path)) > 0).tolist() == wanted.tolist()
    assert faults([dcmread(dicom.path)]) == []
    assert (dcmread(dicom.path).pixel_array.squeeze() > 0).tolist() == wanted.tolist()


def test_contours_have_no_place_on_an_image_of_one_plane(tmp_path):
    source = mg_study()[0]
    source.FrameOfReferenceUID = "2.25.1"
    case = planar_case(tmp_path, source, planar={"orient": False})
    label = case.label(rtstruct([source], {"A": [contour(np.eye(3), source)]}), "rt", "RTSTRUCT")
    (row,) = case.follow(label)
    assert (row.path, row.reason) == (None, "no_geometry")
