"""What a label is brought to: the slices of one image, as the label's references name them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.planes import Floats, Planes

ON_PLANE = 0.2
"""Furthest that something drawn on a slice may stand from it, in slice steps: planning systems round positions to
0.1 mm, and a label half a step off belongs to no slice. House style."""
ON_PIXEL = 0.05
"""Furthest that the pixels of a SEG may stand from those of the image to count as the same, in pixels. House style."""


@dataclass(frozen=True)
class Stack:
    """The slices of an image that labels point at.

    Attributes
    ----------
    planes
        Where they stand.
    instance_uids
        SOPInstanceUID of each, aligned with `planes`.
    frame_of_reference
        FrameOfReferenceUID (PS3.3 C.7.4.1); empty where the image has none.
    is_planar
        Whether it is an image of one plane without a place in the patient, such as a mammogram: its only plane stands
        at the origin of a space of its own, and labels lie on its pixels.
    """

    planes: Planes
    instance_uids: tuple[str, ...] = ()
    frame_of_reference: str = ""
    is_planar: bool = False

    def is_of_other_frame(self, uid: str) -> bool:
        """Tell whether coordinates in the frame of reference `uid` mean something else."""
        return bool(uid and self.frame_of_reference and uid != self.frame_of_reference)

    def nearest(self, heights_mm: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the slice nearest to each height along the normal, and whether it is within `ON_PLANE` of it."""
        middle = (self.planes.heights_mm[1:] + self.planes.heights_mm[:-1]) / 2
        index = np.searchsorted(middle, heights_mm)
        off = np.abs(self.planes.heights_mm[index] - heights_mm)
        return index, off <= ON_PLANE * self.step_mm(index)

    def step_mm(self, index: NDArray[np.intp]) -> Floats:
        """Return the smaller distance to a neighbour of each slice, shape as `index`."""
        steps = np.concatenate([[np.inf], np.diff(self.planes.heights_mm), [np.inf]])
        nearer = np.minimum(steps[:-1], steps[1:])
        return np.where(np.isfinite(nearer), nearer, self.planes.step_mm)[index]

    def is_beyond(self, heights_mm: Floats) -> NDArray[np.bool_]:
        """Tell which heights lie before the first slice or behind the last one."""
        edges = self.planes.edges_mm
        return np.asarray((heights_mm < edges[0]) | (heights_mm > edges[-1]))
