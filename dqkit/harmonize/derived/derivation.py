"""What was done to an image, in the attributes that DICOM has for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit import __version__
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.plane.grey import P_VALUE
from dqkit.harmonize.source import Contribution, SourceSlice

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Coded = tuple[str, str, str]
"""Code value, scheme, meaning."""

RESAMPLING: Coded = ("113085", "DCM", "Spatial resampling")
SMOOTHING: Coded = ("113088", "DCM", "Gaussian blur")
REFORMATTING: Coded = ("113072", "DCM", "Multiplanar reformatting")
SOURCE_IMAGE: Coded = ("121322", "DCM", "Source image for image processing operation")
MODIFYING: Coded = ("109103", "DCM", "Modifying Equipment")
"""PS3.16 CID 7203, 7202 and 7005, as pydicom's dictionary has them (tests/harmonize/derived/test_derivation.py)."""

GEOMETRIC = frozenset({"load", "even", "shear", "orient", "resample", "stack volumes", "depth", "crop", "place"})
"""Steps that leave values what they were, interpolation aside."""

_LONGEST = 1024
"""Characters of a short text (PS3.5 6.2, ST)."""


def changes_values(image: HarmonizedImage) -> bool:
    """Tell whether a step gave values another meaning than the scanner's."""
    return image.volume.unit == P_VALUE or any(step.name not in GEOMETRIC for step in image.volume.steps)


def derivation_codes(image: HarmonizedImage) -> list[Coded]:
    """Return codes of PS3.16 CID 7203 for what was done."""
    names = {step.name for step in image.volume.steps}
    smoothed = any(any(step.parameters.get("sigma_voxels") or ()) for step in image.volume.steps)
    codes = [RESAMPLING] if names & {"resample", "shear", "even"} else []
    codes += [SMOOTHING] if smoothed else []
    return codes + ([REFORMATTING] if is_reformatted(image) else [])


def is_reformatted(image: HarmonizedImage) -> bool:
    """Tell whether slices of the output lie in another direction than those of the sources."""
    if image.before is None or image.recipe.takes == "images":
        return image.before is None
    normals = [np.cross(affine[:3, 0], affine[:3, 1]) for affine in (image.before.affine, image.volume.affine)]
    cosine = abs(normals[0] @ normals[1]) / np.prod([np.linalg.norm(normal) for normal in normals])
    return bool(cosine < 1 - 1e-6)  # 0.08 degrees


def derivation_text(image: HarmonizedImage) -> str:
    """Return DerivationDescription: tool, recipe and steps; nothing of the patient."""
    steps = ", ".join(step.name for step in image.volume.steps if step.name != "load")
    recipe = image.recipe
    return f"dqkit {__version__}, recipe {recipe.name} {recipe.version} ({recipe.sha256[:16]}): {steps}"[:_LONGEST]


def coded(codes: Sequence[Coded]) -> list["Dataset"]:
    """Return the items of a code sequence (PS3.3 8.8)."""
    from pydicom.dataset import Dataset

    items = []
    for value, scheme, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        items.append(item)
    return items


def source_images(given: Sequence[Contribution], sources: Sequence[SourceSlice]) -> list["Dataset"]:
    """Return SourceImageSequence (PS3.3 C.7.6.1): the images that gave to a slice, largest share first, each once."""
    from pydicom.dataset import Dataset

    frames: dict[tuple[str, str], list[int]] = {}
    for one in given:
        source = sources[one.source]
        seen = frames.setdefault((source.sop_class_uid, source.sop_instance_uid), [])
        if source.frame not in seen:
            seen.append(source.frame)
    items = []
    for (sop_class, instance), numbers in frames.items():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        if numbers != [1]:
            item.ReferencedFrameNumber = sorted(numbers)
        item.PurposeOfReferenceCodeSequence = coded([SOURCE_IMAGE])
        items.append(item)
    return items


def equipment(earlier: Any) -> list["Dataset"]:
    """Return ContributingEquipmentSequence (PS3.3 C.12.1.1.5): what stood there, and dqkit as the one that modified."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.Manufacturer = item.ManufacturerModelName = "dqkit"
    item.SoftwareVersions = __version__
    item.PurposeOfReferenceCodeSequence = coded([MODIFYING])
    item.ContributionDescription = "Harmonized"
    return [*(earlier or ()), item]
