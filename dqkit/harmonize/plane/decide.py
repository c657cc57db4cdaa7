"""Which images of one plane a recipe keeps out, and what it does with the others, by the header alone."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dqkit.harmonize.decide import Decision, Part
from dqkit.harmonize.plane.attributes import numbers, term, text, texts
from dqkit.harmonize.recipe import Planar, Recipe
from dqkit.harmonize.refusal import Reason, Refused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary Capture Image Storage; the multi-frame ones begin with it (PS3.6 A)."""

_GREY = ("MONOCHROME1", "MONOCHROME2")

STEPS = {
    "image": "an image of one plane",
    "turn": "turned to the standard of the recipe",
    "voi": "as its window or VOI LUT shows it",
    "crop": "cut to the collimation, the foreground or the circle",
    "size": "fitted into columns and rows",
}
"""Words of a plan -> what they mean; ``resample`` and ``intensity`` as for volumes."""


def decide_image(row: Mapping[str, Any], recipe: Recipe) -> Decision:
    """Decide about one image: a row of stack_rows.image_rows."""
    try:
        _refuse_by_row(row, recipe)
    except Refused as refused:
        return Decision(refused=((None, refused),))
    return Decision((Part(None, _steps(row, recipe)),))


def _refuse_by_row(row: Mapping[str, Any], recipe: Recipe) -> None:
    if row["offline"]:
        raise Refused(Reason.OFFLINE)
    _refuse(row["SOPClassUID"] or "", row["ImageType"] or (), row["BurnedInAnnotation"] or "", recipe.planar)
    if row["pixels"]:
        raise Refused(Reason.PIXELS, row["pixels"])
    is_grey = row["photometric"] in _GREY
    if not is_grey and (recipe.intensity or recipe.bit_depth not in {"auto", "uint8"}):
        raise Refused(Reason.COLOUR)
    if is_grey and recipe.planar.voi == "window" and row["PresentationIntentType"] == "FOR PROCESSING":
        raise Refused(Reason.RESCALE, RAW)
    if recipe.resamples and not row["has_spacing"]:
        raise Refused(Reason.NO_SPACING)


RAW = "raw detector values (FOR PROCESSING) are not meant to be shown: take voi: none"


def _steps(row: Mapping[str, Any], recipe: Recipe) -> tuple[str, ...]:
    planar = recipe.planar
    done = {
        "turn": planar.orient,
        "voi": planar.voi != "none" and row["photometric"] in _GREY,
        "crop": planar.crop != "none",
        "resample": recipe.resamples,
        "size": planar.size is not None,
        "intensity": bool(recipe.intensity),
    }
    return ("image", *(step for step, is_done in done.items() if is_done))


def refuse_by_header(header: "Dataset", planar: Planar) -> None:
    """Refuse an image that may hold what is no image: text burned into it, or a screen.

    Raises
    ------
    Refused
        BurnedInAnnotation is YES, the image is a secondary capture, or it has several frames.
    """
    kind = texts(header, "ImageType")
    _refuse(text(header, "SOPClassUID"), kind, term(header, "BurnedInAnnotation"), planar)
    if (numbers(header, "NumberOfFrames") or (1.0,))[0] > 1:
        raise Refused(Reason.POSITIONS_UNKNOWN, "a multi-frame image is not of one plane")


def _refuse(sop_class: str, image_type: Sequence[str], burned_in: str, planar: Planar) -> None:
    if planar.burned_in == "refuse" and burned_in.upper() == "YES":
        raise Refused(Reason.BURNED_IN)
    if planar.secondary == "refuse" and is_secondary(sop_class, image_type):
        raise Refused(Reason.SECONDARY)


def is_secondary(sop_class: str, image_type: Sequence[str]) -> bool:
    """Tell whether an image is a secondary capture, by its class or by ImageType (PS3.3 C.7.6.1.1.2, C.8.6.1)."""
    of_class = sop_class == _SECONDARY_CAPTURE or sop_class.startswith(_SECONDARY_CAPTURE + ".")
    return of_class or (len(image_type) > 1 and image_type[1].upper() == "SECONDARY")
