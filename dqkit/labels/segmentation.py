"""Segmentations (PS3.3 A.51, A.90) to masks: BINARY, FRACTIONAL and LABELMAP, overlapping or not, sparse or whole."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.mask import Mask
from dqkit.labels.planes import SAME_DIRECTION, SAME_SPACING, Floats, Planes
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.segments import Code, LabelMasks, Said, Segment, Unread, damage_told, opened
from dqkit.labels.stack import ON_PIXEL, Stack

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
_BACKGROUND = ("125040", "DCM")
"""Background (PS3.16 CID 7151): a segment of a label map that marks what no other one does."""

PRESENT_FROM = 0.5
"""Share of MaximumFractionalValue from which a voxel of a FRACTIONAL segmentation counts as inside. House style."""
_WHOLE_STEP = 0.05
"""Largest departure of a gap from whole slice steps, in steps."""
_MOST_PLANES = 1 << 14


@dataclass(frozen=True)
class _Frames:
    """Where the frames of a SEG stand, all arrays aligned.

    Attributes
    ----------
    segment
        ReferencedSegmentNumber, shape (n,); 0 for frames of a label map.
    source
        SOPInstanceUID of the image that each was drawn on, empty where it names none.
    step_mm
        SpacingBetweenSlices, else None.
    """

    origins_mm: Floats
    cosines: tuple[float, ...]
    spacing_mm: tuple[float, float]
    segment: NDArray[np.int64]
    source: tuple[str, ...]
    step_mm: float | None


def read_segmentation(path: bytes, stack: Stack) -> LabelMasks:
    """Read a SEG that points at `stack`.

    Frames that stand on pixels of the image are masks on its slices, and slices without a frame are empty. Others
    keep the planes of the SEG, in which the steps between frames are filled up with empty planes.

    Raises
    ------
    LabelRefusedError
        It is none, cannot be read or has no geometry, or its frame of reference is another one.
    OSError
        The file cannot be opened.
    """
    with damage_told():
        seg = opened(path, {SEGMENTATION, LABEL_MAP})
        described = {int(item.SegmentNumber): _said(item) for item in seg.get("SegmentSequence") or ()}
        shape = int(seg.Rows), int(seg.Columns)
        if stack.is_planar:
            planes, on_image = stack.planes, True
            masks = _masks(seg, *_on_pixels(seg, shape, stack))
        else:
            frames = _frames_of(seg)
            planes, index, on_image = _placed(frames, shape, stack)
            _check_frame_of_reference(seg, frames, index, stack, on_image=on_image)
            masks = _masks(seg, frames.segment, index)
    background = _background(seg, described)
    segments = [
        Segment(number, mask, described.get(number, Said()))
        for number, mask in sorted(masks.items())
        if mask.count and number not in background
    ]
    have = {segment.number for segment in segments}
    empty = [number for number in sorted(described) if number not in have | background]
    unread = tuple(Unread(number, LabelFault.EMPTY, said=described[number]) for number in empty)
    return LabelMasks(planes, on_image, tuple(segments), unread)


def _check_frame_of_reference(
    seg: "Dataset", frames: _Frames, index: NDArray[np.intp], stack: Stack, *, on_image: bool
) -> None:
    """Refuse another frame of reference, unless every frame names the very slice that it lies on."""
    if not stack.is_of_other_frame(str(seg.get("FrameOfReferenceUID", "") or "")):
        return
    named = on_image and len(stack.instance_uids) == stack.planes.count
    if not named or any(stack.instance_uids[i] != uid for i, uid in zip(index, frames.source, strict=True)):
        raise LabelRefusedError(LabelFault.OTHER_FRAME_OF_REFERENCE)


def _on_pixels(seg: "Dataset", shape: tuple[int, int], stack: Stack) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the segment of each frame, and 0 for those that were drawn on the image of one plane, else -1."""
    groups = _groups_of(seg)
    if shape != stack.planes.shape:
        raise LabelRefusedError(LabelFault.NO_GEOMETRY)
    drawn_on = [group.source() for group in groups]
    mine = [not source or source in stack.instance_uids for source in drawn_on]
    return _segments_of(seg, groups), np.where(mine, 0, -1).astype(np.intp)


def _segments_of(seg: "Dataset", groups: "Sequence[_Groups]") -> NDArray[np.int64]:
    is_map = str(seg.get("SegmentationType", "")) == "LABELMAP"
    return np.array([0 if is_map else group.segment() for group in groups])


