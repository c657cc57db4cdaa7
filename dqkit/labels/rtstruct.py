"""RT Structure Sets (PS3.3 A.19) to masks: closed contours filled on the slices of the image."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dqkit.labels.contours import distinct, filled, overlapping_pixels
from dqkit.labels.mask import Mask
from dqkit.labels.planes import Floats
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.segments import Code, LabelMasks, Said, Segment, Unread, damage_told, opened
from dqkit.labels.stack import ON_PLANE, Stack

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
REGIONS = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
"""Contour Geometric Type (3006,0042) of contours that enclose something (PS3.3 C.8.8.6.3)."""

_FARTHEST_MM = 1e5
_CORNERS = 3


@dataclass(frozen=True)
class _Contour:
    """A closed contour: its points, shape (n, 3), LPS, and the image that it says it was drawn on."""

    points_mm: Floats
    drawn_on: str


def read_rtstruct(path: bytes, stack: Stack) -> LabelMasks:
    """Read an RTSTRUCT that points at `stack`.

    Contours are filled by `contours.filled` on the nearest slice where they lie within `stack.ON_PLANE` of it. A ROI
    with a contour between slices or across them is refused as a whole; contours before the first slice and behind the
    last one are left out and counted. Slices between contours stay as they were drawn: empty.

    Raises
    ------
    LabelRefusedError
        It is none, or cannot be read.
    OSError
        The file cannot be opened.
    """
    with damage_told():
        structures = opened(path, {RT_STRUCTURE_SET})
        said, frames = _described(structures)
        drawn = {int(roi.ReferencedROINumber): roi for roi in structures.get("ROIContourSequence") or ()}
        read = [
            _region(number, drawn.get(number), stack, said.get(number, Said()), frames.get(number, ""))
            for number in sorted(said.keys() | drawn.keys())
        ]
    segments = tuple(region for region in read if isinstance(region, Segment))
    unread = tuple(region for region in read if isinstance(region, Unread))
    return LabelMasks(stack.planes, True, segments, unread)


def _described(structures: "Dataset") -> tuple[dict[int, Said], dict[int, str]]:
    """Return what is said of each ROI, and its frame of reference."""
    observed = {int(o.ReferencedROINumber): o for o in structures.get("RTROIObservationsSequence") or ()}
    said, frames = {}, {}
    for roi in structures.get("StructureSetROISequence") or ():
        number = int(roi.ROINumber)
        observation = observed.get(number)
        said[number] = Said(
            text=str(roi.get("ROIName", "") or ""),
            kind=Code.of(observation, "RTROIIdentificationCodeSequence") if observation is not None else None,
            algorithm=str(roi.get("ROIGenerationAlgorithm", "") or ""),
            interpreted=str(observation.get("RTROIInterpretedType", "") or "") if observation is not None else "",
        )
        frames[number] = str(roi.get("ReferencedFrameOfReferenceUID", "") or "")
    return said, frames


def _region(number: int, roi: "Dataset | None", stack: Stack, said: Said, frame: str) -> Segment | Unread:
    try:
        mask, notes = _drawn([] if roi is None else list(roi.get("ContourSequence") or ()), stack, frame)
    except LabelRefusedError as refused:
        return Unread(number, refused.fault, refused.numbers, said)
    return Segment(number, mask, said, notes)


def _drawn(items: "list[Dataset]", stack: Stack, frame: str) -> tuple[Mask, dict[str, float]]:
    """Return the mask of the contours of a ROI whose frame of reference is `frame`, and what is to be known of it."""
    closed = [item for item in items if str(item.get("ContourGeometricType", "")) in REGIONS]
    if not closed:
        raise LabelRefusedError(LabelFault.NOT_A_REGION if items else LabelFault.EMPTY, contours=len(items))
    contours = [_contour(item) for item in closed]
    if stack.is_of_other_frame(frame) and not _names_its_slices(contours, stack):
        raise LabelRefusedError(LabelFault.OTHER_FRAME_OF_REFERENCE)
    mask, notes = _filled(contours, stack)
    return mask, notes | ({"contours_not_closed": len(items) - len(closed)} if len(items) > len(closed) else {})


def _contour(item: "Dataset") -> _Contour:
    # The text as it stands: to make a number of each with pydicom's checks takes a hundred times as long
    try:
        element = item.get_item("ContourData")
        raw = element.value if element is not None else None
        if isinstance(raw, bytes):
            values = np.array(raw.rstrip(b" \0").split(b"\\"), dtype=float)
        else:
            values = np.array([] if raw is None else raw, dtype=float)
        points = values.reshape(-1, 3)
    except ValueError as error:
        raise LabelRefusedError(LabelFault.NOT_NUMBERS) from error
    if not np.isfinite(points).all() or (np.abs(points) > _FARTHEST_MM).any():
        raise LabelRefusedError(LabelFault.NOT_NUMBERS)
    for image in item.get("ContourImageSequence") or ():
        return _Contour(points, str(image.get("ReferencedSOPInstanceUID", "")))
    return _Contour(points, "")


def _names_its_slices(contours: list[_Contour], stack: Stack) -> bool:
    """Tell whether every contour names the very slice of `stack` that it lies on."""
    if len(stack.instance_uids) != stack.planes.count:
        return False
    heights = np.array([float((contour.points_mm @ stack.planes.normal).mean()) for contour in contours])
    index, near = stack.nearest(heights)
    named = [stack.instance_uids[i] == contour.drawn_on for i, contour in zip(index, contours, strict=True)]
    return bool(near.all()) and all(named)


def _filled(contours: list[_Contour], stack: Stack) -> tuple[Mask, dict[str, float]]:
    """Return the mask of closed contours on the slices of `stack`, and what is to be known of it."""
    planes = stack.planes
    lines = [contour for contour in contours if len(contour.points_mm) < _CORNERS]
    drawn = [contour.points_mm for contour in contours if len(contour.points_mm) >= _CORNERS]
    if not drawn:
        raise LabelRefusedError(LabelFault.EMPTY, contours=len(lines))
    index, outside = _slices_of(drawn, stack)
    polygons: dict[int, list[Floats]] = {}
    for points, i in zip(drawn, index, strict=True):
        if i >= 0:
            polygons.setdefault(i, []).append(planes.in_plane(points, i))
    notes: dict[str, float] = {"contours_of_fewer_than_three_points": len(lines), "contours_outside": outside}
    single = {i: distinct(several) for i, several in polygons.items()}
    notes["contours_stored_twice"] = sum(len(polygons[i]) - len(single[i]) for i in polygons)
    notes["pixels_where_contours_cross"] = sum(overlapping_pixels(several, planes.shape) for several in single.values())
    notes["slices_skipped"] = max(polygons) - min(polygons) + 1 - len(polygons) if polygons else 0
    mask = Mask.of_parts([Mask.of(filled(several, planes.shape)[None], (i, 0, 0)) for i, several in single.items()])
    if not mask.count:
        raise LabelRefusedError(LabelFault.EMPTY if polygons else LabelFault.OUTSIDE, contours=len(drawn))
    return mask, {name: count for name, count in notes.items() if count}


def _slices_of(drawn: list[Floats], stack: Stack) -> tuple[list[int], int]:
    """Return the slice of each contour, -1 beyond the first and last one, and how many of those there are.

    Raises
    ------
    LabelRefusedError
        A contour leaves its plane, or stands between slices.
    """
    heights = [points @ stack.planes.normal for points in drawn]
    middle = np.array([(h.max() + h.min()) / 2 for h in heights])
    index, near = stack.nearest(middle)
    flat = np.array([h.max() - h.min() for h in heights]) <= _flatness_mm(stack)
    if not flat.all():
        raise LabelRefusedError(LabelFault.NOT_PARALLEL, contours=int((~flat).sum()))
    beyond = stack.is_beyond(middle)
    if not (near | beyond).all():
        off = np.abs(stack.planes.heights_mm[index] - middle)[~(near | beyond)]
        raise LabelRefusedError(LabelFault.OFF_PLANE, contours=off.size, largest_mm=round(float(off.max()), 3))
    return [int(i) if ok else -1 for i, ok in zip(index, near, strict=True)], int((~near).sum())


def _flatness_mm(stack: Stack) -> float:
    """Return how far the points of a contour may stand from each other along the normal, mm."""
    return 2 * ON_PLANE * float(stack.step_mm(np.arange(stack.planes.count)).min())
