"""Values on their way to disk: P-values to the whole range of a type, colour to samples of one voxel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.depth import to_depth
from dqkit.harmonize.plane.grey import P_VALUE
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume

RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
"""A voxel of three samples: NIfTI-1's DT_RGB24."""


def packed(volume: Volume, depth: str, *, is_whole: bool) -> Volume:
    """Return an image with voxels of the type that is written.

    P-values, where no step made something else of them, take the whole range of `depth` (``auto``: uint16); colour is
    always 8 bits a sample.

    Raises
    ------
    Refused
        A value does not fit `depth`, or colour was asked for in another one.
    """
    if volume.voxels.ndim == 4:  # noqa: PLR2004 - colour
        if depth not in {"auto", "uint8"}:
            raise Refused(Reason.COLOUR, f"colour is written in uint8, not in {depth}")
        samples = np.clip(np.rint(volume.voxels), 0, 255).astype(np.uint8)
        voxels = np.ascontiguousarray(np.moveaxis(samples, 0, -1)).view(RGB)[..., 0]
        return volume.after("depth", voxels=voxels, parameters={"type": "RGB of uint8"})
    if volume.unit != P_VALUE or depth not in {"auto", "uint8", "uint16", "int16", "int32"}:
        return to_depth(volume, depth, is_whole=is_whole)
    kind = np.dtype("uint16" if depth == "auto" else depth)
    most = np.iinfo(kind).max
    voxels = np.rint(np.clip(volume.voxels, 0, 1).astype(np.float64) * most).astype(kind)
    told = {"type": kind.name, "white": int(most)}
    return volume.after("depth", voxels=voxels, parameters=told, background=round(volume.background * most))


def as_samples(voxels: NDArray[Any]) -> NDArray[Any]:
    """Return packed colour with an axis of three samples at the end; grey as it is."""
    return voxels.view(np.uint8).reshape(*voxels.shape, RGB.itemsize) if voxels.dtype == RGB else voxels
