"""What a label points at: the references in its header, the most precise ones first."""

import pytest

from dqkit.labels.references import References, references_of
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from tests.dicom_exam import put
from tests.labels.shapes import SPHERE, Marked, centres, contour, contours_of, images, rtstruct, saved, seg, stack_of

SERIES = images()


def uids(*series) -> frozenset[str]:
    return frozenset(image.SOPInstanceUID for image in series)


def test_structures_name_the_images_that_contours_were_drawn_on(tmp_path):
    drawn = contours_of(SERIES, SPHERE)
    found = references_of(saved(rtstruct(SERIES, {"A": [contour(points, image) for image, points in drawn]}), tmp_path))
    assert found.instances == uids(*(image for image, _ in drawn))
    assert found.series == {SERIES[0].SeriesInstanceUID}
    assert found.frames == {SERIES[0].FrameOfReferenceUID}


def test_structures_whose_contours_name_no_image_name_those_of_their_series(tmp_path):
    drawn = [contour(points) for _, points in contours_of(SERIES, SPHERE)]
    assert references_of(saved(rtstruct(SERIES, {"A": drawn}), tmp_path)).instances == uids(*SERIES)


def test_structures_may_name_a_frame_of_reference_alone(tmp_path):
    structures = rtstruct(SERIES, {"A": []})
    del structures.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence
    found = references_of(saved(structures, tmp_path))
    assert found == References(frames=frozenset({SERIES[0].FrameOfReferenceUID}))


def test_segmentations_name_a_series_and_its_images_or_those_of_their_frames(tmp_path):
    dataset = seg(SERIES, [Marked(SPHERE.holds(centres(stack_of(SERIES).planes)))])
    dataset.save_as(tmp_path / "whole.dcm")
    whole = references_of(bytes(tmp_path / "whole.dcm"))
    assert whole.instances == uids(*SERIES)
    assert whole.series == {SERIES[0].SeriesInstanceUID}
    put(dataset, {"ReferencedSeriesSequence": None}).save_as(tmp_path / "frames.dcm")
    frames = references_of(bytes(tmp_path / "frames.dcm"))
    assert frames.instances
    assert frames.instances < uids(*SERIES)
    assert frames.series == frozenset()


def test_an_image_is_no_label(tmp_path):
    with pytest.raises(LabelRefusedError) as caught:
        references_of(saved(SERIES[0], tmp_path))
    assert caught.value.fault == LabelFault.NOT_A_MASK
