"""Labels that point at the sources of an image, brought to its grid, measured and written beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dqkit.harmonize.following.structures import Named, named
from dqkit.harmonize.image import FollowedLabel, HarmonizedImage, LabelFile
from dqkit.labels.layers import layers_of
from dqkit.labels.mask import Extent, Mask, extent_of
from dqkit.labels.nifti_mask import read_nifti_mask
from dqkit.labels.planes import Planes
from dqkit.labels.references import References, references_of
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.resample import Target, nearest, smoothed
from dqkit.labels.rtstruct import read_rtstruct
from dqkit.labels.segmentation import read_segmentation
from dqkit.labels.segments import LabelMasks, Segment, Unread
from dqkit.labels.stack import Stack

CALLED = {"SEG": "segment", "RTSTRUCT": "roi", "NIFTI": "value"}
"""Kind of label -> what its numbers count."""

_DIGITS = 12
"""Of the id of the label's file, in the name of what is made of it."""

LOST = "lost"
"""Why a segment is not written that had voxels and has none on the grid of the image."""

_CHANGED = 0.1
"""Part by which a volume may change on the way without a warning. House style."""

_OFF_ITS_SLICES = frozenset({LabelFault.OFF_PLANE, LabelFault.NOT_PARALLEL, LabelFault.OUTSIDE})


@dataclass(frozen=True)
class Followed:
    """A segment on the grid of the image.

    Attributes
    ----------
    value
        What marks it in label maps: its own number where 16 bits hold those of all.
    before, after
        On its own planes, and on the grid of the image.
    """

    segment: Segment
    named: Named
    mask: Mask
    value: int
    before: Extent
    after: Extent

    @property
    def shift_mm(self) -> float | None:
        """How far its centroid moved; None where nothing is left of it."""
        if self.before.centroid_mm is None or self.after.centroid_mm is None:
            return None
        return float(np.linalg.norm(np.subtract(self.after.centroid_mm, self.before.centroid_mm)))


@dataclass(frozen=True)
class FollowedObject:
    """All segments of a label object on the grid of an image.

    Attributes
    ----------
    layers
        Indices into `segments`: those of a layer do not overlap; segments without a voxel are in none.
    """

    label: LabelFile
    image: HarmonizedImage
    segments: tuple[Followed, ...]
    layers: tuple[tuple[int, ...], ...]
    unread: tuple[Unread, ...]
    notes: Mapping[str, float]

    @property
    def stem(self) -> str:
        """Path of its files below the output folder, without suffix."""
        return f"{self.image.stem}_{self.label.kind.lower()}-{self.label.file_id[:_DIGITS]}"


def follow(
    labels: Sequence[LabelFile], image: HarmonizedImage, folder: Path, formats: Sequence[str]
) -> Sequence[FollowedLabel]:
    """Bring those of `labels` that point at the sources of `image` to its grid, and write them beside it.

    Returns
    -------
    Sequence[FollowedLabel]
        For each label that points at the image: a row a segment and format, one for its table, and one for what could
        not be brought along, with the reason.
    """
    stack = stack_of(image)
    rows: list[FollowedLabel] = []
    for label in labels:
        try:
            found = brought(label, image, stack)
            if found is not None:
                rows += _written(found, folder, formats)
        except LabelRefusedError as refused:
            rows.append(FollowedLabel(label, "", None, refused.fault, parameters=dict(refused.numbers)))
    return rows


def stack_of(image: HarmonizedImage) -> Stack:
    """Return the source slices of an image, of a 4-D one those of its first volume, as labels see them."""
    sources = [source for source in image.sources if source.time == 0]
    if image.before is None:
        raise LabelRefusedError(LabelFault.NO_GEOMETRY)
    columns, rows, step = image.before.spacing_mm
    planes, order = Planes.of(
        np.array([source.position_mm for source in sources]),
        sources[0].orientation,
        (rows, columns),
        (image.before.size[1], image.before.size[0]),
        float(step) if len(sources) == 1 else None,
    )
    frame = str(sources[0].header().get("FrameOfReferenceUID", "") or "")
    is_planar = image.recipe.takes == "images"
    return Stack(planes, tuple(sources[i].sop_instance_uid for i in order), frame, is_planar)


def brought(label: LabelFile, image: HarmonizedImage, stack: Stack) -> FollowedObject | None:
    """Return a label on the grid of `image`; None where it does not point at it.

    Raises
    ------
    LabelRefusedError
        It points at the image and cannot be brought along.
    """
    by_frame_alone = False
    if label.kind == "NIFTI":
        if not label.points_at or label.points_at != image.series.get("series_key"):
            return None
    else:
        told = _references(label.path)
        if told is None or not _points_at(told, image, stack):
            return None
        by_frame_alone = not told.instances and not told.series
    masks = _read(label, stack)
    if by_frame_alone and not _drawn_on(masks):
        return None
    return _followed(label, image, masks)


@lru_cache(maxsize=256)
def _references(path: bytes) -> References | None:
    """Return what a label names; None where it cannot be read, so that nobody knows."""
    try:
        return references_of(path)
    except LabelRefusedError:
        return None


def _points_at(told: References, image: HarmonizedImage, stack: Stack) -> bool:
    """Tell whether a label names an image, by the most precise of its references."""
    if told.instances:
        return not told.instances.isdisjoint(source.sop_instance_uid for source in image.sources)
    if told.series:
        return _series_of(image) in told.series
    return bool(stack.frame_of_reference) and stack.frame_of_reference in told.frames


