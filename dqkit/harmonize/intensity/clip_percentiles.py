"""``clip_percentiles``: the darkest and brightest values of an image become its percentiles."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit.harmonize.intensity.foreground import mask_of, masked, read_mask
from dqkit.harmonize.intensity.meaning import read_on_hu, refuse_hu
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext


def read(section: Section) -> Mapping[str, Any]:
    """Read the percentiles ``low`` and ``high`` (0.5 and 99.5 unless told), ``mask`` and ``on_hu``."""
    low, high = section.number("low", 0.5), section.number("high", 99.5)
    if low is None or high is None or not 0 <= low < high <= 100:  # noqa: PLR2004
        raise section.error("asks for percentiles 0 <= low < high <= 100")
    params = {"low": low, "high": high, "mask": read_mask(section), "on_hu": read_on_hu(section)}
    section.finish()
    return params


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:
    """Clip all voxels to the percentiles of those inside the mask."""
    refuse_hu(volume, "clip_percentiles", params)
    mask = mask_of(volume, params["mask"], context)
    low, high = (float(v) for v in np.percentile(masked(volume, mask), [params["low"], params["high"]]))
    record = {**params, "mask": mask.record, "from": low, "to": high}
    background = min(max(volume.background, low), high)
    voxels = np.clip(volume.voxels, np.float32(low), np.float32(high))
    return volume.after("clip_percentiles", voxels=voxels, parameters=record, background=background)
