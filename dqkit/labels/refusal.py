"""Why a label cannot follow its image: faults of the data, in words that hold no value of a file."""

from collections.abc import Mapping
from enum import StrEnum


class LabelFault(StrEnum):
    """What keeps a label object, or one segment of it, from being brought to the grid of an image."""

    UNREADABLE = "unreadable"
    """No DICOM or NIfTI that can be parsed, or an attribute that is needed is missing or of no use."""
    NOT_A_MASK = "not_a_mask"
    """An object that draws no region: SR, or a NIfTI file of fractional values or several volumes."""
    PIXELS = "pixels"
    """The frames of a SEG cannot be decoded, or the file ends before they do."""
    NO_GEOMETRY = "no_geometry"
    """Positions, orientation or spacing are missing or impossible."""
    NOT_ORTHOGONAL = "not_orthogonal"
    """Direction cosines are not two orthogonal unit vectors."""
    NOT_PARALLEL = "not_parallel"
    """Frames of one SEG, or the contours of a ROI and the slices of its image, lie in different directions."""
    OTHER_FRAME_OF_REFERENCE = "other_frame_of_reference"
    """Its FrameOfReferenceUID is not that of the image, so that coordinates do not mean the same."""
    OFF_PLANE = "off_plane"
    """Contours stand further from every slice than the tolerance."""
    OUTSIDE = "outside"
    """No part of it lies inside the image."""
    EMPTY = "empty"
    """It marks nothing: no contour, or no voxel centre inside one."""
    NOT_A_REGION = "not_a_region"
    """Contours of points or open lines (POINT, OPEN_PLANAR, OPEN_NONPLANAR) enclose nothing."""
    NOT_NUMBERS = "not_numbers"
    """ContourData holds something else than triplets of numbers."""
    TOO_MANY = "too_many"
    """More segments than a label map of 16 bits can tell apart, or more voxels than fit in memory."""
    NO_SEG = "no_seg"
    """Highdicom makes no SEG on images of this class (ophthalmic photographs)."""
    NO_REFERENCE = "no_reference"
    """It names no image: a label is never matched by its name."""
    NOT_IN_CATALOG = "not_in_catalog"
    """The images that it names are in no source of the catalog."""


class LabelRefusedError(Exception):
    """A label, or a part of it, that is not brought along; caught where labels are gathered, and reported.

    Parameters
    ----------
    fault
        What is wrong.
    numbers
        Measures that explain it, free of identifying values.
    """

    def __init__(self, fault: LabelFault, **numbers: float) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.numbers: Mapping[str, float] = numbers
