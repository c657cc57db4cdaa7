"""From instances to stacks: which slices form one volume, and whether it is a regular one.

Frames (`frames`) are grouped by what never differs inside a volume (`hard`); where slice places then repeat, echo,
b-value, time and the like tell the volumes apart (`soft`); each is measured and judged (`measures`) and named
(`naming`). Nothing here loops over files: Python loops run over groups that repeat their places, and over stacks.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from dqkit.catalog.schema import STACKS, conform, empty
from dqkit.geometry.frames import SOFT, Flags, Floats, Frames, Ints, frames_of
from dqkit.geometry.hard import hard_groups
from dqkit.geometry.measures import (
    Slices,
    Steps,
    line_of,
    number_order,
    planes,
    slice_location_errors_mm,
    slices_missing,
    slices_of,
    steps_of,
    verdicts,
)
from dqkit.geometry.naming import SETTINGS, named
from dqkit.geometry.one_file import stacks_in_one_file
from dqkit.geometry.places import nearness_mm, normals, places, positions_mm
from dqkit.geometry.soft import ORDERING, THICKNESS, Codes, Group, Part, volumes

SOLE = ("SliceThickness", "SpacingBetweenSlices", "GantryDetectorTilt")
"""Attributes reported where all slices of the stack agree."""


def stacks_of(instances: pl.DataFrame) -> pl.DataFrame:
    """Return the stacks of `instances` with verdict and measures.

    Parameters
    ----------
    instances
        All rows of one or more buckets (`catalog.schema.INSTANCES`), of any status. Rows without a position and an
        orientation in the patient form no stack.

    Returns
    -------
    pl.DataFrame
        One row a stack (`catalog.schema.STACKS`), sorted by series_key and stack_id. Positions in mm along the
        stack's normal, ImageOrientationPatient's row x column (PS3.3 C.7.6.2.1.1), LPS.
    """
    frames = frames_of(instances)
    single = _stacks_of_frames(frames) if frames.size else empty(STACKS)
    return pl.concat([single, stacks_in_one_file(instances)]).sort("series_key", "stack_id")


def _stacks_of_frames(frames: Frames) -> pl.DataFrame:
    stacks, parts = _split(frames)
    slices = slices_of(frames, stacks)
    steps = steps_of(slices)
    first = np.minimum.reduceat(slices.frame, slices.start)
    sole = {name: _sole(frames, slices, name) for name in {*SETTINGS, *SOLE}}
    table = frames.table[first]
    measured = _measured(frames, slices, steps)
    constant = table.select(pl.when(pl.Series(sole[name])).then(pl.col(name)).alias(name) for name in SOLE)
    taken = [name for name in STACKS if name in table.columns and name not in {*SOLE, *measured.columns}]
    parts_of_row = [
        named(frames, first, sole, parts),
        table.select(taken),
        constant,
        measured,
        _lists(frames, slices, steps),
    ]
    return conform(pl.concat(parts_of_row, how="horizontal"), STACKS)


def _split(frames: Frames) -> tuple[Ints, list[Part]]:
    """Return the number of each frame's stack, shape (n,), and how each stack came to be."""
    groups = hard_groups(frames)
    position = positions_mm(frames, normals(frames.directions, groups), groups)
    place = places(position, groups, nearness_mm(frames.spacing_mm))
    codes = frames.table.select(pl.col(name).hash() for name in SOFT).to_numpy()
    order_of_volumes = _ordering(frames)
    location = _numbers(frames, "SliceLocation")
    stacks, parts = groups.copy(), [Part(np.empty(0, dtype=np.int64))] * (int(groups.max()) + 1)
    for number, members in _groups_to_split(groups, place, codes[:, THICKNESS]):
        group = Group(place[members], position[members], codes[members], order_of_volumes[members], location[members])
        for i, part in enumerate(volumes(group)):
            stacks[members[part.members]] = number if i == 0 else len(parts)
            if i == 0:
                parts[number] = part
            else:
                parts.append(part)
    return stacks, parts


