"""The type that voxels are written in: whole numbers are rounded, never cut."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume

_AUTO = ("int16", "uint16", "int32")


def to_depth(volume: Volume, depth: str, *, is_whole: bool) -> Volume:
    """Return the volume with voxels of the type that `depth` names.

    Parameters
    ----------
    depth
        A type of numpy, or ``auto``: the first of int16, uint16 and int32 that holds whole values, else float32.
    is_whole
        Whether all values are whole numbers.

    Raises
    ------
    Refused
        A value does not fit the type: it would wrap around.
    """
    low, high = _range(volume.voxels)
    if depth == "auto":
        fits = [name for name in _AUTO if is_whole and _holds(name, low, high)]
        depth = fits[0] if fits else _float_for(volume.voxels, is_whole=is_whole)
    kind = np.dtype(depth)
    if kind.kind == "f":
        return volume.after("depth", voxels=volume.voxels.astype(kind, copy=False), parameters={"type": depth})
    if not _holds(depth, low, high):
        raise Refused(
            Reason.OVERFLOW,
            f"{depth} holds {np.iinfo(kind).min} to {np.iinfo(kind).max}, values are {low:g} to {high:g}",
        )
    voxels = volume.voxels
    if voxels.dtype.kind == "f":
        voxels = np.rint(voxels) if not is_whole else voxels
    return volume.after("depth", voxels=voxels.astype(kind), parameters={"type": depth})


def _range(voxels: NDArray[Any]) -> tuple[float, float]:
    return float(voxels.min()), float(voxels.max())


def _holds(name: str, low: float, high: float) -> bool:
    """Tell whether a type holds what `low` and `high` are rounded to; NaN fits no whole number."""
    limits = np.iinfo(name)
    return bool(limits.min <= np.rint(low) and np.rint(high) <= limits.max)


def _float_for(voxels: NDArray[Any], *, is_whole: bool) -> str:
    return "float64" if is_whole and voxels.dtype == np.float64 else "float32"
