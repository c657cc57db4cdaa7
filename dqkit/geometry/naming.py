"""What a stack is called: the attributes that tell it from its sisters, and an id that outlives other files."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from dqkit.geometry.frames import HARD, SOFT, Flags, Floats, Frames, Ints
from dqkit.geometry.hard import SPLITTERS, splitters
from dqkit.geometry.soft import Part
from dqkit.identity import stack_id

TIMING = ("AcquisitionNumber", "TriggerTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime")
SETTINGS = tuple(name for name in SOFT if name not in TIMING)
"""Soft attributes that enter every id: the first echo of a series keeps its id when a second one arrives."""

OFF_BOUNDARY = 1 / 3
"""Grids for ids are shifted by this part of a cell, so that no short decimal lies on a boundary."""


def named(frames: Frames, first: Ints, sole: dict[str, Flags], parts: list[Part]) -> pl.DataFrame:
    """Return stack_id, split_by, split_key and order_inferred of each stack.

    Parameters
    ----------
    frames
        All frames.
    first
        First frame of each stack, shape (k,): it stands for the stack.
    sole
        For each of `SETTINGS`, which stacks hold one value of it, shape (k,).
    parts
        How each stack was split off its hard group.
    """
    text = _text(frames.table[first])
    names = _split_by(splitters(frames)[first], parts)
    split = [i for i, by in enumerate(names) if by]
    rows = dict(zip(split, _readable(frames, first[split], text[split]).iter_rows(named=True), strict=True))
    fixed = _fixed(frames, first, text, sole)
    for i in split:
        timing = tuple(name for name in parts[i].by if name in TIMING)
        fixed[i] += _key(rows[i], timing, parts[i])
    return pl.DataFrame(
        {
            "stack_id": pl.Series(_unique_ids(fixed, frames, first), dtype=pl.String),
            "split_by": _lists_of(names),
            "split_key": pl.Series(
                [_key(rows[i], by, parts[i]) if by else "" for i, by in enumerate(names)], dtype=pl.String
            ),
            "order_inferred": pl.Series([bool(part.inferred) for part in parts], dtype=pl.Boolean),
        }
    )


def _split_by(varies: Flags, parts: list[Part]) -> list[tuple[str, ...]]:
    """Return the attributes that tell each stack from its sisters: hard ones that differ in the series, then soft."""
    names = [tuple(dict.fromkeys(part.by)) for part in parts]
    for i in np.flatnonzero(varies.any(axis=1)):
        names[i] = (*(name for name, differs in zip(SPLITTERS, varies[i], strict=True) if differs), *names[i])
    return names


def _lists_of(names: list[tuple[str, ...]]) -> pl.Series:
    """Return a list column of few distinct values; building each list by itself would cost more than all else."""
    index = {name: i for i, name in enumerate(dict.fromkeys(names))}
    distinct = pl.Series("split_by", [list(name) for name in index], dtype=pl.List(pl.String))
    return distinct[[index[name] for name in names]]


def _text(table: pl.DataFrame) -> pl.DataFrame:
    """Return the attributes that can split as text."""
    kinds = table.schema
    return table.select(
        pl.col(name).cast(pl.List(pl.String)).list.join("\\")
        if isinstance(kinds[name], pl.List)
        else pl.col(name).cast(pl.String)
        for name in (*HARD, *SOFT)
    )


def _readable(frames: Frames, first: Ints, text: pl.DataFrame) -> pl.DataFrame:
    """Return what stands in split_key, one row for each of the stacks whose first frames are given."""
    return text.with_columns(
        pl.Series("ImageOrientationPatient", _joined(frames.directions[first].round(4)), dtype=pl.String),
        pl.Series("PixelSpacing", _joined(frames.spacing_mm[first].round(6)), dtype=pl.String),
    )


def _joined(numbers: Floats) -> list[str]:
    return ["\\".join(f"{number + 0.0:g}" for number in row) for row in numbers.tolist()]


def _key(row: dict[str, str | None], names: Iterable[str], part: Part) -> str:
    pairs = [f"{name}={row[name] or ''}" for name in names if not (part.inferred and name == part.by[-1])]
    return "; ".join([*pairs, f"{part.by[-1]}={part.inferred}"] if part.inferred else pairs)


def _fixed(frames: Frames, first: Ints, text: pl.DataFrame, sole: dict[str, Flags]) -> list[str]:
    """Return what is the same for all slices of a stack and stays so when files of other stacks come or go."""
    with np.errstate(divide="ignore"):
        spacing = np.log(np.maximum(frames.spacing_mm[first], 1e-9)) * 500
    cells = np.floor(np.hstack([frames.directions[first] * 1000, spacing]) + OFF_BOUNDARY).astype(np.int64)
    settings = [pl.when(pl.Series(sole[name])).then(pl.col(name)).fill_null("") for name in SETTINGS]
    place = pl.DataFrame(cells, schema=[f"cell{i}" for i in range(cells.shape[1])]).cast(pl.String)
    fixed = text.select(*(pl.col(name).fill_null("") for name in HARD), *settings).hstack(place)
    return fixed.select(pl.concat_str(pl.all(), separator=";")).to_series().to_list()


def _unique_ids(keys: list[str], frames: Frames, first: Ints) -> list[str]:
    """Return one id a stack; stacks that only differ below the grid of their keys take their first frame in."""
    series = frames.table["series_key"][first].to_list()
    ids = [stack_id(one, key) for one, key in zip(series, keys, strict=True)]
    taken: set[str] = set()
    for i, name in enumerate(ids):
        if name in taken:
            row = int(first[i])
            file_id, frame = frames.table["file_id"][row], frames.table["frame_number"][row]
            ids[i] = stack_id(series[i], f"{keys[i]};{file_id};{frame}")
        taken.add(ids[i])
    return ids
