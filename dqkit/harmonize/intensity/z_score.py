"""``z_score``: the mean of the body becomes 0, its standard deviation 1."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit.harmonize.intensity.foreground import mask_of, masked, read_mask
from dqkit.harmonize.intensity.linear import read_outside, shifted_and_scaled
from dqkit.harmonize.intensity.meaning import read_on_hu, refuse_hu
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext


def read(section: Section) -> Mapping[str, Any]:
    """Read ``mask``, ``outside`` and ``on_hu``."""
    params = {"mask": read_mask(section), "outside": read_outside(section), "on_hu": read_on_hu(section)}
    section.finish()
    return params


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:
    """Shift and scale by the mean and standard deviation inside the mask; of 4-D images one of each for all times.

    Raises
    ------
    Refused
        The image is in Hounsfield units and the recipe does not say that they may go, or the mask holds one value.
    """
    refuse_hu(volume, "z_score", params)
    mask = mask_of(volume, params["mask"], context)
    values = masked(volume, mask)
    mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    if deviation <= 0:
        raise Refused(Reason.INTENSITY, "every voxel of the mask has the same value")
    record = {**params, "mask": mask.record, "mean": mean, "std": deviation}
    keep = mask if params["outside"] == "zero" else None
    return shifted_and_scaled(volume, "z_score", mean, deviation, record, keep=keep)
