"""A structure that labels mark, as voxels of an image: what a step of intensity measures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.following.follow import brought, stack_of
from dqkit.labels.refusal import LabelRefusedError

if TYPE_CHECKING:
    from dqkit.harmonize.image import HarmonizedImage, LabelFile


def structure_mask(name: str, labels: Sequence["LabelFile"], image: "HarmonizedImage") -> NDArray[np.bool_] | None:
    """Return the voxels that any of `labels` marks as the structure `name` (structures.Named), all segments together.

    Returns
    -------
    numpy.ndarray or None
        Shape (slices, rows, columns); None where no label that points at the image marks it.
    """
    try:
        stack = stack_of(image)
    except LabelRefusedError:
        return None
    whole = np.zeros(image.volume.voxels.shape[-3:], bool)
    for label in labels:
        try:
            found = brought(label, image, stack)
        except LabelRefusedError:
            continue
        for one in found.segments if found else ():
            if one.named.name == name:
                whole[one.mask.box] |= one.mask.voxels
    return whole if whole.any() else None
