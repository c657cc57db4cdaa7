"""RTSTRUCT to masks: shapes of known size on every kind of grid; what is no region is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dqkit.labels.mask import extent_of
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.rtstruct import read_rtstruct
from dqkit.labels.segments import LabelMasks
from tests.dicom_exam import Grid, put
from tests.labels.shapes import (
    FINE,
    SPHERE,
    Ellipsoid,
    contour,
    contours_of,
    images,
    random_axes,
    rtstruct,
    saved,
    stack_of,
)

CONTOUR_DATA = Tag("ContourData")
GRIDS = {
    "axial": FINE,
    "oblique": Grid(44, 72, 80, (1.1, 1.0), 1.5, plane="oblique"),
    "sagittal": Grid(44, 72, 80, (1.1, 1.0), 1.5, plane="sagittal"),
    "tilted": Grid(44, 72, 80, (1.1, 1.0), 1.5, tilt_deg=18.5),
}


def read(series: Sequence[Dataset], drawn: Sequence[Dataset], folder: Path, **attributes) -> LabelMasks:
    return read_rtstruct(saved(rtstruct(series, {"Liver": drawn}, **attributes), folder), stack_of(series))


def drawn_on(series: Sequence[Dataset], shape: Ellipsoid = SPHERE) -> list[Dataset]:
    return [contour(points, image) for image, points in contours_of(series, shape)]


def box(series: Sequence[Dataset], k: int, *corners: tuple[float, float], kind: str = "CLOSED_PLANAR") -> Dataset:
    """A contour through pixel indices (column, row) of slice `k`."""
    planes = stack_of(series).planes
    points = planes.points_mm(np.full(len(corners), k), *(np.array(corners)[:, i] for i in (1, 0)))
    return contour(points, series[k], kind)


def square(series: Sequence[Dataset], k: int, low: float, high: float) -> Dataset:
    return box(series, k, (low, low), (high, low), (high, high), (low, high))


@pytest.mark.parametrize("name", GRIDS)
def test_a_sphere_has_its_volume_and_its_place(name, tmp_path):
    series = images(GRIDS[name])
    masks = read(series, drawn_on(series), tmp_path)
    extent = extent_of(masks.segments[0].mask, masks.planes)
    assert extent.volume_mm3 == pytest.approx(SPHERE.volume_mm3, rel=0.01)
    assert extent.centroid_mm == pytest.approx(SPHERE.centre_mm, abs=0.1)


@settings(max_examples=5)
@given(
    st.sampled_from(["axial", "oblique", "sagittal", "coronal"]),
    st.tuples(st.floats(0.8, 1.3), st.floats(0.8, 1.3)),
    st.floats(1, 2),
    st.floats(-25, 25),
    st.integers(0, 99),
)
def test_ellipsoids_are_right_on_any_grid(tmp_path_factory, plane, spacing, step, tilt, seed):
    shape = Ellipsoid((17.0, 22.0, 13.0), random_axes(seed))
    series = images(Grid(60, 72, 72, spacing, step, tilt_deg=tilt, plane=plane))
    masks = read(series, drawn_on(series, shape), tmp_path_factory.mktemp("rt"))
    extent = extent_of(masks.segments[0].mask, masks.planes)
    assert extent.volume_mm3 == pytest.approx(shape.volume_mm3, rel=0.01)
    assert extent.centroid_mm == pytest.approx(shape.centre_mm, abs=0.15)


def test_a_shell_of_nested_contours_is_hollow(tmp_path):
    series = images(FINE)
    inner = Ellipsoid((12.0, 12.0, 12.0), centre_mm=SPHERE.centre_mm)
    masks = read(series, [*drawn_on(series), *drawn_on(series, inner)], tmp_path)
    extent = extent_of(masks.segments[0].mask, masks.planes)
    assert extent.volume_mm3 == pytest.approx(SPHERE.volume_mm3 - inner.volume_mm3, rel=0.01)
    assert masks.segments[0].notes == {}


def test_xor_contours_and_keyholes_are_the_same_ring(tmp_path):
    series = images(FINE)
    xor = [
        put(part, {"ContourGeometricType": "CLOSEDPLANAR_XOR"})
        for part in (square(series, 5, 10, 40), square(series, 5, 20, 30))
    ]
    keyhole = [box(series, 5, (10, 10), (40, 10), (40, 40), (10, 40), (10, 10), (20, 20), (20, 30), (30, 30), (30, 20),
                   (20, 20), (10, 10))]  # fmt: skip
    rings = [read(series, drawn, tmp_path).segments[0].mask for drawn in (xor, keyhole)]
    assert rings[0].count == rings[1].count == 30 * 30 - 10 * 10
    assert (rings[0].voxels == rings[1].voxels).all()


def test_a_contour_close_to_a_slice_belongs_to_it(tmp_path):
    series = images(FINE)
    for off in (-0.19, 0.19):
        points = np.array(square(series, 7, 10, 20).ContourData, dtype=float).reshape(-1, 3)
        masks = read(series, [contour(points + np.array([0, 0, off * FINE.step_mm]))], tmp_path)
        assert masks.segments[0].mask.start == (7, 10, 10)


def test_a_contour_between_slices_is_refused_with_its_distance(tmp_path):
    series = images(FINE)
    points = np.array(square(series, 7, 10, 20).ContourData, dtype=float).reshape(-1, 3)
    masks = read(series, [square(series, 6, 10, 20), contour(points + np.array([0, 0, 0.5]))], tmp_path)
    assert masks.segments == ()
    assert masks.unread[0].fault == LabelFault.OFF_PLANE
    assert masks.unread[0].numbers == {"contours": 1, "largest_mm": 0.5}


def test_contours_across_slices_are_refused(tmp_path):
    series = images(FINE)
    across = contour(np.array([[0, 0, 0], [10, 0, 0], [10, 0, 10], [0, 0, 10.0]]))
    assert read(series, [across], tmp_path).unread[0].fault == LabelFault.NOT_PARALLEL


def test_contours_beyond_the_image_are_left_out_and_counted(tmp_path):
    series = images(FINE)
    masks = read(series[10:], [square(series, k, 10, 20) for k in (3, 12, 13)], tmp_path)
    assert masks.segments[0].mask.start[0] == 2
    assert masks.segments[0].notes == {"contours_outside": 1}
    nothing = read(series[10:], [square(series, k, 10, 20) for k in (3, 4)], tmp_path)
    assert nothing.unread[0].fault == LabelFault.OUTSIDE


def test_slices_that_nobody_drew_on_stay_empty_and_are_counted(tmp_path):
    series = images(FINE)
    masks = read(series, [square(series, k, 10, 20) for k in (3, 5, 9)], tmp_path)
    mask = masks.segments[0].mask
    assert [bool(plane.any()) for plane in mask.voxels] == [True, False, True, False, False, False, True]
    assert masks.segments[0].notes == {"slices_skipped": 4}


def test_a_contour_that_was_stored_twice_does_not_cut_itself_out(tmp_path):
    series = images(FINE)
    masks = read(series, [square(series, 3, 10, 20), square(series, 3, 10, 20)], tmp_path)
    assert masks.segments[0].mask.count == 100
    assert masks.segments[0].notes == {"contours_stored_twice": 1}


def test_contours_that_cross_are_told(tmp_path):
    series = images(FINE)
    masks = read(series, [square(series, 3, 10, 20), square(series, 3, 15, 25)], tmp_path)
    assert masks.segments[0].mask.count == 200 - 2 * 25
    assert masks.segments[0].notes == {"pixels_where_contours_cross": 25}


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"])
def test_points_and_open_lines_are_no_regions(kind, tmp_path):
    series = images(FINE)
    line = box(series, 3, (10, 10), (20, 10), (20, 20), kind=kind)
    alone, beside = read(series, [line], tmp_path), read(series, [line, square(series, 4, 10, 20)], tmp_path)
    assert alone.unread[0].fault == LabelFault.NOT_A_REGION
    assert beside.segments[0].notes == {"contours_not_closed": 1}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (b"1\\2\\3\\4\\5", LabelFault.NOT_NUMBERS),
        (b"1\\2\\x\\4\\5\\6\\7\\8\\9", LabelFault.NOT_NUMBERS),
        (b"1\\2\\nan\\4\\5\\6\\7\\8\\9", LabelFault.NOT_NUMBERS),
        (b"1e300\\2\\3\\4\\5\\6\\7\\8\\9", LabelFault.NOT_NUMBERS),
        (b"1\\2\\3\\4\\5\\3", LabelFault.EMPTY),
        (b"", LabelFault.EMPTY),
    ],
)
def test_broken_contour_data_is_refused_and_other_rois_are_read(values, fault, tmp_path):
    series = images(FINE)
    broken = square(series, 3, 10, 20)
    broken[CONTOUR_DATA] = RawDataElement(CONTOUR_DATA, "DS", len(values), values, 0, False, True)
    masks = read_rtstruct(
        saved(rtstruct(series, {"A": [broken], "B": [square(series, 3, 10, 20)]}), tmp_path), stack_of(series)
    )
    assert [(unread.number, unread.fault) for unread in masks.unread] == [(1, fault)]
    assert masks.segments[0].mask.count == 100


def test_another_frame_of_reference_is_refused_unless_contours_name_their_slices(tmp_path):
    series = images(FINE)
    stack = stack_of(series)
    named, nameless = [square(series, 3, 10, 20)], [square(series, 3, 10, 20)]
    del nameless[0].ContourImageSequence
    for drawn, fault in ((named, None), (nameless, LabelFault.OTHER_FRAME_OF_REFERENCE)):
        structures = rtstruct(series, {"A": drawn})
        structures.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "2.25.1"
        masks = read_rtstruct(saved(structures, tmp_path), stack)
        assert [unread.fault for unread in masks.unread] == ([] if fault is None else [fault])


def test_a_roi_without_contours_is_told(tmp_path):
    assert read(images(FINE), [], tmp_path).unread[0].fault == LabelFault.EMPTY


def test_what_is_no_structure_set_is_refused(tmp_path):
    series = images(FINE)
    with pytest.raises(LabelRefusedError) as caught:
        read_rtstruct(saved(series[0], tmp_path), stack_of(series))
    assert caught.value.fault == LabelFault.NOT_A_MASK
    (tmp_path / "text").write_bytes(b"no DICOM at all")
    with pytest.raises(LabelRefusedError) as caught:
        read_rtstruct(bytes(tmp_path / "text"), stack_of(series))
    assert caught.value.fault == LabelFault.UNREADABLE


def test_a_missing_file_is_no_fault_of_the_data(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_rtstruct(bytes(tmp_path / "none"), stack_of(images(FINE)))
