"""Segments as DICOM SEG on the derived series, by highdicom."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqkit import __version__
from dqkit.archive.quiet import quiet_pydicom
from dqkit.harmonize.derived.allowed import OPHTHALMIC_PHOTOGRAPHY
from dqkit.harmonize.derived.dataset import derived_series
from dqkit.harmonize.derived.derivation import equipment
from dqkit.harmonize.derived.uids import uid_of
from dqkit.harmonize.derived.write import save
from dqkit.harmonize.following.follow import CALLED, Followed, FollowedObject
from dqkit.harmonize.following.structures import CATEGORIES, UNKNOWN
from dqkit.harmonize.image import LabelFile
from dqkit.harmonize.tasks import LABELS_MADE_BY
from dqkit.labels.layers import label_map
from dqkit.labels.references import KINDS
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.segments import Code, opened

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES_NUMBERS_FROM = 1000
"""Added to SeriesNumber of the derived images."""

_DRAWN = ("Content", "StructureSet")
_DAY, _TIME = re.compile(r"[0-9]{8}"), re.compile(r"[0-9]{2,6}([.][0-9]{1,6})?")
_NO_DATE = "19000101"
"""ContentDate where neither the label nor its study has a date: it must have one (PS3.3 C.8.20.2)."""


def write_segs(found: FollowedObject, folder: Path) -> dict[int, Path]:
    """Write a BINARY SEG a layer; return the file of each segment by its index.

    Raises
    ------
    LabelRefusedError
        Highdicom 0.28 makes no SEG on images of this class.
    Refused
        The image has no derived series.
    OSError
        The disk is full or fails, or a header cannot be read again.
    """
    if found.image.sources[0].sop_class_uid in OPHTHALMIC_PHOTOGRAPHY:
        raise LabelRefusedError(LabelFault.NO_SEG)
    with quiet_pydicom():
        slices = found.image.volume.voxels.shape[-3]
        headers = []
        for header in derived_series(found.image).headers():
            headers.append(header)
            if len(headers) == slices:  # of a 4-D image the first volume, which is where the others are
                break
        paths: dict[int, Path] = {}
        for number, layer in enumerate(found.layers, start=1):
            seg = _seg(found, [found.segments[i] for i in layer], headers, number)
            path = save(seg, folder / f"{found.stem}_{number}.dcm" if number > 1 else folder / f"{found.stem}.dcm")
            paths.update(dict.fromkeys(layer, path))
        return paths


def _seg(found: FollowedObject, members: Sequence[Followed], headers: "list[Dataset]", number: int) -> "Dataset":
    import highdicom

    shape = found.image.volume.voxels.shape[-3:]
    voxels = label_map([one.mask for one in members], range(1, len(members) + 1), (shape[0], shape[1], shape[2]))
    series = uid_of("seg series", headers[0].SeriesInstanceUID, found.label.sop_instance_uid or found.label.file_id)
    seg = highdicom.seg.Segmentation(
        source_images=headers,
        pixel_array=voxels,
        segmentation_type="BINARY",
        segment_descriptions=[_described(one, found.label, i) for i, one in enumerate(members, start=1)],
        series_instance_uid=series,
        series_number=SERIES_NUMBERS_FROM + int(headers[0].SeriesNumber),
        sop_instance_uid=uid_of("seg", series, str(number)),
        instance_number=number,
        manufacturer=LABELS_MADE_BY,
        manufacturer_model_name="dqkit",
        software_versions=__version__,
        device_serial_number="0",
    )
    seg.SeriesDescription = f"dqkit {found.image.recipe.name} labels"
    seg.ContributingEquipmentSequence = equipment(None)
    if "ImageOrientationPatient" not in headers[0]:  # highdicom leaves it out (PS3.3 C.7.6.1: then it is required)
        seg.PatientOrientation = headers[0].get("PatientOrientation")
    _make_repeatable(seg, found.label, headers[0])
    return seg


def _described(one: Followed, label: LabelFile, number: int) -> Any:
    """Return the description of a segment: words of the vocabulary and verified codes alone."""
    from highdicom.seg import SegmentDescription

    kind = one.named.kind if one.named.kind is not None and one.named.kind.meaning else UNKNOWN
    category = one.named.category if one.named.category is not None and one.named.category.meaning else None
    algorithm = one.named.algorithm or "SEMIAUTOMATIC"  # one of three must be said, and nobody says which it was
    said = SegmentDescription(
        segment_number=number,
        segment_label=one.named.name or f"{CALLED[label.kind]} {one.segment.number}",
        segmented_property_category=_code(category or CATEGORIES["region"]),
        segmented_property_type=_code(kind),
        algorithm_type="MANUAL",
    )
    said.SegmentAlgorithmType = algorithm
    if algorithm != "MANUAL":
        said.SegmentAlgorithmName = "that of the source, resampled by dqkit"
    if one.named.side is not None:
        said.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [_code(one.named.side)]
    return said


def _code(code: Code) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)


def _make_repeatable(seg: Any, label: LabelFile, header: "Dataset") -> None:
    """Put what follows from the label in the place of times of writing and random UIDs, so that bytes repeat."""
    seg.ContentDate, seg.ContentTime = _when(label, header)
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        if keyword in seg:
            delattr(seg, keyword)
    organization = uid_of("dimensions", seg.SOPInstanceUID)
    for item in (*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization


def _when(label: LabelFile, header: "Dataset") -> tuple[str, str]:
    """Return when the label was drawn, else the date of the study."""
    drawn = None if label.kind == "NIFTI" else opened(label.path, KINDS.keys(), pixels=False)
    told = [] if drawn is None else [(drawn.get(f"{what}Date"), drawn.get(f"{what}Time")) for what in _DRAWN]
    for day, time in [*told, (header.get("StudyDate"), None), (_NO_DATE, None)]:
        if _DAY.fullmatch(str(day or "")):
            return str(day), str(time) if _TIME.fullmatch(str(time or "")) else "000000"
    raise ValueError(_NO_DATE)
