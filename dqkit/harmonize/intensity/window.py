"""``window``: values outside a range become its ends (PS3.3 C.11.1.1.2 for Hounsfield units)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit.harmonize.intensity.meaning import DIMENSIONLESS, HU
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext


def read(section: Section) -> Mapping[str, Any]:
    """Read ``low`` and ``high`` (in `unit`), ``scale`` (to 0..1) and ``unit`` (HU unless told)."""
    low, high = section.number("low"), section.number("high")
    if low is None or high is None:
        raise section.error("asks for 'low' and 'high'", "such as {low: -1000, high: 400}")
    if not low < high:
        raise section.error("asks for a 'low' below its 'high'")
    params = {"low": low, "high": high, "scale": section.flag("scale", default=False), "unit": section.text("unit", HU)}
    section.finish()
    return params


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:  # noqa: ARG001
    """Clip to ``low`` and ``high``, and bring them to 0 and 1 where ``scale`` says so.

    Raises
    ------
    Refused
        The image is in another unit: the same numbers mean something else there.
    """
    if volume.unit != params["unit"]:
        raise Refused(
            Reason.INTENSITY, f"the window is in {params['unit']}, the image in {volume.unit or 'no known unit'}"
        )
    low, high = params["low"], params["high"]
    below, above = (float(np.mean(volume.voxels < low)), float(np.mean(volume.voxels > high)))
    voxels = np.clip(volume.voxels, low, high)
    background = min(max(volume.background, low), high)
    record = {**params, "share_below": round(below, 6), "share_above": round(above, 6)}
    if not params["scale"]:
        return volume.after("window", voxels=voxels, parameters=record, background=background)
    voxels = (voxels - np.float32(low)) / np.float32(high - low)
    scaled = (background - low) / (high - low)
    return volume.after("window", voxels=voxels, parameters=record, background=scaled, unit=DIMENSIONLESS)