def _groups_of(seg: "Dataset") -> "list[_Groups]":
    count = int(seg.get("NumberOfFrames") or 1)
    own = seg.get("PerFrameFunctionalGroupsSequence") or ()
    if len(own) != count:
        raise LabelRefusedError(LabelFault.UNREADABLE, frames=count, described=len(own))
    shared = (seg.get("SharedFunctionalGroupsSequence") or [None])[0]
    return [_Groups(item, shared) for item in own]


def _frames_of(seg: "Dataset") -> _Frames:
    groups = _groups_of(seg)
    cosines = np.array([group.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6) for group in groups])
    spacing = np.array([group.numbers("PixelMeasuresSequence", "PixelSpacing", 2) for group in groups])
    if np.abs(cosines - cosines[0]).max() > SAME_DIRECTION or np.abs(spacing / spacing[0] - 1).max() > SAME_SPACING:
        raise LabelRefusedError(LabelFault.NOT_PARALLEL)
    steps = {group.value("PixelMeasuresSequence", "SpacingBetweenSlices") for group in groups}
    step = steps.pop() if len(steps) == 1 else None
    return _Frames(
        origins_mm=np.array([group.numbers("PlanePositionSequence", "ImagePositionPatient", 3) for group in groups]),
        cosines=tuple(cosines[0].tolist()),
        spacing_mm=(float(spacing[0][0]), float(spacing[0][1])),
        segment=_segments_of(seg, groups),
        source=tuple(group.source() for group in groups),
        step_mm=abs(float(step)) if step else None,
    )


@dataclass(frozen=True)
class _Groups:
    """The functional groups of a frame: its own, else the shared ones (PS3.3 C.7.6.16)."""

    own: "Dataset"
    shared: "Dataset | None"

    def item(self, sequence: str) -> "Dataset | None":
        """Return the first item of a functional group."""
        for groups in (self.own, self.shared):
            if groups is not None and groups.get(sequence):
                return groups[sequence].value[0]
        return None

    def value(self, sequence: str, keyword: str) -> Any:
        """Return an attribute of a functional group, None where it is absent or empty."""
        item = self.item(sequence)
        return None if item is None else item.get(keyword)

    def numbers(self, sequence: str, keyword: str, count: int) -> list[float]:
        """Return an attribute of `count` numbers.

        Raises
        ------
        LabelRefusedError
            It is missing, or something else.
        """
        value = self.value(sequence, keyword)
        if value is None or isinstance(value, str) or len(value) != count:
            raise LabelRefusedError(LabelFault.NO_GEOMETRY)
        return [float(number) for number in value]

    def segment(self) -> int:
        """Return the segment of this frame."""
        return int(self.value("SegmentIdentificationSequence", "ReferencedSegmentNumber"))

    def source(self) -> str:
        """Return the SOPInstanceUID of the image that this frame was drawn on."""
        for item in self.value("DerivationImageSequence", "SourceImageSequence") or ():
            return str(item.get("ReferencedSOPInstanceUID", ""))
        return ""


def _placed(frames: _Frames, shape: tuple[int, int], stack: Stack) -> tuple[Planes, NDArray[np.intp], bool]:
    """Return the planes that the frames stand on, the plane of each frame, and whether they are the image's."""
    own, order = Planes.of(frames.origins_mm, frames.cosines, frames.spacing_mm, shape)
    image = stack.planes
    if own.is_parallel_to(image) and shape == image.shape:
        index, near = stack.nearest(frames.origins_mm @ image.normal)
        if near.all() and np.abs(image.in_plane(frames.origins_mm, index)).max() <= ON_PIXEL:
            return image, index, True
    heights = own.heights_mm
    first = np.concatenate([[True], np.diff(heights) > _WHOLE_STEP * (frames.step_mm or own.step_mm)])
    index = np.empty(order.size, dtype=np.intp)
    index[order] = np.cumsum(first) - 1
    origins, place = _filled_up(own.origins_mm[first], heights[first], frames.step_mm)
    step = frames.step_mm or (own.step_mm if first.sum() > 1 else image.step_mm)
    return Planes(origins, own.row, own.column, own.spacing_mm, shape, step), place[index], False


