"""``dqkit landmarks``: the images of a plan -> the standard histogram of each modality and role."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dqkit import __version__
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError, IncompleteError, NothingToCheckError
from dqkit.harmonize.intensity import nyul
from dqkit.harmonize.intensity.landmarks import Landmarks, Standard, learn
from dqkit.harmonize.one_image import Pending, context_of, harmonized
from dqkit.harmonize.plan import Plan
from dqkit.harmonize.planar import harmonized_plane
from dqkit.harmonize.recipe import IntensityStep, Recipe
from dqkit.harmonize.refusal import Refused
from dqkit.harmonize.tasks import pending_of
from dqkit.identity import Pseudonyms
from dqkit.index.progress import Progress, Silent
from dqkit.index.shards import process_pool

STEP = "nyul"


@dataclass(frozen=True)
class Measured:
    """What one image gave.

    Attributes
    ----------
    found
        Values at the percentiles; empty where the image was refused.
    refused
        Why.
    failed
        What kept us from it: says nothing about the data.
    """

    modality: str
    role: str
    stacks: tuple[str, ...]
    found: tuple[float, ...] = ()
    refused: str = ""
    failed: str = ""


@dataclass(frozen=True)
class Learnt:
    """Landmarks, and what to say of how they came about.

    Attributes
    ----------
    images
        (modality, role) -> images that they were learnt on.
    refused
        Reason -> images that could not be used.
    """

    landmarks: Landmarks
    images: Mapping[tuple[str, str], int]
    refused: Mapping[str, int]


def learn_landmarks(
    plan: Plan, tables: Tables, pseudonyms: Pseudonyms, workers: int = 1, progress: Progress | None = None
) -> Learnt:
    """Learn the landmarks that the step ``nyul`` of a plan's recipe asks for, on the images of the plan alone.

    Each image goes through everything that the recipe does before that step.

    Raises
    ------
    DqkitError
        The recipe has no such step.
    NothingToCheckError
        No image of the plan could be used.
    IncompleteError
        An image could not be read: landmarks of a part would pass for those of the whole.
    """
    progress = progress or Silent()
    params, before = _step_of(plan.recipe)
    until = replace(plan.recipe, intensity=before, bit_depth="float32")
    todo = list(pending_of(replace(plan, recipe=until), tables))
    progress.stage("learning (images)", len(todo))
    measured: list[Measured] = []
    for one in _all_measured(todo, params, workers):
        measured.append(one)
        progress.advance(1)
    failed = Counter(one.failed for one in measured if one.failed)
    if failed:
        why, count = failed.most_common(1)[0]
        raise IncompleteError(
            f"{sum(failed.values())} of {len(measured)} images could not be read: {why} ({count})",
            "mend that and run the same command again",
        )
    return _learnt(plan, params, before, measured, pseudonyms)


def _step_of(recipe: Recipe) -> tuple[Mapping[str, Any], tuple[IntensityStep, ...]]:
    """Return the parameters of the step that is learnt, and the steps before it."""
    places = [i for i, step in enumerate(recipe.intensity) if step.name == STEP]
    if len(places) != 1:
        raise DqkitError(
            f"the recipe {recipe.name} has {len(places) or 'no'} steps {STEP}: there is nothing to learn",
            f"add one to its intensity: - {STEP}: {{landmarks: landmarks.json}}",
        )
    return recipe.intensity[places[0]].params, recipe.intensity[: places[0]]


def _all_measured(todo: Sequence[Pending], params: Mapping[str, Any], workers: int) -> Iterator[Measured]:
    if workers <= 1 or len(todo) <= 1:
        for one in todo:
            yield measure(one, params)
        return
    with process_pool(min(workers, len(todo))) as pool:
        for done in as_completed([pool.submit(measure, one, params) for one in todo]):
            yield done.result()


def measure(pending: Pending, params: Mapping[str, Any]) -> Measured:
    """Return what one image gives to the landmarks."""
    role = str(pending.task.series.get("role") or "")
    answer = Measured(pending.planned.modality, role, pending.planned.stacks)
    make = harmonized_plane if "image" in pending.planned.do else harmonized
    ignored: Callable[[str], None] = lambda _: None  # noqa: E731
    try:
        if not all(stack.files for stack in pending.task.stacks):
            return replace(answer, failed="the catalog no longer holds it: plan again")
        image = make(pending.task, ignored)
        found, _ = nyul.measure(image.volume, params, context_of(image, pending.task, ignored))
    except Refused as refused:
        return replace(answer, refused=str(refused.reason))
    except OSError as error:
        return replace(answer, failed=error.strerror or "I/O error")
    except MemoryError:
        return replace(answer, failed="memory ran out")
    return replace(answer, found=tuple(found.tolist()))


def _learnt(
    plan: Plan,
    params: Mapping[str, Any],
    before: Sequence[IntensityStep],
    measured: Sequence[Measured],
    pseudonyms: Pseudonyms,
) -> Learnt:
    groups: dict[tuple[str, str], list[Measured]] = {}
    for one in sorted(measured, key=lambda one: one.stacks):  # sums do not hang on which worker was first
        if one.found:
            groups.setdefault((one.modality, one.role), []).append(one)
    refused = dict(sorted(Counter(one.refused for one in measured if one.refused).items()))
    if not groups:
        raise NothingToCheckError(
            "no image of the plan could be used", f"refused: {', '.join(refused) or 'the plan has no image'}"
        )
    standards = [
        Standard(modality, role, learn([np.array(one.found) for one in images]), _names(images, pseudonyms))
        for (modality, role), images in sorted(groups.items())
    ]
    landmarks = Landmarks(
        tuple(params["percentiles"]), tuple(standards), f"{plan.recipe.name} {plan.recipe.version}", plan.recipe.sha256,
        tuple({step.name: dict(step.params)} for step in before), ", ".join(plan.selected), __version__,
    )  # fmt: skip
    return Learnt(landmarks, {key: len(images) for key, images in sorted(groups.items())}, refused)


def _names(images: Sequence[Measured], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    return tuple(sorted(pseudonyms.of("stack", stack) for one in images for stack in one.stacks))
