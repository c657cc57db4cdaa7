"""Images of one plane that have no place in a volume: mammograms, radiographs, photographs (docs/images-2d.md)."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dqkit.harmonize.grid import Grid
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.intensity.foreground import foreground
from dqkit.harmonize.load import frame_of_file, hash_of
from dqkit.harmonize.one_image import Task, with_intensity
from dqkit.harmonize.plane.circle import circle_of
from dqkit.harmonize.plane.colour import rgb
from dqkit.harmonize.plane.crop import around, collimation, cut
from dqkit.harmonize.plane.decide import refuse_by_header
from dqkit.harmonize.plane.grey import grey_values
from dqkit.harmonize.plane.orientation import (
    Letters,
    Lying,
    Turn,
    acquisition,
    chest_wall_side,
    in_patient,
    lying,
    standard_letters,
    turn_to,
    turned,
)
from dqkit.harmonize.plane.pack import packed
from dqkit.harmonize.plane.size import grid_of_size, padded
from dqkit.harmonize.plane.spacing import aspect, pixel_size
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.resample import resample
from dqkit.harmonize.source import Contribution, SourceSlice
from dqkit.harmonize.target import at_spacing
from dqkit.harmonize.volume import Step, Volume
from dqkit.pixels.frame import Frame

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Warn = Callable[[str], None]

_GREY = ("MONOCHROME1", "MONOCHROME2")


def harmonized_plane(task: Task, warn: Warn) -> HarmonizedImage:
    """Do to an image of one plane what its plan says.

    Raises
    ------
    Refused
        It is one that the recipe keeps out, or cannot be treated as the recipe says.
    OSError
        Its file cannot be read.
    """
    file, recipe = task.stacks[0].files[0], task.recipe
    sha256 = hash_of(file)
    source = SourceSlice(
        file.file_id, file.path, 1, file.sop_instance_uid, file.sop_class_uid, (0.0, 0.0, 0.0),
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), sha256=sha256,
    )  # fmt: skip
    header = source.header()
    refuse_by_header(header, recipe.planar)
    volume, is_whole = loaded(frame_of_file(file, 0), header, recipe, warn)
    before = Grid.of(volume)
    volume = cropped(volume, header, recipe, warn)
    volume, letters = oriented(volume, header, task.planned.modality, recipe, warn)
    volume, resampled = resized(volume, recipe)
    if volume.voxels.ndim > 3 and recipe.intensity:  # noqa: PLR2004 - colour
        raise Refused(Reason.COLOUR, "steps of intensity are for grey images")
    image = HarmonizedImage(
        volume=volume,
        sources=(source,),
        made_of=((Contribution(0, 1.0),),),
        before=before,
        recipe=recipe,
        stem=task.planned.name,
        series=task.series,
    )
    volume = with_intensity(image, task, warn)
    volume = packed(volume, recipe.bit_depth, is_whole=is_whole and not resampled and not recipe.intensity)
    return replace(image, volume=in_patient(volume, letters, warn))


def loaded(frame: Frame, header: "Dataset", recipe: Recipe, warn: Warn) -> tuple[Volume, bool]:
    """Return an image as the file holds it, in what its values mean; and whether they are whole numbers.

    Its affine leads to mm (or to pixels) in the plane of the file.
    """
    size = pixel_size(header, correct=recipe.planar.magnification == "correct", warn=warn)
    if size.mm is None:
        warn("nothing says how large a pixel is: it counts as 1")
    rows, columns = size.mm or aspect(header)
    affine = np.diag([columns, rows, 1.0, 1.0])
    if frame.photometric in _GREY:
        grey = grey_values(frame, header, recipe.planar.voi, warn)
        said = {"pixel": size.record, "detector": acquisition(header), **grey.record}
        load = (Step("load", said, affine),)
        return Volume(grey.values[None], affine, grey.unit, grey.background, load), grey.is_whole
    samples, record = rgb(frame, header)
    said = {"pixel": size.record, **record}
    voxels = np.moveaxis(samples, -1, 0)[:, None].astype(np.float32)
    return Volume(voxels, affine, "RGB", 0.0, (Step("load", said, affine),)), True


def cropped(volume: Volume, header: "Dataset", recipe: Recipe, warn: Warn) -> Volume:
    """Return an image without what the recipe cuts away."""
    how = recipe.planar.crop
    if how == "collimation":
        box, told = collimation(header, volume, warn)
        return cut(volume, box, told)
    if how == "foreground":
        mask, threshold = foreground(volume)
        found = around(mask[0])
        if found is None:
            warn("no foreground was found: nothing was cut away")
            return volume
        return cut(volume, found, {"kind": how, "threshold": threshold})
    if how == "circle":
        circle = circle_of(volume)
        if circle is None:
            warn("no circle of a fundus camera was found: nothing was cut away")
            return volume
        told = {"kind": how, "row": circle.row, "column": circle.column, "radius": circle.radius}
        return cut(volume, circle.box, told)
    return volume


def oriented(
    volume: Volume, header: "Dataset", modality: str, recipe: Recipe, warn: Warn
) -> tuple[Volume, Letters | None]:
    """Return an image turned to the standard of the recipe, and where its rows and columns run to."""
    lies = lying(header)
    if not recipe.planar.orient:
        return volume, lies.letters
    if lies.letters is None:
        return _by_pixels(volume, lies, modality, recipe, warn), None
    wanted = standard_letters(lies, modality, recipe.planar) or lies.letters
    turn = turn_to(lies.letters, wanted)
    if modality == "MG":
        _warn_of_other_side(volume, turn, wanted, warn)
    mirror = _is_other_eye(lies, recipe.planar.mirror_to)
    if mirror:
        turn = Turn(turn.swap, not turn.flip_columns, turn.flip_rows)
    told = {"by": "PatientOrientation", "from": list(lies.letters), "side": lies.side, "view": lies.view}
    return turned(volume, turn, told), turn.letters(lies.letters)


def _is_other_eye(lies: Lying, mirror_to: str) -> bool:
    """Tell whether an image of one side is to be mirrored, so that all look like the other."""
    return mirror_to != "none" and lies.side in {"R", "L"} and lies.side != mirror_to


def _by_pixels(volume: Volume, lies: Lying, modality: str, recipe: Recipe, warn: Warn) -> Volume:
    """Return a mammogram turned by where the breast lies; any other image as it is."""
    wall = chest_wall_side(volume) if modality == "MG" else ""
    wanted = recipe.planar.chest_wall
    if wanted == "hanging":
        wanted = {"L": "left", "R": "right"}.get(lies.side, "")
    if not wall or not wanted:
        warn("nothing says which way the image lies: it was left so")
        return volume
    warn("nothing says which way the image lies: the chest wall was found in the pixels, up and down are not known")
    return turned(volume, Turn(flip_columns=wall != wanted), {"by": "pixels", "chest_wall": wall, "side": lies.side})


def _warn_of_other_side(volume: Volume, turn: Turn, wanted: Letters, warn: Warn) -> None:
    """Warn where the pixels show the chest wall at the other side than Patient Orientation says."""
    wall = chest_wall_side(turned(volume, turn, {}))
    expected = {"A": "left", "P": "right"}.get(wanted[0], "")
    if wall and expected and wall != expected:
        warn("the breast lies at the other side than Patient Orientation says")


def resized(volume: Volume, recipe: Recipe) -> tuple[Volume, bool]:
    """Return an image at the spacing or size of the recipe, and whether its pixels were interpolated.

    Raises
    ------
    Refused
        A spacing is asked for and nothing says how large a pixel is.
    """
    how = recipe.resampling
    if recipe.planar.size is not None:
        columns, rows = recipe.planar.size
        grid = grid_of_size(volume, columns, rows)
        same = grid.size == Grid.of(volume).size
        moved = volume if same else resample(volume, grid, how.interpolator, antialias=how.antialias)
        return padded(moved, columns, rows), not same
    if not recipe.resamples:
        return volume, False
    if not volume.steps[0].parameters["pixel"]["attribute"]:
        raise Refused(Reason.NO_SPACING)
    grid = at_spacing(Grid.of(volume), recipe.spacing_mm)
    return resample(volume, grid, how.interpolator, antialias=how.antialias), True
