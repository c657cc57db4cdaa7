"""Which stacks of a series are volumes of one image of four axes, and what tells them apart."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from dqkit.harmonize.diffusion import LOW_B

Row = Mapping[str, Any]

TIMES = ("TemporalPositionIdentifier", "TemporalPositionIndex", "AcquisitionNumber", "TriggerTime",
         "NominalCardiacTriggerDelayTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime", "InstanceNumber",
         "SOPInstanceUID", "EchoNumbers", "EchoTime", "EffectiveEchoTime", "diffusion_b_value", "DiffusionBValue",
         "DiffusionDirectionality", "DiffusionGradientOrientation")  # fmt: skip
"""Attributes whose values tell the volumes of one image apart, in the order in which volumes are sorted."""

SHOWN = {
    "EchoNumbers": "EchoNumbers", "EchoTime": "EchoTime", "EffectiveEchoTime": "EchoTime",
    "diffusion_b_value": "DiffusionBValue", "DiffusionBValue": "DiffusionBValue",
    "TemporalPositionIdentifier": "TemporalPositionIdentifier", "TemporalPositionIndex": "TemporalPositionIdentifier",
    "InversionTime": "InversionTime", "InversionTimes": "InversionTime", "FlipAngle": "FlipAngle", "KVP": "KVP",
}  # fmt: skip
"""Attributes that say nothing of a person, and the keyword they are shown under."""

_PREFIX = {
    "EchoNumbers": "echo-{}", "EchoTime": "te-{}", "DiffusionBValue": "b{}", "TemporalPositionIdentifier": "t-{}",
    "InversionTime": "ti-{}", "FlipAngle": "fa-{}", "KVP": "kvp-{}",
}  # fmt: skip


_MISSING = 0.5
"""Steps by which the span may differ from that of evenly spaced volumes: half of what one missing volume makes."""


def told_apart(row: Row) -> dict[str, str]:
    """Return what tells a stack from its sisters: attribute -> value, those of functional groups one by one."""
    pairs: dict[str, str] = {}
    for text in (row["split_key"] or "").split("; "):
        name, _, value = text.partition("=")
        if name == "frame_groups":
            pairs.update(_pair(part) for part in value.split("|") if "=" in part)
        elif name:
            pairs[name] = value
    return pairs


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def image_key(row: Row) -> tuple[Any, ...]:
    """Return what two stacks share if they are volumes of one image."""
    others = sorted((name, value) for name, value in told_apart(row).items() if name not in TIMES)
    positions = tuple(round(position, 2) for position in row["slice_positions_mm"] or ())
    return (row["series_key"], row["kind"], row["is_derived"], row["image_type"], row["Rows"], row["Columns"],
            row["n_slices"], positions, row["corner"], tuple(others))  # fmt: skip


def traces_of(rows: Sequence[Row]) -> list[bool]:
    """Tell which volumes of an image are means over gradient directions, filed among those that they were made of.

    Philips appends such a trace image to a series of single directions: no tensor can be fitted with it inside.
    """
    told = [told_apart(row) for row in rows]
    if not any(_is_directional(one) for one in told):
        return [False] * len(rows)
    return [_is_trace(one) for one in told]


def _is_directional(told: Mapping[str, str]) -> bool:
    return told.get("DiffusionDirectionality") == "DIRECTIONAL" or _has_gradient(told)


def _is_trace(told: Mapping[str, str]) -> bool:
    is_isotropic = told.get("DiffusionDirectionality") == "ISOTROPIC"
    without = "DiffusionGradientOrientation" in told and not _has_gradient(told)
    b = max(_number(told.get(name, "")) for name in ("diffusion_b_value", "DiffusionBValue"))
    return b > LOW_B and (is_isotropic or without)


def _has_gradient(told: Mapping[str, str]) -> bool:
    return any(_number(part) for part in told.get("DiffusionGradientOrientation", "").split("\\"))


def order_key(row: Row) -> tuple[Any, ...]:
    """Return what sorts the volumes of an image: times first, then echoes and b-values, then their first image."""
    told = told_apart(row)
    numbers = [number for number in row["instance_numbers"] or () if number is not None]
    by = [_number(told.get(name, "")) for name in TIMES if name != "SOPInstanceUID"]
    return (*by, min(numbers, default=0), row["stack_id"])


def _number(text: str) -> float:
    """Return the number that a value begins or ends with (``volume 3`` of an inferred order)."""
    try:
        return float(text.rpartition(" ")[2].split("\\")[0].replace(":", ""))
    except ValueError:
        return 0.0


def shown(row: Row) -> dict[str, str]:
    """Return what tells a stack from its sisters, without anything that could say who or when."""
    told = told_apart(row)
    return {SHOWN[name]: f"{_number(told[name]):g}" for name in told if name in SHOWN and told[name]}


def is_time(times: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether volumes follow each other in time: nothing else tells them apart."""
    return bool(times) and not any({"EchoTime", "EchoNumbers", "DiffusionBValue"} & time.keys() for time in times)


def time_step_s(series: Row, times: Sequence[Mapping[str, str]]) -> float | None:
    """Return the time from one volume to the next, s.

    Returns
    -------
    float or None
        None where the fourth axis is no time, nothing says the step, or volumes are missing or not evenly spaced: one
        number would then say of some of them what is not so.
    """
    step, span, n = (series.get(name) for name in ("time_step_s", "time_span_s", "n_time_points"))
    if not is_time(times) or not step or not span or n != len(times):
        return None
    told = [time.get("TemporalPositionIdentifier") for time in times]
    places = [float(place) for place in told if place]
    is_whole = all(after - before == 1 for before, after in pairwise(places))
    return float(step) if is_whole and abs(span / step - (n - 1)) < _MISSING else None


def suffix_of(row: Row) -> str:
    """Return the words that say in a name which volume of a series a stack is (``echo-2``, ``b1000``)."""
    return "_".join(_PREFIX[name].format(value.replace(".", "p")) for name, value in shown(row).items())
