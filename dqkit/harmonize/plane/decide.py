"""Which images of one plane a recipe keeps out, by the header alone."""

from typing import TYPE_CHECKING

from dqkit.harmonize.plane.attributes import numbers, term, texts
from dqkit.harmonize.recipe import Planar
from dqkit.harmonize.refusal import Reason, Refused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary Capture Image Storage; the multi-frame ones begin with it (PS3.6 A)."""


def refuse_by_header(header: "Dataset", planar: Planar) -> None:
    """Refuse an image that may hold what is no image: text burned into it, or a screen.

    Raises
    ------
    Refused
        BurnedInAnnotation is YES, the image is a secondary capture, or it has several frames.
    """
    if planar.burned_in == "refuse" and term(header, "BurnedInAnnotation") == "YES":
        raise Refused(Reason.BURNED_IN)
    if planar.secondary == "refuse" and is_secondary(header):
        raise Refused(Reason.SECONDARY)
    if (numbers(header, "NumberOfFrames") or (1.0,))[0] > 1:
        raise Refused(Reason.POSITIONS_UNKNOWN, "a multi-frame image is not of one plane")


def is_secondary(header: "Dataset") -> bool:
    """Tell whether an image is a secondary capture, by its class or by ImageType (PS3.3 C.7.6.1.1.2, C.8.6.1)."""
    uid = "".join(texts(header, "SOPClassUID")[:1])
    kind = [one.upper() for one in texts(header, "ImageType")]
    of_class = uid == _SECONDARY_CAPTURE or uid.startswith(_SECONDARY_CAPTURE + ".")
    return of_class or (len(kind) > 1 and kind[1] == "SECONDARY")
