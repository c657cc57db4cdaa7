"""Which images a label object points at, by the references in its header and by nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dqkit.labels.rtstruct import RT_STRUCTURE_SET
from dqkit.labels.segmentation import LABEL_MAP, SEGMENTATION
from dqkit.labels.segments import damage_told, opened

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

KINDS = {SEGMENTATION: "SEG", LABEL_MAP: "SEG", RT_STRUCTURE_SET: "RTSTRUCT"}
"""SOP class -> kind of label that can follow an image."""


@dataclass(frozen=True)
class References:
    """What a label object names.

    Attributes
    ----------
    instances
        SOPInstanceUIDs of images; where there are any, they say which stack of a series is meant.
    series
        SeriesInstanceUIDs.
    frames
        FrameOfReferenceUIDs.
    """

    instances: frozenset[str] = frozenset()
    series: frozenset[str] = frozenset()
    frames: frozenset[str] = frozenset()


def references_of(path: bytes) -> References:
    """Read what a SEG or an RTSTRUCT points at.

    Of a SEG: ReferencedSeriesSequence (PS3.3 C.12.4), else SourceImageSequence of its frames, else of the
    whole. Of an RTSTRUCT: the
    images that its contours were drawn on (ContourImageSequence, C.8.8.6), else those of RTReferencedSeriesSequence
    (C.8.8.5). Of both: frames of reference.

    Raises
    ------
    LabelRefusedError
        It is neither, or cannot be read.
    OSError
        The file cannot be opened.
    """
    with damage_told():
        found = opened(path, KINDS.keys(), pixels=False)
        of_structures = str(found.SOPClassUID) == RT_STRUCTURE_SET
        return _of_structures(found) if of_structures else _of_segmentation(found)


def _of_segmentation(seg: "Dataset") -> References:
    series = _items(seg, "ReferencedSeriesSequence")
    instances = _uids((ref for item in series for ref in _items(item, "ReferencedInstanceSequence")), _INSTANCE)
    if not instances:
        instances = _uids(_sources_of_frames(seg), _INSTANCE) or _uids(_items(seg, "SourceImageSequence"), _INSTANCE)
    return References(instances, _uids(series, "SeriesInstanceUID"), _uids([seg], "FrameOfReferenceUID"))


def _sources_of_frames(seg: "Dataset") -> "Iterator[Dataset]":
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for groups in _items(seg, sequence):
            for derivation in _items(groups, "DerivationImageSequence"):
                yield from _items(derivation, "SourceImageSequence")


def _of_structures(structures: "Dataset") -> References:
    frames = _items(structures, "ReferencedFrameOfReferenceSequence")
    studies = [study for frame in frames for study in _items(frame, "RTReferencedStudySequence")]
    series = [one for study in studies for one in _items(study, "RTReferencedSeriesSequence")]
    contours = [c for roi in _items(structures, "ROIContourSequence") for c in _items(roi, "ContourSequence")]
    drawn_on = _uids((image for contour in contours for image in _items(contour, _DRAWN_ON)), _INSTANCE)
    listed = _uids((image for one in series for image in _items(one, _DRAWN_ON)), _INSTANCE)
    return References(
        drawn_on or listed,
        _uids(series, "SeriesInstanceUID"),
        _uids(frames, "FrameOfReferenceUID")
        | _uids(_items(structures, "StructureSetROISequence"), "ReferencedFrameOfReferenceUID"),
    )


_INSTANCE, _DRAWN_ON = "ReferencedSOPInstanceUID", "ContourImageSequence"


def _items(parent: "Dataset", keyword: str) -> "list[Dataset]":
    return list(parent.get(keyword) or ())


def _uids(items: "Iterable[Dataset]", keyword: str) -> frozenset[str]:
    return frozenset(str(item.get(keyword)) for item in items if item.get(keyword))
