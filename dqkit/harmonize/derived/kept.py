"""What the sources of an image agree on, of the attributes that its class keeps."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dqkit.harmonize.derived.allowed import ImageClass
from dqkit.harmonize.source import SourceSlice

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_RENAMED = {
    "EffectiveEchoTime": "EchoTime",
    "InversionTimes": "InversionTime",
    "ExposureInmAs": "Exposure",
    "XRayTubeCurrentInmA": "XRayTubeCurrent",
    "ExposureTimeInms": "ExposureTime",
    "RFEchoTrainLength": "EchoTrainLength",
    "TransmitterFrequency": "ImagingFrequency",
    "ResonantNucleus": "ImagedNucleus",
    "PulseSequenceName": "SequenceName",
    "FrameType": "ImageType",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
}
"""Attributes of enhanced multi-frame images that mean the same as one of single-frame images, in the same unit
(PS3.3 C.8.13.5, C.8.15.3)."""

IDENTITY = frozenset({"PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyInstanceUID", "FrameOfReferenceUID"})
"""Kept as they stand, for better or worse: they tell whose image it is."""

_WHOLE = frozenset({"Exposure", "XRayTubeCurrent", "ExposureTime", "EchoTrainLength"})
"""Integer strings; what the enhanced attribute has behind the point is rounded."""


@dataclass(frozen=True)
class Kept:
    """Attributes of the output.

    Attributes
    ----------
    common
        Those that all sources agree on.
    of_source
        Aligned with the sources: those of `ImageClass.own_to_each` and nothing else.
    first
        The flat header of the first source.
    told
        All values that sources have of attributes that must not be lost: LossyImageCompression, BurnedInAnnotation.
    """

    common: dict[str, "DataElement"]
    of_source: tuple[dict[str, "DataElement"], ...]
    first: "Dataset"
    told: dict[str, frozenset[str]]


def kept_of(sources: Sequence[SourceSlice], wanted: ImageClass) -> Kept:
    """Read the headers of `sources` and return what of them is kept."""
    common: dict[str, DataElement] = {}
    raw: dict[str, bytes | None] = {}
    own: list[dict[str, DataElement]] = []
    told: dict[str, set[str]] = {"LossyImageCompression": set(), "BurnedInAnnotation": set()}
    first: Dataset | None = None
    for header in _headers(sources):
        for keyword, values in told.items():
            values.add(str(header.get(keyword, "") or ""))
        if first is None:
            first, raw = header, {keyword: _raw(header, keyword) for keyword in wanted.kept}
            common = _elements_of(header, wanted.kept)
        elif header is not first:
            common = {k: element for k, element in common.items() if _agrees(header, element, raw[k])}
        own.append(_elements_of(header, wanted.own_to_each))
    if first is None:
        raise ValueError("an image is made of at least one source")
    return Kept(common, tuple(own), first, {keyword: frozenset(values) for keyword, values in told.items()})


def _elements_of(header: "Dataset", keywords: Iterable[str]) -> "dict[str, DataElement]":
    return {keyword: element for keyword in keywords if (element := _element(header, keyword)) is not None}


def _raw(header: "Dataset", keyword: str) -> bytes | None:
    """Return a value as the file holds it, where nobody has looked at it yet."""
    item = header.get_item(keyword) if keyword in header else None
    return item.value if item is not None and isinstance(item.value, bytes) else None


def _agrees(header: "Dataset", element: "DataElement", raw: bytes | None) -> bool:
    """Tell whether a header has the same value; bytes that are alike need not be understood."""
    if raw is not None and _raw(header, element.keyword) == raw:
        return True
    found = _element(header, element.keyword)
    return found is not None and bool(found.value == element.value)


def _headers(sources: Iterable[SourceSlice]) -> Iterator["Dataset"]:
    """Yield the header of each source slice, functional groups of its frame laid flat."""
    last: tuple[bytes, int] | None = None
    flat: Dataset | None = None
    for source in sources:
        place = source.path, source.frame
        if flat is None or place != last:
            flat, last = flat_header(source), place
        yield flat


def _element(header: "Dataset", keyword: str) -> "DataElement | None":
    """Return an element with a value; None also where what is there breaks the rules of its VR, names aside."""
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    try:
        element = header[keyword]
        if element.is_empty:
            return None
        if element.VR not in {"SQ", "PN"} and keyword not in IDENTITY:
            for value in element.value if element.VM > 1 else [element.value]:
                validate_value(element.VR, getattr(value, "original_string", None) or value, RAISE)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    return _in_its_vr(element)


def _in_its_vr(element: "DataElement") -> "DataElement":
    """Return an element in the VR of PS3.6, where the file has it in another one."""
    from pydicom.datadict import dictionary_VR
    from pydicom.dataelem import DataElement

    told = dictionary_VR(element.tag)
    return element if told == element.VR or " or " in told else DataElement(element.tag, told, element.value)


def flat_header(source: SourceSlice) -> "Dataset":
    """Return the header of a source slice; of a multi-frame image with the functional groups of the frame laid flat."""
    header = source.header()
    own = header.get("PerFrameFunctionalGroupsSequence") or ()
    shared = header.get("SharedFunctionalGroupsSequence") or ()
    if not own and not shared:
        return header
    flat = deepcopy_without(header, ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"))
    groups = [*(own[source.frame - 1 : source.frame]), *shared[:1]]
    for element in _elements(groups):
        keyword = _RENAMED.get(element.keyword, element.keyword)
        if keyword and keyword not in flat:
            _put(flat, keyword, element.value)
    _put_sequence_terms(flat)
    return flat


def deepcopy_without(header: "Dataset", keywords: Sequence[str]) -> "Dataset":
    """Return a copy of a header without some of its attributes."""
    from pydicom.dataset import Dataset

    copy = Dataset()
    for element in header:
        if element.keyword not in keywords:
            copy.add(deepcopy(element))
    return copy


def _elements(groups: Iterable["Dataset"]) -> Iterator["DataElement"]:
    """Yield the elements in the items of functional groups; what sequences within them hold stays in them."""
    for group in groups:
        for sequence in group:
            if sequence.VR == "SQ" and len(sequence.value):
                yield from sequence.value[0]


def _put(flat: "Dataset", keyword: str, value: Any) -> None:
    if keyword in _WHOLE and isinstance(value, int | float):
        value = round(value)
    if keyword == "InversionTime" and not isinstance(value, int | float | str):
        value = value[0] if len(value) == 1 else None
    if value is not None:
        setattr(flat, keyword, value)


def _put_sequence_terms(flat: "Dataset") -> None:
    """Say of an enhanced MR image in terms of a single-frame one how it was made, where the terms match."""
    if "ScanningSequence" in flat or "EchoPulseSequence" not in flat:
        return
    terms = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}.get(str(flat.EchoPulseSequence), [])
    terms += ["IR"] if flat.get("InversionRecovery") == "YES" else []
    terms += ["EP"] if flat.get("EchoPlanarPulseSequence") == "YES" else []
    if terms:
        flat.ScanningSequence = terms
