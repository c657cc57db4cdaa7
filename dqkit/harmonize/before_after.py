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
        after = _after(image, before.axes, stack["Modality"])
        return canvas.encode(_side_by_side(before, after, same_grey="intensity" not in row["do"]))
    except Exception:  # noqa: BLE001 - a picture is an extra; geometry in files is hostile in more ways than we foresee
        return None


@dataclass(frozen=True)
class _Before:
    """The cut across the slices: its grey scale, the patient axes it shows, whether it is drawn the other way round."""

    cut: reformat.Cut
    shade: Callable[[Values], NDArray[np.uint8]]
    axes: tuple[int, int]
    mirrored: bool
    slice_mm: float


def _before(stack: Mapping[str, Any], open_file: OpenFile) -> _Before | None:
    positions = stack["slice_positions_mm"]
    stride = -(-len(positions) // _MOST_SLICES)
    slices = read_slices(stack, open_file, [*range(0, len(positions), stride), len(positions) - 1])
    if not slices or len(slices) < _FEWEST:
        return None
    middle = slices[sorted(slices)[len(slices) // 2]]
    if middle.row is None or middle.column is None:
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
    return _Before(cut, grey([middle]), (travel, along), bool(aside < 0), float(stack["slice_step_mm"] or 1.0))


def _after(path: Path, axes: tuple[int, int], modality: str) -> Slice:
    """Return the plane of two patient axes through the middle of what a NIfTI file shows, head or front up."""
    import nibabel

    image = nibabel.as_closest_canonical(nibabel.load(path))
    voxels = np.asarray(image.dataobj, dtype=np.float32)
    voxels = voxels[..., 0] if voxels.ndim > 3 else voxels  # noqa: PLR2004
    (across,) = {0, 1, 2} - set(axes)
    plane = np.take(voxels, _middle(voxels, across), axis=across)
    up, aside = (axis for axis in (2, 1, 0) if axis != across)
    plane = plane.T  # of the two axes that are left, the lower number comes first
    zooms = image.header.get_zooms()
    spacing = float(zooms[up]), float(zooms[aside])
    return Slice(plane[::-1, ::-1].astype(np.float64), spacing, modality, inverted=False, window=None)


def _middle(voxels: NDArray[np.float32], axis: int) -> int:
    """Return the plane through the centre of the body."""
    coarse = voxels[::2, ::2, ::2]
    weight = (coarse > np.percentile(coarse, 60)).sum(axis=tuple(a for a in range(3) if a != axis)).astype(float)
    if not weight.any():
        return voxels.shape[axis] // 2
    return int(min(voxels.shape[axis] - 1, 2 * round(float(weight @ np.arange(weight.size) / weight.sum()))))


def _side_by_side(before: _Before, after: Slice, *, same_grey: bool) -> Picture:
    cut = before.cut
    wide = reformat.whole(cut, 1e6, 1e6, slice_mm=before.slice_mm)
    along, across = wide.end_mm - wide.start_mm, wide.right_mm - wide.left_mm
    size = (along, across) if cut.rows_are_slices else (across, along)
    height, width = after.size_mm
    scale = min(_SIZE[0] / max(size[0], height), _SIZE[1] / max(size[1], width))
    view = reformat.View(wide.start_mm, wide.end_mm, wide.left_mm, wide.right_mm, scale)
    drawn = reformat.upright(cut, reformat.draw(cut, view, []))
    left = canvas.colour(before.shade(np.nan_to_num(drawn)))[:, :: -1 if before.mirrored else 1]
    shade = before.shade if same_grey else grey([after])
    right = canvas.scaled(canvas.colour(shade(after.values)), round(width * scale), round(height * scale))
    return canvas.beside([canvas.frame(left, OUTLINE), canvas.frame(right, BEFORE)])
