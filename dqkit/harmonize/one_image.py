"""One image of a plan, from its files to voxels of the type that is written."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.depth import to_depth
from dqkit.harmonize.even import EvenVolume, even_volume, without_copies
from dqkit.harmonize.grid import Grid
from dqkit.harmonize.image import HarmonizedImage, LabelFile
from dqkit.harmonize.load import check_room, load_stack
from dqkit.harmonize.made_of import contributions, identical
from dqkit.harmonize.placed import is_tilted, tilt_deg
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.resample import resample, smoothing
from dqkit.harmonize.series_of_volumes import is_time, time_step_s
from dqkit.harmonize.source import Contribution, SourceSlice
from dqkit.harmonize.stack import Stack
from dqkit.harmonize.steps import INTENSITY, StepContext
from dqkit.harmonize.target import straight, target_grid, turned, turns
from dqkit.harmonize.volume import Volume

SAME_GRID_MM = 0.05
"""Corners of volumes of one image lie this close together: the tolerance to which outputs are compared."""


@dataclass(frozen=True)
class Task:
    """What an image is made from; `labels` are the files of labels of its study."""

    planned: PlannedImage
    stacks: tuple[Stack, ...]
    recipe: Recipe
    series: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[LabelFile, ...] = ()


@dataclass(frozen=True)
class Pending:
    """What a worker is given.

    Attributes
    ----------
    task_hash
        Of everything that the outputs depend on: recipe, plan, and the files as they were indexed.
    is_stale
        Its stacks have other files than when it was planned: parts and steps may not hold any more.
    """

    task: Task
    task_hash: str
    is_stale: bool = False

    @property
    def planned(self) -> PlannedImage:
        """What the plan says of the image."""
        return self.task.planned

    @property
    def slices(self) -> int:
        """How many slices are read: the measure of the work."""
        return sum(len(stack.frames) if stack.kind == "frames" else stack.tiles or 1 for stack in self.task.stacks)


@dataclass(frozen=True)
class _Made:
    """A volume on its way, with what it was made of; the voxels of its slices are let go."""

    volume: Volume
    before: Grid
    sources: tuple[SourceSlice, ...]
    made_of: tuple[tuple[Contribution, ...], ...]
    is_whole: bool


def harmonized(task: Task, warn: Callable[[str], None], tick: Callable[[], None] = lambda: None) -> HarmonizedImage:
    """Do to an image what its plan says.

    Parameters
    ----------
    warn
        Takes sentences for the manifest.
    tick
        Called after each slice that was read.

    Raises
    ------
    Refused
        It cannot be done without inventing something.
    OSError
        A file cannot be read, which says nothing about the data.
    """
    volumes = _gathered(task, warn, tick)
    first = volumes[0]
    volume = first.volume if len(volumes) == 1 else _in_time(volumes, task.planned.times)
    if volume.voxels.ndim > 3 and is_time(task.planned.times) and not time_step_s(task.series, task.planned.times):  # noqa: PLR2004
        warn("nothing says one time from volume to volume, or some are missing: the file says none")
    sources = tuple(replace(source, time=t) for t, one in enumerate(volumes) for source in one.sources)
    is_whole = all(one.is_whole for one in volumes) and not task.recipe.intensity
    image = HarmonizedImage(
        volume=volume,
        sources=sources,
        made_of=_in_one_list(volumes),
        before=first.before,
        recipe=task.recipe,
        stem=task.planned.name,
        series=task.series,
        times=task.planned.times,
    )
    volume = with_intensity(image, task, warn)
    return replace(image, volume=to_depth(volume, task.recipe.bit_depth, is_whole=is_whole))


def _gathered(task: Task, warn: Callable[[str], None], tick: Callable[[], None]) -> list[_Made]:
    made: list[_Made] = []
    for stack in task.stacks:
        made.append(_one_volume(stack, task, warn, tick))
        check_room(len(task.stacks) * made[0].volume.voxels.nbytes)
    return made


def _one_volume(stack: Stack, task: Task, warn: Callable[[str], None], tick: Callable[[], None]) -> _Made:
    do, recipe = task.planned.do, task.recipe
    slices = without_copies(load_stack(stack, recipe, tick))
    if task.planned.slices:
        low, high = task.planned.slices
        if not 0 <= low < high <= len(slices.sources):
            raise Refused(Reason.CHANGED, f"there are {len(slices.sources)} slices, and the plan names others")
        slices = slices.take(range(low, high))
    if stack.has_stray_sisters:
        warn("the series holds images that nothing places: they are in no volume")
    if stack.inferred:
        warn("no attribute tells the volumes of the series apart: their order was inferred")
    if stack.modality == "CT" and not slices.scale.unit:
        warn("nothing says that its values are Hounsfield units")
    if len(slices.sources) == 1 and not slices.thickness_mm:
        warn("nothing says how thick the single slice is: 1 mm was taken")
    even = even_volume(slices, interpolate="even" in do)
    if "even" in do:
        warn("slices were interpolated where they are missing or not evenly spaced")
    volume = even.volume
    sheared = is_tilted(volume.affine)
    if sheared and recipe.policy.tilt == "off":
        warn("the slices are tilted and left so: the affine is sheared, and no quaternion can hold it")
        sheared = False
    is_whole = slices.is_whole and np.array_equal(even.weights, np.eye(len(even.weights)))
    if not sheared and not recipe.resamples:
        return _turned(even, recipe, is_whole=is_whole)
    return _regridded(even, recipe, sheared=sheared)


def _turned(even: EvenVolume, recipe: Recipe, *, is_whole: bool) -> _Made:
    """Return the volume with its axes swapped and turned over, no value changed."""
    axes = recipe.orientation.axes
    volume = turned(even.volume, axes)
    order, flips = ((0, 1, 2), (False,) * 3) if axes == "keep" else turns(even.volume.affine, axes)
    count = len(even.weights)
    if order[2] == 2:  # noqa: PLR2004 - slices stay slices
        made_of = identical(even.weights, list(range(count))[:: -1 if flips[2] else 1])
    else:
        made_of = contributions(Grid.of(even.volume), Grid.of(volume), 0.0, even.weights, nearest=True)
    return _Made(volume, Grid.of(even.volume), even.slices.sources, made_of, is_whole)


def _regridded(even: EvenVolume, recipe: Recipe, *, sheared: bool) -> _Made:
    """Return the volume on the grid of the recipe; tilt is undone by the same interpolation."""
    before, volume = Grid.of(even.volume), even.volume
    upright = straight(before) if sheared else before
    target = target_grid(upright, recipe)
    check_room(math.prod(target.size) * volume.voxels.itemsize)
    antialias = recipe.resampling.antialias and recipe.resampling.interpolator != "nearest"
    sigma = smoothing(before, target) if antialias else (0.0, 0.0, 0.0)
    moved = resample(
        volume, target, recipe.resampling.interpolator, antialias=recipe.resampling.antialias, scratch=True
    )
    if recipe.padding.floor is not None and recipe.resampling.interpolator == "bspline":
        np.maximum(moved.voxels, recipe.padding.floor, out=moved.voxels)
    if sheared:
        told = {"tilt_deg": round(tilt_deg(before.affine), 6), "by": "the interpolation of the next step"}
        moved = replace(
            moved, steps=(*volume.after("shear", affine=upright.affine, parameters=told).steps, moved.steps[-1])
        )
    nearest = recipe.resampling.interpolator == "nearest"
    made_of = contributions(before, target, sigma[2], even.weights, nearest=nearest)
    return _Made(moved, before, even.slices.sources, made_of, is_whole=False)


def _in_time(volumes: Sequence[_Made], times: Sequence[Mapping[str, str]]) -> Volume:
    """Return one volume of four axes.

    Raises
    ------
    Refused
        The volumes stand on different grids, or mean different things.
    """
    first = volumes[0].volume
    corners = Grid.of(first).corners_mm
    for one in volumes[1:]:
        other = one.volume
        if other.grid != first.grid or np.abs(Grid.of(other).corners_mm - corners).max() > SAME_GRID_MM:
            raise Refused(Reason.SIZES_DIFFER, "the volumes of the series stand on different grids")
        if other.unit != first.unit:
            raise Refused(Reason.UNITS_DIFFER, f"{first.unit or 'no unit'} and {other.unit or 'no unit'}")
    voxels = np.stack([one.volume.voxels for one in volumes])
    return first.after("stack volumes", voxels=voxels, parameters={"volumes": [dict(time) for time in times]})


def _in_one_list(volumes: Sequence[_Made]) -> tuple[tuple[Contribution, ...], ...]:
    """Return what gave to each slice, the sources of one volume counted after those of the other."""
    found: list[tuple[Contribution, ...]] = []
    before = 0
    for one in volumes:
        found += [tuple(replace(given, source=given.source + before) for given in slice_) for slice_ in one.made_of]
        before += len(one.sources)
    return tuple(found)


def with_intensity(image: HarmonizedImage, task: Task, warn: Callable[[str], None]) -> Volume:
    """Return the volume of an image after the steps of `intensity`."""
    context, volume = context_of(image, task, warn), image.volume
    for step in task.recipe.intensity:
        volume = INTENSITY[step.name].apply(volume, step.params, context)
    return volume


def context_of(image: HarmonizedImage, task: Task, warn: Callable[[str], None]) -> StepContext:
    """Return what steps may know of an image on its grid."""

    def structure(name: str) -> NDArray[np.bool_] | None:
        from dqkit.harmonize.following.structure import structure_mask

        return structure_mask(name, task.labels, image)

    return StepContext(task.planned.modality, task.series, image.sources, task.recipe.folder, warn, structure)
