"""Segments to label maps: each voxel of a map has one value, so segments that overlap need several maps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.mask import Index, Mask
from dqkit.labels.refusal import LabelFault, LabelRefusedError

MOST_SEGMENTS = (1 << 16) - 1


def layers_of(masks: Sequence[Mask]) -> list[list[int]]:
    """Return the indices of `masks` in as few layers as taking each in turn needs; none overlap within a layer."""
    layers: list[list[int]] = []
    for i, mask in enumerate(masks):
        for layer in layers:
            if not any(mask.touches(masks[j]) for j in layer):
                layer.append(i)
                break
        else:
            layers.append([i])
    return layers


def label_map(masks: Sequence[Mask], values: Sequence[int], shape: Index) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the label map of masks that do not overlap, (slices, rows, columns): uint8 where the values fit.

    Raises
    ------
    LabelRefusedError
        There are more segments than 16 bits can tell apart.
    """
    if max(values, default=0) > MOST_SEGMENTS:
        raise LabelRefusedError(LabelFault.TOO_MANY, segments=max(values))
    small = max(values, default=0) <= np.iinfo(np.uint8).max
    found = np.zeros(shape, dtype=np.uint8 if small else np.uint16)
    for mask, value in zip(masks, values, strict=True):
        found[mask.box][mask.voxels] = value
    return found