def _filled_up(origins: Floats, heights: Floats, told_mm: float | None) -> tuple[Floats, NDArray[np.intp]]:
    """Put empty planes into gaps of several steps; return all origins and where the given ones went.

    The step is SpacingBetweenSlices where every gap is whole multiples of it, else the smallest gap: where a SEG stores
    no frame, nothing is marked.
    """
    gaps = np.diff(heights)
    if not gaps.size:
        return origins, np.zeros(1, dtype=np.intp)
    whole = told_mm is not None and bool((np.abs(gaps / told_mm - np.rint(gaps / told_mm)) <= _WHOLE_STEP).all())
    several = np.maximum(np.rint(gaps / (told_mm if whole and told_mm else gaps.min())), 1).astype(np.intp)
    place = np.concatenate([[0], np.cumsum(several)])
    if place[-1] >= _MOST_PLANES:
        raise LabelRefusedError(LabelFault.TOO_MANY, planes=float(place[-1]))
    every = np.arange(place[-1] + 1)
    return np.stack([np.interp(every, place, origins[:, axis]) for axis in range(3)], axis=1), place


def _masks(seg: "Dataset", segment: NDArray[np.int64], index: NDArray[np.intp]) -> dict[int, Mask]:
    """Return the mask of every segment; frames on plane -1 are of another image."""
    slices: dict[int, dict[int, Mask]] = {}
    for k, pixels in enumerate(_decoded(seg)):
        if index[k] < 0:
            continue
        for number, marked in _marked(pixels, int(segment[k]), seg):
            of_segment, plane = slices.setdefault(number, {}), int(index[k])
            frame = Mask.of(marked[None], (plane, 0, 0))
            of_segment[plane] = frame.joined(of_segment[plane]) if plane in of_segment else frame
    return {number: Mask.of_parts(parts.values()) for number, parts in slices.items()}


_DECODERS = {
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.5": "pydicom",
}
"""Transfer syntax -> decoder to prefer to GDCM, whose faults end the process (docs/adr/0017)."""


def _decoded(seg: "Dataset") -> Iterator[NDArray[Any]]:
    """Yield frames one after the other: all at once they can be eight times what the file holds, or 60 times."""
    from pydicom.pixels import iter_pixels

    syntax = seg.file_meta.get("TransferSyntaxUID")
    try:
        if int(seg.BitsAllocated) == 1 and (syntax is None or not syntax.is_encapsulated):
            yield from _bits(seg, int(seg.Rows), int(seg.Columns))
        else:
            yield from iter_pixels(seg, raw=True, decoding_plugin=_DECODERS.get(str(syntax), ""))
    except Exception as error:
        raise LabelRefusedError(LabelFault.PIXELS) from error


def _bits(seg: "Dataset", rows: int, columns: int) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of one bit a pixel, which follow each other without a gap (PS3.5 8.1.1), lowest bit first.

    pydicom 3.0.2 loses the last bits of such frames when it yields them one by one.
    """
    packed = np.frombuffer(seg.PixelData, dtype=np.uint8)
    if not seg.original_encoding[1] and seg["PixelData"].VR == "OW":  # big endian: bytes are swapped in words
        packed = packed[: packed.size // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    size = rows * columns
    for k in range(int(seg.get("NumberOfFrames") or 1)):
        first = k * size
        bits = np.unpackbits(packed[first // 8 : (first + size + 7) // 8], bitorder="little")
        yield bits[first % 8 : first % 8 + size].reshape(rows, columns)


def _marked(pixels: NDArray[Any], segment: int, seg: "Dataset") -> Iterable[tuple[int, NDArray[np.bool_]]]:
    """Yield the segments of a frame with the pixels that are theirs."""
    kind = str(seg.get("SegmentationType", ""))
    if kind == "LABELMAP":
        for number in np.unique(pixels):
            yield int(number), pixels == number
    elif kind == "FRACTIONAL":
        yield segment, pixels >= PRESENT_FROM * float(seg.MaximumFractionalValue)
    else:
        yield segment, pixels != 0


def _background(seg: "Dataset", described: dict[int, Said]) -> set[int]:
    """Return the values of a label map that mark nothing: PixelPaddingValue, Background, and 0 without a segment."""
    if str(seg.get("SegmentationType", "")) != "LABELMAP":
        return set()
    called = {n for n, said in described.items() if said.kind and (said.kind.value, said.kind.scheme) == _BACKGROUND}
    padding = seg.get("PixelPaddingValue")
    return called | ({int(padding)} if padding is not None else set()) | ({0} - set(described))


def _said(item: "Dataset") -> Said:
    kind = (item.get("SegmentedPropertyTypeCodeSequence") or [None])[0]
    return Said(
        text=str(item.get("SegmentLabel", "") or ""),
        category=Code.of(item, "SegmentedPropertyCategoryCodeSequence"),
        kind=Code.of(item, "SegmentedPropertyTypeCodeSequence"),
        modifier=None if kind is None else Code.of(kind, "SegmentedPropertyTypeModifierCodeSequence"),
        algorithm=str(item.get("SegmentAlgorithmType", "") or ""),
    )
