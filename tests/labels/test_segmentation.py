"""SEG to masks: every kind that highdicom writes comes back voxel by voxel, wherever its frames stand."""

from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from dqkit.labels.mask import extent_of
from dqkit.labels.planes import Planes
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.segmentation import read_segmentation
from dqkit.labels.segments import LabelMasks
from dqkit.labels.stack import Stack
from tests.dicom_exam import Grid, put
from tests.labels.shapes import SPHERE, Ellipsoid, Marked, centres, images, saved, seg, stack_of

GRID = Grid(n=26, rows=41, columns=47, spacing_mm=(1.6, 1.5), step_mm=2.0, tilt_deg=14.0)  # 41 * 47 is no whole bytes
SPLEEN = ("78961009", "SCT", "Spleen")
OTHER = Ellipsoid((14.0, 9.0, 11.0), centre_mm=(14.0, 6.0, -4.0))


@pytest.fixture(scope="module")
def series() -> list[Dataset]:
    return images(GRID)


@pytest.fixture(scope="module")
def stack(series: list[Dataset]) -> Stack:
    return stack_of(series)


def marked(stack: Stack, *shapes: Ellipsoid) -> list[Marked]:
    codes = (("10200004", "SCT", "Liver"), SPLEEN)
    places = centres(stack.planes)
    return [Marked(shape.holds(places), code[2], code) for shape, code in zip(shapes, codes, strict=False)]


def read(dataset: Dataset, stack: Stack, folder: Path) -> LabelMasks:
    path = folder / "seg.dcm"
    dataset.save_as(path)
    return read_segmentation(bytes(path), stack)


def check_same(masks: LabelMasks, segments: list[Marked]) -> None:
    assert masks.on_image
    assert masks.unread == ()
    shape = (masks.planes.count, *masks.planes.shape)
    for found, wanted in zip(masks.segments, segments, strict=True):
        assert (found.mask.whole(shape) == wanted.voxels).all()


def test_overlapping_segments_come_back_exactly(series, stack, tmp_path):
    segments = marked(stack, SPHERE, OTHER)
    assert (segments[0].voxels & segments[1].voxels).any()
    masks = read(seg(series, segments), stack, tmp_path)
    check_same(masks, segments)
    assert [segment.said.text for segment in masks.segments] == ["Liver", "Spleen"]
    assert masks.segments[1].said.kind is not None
    assert masks.segments[1].said.kind.value == SPLEEN[0]
    extent = extent_of(masks.segments[0].mask, masks.planes)
    assert extent.volume_mm3 == pytest.approx(SPHERE.volume_mm3, rel=0.01)
    assert extent.centroid_mm == pytest.approx(SPHERE.centre_mm, abs=0.1)


def test_agrees_with_what_highdicom_reads(series, stack, tmp_path):
    masks = read(seg(series, marked(stack, SPHERE, OTHER)), stack, tmp_path)
    theirs = hd.seg.segread(tmp_path / "seg.dcm").get_pixels_by_source_instance(list(stack.instance_uids))
    for i, segment in enumerate(masks.segments):
        assert (segment.mask.whole(theirs.shape[:3]) == theirs[..., i]).all()


@pytest.mark.parametrize("whole", [True, False])
def test_frames_without_marks_may_be_missing(series, stack, tmp_path, whole):
    segments = marked(stack, SPHERE)
    dataset = seg(series, segments, omit_empty_frames=not whole)
    assert (dataset.NumberOfFrames == GRID.n) == whole
    check_same(read(dataset, stack, tmp_path), segments)


@pytest.mark.parametrize("syntax", [None, JPEGLSLossless])
def test_label_maps_come_back_exactly(series, stack, tmp_path, syntax):
    liver, spleen = marked(stack, SPHERE, OTHER)
    segments = [Marked(liver.voxels & ~spleen.voxels), spleen]
    options = {} if syntax is None else {"transfer_syntax_uid": syntax}
    masks = read(seg(series, segments, "LABELMAP", **options), stack, tmp_path)
    check_same(masks, segments)


def test_fractions_count_from_one_half(series, stack, tmp_path):
    fraction = np.zeros((GRID.n, GRID.rows, GRID.columns), dtype=np.float32)
    fraction[5, 10, 10:15] = [0.2, 0.49, 0.51, 0.8, 1.0]
    dataset = seg(series, [Marked(fraction)], "FRACTIONAL", fractional_type="PROBABILITY", max_fractional_value=100)
    masks = read(dataset, stack, tmp_path)
    assert masks.segments[0].mask.start == (5, 10, 12)
    assert masks.segments[0].mask.count == 3


