"""What a recipe does with a stack, by the catalog alone: which steps, in how many parts, or why nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dqkit.geometry.tolerances import OFF_LINE_PIXELS
from dqkit.harmonize.even import even_runs, is_even
from dqkit.harmonize.placed import ALONG_NORMAL_MM, ORTHONORMAL, drift_mm
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Reason, Refused

Row = Mapping[str, Any]
"""A row of the table `stacks`, with `kind`, `photometric`, `pixels` and `offline` beside it (stack_rows.py)."""


@dataclass(frozen=True)
class Part:
    """One image that becomes of a stack.

    Attributes
    ----------
    slices
        First and last + 1 of its slices, copies not counted; None = all.
    do
        The steps, in their order; words of `STEPS`.
    """

    slices: tuple[int, int] | None
    do: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """The parts that are written, and the parts that are not, each with why."""

    parts: tuple[Part, ...] = ()
    refused: tuple[tuple[tuple[int, int] | None, Refused], ...] = ()


STEPS = {
    "copies": "slices with the same pixels at one place count once",
    "split": "cut where slices are missing or the step changes",
    "even": "slices found between their neighbours where they are missing or off the grid",
    "shear": "gantry tilt undone",
    "tilted": "slices left in their own columns; the affine is sheared",
    "orient": "axes swapped and turned over",
    "resample": "brought to the grid of the recipe",
    "intensity": "steps of the recipe",
}
"""Words of a plan -> what they mean."""


def decide(row: Row, recipe: Recipe) -> Decision:
    """Decide about one stack."""
    try:
        _refuse_outright(row, recipe)
        return _of_one_image(recipe) if row["kind"] != "frames" else _of_slices(row, recipe)
    except Refused as refused:
        return Decision(refused=((None, refused),))


def _refuse_outright(row: Row, recipe: Recipe) -> None:
    if row["offline"]:
        raise Refused(Reason.OFFLINE)
    if row["is_localizer"] and recipe.policy.scouts == "skip":
        raise Refused(Reason.SCOUT)
    if row["pixels"]:
        raise Refused(Reason.PIXELS, row["pixels"])
    if row["photometric"] not in {"MONOCHROME1", "MONOCHROME2", None}:
        raise Refused(Reason.COLOUR)
    if row["order_inferred"] and recipe.policy.inferred == "reject":
        raise Refused(Reason.ORDER_INFERRED)
    if row["kind"] == "plain" or row["frames_unplaced"]:
        raise Refused(Reason.POSITIONS_UNKNOWN, "frames of a multi-frame image have no place of their own")
    if not row["PixelSpacing"]:
        raise Refused(Reason.NO_SPACING)
    if min(row["PixelSpacing"]) <= 0:
        raise Refused(Reason.NO_SPACING, "Pixel Spacing is no length")
    if (row["orthonormality_error"] or 0) > ORTHONORMAL:
        raise Refused(Reason.NOT_ORTHONORMAL, f"direction cosines are off by {row['orthonormality_error']:.4f}")


def _of_one_image(recipe: Recipe) -> Decision:
    return Decision((Part(None, _afterwards(recipe)),))


def _of_slices(row: Row, recipe: Recipe) -> Decision:
    if row["slice_positions_mm"] is None:
        raise Refused(Reason.NO_ORIENTATION)
    off, allowed = row["off_axis_mm"] or 0.0, OFF_LINE_PIXELS * min(row["PixelSpacing"])
    if off > allowed:
        raise Refused(Reason.NOT_COLLINEAR, f"a slice is {off:.2f} mm off the line of the others")
    copies = frozenset(row["duplicates_at"] or ())
    if copies and recipe.policy.duplicates == "reject":
        raise Refused(Reason.AMBIGUOUS, f"{len(copies)} slices stand where others stand")
    kept = [i for i in range(len(row["slice_positions_mm"])) if i not in copies]
    place = [row["slice_positions_mm"][i] for i in kept]
    if copies and len(place) == 1:
        raise Refused(Reason.AMBIGUOUS, "all slices stand at one place")
    gaps = [sum(i <= gap for i in kept) for gap in row["gap_after"] or ()]  # first slice behind each gap
    first = ("copies",) if copies else ()
    if gaps and recipe.policy.gaps == "reject":
        raise Refused(Reason.GAP, _gap_words(row, len(gaps)))
    bounds = [0, *gaps, len(place)] if recipe.policy.gaps == "split" else [0, len(place)]
    decision = Decision()
    for low, high in pairwise(bounds):
        found = _of_run(row, recipe, (low, high), place[low:high], has_gap=bool(gaps) and len(bounds) == 2)  # noqa: PLR2004
        decision = Decision(decision.parts + found.parts, decision.refused + found.refused)
    whole = (0, len(place))
    return Decision(
        tuple(Part(*_shown(part, whole, first)) for part in decision.parts),
        tuple((None if slices == whole else slices, refused) for slices, refused in decision.refused),
    )


def _gap_words(row: Row, gaps: int) -> str:
    missing = row["slices_missing"] or 0
    slices = "slice is" if missing == 1 else "slices are"
    return f"{missing} {slices} missing at {gaps} {'place' if gaps == 1 else 'places'}"


def _shown(
    part: Part, whole: tuple[int, int], first: tuple[str, ...]
) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    is_whole = part.slices == whole
    return (None if is_whole else part.slices), (*first, *(() if is_whole else ("split",)), *part.do)


def _of_run(row: Row, recipe: Recipe, run: tuple[int, int], place: list[float], *, has_gap: bool) -> Decision:
    """Decide about slices without a gap, or with gaps that are to be interpolated."""
    if len(place) == 1 and recipe.policy.single == "reject":
        return Decision(refused=((run, Refused(Reason.SINGLE)),))
    policy = "interpolate" if has_gap else recipe.policy.irregular
    if is_even(place):
        return Decision((Part(run, _steps(row, recipe, place)),))
    if policy == "interpolate":
        return Decision((Part(run, ("even", *_steps(row, recipe, place))),))
    if policy == "split":
        found = Decision()
        for low, high in even_runs(place):
            one = _of_run(row, recipe, (run[0] + low, run[0] + high), place[low:high], has_gap=False)
            found = Decision(found.parts + one.parts, found.refused + one.refused)
        return found
    steps = np.diff(place)
    return Decision(refused=((run, Refused(Reason.IRREGULAR, f"steps of {steps.min():.2f} to {steps.max():.2f} mm")),))


def _steps(row: Row, recipe: Recipe, place: list[float]) -> tuple[str, ...]:
    leaning = drift_mm(row["tilt_deg"], place) > ALONG_NORMAL_MM
    tilt = ("shear" if recipe.policy.tilt == "correct" else "tilted",) if leaning else ()
    return (*tilt, *_afterwards(recipe))


def _afterwards(recipe: Recipe) -> tuple[str, ...]:
    orient = ("orient",) if recipe.orientation.axes != "keep" else ()
    resample = ("resample",) if recipe.resamples else ()
    return (*orient, *resample, *(("intensity",) if recipe.intensity else ()))
