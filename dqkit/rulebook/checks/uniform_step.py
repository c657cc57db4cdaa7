"""Stacks whose slices lie at equal distances."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import millimetres
from dqkit.rulebook.section import Section, Tolerance
from dqkit.rulebook.steps import neighbours, off_grid, steps_of, usual_step


@dataclass(frozen=True)
class UniformStep:
    """Every step between neighbouring slices is within `tolerance` of the usual (median) one.

    `tolerance` is a percentage or millimetres. Steps may differ by more where all slices lie within `grid_mm` (and a
    tenth of a step) of an even grid: positions are written with few decimals. Names the slices on both sides of each
    odd step. Unknown where there are fewer than two positions.

        check: {uniform_step: {of: slice_positions_mm, tolerance: 1%, grid_mm: 0.06}}
    """

    of: str
    tolerance: Tolerance
    grid_mm: float

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.STACK:
            raise section.error("is for rules of level stack")
        grid_mm = section.number("grid_mm", 0.0) or 0.0
        return cls(section.column("of", ("number",), lists=True), section.tolerance("tolerance"), grid_mm)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, "file_ids")

    @property
    def needs(self) -> Needs:
        """The positions."""
        return ((self.of,),)

    def expected(self) -> str:
        """Say what passes."""
        return f"every step within {self.tolerance.words('mm')} of the median step"

    def _excess(self) -> pl.Expr:
        """Return how far each step is from the usual one, as a multiple of what is tolerated."""
        usual = usual_step(self.of)
        off = (steps_of(self.of) - usual).list.eval(pl.element().abs())
        return off / (self.tolerance.of(usual) + _ROUNDING)

    def _passes(self) -> pl.Expr:
        even = self._excess().list.max() <= 1
        allowed = pl.min_horizontal(pl.lit(self.grid_mm), usual_step(self.of) * _PART_OF_A_STEP)
        return even | (off_grid(self.of) <= allowed)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        odd = self._excess().list.eval((pl.element() > 1).arg_true())
        steps = steps_of(self.of)
        observed = pl.concat_str(
            pl.lit("steps of "),
            millimetres(steps.list.min()),
            pl.lit(" to "),
            millimetres(steps.list.max()),
            pl.lit(", usually "),
            millimetres(usual_step(self.of)),
            pl.lit("; first odd one after slice "),
            (odd.list.first() + 1).cast(pl.String),
        )
        return Compiled(self._passes(), observed, neighbours(odd))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the worst step, zero where the slices lie on a grid."""
        worst = pl.when(self._passes()).then(0.0).otherwise(self._excess().list.max())
        return Expectation("ExpectColumnValuesToBeBetween", {"column": "excess", "max_value": 1.0}, {"excess": worst})


_ROUNDING = 1e-9
"""What binary fractions lose, in millimetres."""

_PART_OF_A_STEP = 0.1
"""Bounds `grid_mm` where steps are small (house style)."""
