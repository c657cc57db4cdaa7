"""What derived images of one plane have: how they lie, how large a pixel is, which way grey runs."""

from typing import TYPE_CHECKING

import numpy as np

from dqkit.harmonize.derived.stored import decimal
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.plane.grey import P_VALUE

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SPACINGS = ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing")


def finish_radiograph(made: "Dataset", image: HarmonizedImage, first: "Dataset", i: int) -> None:  # noqa: ARG001
    """Write what a computed radiograph has of its plane."""
    _put_spacings(made, image, first)
    _put_orientation(made, image, first)
    _put_window_of_p_values(made, image)


def finish_digital(made: "Dataset", image: HarmonizedImage, first: "Dataset", i: int) -> None:
    """Write what a digital X-ray image or mammogram has beside that (PS3.3 C.8.11.3)."""
    finish_radiograph(made, image, first, i)
    made.PresentationLUTShape = "IDENTITY"
    turned = any(step.parameters.get("monochrome1_inverted") for step in image.volume.steps)
    if turned and "PixelIntensityRelationshipSign" in made:
        made.PixelIntensityRelationshipSign = -int(made.PixelIntensityRelationshipSign)


def finish_photograph(made: "Dataset", image: HarmonizedImage, first: "Dataset", i: int) -> None:  # noqa: ARG001
    """Write what an ophthalmic photograph has of its plane and samples (PS3.3 C.8.17.2)."""
    _put_spacings(made, image, first)
    _put_orientation(made, image, first)
    kind = [str(value) for value in first.get("ImageType") or ()][3:4]
    # Primary or nothing, a third value where it is derived, and the fourth says how it was taken (C.8.17.2.1.4)
    made.ImageType = ["DERIVED", "PRIMARY", "OTHER", *kind]
    made.NumberOfFrames = 1
    if made.SamplesPerPixel == 1:
        made.PresentationLUTShape = "IDENTITY"


def _put_spacings(made: "Dataset", image: HarmonizedImage, first: "Dataset") -> None:
    """Write spacings at the detector and in the patient, in the proportion in which pixels became others.

    A pixel of the output covers a step along the rows of the source and one along its columns, whichever way the image
    was turned.
    """
    if image.before is None:
        return
    steps = np.linalg.inv(image.before.affine)[:2, :2] @ image.in_space_of_sources[:2, :2]
    for keyword in _SPACINGS:
        told = first.get(keyword)
        if told:
            rows, columns = (float(value) for value in told)
            mm = np.linalg.norm(np.diag([columns, rows]) @ steps, axis=0)
            made.add_new(keyword, "DS", [decimal(mm[1]), decimal(mm[0])])


def _put_orientation(made: "Dataset", image: HarmonizedImage, first: "Dataset") -> None:
    """Write where rows and columns run to, where the source says how it lies (PS3.3 C.7.6.1.1.1)."""
    placed = next((step for step in image.volume.steps if step.name == "place"), None)
    if placed is not None and first.get("PatientOrientation"):
        made.PatientOrientation = list(placed.parameters["patient_orientation"])
    elif "PatientOrientation" in made:
        del made.PatientOrientation


def _put_window_of_p_values(made: "Dataset", image: HarmonizedImage) -> None:
    """Show values that are already what is to be seen as they are."""
    if image.volume.unit != P_VALUE or image.volume.voxels.dtype.kind != "u":
        return
    levels = int(np.iinfo(image.volume.voxels.dtype).max) + 1
    made.WindowCenter, made.WindowWidth = decimal(levels / 2), decimal(levels)
    if "VOILUTFunction" in made:
        del made.VOILUTFunction
