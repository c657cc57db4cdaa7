"""Which steps may change what a value means: Hounsfield units are a scale already, MR signal is none."""

from collections.abc import Mapping
from typing import Any

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

HU = "HU"
DIMENSIONLESS = "1"
"""UCUM's unit of what is a mere number."""


def read_on_hu(section: Section) -> bool:
    """Take the parameter ``on_hu`` of a step that gives up the scale of an image."""
    return section.flag("on_hu", default=False)


def refuse_hu(volume: Volume, step: str, params: Mapping[str, Any]) -> None:
    """Refuse an image in Hounsfield units unless the recipe says that its scale may be given up.

    Raises
    ------
    Refused
        Its unit is HU and ``on_hu`` is false.
    """
    if volume.unit == HU and not params["on_hu"]:
        raise Refused(Reason.INTENSITY, f"{step} would give up Hounsfield units: say on_hu: true where that is meant")