def _groups_to_split(groups: Ints, place: Ints, thickness: Codes) -> Iterator[tuple[int, Ints]]:
    """Yield groups, with their frames, whose places repeat or whose SliceThickness differs."""
    order = np.argsort(groups, kind="stable")
    start = np.flatnonzero(np.diff(groups[order], prepend=-1))
    count = np.diff(start, append=order.size)
    repeats = np.maximum.reduceat(place[order], start) + 1 < count
    sorted_codes = thickness[order]
    differs = np.logical_or.reduceat(sorted_codes != np.repeat(sorted_codes[start], count), start)
    for number in np.flatnonzero(repeats | differs):
        yield int(number), order[start[number] : start[number] + count[number]]


def _measured(frames: Frames, slices: Slices, steps: Steps) -> pl.DataFrame:
    line = line_of(frames, slices)
    location = _numbers(frames, "SliceLocation")[slices.frame]
    number = np.where(frames.table["in_multi_frame"].to_numpy(), np.nan, _numbers(frames, "number"))[slices.frame]
    measures = {
        "slice_step_mm": steps.nominal_mm,
        "slice_step_min_mm": steps.least_mm,
        "slice_step_max_mm": steps.largest_mm,
        "tilt_deg": line.tilt_deg,
        "off_axis_mm": line.off_axis_mm,
        "orthonormality_error": np.maximum.reduceat(frames.orthonormality[slices.frame], slices.start),
        "slice_location_error_mm": slice_location_errors_mm(location, slices, steps, line),
    }
    return pl.DataFrame(
        {
            "verdict": verdicts(frames, slices, steps, line),
            "is_derived": np.logical_and.reduceat(frames.table["is_derived"].to_numpy()[slices.frame], slices.start),
            "n_slices": slices.count,
            "slices_missing": slices_missing(slices, steps),
            "plane": pl.Series(planes(slices.normal), dtype=pl.String),
            "number_order_agrees": pl.Series(number_order(number, slices), dtype=pl.Boolean),
            **{name: pl.Series(values, nan_to_null=True) for name, values in measures.items()},
        }
    )


def _lists(frames: Frames, slices: Slices, steps: Steps) -> pl.DataFrame:
    """Return the list columns, one row a stack."""
    table = frames.table[slices.frame]
    planar = np.linalg.norm(slices.normal, axis=1) > 0
    lists = (
        pl.DataFrame(
            {
                "stack": slices.stack,
                "slice_positions_mm": slices.position_mm,
                "file_ids": table["file_id"],
                "frame_numbers": table["frame_number"],
                "instance_numbers": table["InstanceNumber"],
            }
        )
        .group_by("stack", maintain_order=True)
        .agg(pl.all())
    )
    repeated = np.flatnonzero((np.diff(slices.stack) == 0) & (np.diff(slices.place) == 0)) + 1
    return lists.with_columns(
        pl.when(pl.Series(planar)).then(pl.col("slice_positions_mm")),
        _indices(slices, steps.after[steps.is_gap]).alias("gap_after"),
        pl.when(pl.Series(planar)).then(_indices(slices, repeated)).alias("duplicates_at"),
    ).drop("stack")


def _indices(slices: Slices, at: Ints) -> pl.Series:
    """Return for each stack the list of those of its slice indices that `at` names (indices into all slices)."""
    named = pl.DataFrame({"stack": slices.stack[at], "index": slices.index[at]}, schema_overrides={"index": pl.Int64})
    lists = named.group_by("stack", maintain_order=True).agg("index")
    stacks = pl.DataFrame({"stack": np.arange(slices.start.size)})
    return (
        stacks.join(lists, on="stack", how="left", maintain_order="left")
        .select(pl.col("index").fill_null(pl.lit([], dtype=pl.List(pl.Int64))))
        .to_series()
    )


def _sole(frames: Frames, slices: Slices, name: str) -> Flags:
    """Return which stacks hold one value of an attribute, shape (k,)."""
    codes = frames.table[name].hash().to_numpy()[slices.frame]
    return ~np.logical_or.reduceat(codes != codes[slices.start][slices.stack], slices.start)


def _numbers(frames: Frames, name: str) -> Floats:
    return np.asarray(frames.table[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy())


def _ordering(frames: Frames) -> Floats:
    """Return what may order volumes, shape (n, len(ORDERING)): times of day as numbers HHMMSS.ffffff, and numbers."""
    return np.column_stack([*(_numbers(frames, name) for name in ORDERING[:-1]), _numbers(frames, "number")])
