"""What the steps share that shift and scale an image: z_score, min_max and white_stripe."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dqkit.harmonize.intensity.foreground import Mask
from dqkit.harmonize.intensity.meaning import DIMENSIONLESS
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

OUTSIDE = ("keep", "zero")


def read_outside(section: Section) -> str:
    """Take the parameter ``outside``: what is done outside the mask."""
    return section.choice("outside", OUTSIDE, "keep")


def shifted_and_scaled(
    volume: Volume, step: str, centre: float, width: float, record: Mapping[str, Any], *, keep: Mask | None = None
) -> Volume:
    """Return ``(values - centre) / width``, a mere number; outside the mask `keep`, where it is given, 0."""
    voxels = np.empty(volume.voxels.shape, np.float32)
    for k, part in enumerate(volume.voxels):  # a slice at a time: float32 would lose digits of a large centre
        voxels[k] = (part.astype(np.float64) - centre) / width
    background = (volume.background - centre) / width
    if keep is not None:
        voxels[..., ~keep.voxels] = 0
        background = 0.0
    return volume.after(step, voxels=voxels, parameters=record, background=background, unit=DIMENSIONLESS)
