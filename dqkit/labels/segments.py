"""What is read out of a label object: masks on planes, and what their file calls them."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dqkit.archive.quiet import quiet_pydicom
from dqkit.labels.mask import Mask
from dqkit.labels.planes import Planes
from dqkit.labels.refusal import LabelFault, LabelRefusedError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Code:
    """A coded entry (PS3.3 8.8) as the file has it."""

    value: str
    scheme: str
    meaning: str = ""

    @classmethod
    def of(cls, item: "Dataset", keyword: str) -> "Code | None":
        """Return the first code of the sequence `keyword` of `item`."""
        for coded in item.get(keyword) or ():
            value = coded.get("CodeValue") or coded.get("LongCodeValue") or coded.get("URNCodeValue") or ""
            return cls(str(value), str(coded.get("CodingSchemeDesignator", "")), str(coded.get("CodeMeaning", "")))
        return None


@dataclass(frozen=True)
class Said:
    """What a file says of a segment. Text of people, which can name a patient: shown nowhere as it stands.

    Attributes
    ----------
    text
        SegmentLabel or ROIName.
    category, kind, modifier
        SegmentedPropertyCategoryCodeSequence, …TypeCodeSequence (or RTROIIdentificationCodeSequence) and its modifier.
    algorithm
        SegmentAlgorithmType, or ROIGenerationAlgorithm.
    interpreted
        RTROIInterpretedType.
    """

    text: str = ""
    category: Code | None = None
    kind: Code | None = None
    modifier: Code | None = None
    algorithm: str = ""
    interpreted: str = ""


@dataclass(frozen=True)
class Segment:
    """A region: one segment of a SEG, one ROI of an RTSTRUCT, one value of a NIfTI mask.

    Attributes
    ----------
    number
        SegmentNumber, ROINumber or value.
    mask
        On the planes of its `LabelMasks`.
    notes
        What a person should know of it, as counts (``contours_outside``, ``slices_skipped`` …).
    """

    number: int
    mask: Mask
    said: Said = field(default_factory=Said)
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Unread:
    """A region that could not be made a mask, and why."""

    number: int
    fault: LabelFault
    numbers: Mapping[str, float] = field(default_factory=dict)
    said: Said = field(default_factory=Said)


@dataclass(frozen=True)
class LabelMasks:
    """The regions of one label object.

    Attributes
    ----------
    planes
        Those of the image where the object was drawn on its pixels, else the object's own.
    on_image
        Whether they are those of the image.
    """

    planes: Planes
    on_image: bool
    segments: tuple[Segment, ...]
    unread: tuple[Unread, ...] = ()
    notes: Mapping[str, float] = field(default_factory=dict)


def opened(path: bytes, sop_classes: AbstractSet[str], *, pixels: bool = True) -> "Dataset":
    """Read a DICOM file of one of `sop_classes`, also one without a preamble.

    Raises
    ------
    LabelRefusedError
        It is of another class, or no DICOM at all.
    """
    from pydicom import dcmread

    with open(path, "rb") as file:  # noqa: PTH123 - the path is bytes
        found = dcmread(file, force=True, stop_before_pixels=not pixels)
    uid = str(found.get("SOPClassUID", "") or "")
    if uid not in sop_classes:
        raise LabelRefusedError(LabelFault.NOT_A_MASK if uid else LabelFault.UNREADABLE)
    return found


@contextmanager
def damage_told() -> Iterator[None]:
    """Turn whatever pydicom and its parts raise at damaged files into a refusal; a failing disk stays an OSError.

    Raises
    ------
    LabelRefusedError
        The file is no object of its kind, or something that is needed is missing or of no use.
    """
    try:
        with quiet_pydicom():
            yield
    except (LabelRefusedError, FileNotFoundError):  # nibabel 5.4 raises one without errno
        raise
    except MemoryError as error:
        raise LabelRefusedError(LabelFault.TOO_MANY) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise LabelRefusedError(LabelFault.UNREADABLE) from error
    except Exception as error:
        raise LabelRefusedError(LabelFault.UNREADABLE) from error
