"""The steps of `intensity`: a literal dict, a step an entry; each takes a volume and gives one.

A step is called after resampling, once an image, in the order of the recipe. It keeps the grid, records itself
(`Volume.after`), and changes `unit` and `background` where they change their meaning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.intensity import clip_percentiles, min_max, n4, nyul, white_stripe, window, z_score
from dqkit.harmonize.source import SourceSlice
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class StepContext:
    """What a step may know beside the volume.

    Attributes
    ----------
    modality
        Modality (0008,0060); empty where nothing says it.
    series
        Columns of the series frame, those of tasks.OF_THE_SERIES and OF_STEPS (role, region, scanner_key …): values
        identify, and stay in the house.
    sources
        The slices that the volume was made of.
    folder
        Where files that the recipe names (landmarks) are looked for.
    warn
        Puts a sentence, free of values of files, on the output's row of the manifest.
    structure
        Returns the voxels that labels mark as a structure, shape (slices, rows, columns); None where none does.
    """

    modality: str
    series: Mapping[str, Any]
    sources: Sequence[SourceSlice]
    folder: Path | None
    warn: Callable[[str], None]
    structure: Callable[[str], NDArray[np.bool_] | None] = lambda _: None


@dataclass(frozen=True)
class StepKind:
    """One kind of step.

    Attributes
    ----------
    apply
        Does it. Raises `refusal.Refused` where the volume cannot be treated.
    read
        Takes the parameters from the recipe, checks them, fills in the defaults and calls ``section.finish()``;
        returns plain JSON values.
    rests_on
        Hashes of the files that the step reads: outputs are made again where they change. Raises `DqkitError` where
        one is missing, before any work is done.
    leaves_units
        Tells whether values lie within 0 to 1, or a few deviations around 0, behind it: whole numbers lose them.
    """

    apply: Callable[[Volume, Mapping[str, Any], StepContext], Volume]
    read: Callable[[Section], Mapping[str, Any]]
    rests_on: Callable[[Mapping[str, Any], Path | None], tuple[str, ...]] = lambda _params, _folder: ()
    leaves_units: Callable[[Mapping[str, Any]], bool] = lambda _params: False


INTENSITY: dict[str, StepKind] = {
    "window": StepKind(window.apply, window.read, leaves_units=lambda params: bool(params.get("scale"))),
    "clip_percentiles": StepKind(clip_percentiles.apply, clip_percentiles.read),
    "min_max": StepKind(min_max.apply, min_max.read, leaves_units=lambda _params: True),
    "z_score": StepKind(z_score.apply, z_score.read, leaves_units=lambda _params: True),
    "n4": StepKind(n4.apply, n4.read),
    "nyul": StepKind(nyul.apply, nyul.read, nyul.rests_on),
    "white_stripe": StepKind(white_stripe.apply, white_stripe.read, leaves_units=lambda _params: True),
}
