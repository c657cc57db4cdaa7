"""Stacks in which no slice is missing."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import millimetres
from dqkit.rulebook.section import Section
from dqkit.rulebook.steps import neighbours, relative_steps, steps_of, usual_step


@dataclass(frozen=True)
class NoGap:
    """No step between neighbouring slices is as large as `larger_than` times the usual (median) one.

    Names the slices on both sides of each gap. Unknown where there are fewer than two positions.

        check: {no_gap: {of: slice_positions_mm, larger_than: 150%}}
    """

    of: str
    larger_than: float

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.STACK:
            raise section.error("is for rules of level stack")
        return cls(section.column("of", ("number",), lists=True), section.share("larger_than"))

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
        return f"every step below {self.larger_than * 100:g} % of the median step"

    def _largest(self) -> pl.Expr:
        return relative_steps(self.of).list.max()

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        gaps = relative_steps(self.of).list.eval((pl.element() >= self.larger_than).arg_true())
        number = gaps.list.len()
        several = pl.concat_str(number.cast(pl.String), pl.lit(" gaps, the first"))
        observed = pl.concat_str(
            millimetres(steps_of(self.of).list.max()),
            pl.lit(" between slices, usually "),
            millimetres(usual_step(self.of)),
            pl.lit("; "),
            pl.when(number > 1).then(several).otherwise(pl.lit("gap")),
            pl.lit(" after slice "),
            (gaps.list.first() + 1).cast(pl.String),
        )
        return Compiled(self._largest() < self.larger_than, observed, neighbours(gaps))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the largest step, relative to the usual one."""
        kwargs = {"column": "largest", "max_value": self.larger_than, "strict_max": True}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"largest": self._largest()})
