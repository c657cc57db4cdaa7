"""Pictures of a few images: the slices as they lie in their files, and beside them what was written.

As everywhere, only CT, MR, PT and MG are shown, never where BurnedInAnnotation is YES, never secondary captures.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dqkit.archive.paths import unescape
from dqkit.catalog.tables import Tables
from dqkit.harmonize.volume import LPS_TO_RAS
from dqkit.index.sources import root_path
from dqkit.pixels import canvas, reformat
from dqkit.pixels.canvas import BEFORE, OUTLINE, Picture, Rendered
from dqkit.pixels.slices import SHOWN, OpenFile, Slice, Values, grey, read_slices

_MOST_SLICES = 80
"""Decoded for a picture; of larger stacks every second, third … slice."""

_SIZE = (380, 420)
"""Most pixels (height, width) of either half."""

_FEWEST = 3
"""Slices that a cut is worth drawing for."""

_LEAST_PIXELS = 24
"""Height of a half that is worth looking at."""

_THICK = 1.5
"""Times as far apart as the pixels of a plane are slices that show as steps."""

_FLAT_MM = 25.0
"""Of a thinner volume a cut shows little: it comes last."""

_LEANING_DEG = 1.0
"""Above it the cut shows the plane in which the stack leans."""

_HEAD = 2
"""The patient axis from feet to head."""

_TELLING = ("shear", "even", "split", "copies", "resample", "orient")
"""Steps, those first that change most of what a reader would have seen."""


@dataclass(frozen=True)
class BeforeAfter:
    """A picture with both halves, and what it is of: the row of the manifest."""

    picture: Rendered
    row: Mapping[str, Any]


def before_after(manifest: pl.DataFrame, tables: Tables, images: Path, most: int) -> Iterator[BeforeAfter]:
    """Draw up to `most` images, of different series, steps and sites first; those that may not be shown are passed.

    Parameters
    ----------
    manifest
        Schema HARMONIZED.
    images
        Where its paths begin.
    """
    rows = _chosen(manifest)
    stacks = _stacks(tables, [row["stack_ids"][0] for row in rows])
    open_file = _opener(tables, list(stacks.values()))
    drawn = 0
    for row in rows:
        if drawn == most:
            return
        picture = _picture(stacks.get(row["stack_ids"][0]), open_file, images / row["path"], row)
        if picture is not None:
            drawn += 1
            yield BeforeAfter(picture, row)


def _chosen(manifest: pl.DataFrame) -> list[dict[str, Any]]:
    """Return images in NIfTI whose stack has slices of its own, the most telling first, alike ones last."""
    rows = manifest.filter(
        (pl.col("kind") == "image") & (pl.col("status") == "written") & (pl.col("format") == "nifti")
        & pl.col("Modality").is_in(sorted(SHOWN)) & (pl.col("shape").list.get(2) >= _FEWEST)
    ).sort("path")  # fmt: skip
    found = list(rows.iter_rows(named=True))
    of_series, of_kind = Counter[str](), Counter[tuple[Any, ...]]()
    ranked = []
    for row in found:
        kind = (tuple(row["do"]), row["Modality"], row["site"])
        of_kind[kind] += 1
        of_series[row["series_key"]] += 1
        telling = min((_TELLING.index(step) for step in row["do"] if step in _TELLING), default=len(_TELLING))
        is_flat = row["shape"][2] * row["spacing_mm"][2] < _FLAT_MM
        ranked.append((is_flat, of_series[row["series_key"]], of_kind[kind], telling, row["path"], row))
    return [row for *_, row in sorted(ranked, key=lambda item: item[:-1])]


def _stacks(tables: Tables, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
    ids = pl.DataFrame({"stack_id": sorted(set(wanted))}, schema={"stack_id": pl.String}).lazy()
    found = tables.scan("stacks").join(ids, on="stack_id", how="semi").collect()
    return {row["stack_id"]: row for row in found.iter_rows(named=True) if row["slice_positions_mm"]}


def _opener(tables: Tables, stacks: Sequence[Mapping[str, Any]]) -> OpenFile:
    names = {"file_id": sorted({file for stack in stacks for file in stack["file_ids"]})}
    ids = pl.DataFrame(names, schema={"file_id": pl.String}).lazy()
    roots = dict(tables.scan("sources").select("source_id", "root").collect().iter_rows())
    files = (
        tables.scan("instances").select("file_id", "source_id", "path").join(ids, on="file_id", how="semi").collect()
    )
    paths = {
        file: os.path.join(os.fsencode(root_path(roots[source])), unescape(path))  # noqa: PTH118 - bytes
        for file, source, path in files.iter_rows()
    }
    return paths.__getitem__


def _picture(
    stack: Mapping[str, Any] | None, open_file: OpenFile, image: Path, row: Mapping[str, Any]
) -> Rendered | None:
    if stack is None:
        return None
    try:
        before = _before(stack, open_file)
        if before is None:
            return None
        after = _after(image, before, stack["Modality"])
        both = _side_by_side(before, after, same_grey="intensity" not in row["do"])
        return None if both is None else canvas.encode(both)
    except Exception:  # noqa: BLE001 - a picture is an extra; geometry in files is hostile in more ways than we foresee
        return None


@dataclass(frozen=True)
class _Before:
    """The cut across the slices.

    Attributes
    ----------
    axes, point_mm, thick_mm
        The patient axes that it shows, a place in the middle of it (LPS), and over how much its lines are averaged.
    mirrored
        Whether it is drawn the other way round.
    """

    cut: reformat.Cut
    shade: Callable[[Values], NDArray[np.uint8]]
    axes: tuple[int, int]
    point_mm: Values
    thick_mm: float
    mirrored: bool
    slice_mm: float


def _before(stack: Mapping[str, Any], open_file: OpenFile) -> _Before | None:
    positions = stack["slice_positions_mm"]
    stride = -(-len(positions) // _MOST_SLICES)
    slices = read_slices(stack, open_file, [*range(0, len(positions), stride), len(positions) - 1])
    if not slices or len(slices) < _FEWEST:
        return None
    middle = slices[sorted(slices)[len(slices) // 2]]
    if middle.row is None or middle.column is None or middle.origin_mm is None:
        return None
    normal = np.cross(middle.row, middle.column)
    travel = int(np.abs(normal).argmax())
    leaning = (stack["tilt_deg"] or 0) > _LEANING_DEG
    keep = reformat.drifting_axis(slices) if leaning else "row" if travel == _HEAD else "column"
    kept = middle.row if keep == "row" else middle.column
    along = int(np.abs(kept).argmax())
    if along == travel:
        return None
    cut = reformat.cut(slices, positions, keep=keep)
    # The patient's right, or front, is on the left of a picture
    aside = kept[along] if cut.rows_are_slices else normal[travel]
    across = (middle.column * middle.spacing_mm[0], middle.row * middle.spacing_mm[1])[keep == "column"]
    half = len(cut.lines[min(cut.lines)]) / 2
    point = middle.origin_mm + across * cut.line + kept * cut.step_mm * half
    thick = 2 * float(np.linalg.norm(across))  # of three lines, from the first to the last
    shade, step = grey([middle]), float(stack["slice_step_mm"] or 1.0)
    return _Before(cut, shade, (travel, along), point, thick, bool(aside < 0), step)


def _after(path: Path, before: _Before, modality: str) -> Slice:
    """Return the plane of the patient axes of `before` through its point, of a NIfTI file, head or front up."""
    import nibabel

    image = nibabel.as_closest_canonical(nibabel.load(path))
    voxels = np.asarray(image.dataobj, dtype=np.float32)
    voxels = voxels[..., 0] if voxels.ndim > 3 else voxels  # noqa: PLR2004
    (across,) = {0, 1, 2} - set(before.axes)
    index = np.linalg.solve(image.affine, LPS_TO_RAS @ [*before.point_mm, 1.0])[across]
    reach = before.thick_mm / 2 / float(image.header.get_zooms()[across])
    first, last = (int(np.clip(round(end), 0, voxels.shape[across] - 1)) for end in (index - reach, index + reach))
    plane = np.take(voxels, range(first, last + 1), axis=across).mean(axis=across)
    up, aside = (axis for axis in (2, 1, 0) if axis != across)
    plane = plane.T  # of the two axes that are left, the lower number comes first
    zooms = image.header.get_zooms()
    spacing = float(zooms[up]), float(zooms[aside])
    return Slice(plane[::-1, ::-1].astype(np.float64), spacing, modality, inverted=False, window=None)


def _side_by_side(before: _Before, after: Slice, *, same_grey: bool) -> Picture | None:
    """Return both halves at one scale; None where the volume is so thin that they would show nothing."""
    cut = before.cut
    wide = reformat.whole(cut, 1e6, 1e6, slice_mm=before.slice_mm)
    along, across = wide.end_mm - wide.start_mm, wide.right_mm - wide.left_mm
    size = (along, across) if cut.rows_are_slices else (across, along)
    height, width = after.size_mm
    scale = min(_SIZE[0] / max(size[0], height), _SIZE[1] / max(size[1], width))
    if min(size[0], height) * scale < _LEAST_PIXELS:
        return None
    view = reformat.View(wide.start_mm, wide.end_mm, wide.left_mm, wide.right_mm, scale)
    drawn = reformat.upright(cut, reformat.draw(cut, view, []))
    left = canvas.colour(before.shade(np.nan_to_num(drawn)))[:, :: -1 if before.mirrored else 1]
    shade = before.shade if same_grey else grey([after])
    right = canvas.colour(_enlarged(shade(after.values), after.spacing_mm, scale))
    return canvas.beside([canvas.frame(left, OUTLINE), canvas.frame(right, BEFORE)])


def _enlarged(grey: NDArray[np.uint8], spacing_mm: tuple[float, float], scale: float) -> NDArray[np.uint8]:
    """Return a plane at `scale` pixels per mm; thick slices stay steps, as they are in the other half."""
    from PIL import Image

    size = [max(1, round(n * mm * scale)) for n, mm in zip(grey.shape, spacing_mm, strict=True)]
    thick = next((axis for axis in (0, 1) if spacing_mm[axis] > _THICK * spacing_mm[1 - axis]), None)
    inner = [grey.shape[axis] if axis == thick else size[axis] for axis in (0, 1)]
    smooth = Image.fromarray(grey).resize((inner[1], inner[0]), Image.Resampling.BILINEAR)
    return np.asarray(smooth.resize((size[1], size[0]), Image.Resampling.NEAREST))