def test_a_seg_on_planes_of_its_own_keeps_them(series, stack, tmp_path):
    own = Planes(np.array([[-30.0, -30.0, z] for z in np.arange(-27, 30, 1.5)]), np.eye(3)[0], np.eye(3)[1],
                 (0.9, 0.8), (70, 76), 1.5)  # fmt: skip
    dataset = seg(series, [Marked(SPHERE.holds(centres(own)))], planes=own)
    masks = read(dataset, stack, tmp_path)
    assert not masks.on_image
    extent = extent_of(masks.segments[0].mask, masks.planes)
    assert extent.volume_mm3 == pytest.approx(SPHERE.volume_mm3, rel=0.01)
    assert extent.centroid_mm == pytest.approx(SPHERE.centre_mm, abs=0.1)


def test_where_no_frame_is_stored_nothing_is_marked(series, stack, tmp_path):
    own = Planes(np.array([[-30.0, -30.0, z] for z in (0.0, 3.0, 4.5, 12.0)]), np.eye(3)[0], np.eye(3)[1],
                 (0.9, 0.8), (70, 76), 1.5)  # fmt: skip
    dataset = seg(series, [Marked(np.ones((4, 70, 76), dtype=bool))], planes=own)
    masks = read(dataset, stack, tmp_path)
    assert masks.planes.heights_mm == pytest.approx(np.arange(0, 12.1, 1.5))
    assert masks.segments[0].mask.voxels.any(axis=(1, 2)).nonzero()[0].tolist() == [0, 2, 3, 8]
    assert extent_of(masks.segments[0].mask, masks.planes).volume_mm3 == pytest.approx(4 * 1.5 * 70 * 76 * 0.72)


def test_a_segment_without_voxels_is_told(series, stack, tmp_path):
    segments = [*marked(stack, SPHERE), Marked(np.zeros((GRID.n, GRID.rows, GRID.columns), dtype=bool))]
    masks = read(seg(series, segments), stack, tmp_path)
    assert [segment.number for segment in masks.segments] == [1]
    assert [(unread.number, unread.fault) for unread in masks.unread] == [(2, LabelFault.EMPTY)]


def damaged(series, stack, folder, change) -> LabelFault:
    dataset = dcmread(saved(seg(series, marked(stack, SPHERE)), folder).decode())
    change(dataset)
    with pytest.raises(LabelRefusedError) as caught:
        read(dataset, stack, folder)
    return caught.value.fault


def frames(dataset: Dataset) -> list[Dataset]:
    return list(dataset.PerFrameFunctionalGroupsSequence)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d.PerFrameFunctionalGroupsSequence.pop(), LabelFault.UNREADABLE),
        (lambda d: put(d, {"PixelData": d.PixelData[: len(d.PixelData) // 2]}), LabelFault.PIXELS),
        (lambda d: put(d, {"PixelData": None}), LabelFault.PIXELS),
        (lambda d: frames(d)[2].__delattr__("PlanePositionSequence"), LabelFault.NO_GEOMETRY),
        (lambda d: put(frames(d)[0].PlanePositionSequence[0], {"ImagePositionPatient": ["1", "2"]}),
         LabelFault.NO_GEOMETRY),
        (lambda d: put(d, {"SharedFunctionalGroupsSequence": None}), LabelFault.NO_GEOMETRY),
        (lambda d: put(d, {"FrameOfReferenceUID": "2.25.9"}), None),
        (lambda d: put(d, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}), LabelFault.NOT_A_MASK),
        (lambda d: put(d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0],
                       {"ImageOrientationPatient": [1, 0, 0, 0.5, 0.5, 0]}), LabelFault.NOT_ORTHOGONAL),
        (lambda d: put(d.SharedFunctionalGroupsSequence[0], {"SegmentIdentificationSequence": None}),
         LabelFault.UNREADABLE),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused(series, stack, tmp_path, change, fault):
    if fault is None:  # every frame names the very slice that it lies on
        dataset = dcmread(saved(seg(series, marked(stack, SPHERE)), tmp_path).decode())
        change(dataset)
        assert read(dataset, stack, tmp_path).segments[0].mask.count
    else:
        assert damaged(series, stack, tmp_path, change) == fault


def test_another_frame_of_reference_is_refused_where_frames_name_no_slice(series, stack, tmp_path):
    def change(dataset: Dataset) -> None:
        dataset.FrameOfReferenceUID = "2.25.9"
        frames(dataset)[0].DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "2.25.8"

    assert damaged(series, stack, tmp_path, change) == LabelFault.OTHER_FRAME_OF_REFERENCE
