"""``min_max``: the smallest value becomes 0, the largest 1."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dqkit.harmonize.intensity.foreground import mask_of, masked, read_mask
from dqkit.harmonize.intensity.linear import read_outside, shifted_and_scaled
from dqkit.harmonize.intensity.meaning import read_on_hu, refuse_hu
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext


def read(section: Section) -> Mapping[str, Any]:
    """Read ``mask`` (``all`` unless told), ``outside`` and ``on_hu``."""
    params = {"mask": read_mask(section, "all"), "outside": read_outside(section), "on_hu": read_on_hu(section)}
    section.finish()
    return params


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:
    """Bring the range of values inside the mask to 0..1; values outside it may lie beyond.

    Raises
    ------
    Refused
        The image is in Hounsfield units and the recipe does not say that they may go, or the mask holds one value.
    """
    refuse_hu(volume, "min_max", params)
    mask = mask_of(volume, params["mask"], context)
    values = masked(volume, mask)
    low, high = float(values.min()), float(values.max())
    if not low < high:
        raise Refused(Reason.INTENSITY, "every voxel of the mask has the same value")
    record = {**params, "mask": mask.record, "min": low, "max": high}
    keep = mask if params["outside"] == "zero" else None
    return shifted_and_scaled(volume, "min_max", low, high - low, record, keep=keep)
