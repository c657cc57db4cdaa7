"""Distances between neighbouring slices, as list expressions over the positions of a stack.

Positions are millimetres on the slice normal, ascending; ``file_ids`` is aligned with them.
"""

import polars as pl

POSITIONS = "slice_positions_mm"

TOUCHING_MM = 1e-4
"""Slices nearer than this make no step (the smallest of geometry/tolerances.py)."""


def steps_of(positions: str) -> pl.Expr:
    """Return the n - 1 distances between neighbours; null without positions."""
    # list.diff loses the type of a column that is null throughout (polars 2.1); diff inside list.eval keeps it
    return pl.col(positions).list.eval(pl.element().diff(null_behavior="drop"))


def usual_step(positions: str) -> pl.Expr:
    """Return the median distance, the lower of the middle two, duplicates aside; null where there is no step."""
    apart = steps_of(positions).list.eval(pl.element().filter(pl.element() > TOUCHING_MM).sort())
    middle = (pl.max_horizontal(apart.list.len().cast(pl.Int64) - 1, 0)) // 2
    return apart.list.get(middle, null_on_oob=True)


def off_grid(positions: str) -> pl.Expr:
    """Return the largest distance of a slice from the evenly spaced grid that fits best (least squares)."""
    place = pl.int_range(pl.len()) - (pl.len() - 1) / 2
    away = pl.element() - pl.element().mean()
    pitch = (place * away).sum() / (place * place).sum()
    return pl.col(positions).list.eval((away - pitch * place).abs()).list.max()


def neighbours(indices: pl.Expr) -> pl.Expr:
    """Return the file_ids on both sides of the steps at `indices` (0-based), in order, each once."""
    before = pl.col("file_ids").list.gather(indices, null_on_oob=True)
    after = pl.col("file_ids").list.gather(indices + 1, null_on_oob=True)
    return pl.concat_list(before, after).list.unique(maintain_order=True)
