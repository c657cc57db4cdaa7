"""Functional groups of enhanced multi-frame objects (PS3.3 C.7.6.16), of a data set that pydicom read."""

import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dqkit.archive.elements import raw_value
from dqkit.archive.header import Frames

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"

_TELL_APART = (
    "StackID",
    "TemporalPositionIndex",
    "EffectiveEchoTime",
    "InversionTimes",
    "DiffusionBValue",
    "DiffusionDirectionality",
    "DiffusionGradientOrientation",
    "ComplexImageComponent",
    "FrameType",
    "NominalCardiacTriggerDelayTime",
    "ConvolutionKernel",
    "ReferencedSegmentNumber",
)
"""Attributes that tell the volumes of one object apart."""

_AS_TEXT = {
    "EffectiveEchoTime": "EchoTime",
    "XRayTubeCurrentInmA": "XRayTubeCurrent",
    "ExposureTimeInms": "ExposureTime",
}
"""FD attribute of an enhanced object -> the DS or IS one of the ordinary object that says the same in the same unit."""

Attributes = dict[str, bytes]
"""Keyword -> raw value, little endian."""


def read_frames(dataset: "Dataset") -> Frames | None:
    """Return the geometry of every frame; None where there are no per-frame functional groups."""
    frames = [_attributes(item) for item in _items(dataset, _PER_FRAME)]
    if not frames:
        return None
    shared = _shared(dataset)
    return Frames(
        _numbers("ImagePositionPatient", 3, frames, shared),
        _numbers("ImageOrientationPatient", 6, frames, shared),
        _groups(frames),
    )


def sole_values(dataset: "Dataset") -> Attributes:
    """Return the attributes that are the same for all frames, by the keyword of the ordinary objects."""
    found = _shared(dataset)
    frames = [_attributes(item) for item in _items(dataset, _PER_FRAME)]
    for keyword in {keyword for frame in frames for keyword in frame}:
        values = {frame.get(keyword, found.get(keyword)) for frame in frames}
        sole = values.pop() if len(values) == 1 else None
        if sole is None:
            found.pop(keyword, None)
        else:
            found[keyword] = sole
    for keyword, ordinary in _AS_TEXT.items():
        if keyword in found and len(found[keyword]) == 8:  # noqa: PLR2004  # FD
            found[ordinary] = repr(struct.unpack("<d", found[keyword])[0]).encode()
    return found


def _shared(dataset: "Dataset") -> Attributes:
    return next((_attributes(item) for item in _items(dataset, _SHARED)), {})


def _items(dataset: "Dataset", keyword: str) -> Iterator["Dataset"]:
    if keyword in dataset:
        yield from dataset[keyword].value or ()


def _attributes(groups: "Dataset", depth: int = 0) -> Attributes:
    """Flatten the functional groups of one frame: the first item of each, and of what is nested in it."""
    found: Attributes = {}
    for tag in groups.keys():  # noqa: SIM118
        if tag.is_private:
            continue
        element = groups.get_item(tag)
        value, _ = raw_value(element)
        if not _is_sequence(groups, tag):
            keyword = _keyword(tag)
            if keyword and value is not None:
                found.setdefault(keyword, value)
        elif depth < 3:  # noqa: PLR2004
            inner = groups[tag].value
            if inner:
                found = _attributes(inner[0], depth + 1) | found
    return found


def _is_sequence(groups: "Dataset", tag: int) -> bool:
    from pydicom.datadict import dictionary_VR

    element = groups.get_item(tag)
    if element is not None and element.VR in ("SQ", "UN", None):
        try:
            return bool(element.VR == "SQ" or dictionary_VR(tag) == "SQ")
        except KeyError:
            return False
    return False


def _keyword(tag: int) -> str:
    from pydicom.datadict import keyword_for_tag

    return str(keyword_for_tag(tag))


def _numbers(keyword: str, count: int, frames: list[Attributes], shared: Attributes) -> list[float] | None:
    """Return `count` decimal strings a frame, flat; None where a frame lacks them."""
    flat: list[float] = []
    for frame in frames:
        raw = frame.get(keyword, shared.get(keyword))
        try:
            numbers = [float(part) for part in (raw or b"").split(b"\\")]
        except ValueError:
            return None
        if len(numbers) != count:
            return None
        flat += numbers
    return flat


def _groups(frames: list[Attributes]) -> list[str]:
    telling = [keyword for keyword in _TELL_APART if len({frame.get(keyword) for frame in frames}) > 1]
    return ["|".join(f"{keyword}={_text(keyword, frame)}" for keyword in telling) for frame in frames]


def _text(keyword: str, frame: Mapping[str, bytes]) -> str:
    from pydicom.datadict import dictionary_VR

    raw = frame.get(keyword)
    if raw is None:
        return ""
    code = {"FD": "d", "US": "H", "UL": "I"}.get(dictionary_VR(keyword))
    if code is None:
        return raw.decode("latin-1").strip(" \0")
    width = struct.calcsize(code)
    numbers = struct.unpack(f"<{len(raw) // width}{code}", raw[: len(raw) // width * width])
    return "\\".join(f"{number:g}" for number in numbers)
