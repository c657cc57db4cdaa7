"""Every SEG and RTSTRUCT of the real corpus is read, or refused with its reason."""

from pathlib import Path

import pytest
from pydicom import dcmread

from dqkit.labels.mask import extent_of
from dqkit.labels.references import references_of
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.rtstruct import read_rtstruct
from dqkit.labels.segmentation import read_segmentation
from dqkit.labels.stack import Stack
from tests.labels.shapes import stack_of

pytestmark = pytest.mark.corpus

DCMQI = "QIICR__dcmqi/data/segmentations"
DICOMPYLER = "dicompyler__dicompyler-core/tests/testdata/example_data"
RT_UTILS = "qurit__rt-utils/tests/mock_data"
PYDICOM = "pydicom__pydicom/src/pydicom/data/test_files"

SEGMENTATIONS = {  # file -> images, voxels of each segment (counted by dcmqi's own arrays), or why it is refused
    f"{DCMQI}/23x38x3/seg/label.seg": (f"{DCMQI}/23x38x3/image", {1: 322}),
    f"{DCMQI}/24x38x3/seg/label.seg": (f"{DCMQI}/24x38x3/image", {1: 315}),
    f"{DCMQI}/sparse-labelmap-ppv5.dcm": (f"{DCMQI}/24x38x3/image", {1: 630}),
    f"{DCMQI}/sparse-labelmap-noppv.dcm": (f"{DCMQI}/24x38x3/image", {1: 630}),
    f"{DCMQI}/liver.dcm": (f"{DCMQI}/ct-3slice", {1: 107098}),
    f"{DCMQI}/partial_overlaps.dcm": (f"{DCMQI}/ct-3slice", {1: 9602, 2: 11888, 3: 10743, 4: 6693, 5: 4713}),
    "QIICR__dcmqi/data/sr-example/seg.dcm": (f"{DCMQI}/ct-3slice", LabelFault.OTHER_FRAME_OF_REFERENCE),
    f"{PYDICOM}/liver_1frame.dcm": (f"{DCMQI}/ct-3slice", LabelFault.UNREADABLE),  # one frame, three described
    f"{PYDICOM}/liver_expb_1frame.dcm": (f"{DCMQI}/ct-3slice", LabelFault.UNREADABLE),
}

STRUCTURES = {  # file -> images, millilitres of each ROI that is read, fault of each that is not
    f"{RT_UTILS}/rt.dcm": (RT_UTILS, {1: 1.72}, {}),
    f"{RT_UTILS}/invalid_reference_rt.dcm": (RT_UTILS, {1: 5.93, 2: 4.41, 3: 5.39, 4: 8.29}, {}),
    f"{RT_UTILS}/non_existent_reference_rt.dcm": (RT_UTILS, {1: 5.93, 2: 4.41, 3: 5.39, 4: 8.29}, {}),
    f"{DICOMPYLER}/rtss.dcm": (
        DICOMPYLER, {1: 46.6}, {2: LabelFault.EMPTY, **dict.fromkeys(range(3, 11), LabelFault.OUTSIDE)},
    ),
    f"{PYDICOM}/rtstruct.dcm": (
        RT_UTILS, {}, {1: LabelFault.OTHER_FRAME_OF_REFERENCE, 2: LabelFault.NOT_A_REGION, 3: LabelFault.NOT_A_REGION},
    ),
}  # fmt: skip


def modality_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(1 << 14)
    if b"SEG" not in head and b"RTSTRUCT" not in head:
        return ""
    try:
        return str(dcmread(path, stop_before_pixels=True, force=True, specific_tags=["Modality"]).get("Modality", ""))
    except (OSError, ValueError, NotImplementedError):  # some files of the corpus are broken on purpose
        return ""


def images(folder: Path) -> Stack:
    read = [dcmread(path, stop_before_pixels=True, force=True) for path in sorted(folder.glob("*.dcm"))]
    return stack_of([one for one in read if one.get("Modality") == "CT"])


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_segmentations(corpus, name):
    folder, wanted = SEGMENTATIONS[name]
    if isinstance(wanted, LabelFault):
        with pytest.raises(LabelRefusedError) as caught:
            read_segmentation(bytes(corpus / name), images(corpus / folder))
        assert caught.value.fault == wanted
        return
    masks = read_segmentation(bytes(corpus / name), images(corpus / folder))
    assert masks.on_image
    assert {segment.number: segment.mask.count for segment in masks.segments} == wanted


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(corpus, name):
    folder, wanted, refused = STRUCTURES[name]
    masks = read_rtstruct(bytes(corpus / name), images(corpus / folder))
    found = {one.number: extent_of(one.mask, masks.planes).volume_mm3 / 1000 for one in masks.segments}
    assert found == pytest.approx(wanted, rel=0.005)
    assert {unread.number: unread.fault for unread in masks.unread} == refused


def test_every_label_object_of_the_corpus_is_among_these(corpus):
    found = set()
    for path in sorted(corpus.rglob("*")):
        if path.suffix in {".dcm", ".seg"} and path.is_file() and modality_of(path) in {"SEG", "RTSTRUCT"}:
            found.add(path.relative_to(corpus).as_posix())
    assert found == SEGMENTATIONS.keys() | STRUCTURES.keys()


@pytest.mark.parametrize("name", [*SEGMENTATIONS, *STRUCTURES])
def test_each_names_what_it_points_at(corpus, name):
    told = references_of(bytes(corpus / name))
    assert told.instances or told.series or told.frames
