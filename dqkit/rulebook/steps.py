"""Distances between neighbouring slices, as list expressions over the positions of a stack.

Positions are millimetres on the slice normal, ascending (``slice_positions_mm``); ``file_ids`` is aligned with them.
"""

import polars as pl

TOUCHING_MM = 0.01
"""Slices nearer than this are at the same place: scanners write positions no more precisely (house style)."""


def steps_of(positions: str) -> pl.Expr:
    """Return the n - 1 distances between neighbours; null without positions."""
    # list.diff loses the type of a column that is null throughout (polars 2.1); diff inside list.eval keeps it
    return pl.col(positions).list.eval(pl.element().diff(null_behavior="drop"))


def usual_step(positions: str) -> pl.Expr:
    """Return the median distance, duplicates left aside; null where there are fewer than two places."""
    apart = steps_of(positions).list.eval(pl.element().filter(pl.element() > TOUCHING_MM))
    return apart.list.median()


def relative_steps(positions: str) -> pl.Expr:
    """Return the distances as multiples of the usual one."""
    return steps_of(positions) / usual_step(positions)


def neighbours(indices: pl.Expr) -> pl.Expr:
    """Return the file_ids on both sides of the steps at `indices` (0-based), in order, each once."""
    before = pl.col("file_ids").list.gather(indices, null_on_oob=True)
    after = pl.col("file_ids").list.gather(indices + 1, null_on_oob=True)
    return pl.concat_list(before, after).list.unique(maintain_order=True)
