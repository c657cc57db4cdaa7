"""Images of one plane that have no place in a volume: mammograms, radiographs, photographs."""

from collections.abc import Callable

import numpy as np

from dqkit.harmonize.depth import to_depth
from dqkit.harmonize.grid import Grid
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.load import frame_of_file, hash_of
from dqkit.harmonize.one_image import Task, with_intensity
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.resample import resample
from dqkit.harmonize.source import Contribution, SourceSlice
from dqkit.harmonize.target import at_spacing
from dqkit.harmonize.values import dtype_for, rescale_into, scale_of
from dqkit.harmonize.volume import Step, Volume


def harmonized_plane(task: Task, warn: Callable[[str], None]) -> HarmonizedImage:
    """Do to a grey 2-D image what its plan says; its only slice stands at the origin of a space of its own.

    Raises
    ------
    Refused
        It is in colour, or its spacing is to be changed and nothing says it.
    OSError
        Its file cannot be read.
    """
    file, recipe = task.stacks[0].files[0], task.recipe
    sha256 = hash_of(file)
    frame = frame_of_file(file, 0)
    scale, background = scale_of(frame, recipe), recipe.padding.of(task.planned.modality)
    voxels = np.empty((1, *frame.pixels.shape), dtype_for(frame))
    padding = rescale_into(voxels[0], frame, scale, background)
    if frame.spacing_mm is None and recipe.resamples:
        raise Refused(Reason.NO_SPACING)
    rows, columns = frame.spacing_mm or (1.0, 1.0)
    affine = np.diag([columns, rows, 1.0, 1.0])
    said = {"convention": scale.convention, "background": background, "padding_voxels": padding}
    volume = Volume(voxels, affine, scale.unit, background, (Step("load", said, affine),))
    before = Grid.of(volume)
    is_whole = scale.is_whole and not recipe.resamples and not recipe.intensity
    if recipe.resamples:
        target = at_spacing(before, recipe.spacing_mm)
        volume = resample(volume, target, recipe.resampling.interpolator, antialias=recipe.resampling.antialias)
    source = SourceSlice(
        file.file_id, file.path, 1, file.sop_instance_uid, file.sop_class_uid, (0.0, 0.0, 0.0),
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), sha256=sha256,
    )  # fmt: skip
    volume = with_intensity(volume, task, (source,), warn)
    return HarmonizedImage(
        volume=to_depth(volume, recipe.bit_depth, is_whole=is_whole),
        sources=(source,),
        made_of=((Contribution(0, 1.0),),),
        before=before,
        recipe=recipe,
        stem=task.planned.name,
        series=task.series,
    )