def _series_of(image: HarmonizedImage) -> str:
    return str(image.sources[0].header().get("SeriesInstanceUID", "") or "")


def _drawn_on(masks: LabelMasks) -> bool:
    """Tell whether a label stands on slices of the image: what a frame of reference alone does not say."""
    return masks.on_image and bool(masks.segments) and not any(u.fault in _OFF_ITS_SLICES for u in masks.unread)


def _read(label: LabelFile, stack: Stack) -> LabelMasks:
    if label.kind == "SEG":
        return read_segmentation(label.path, stack)
    if stack.is_planar:  # contours and NIfTI lie in a space in which such an image has no place
        raise LabelRefusedError(LabelFault.NO_GEOMETRY)
    return read_rtstruct(label.path, stack) if label.kind == "RTSTRUCT" else read_nifti_mask(label.path)


def _followed(label: LabelFile, image: HarmonizedImage, masks: LabelMasks) -> FollowedObject:
    volume = image.volume
    slices, rows, columns = volume.voxels.shape[-3:]
    target = Target(image.in_space_of_sources, (slices, rows, columns))
    moved = _moved(masks, target, image.recipe.labels.interpolation)
    grid = target.planes
    found = tuple(
        Followed(segment, named(segment.said), mask, value, extent_of(segment.mask, masks.planes), extent_of(
            mask.turned_over(slices) if target.runs_down else mask, grid))
        for segment, mask, value in zip(masks.segments, moved, _values(masks.segments), strict=True)
    )  # fmt: skip
    there = [i for i, one in enumerate(found) if one.mask.count]
    layers = tuple(tuple(there[j] for j in layer) for layer in layers_of([found[i].mask for i in there]))
    return FollowedObject(label, image, found, layers, masks.unread, masks.notes)


def _moved(masks: LabelMasks, target: Target, how: str) -> list[Mask]:
    parts = [segment.mask for segment in masks.segments]
    if how == "nearest":
        return [nearest(mask, masks.planes, target) for mask in parts]
    moved: dict[int, Mask] = {}
    for layer in layers_of(parts):
        moved.update(zip(layer, smoothed([parts[i] for i in layer], masks.planes, target), strict=True))
    return [moved[i] for i in range(len(parts))]


def _values(segments: Sequence[Segment]) -> list[int]:
    numbers = [segment.number for segment in segments]
    keeps = all(0 < number < 1 << 16 for number in numbers) and len(set(numbers)) == len(numbers)
    return numbers if keeps else list(range(1, len(numbers) + 1))


def _written(found: FollowedObject, folder: Path, formats: Sequence[str]) -> list[FollowedLabel]:
    """Write a label in every format that the image is written in; return its rows."""
    from dqkit.harmonize.following.maps import write_maps

    rows: list[FollowedLabel] = []
    paths: list[dict[int, Path]] = []
    for form in ("nifti", "png"):
        if form in formats and found.layers:
            of_segments, table = write_maps(found, folder, form)
            paths.append(of_segments)
            rows.append(FollowedLabel(found.label, "table", table))
    if "dicom" in formats and found.layers:
        from dqkit.harmonize.following.seg import write_segs

        try:
            paths.append(write_segs(found, folder))
        except LabelRefusedError as refused:
            rows.append(FollowedLabel(found.label, "", None, refused.fault))
    for i, one in enumerate(found.segments):
        rows += [_row(found, one, of_segments.get(i)) for of_segments in paths or [{}]]
    called = CALLED[found.label.kind]
    for lost in found.unread:
        rows.append(
            FollowedLabel(found.label, f"{called}-{lost.number}", None, lost.fault, parameters=dict(lost.numbers))
        )
    return rows


def _row(found: FollowedObject, one: Followed, path: Path | None) -> FollowedLabel:
    shift = one.shift_mm
    parameters: dict[str, Any] = {
        "value": one.value,
        "structure": one.named.name,
        "interpolation": found.image.recipe.labels.interpolation,
        "voxels_after": one.after.voxels,
        "centroid_shift_mm": None if shift is None else round(shift, 4),
        **one.segment.notes,
        **found.notes,
    }
    return FollowedLabel(
        found.label,
        f"{CALLED[found.label.kind]}-{one.segment.number}",
        path if one.mask.count else None,
        "" if one.mask.count else LOST,
        one.before.volume_mm3,
        one.after.volume_mm3,
        parameters,
        tuple(_warnings(one, found.notes)),
    )


NOTES = {
    "contours_outside": "{n} of its contours lie outside the image",
    "contours_not_closed": "{n} of its contours are points or open lines and enclose nothing",
    "contours_of_fewer_than_three_points": "{n} of its contours have fewer than three points",
    "contours_stored_twice": "{n} of its contours are stored twice and count once",
    "pixels_where_contours_cross": "contours of one slice cross: {n} pixels in both are outside",
    "slices_skipped": "{n} slices between its contours have none and stay empty",
    "sform_and_qform_differ_mm": "sform and qform of the mask are {n} mm apart: sform was taken",
}
"""Note of `Segment` -> sentence for the manifest."""


def _warnings(one: Followed, notes: Mapping[str, float]) -> list[str]:
    told = [NOTES[name].format(n=f"{count:g}") for name, count in {**one.segment.notes, **notes}.items()]
    before, after = one.before.volume_mm3, one.after.volume_mm3
    if not one.after.voxels:
        told.append(f"nothing is left of {one.before.voxels} voxels ({before:.4g} mm3) on the grid of the image")
    elif abs(after - before) > _CHANGED * before:
        told.append(f"its volume changed from {before:.4g} to {after:.4g} mm3")
    return told
