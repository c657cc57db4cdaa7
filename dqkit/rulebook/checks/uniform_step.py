"""Stacks whose slices lie at equal distances."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import millimetres
from dqkit.rulebook.section import Section, Tolerance
from dqkit.rulebook.steps import TOUCHING_MM, neighbours, steps_of, usual_step


@dataclass(frozen=True)
class UniformStep:
    """Every step between neighbouring slices is within `tolerance` of the usual (median) one.

    `tolerance` is a percentage or millimetres; `at_least_mm` keeps the rounding of written positions from counting.
    Names the slices on both sides of each odd step. Unknown where there are fewer than two positions.

        check: {uniform_step: {of: slice_positions_mm, tolerance: 1%, at_least_mm: 0.05}}
    """

    of: str
    tolerance: Tolerance
    at_least_mm: float

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.STACK:
            raise section.error("is for rules of level stack")
        at_least = section.number("at_least_mm", TOUCHING_MM) or 0.0
        return cls(section.column("of", ("number",), lists=True), section.tolerance("tolerance"), at_least)

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
        """Return how far each step is off, as a multiple of what is tolerated."""
        usual = usual_step(self.of)
        tolerated = pl.max_horizontal(self.tolerance.of(usual), pl.lit(self.at_least_mm))
        off = (steps_of(self.of) - usual).list.eval(pl.element().abs())
        return off / (tolerated + _ROUNDING)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        odd = self._excess().list.eval((pl.element() > 1).arg_true())
        steps = steps_of(self.of)
        observed = pl.concat_str(
            pl.lit("steps of "), millimetres(steps.list.min()), pl.lit(" to "), millimetres(steps.list.max()),
            pl.lit(", usually "), millimetres(usual_step(self.of)), pl.lit("; first odd one after slice "),
            (odd.list.first() + 1).cast(pl.String),
        )  # fmt: skip
        return Compiled(self._excess().list.max() <= 1, observed, neighbours(odd))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the worst step."""
        kwargs = {"column": "excess", "max_value": 1.0}
        frame = {"excess": self._excess().list.max()}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, frame)


_ROUNDING = 1e-9
"""What binary fractions lose, in millimetres."""
