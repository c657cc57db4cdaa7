"""Stacks in which no slice is missing."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import millimetres
from dqkit.rulebook.section import Section
from dqkit.rulebook.steps import POSITIONS, neighbours, steps_of, usual_step


@dataclass(frozen=True)
class NoGap:
    """No slice is missing between two others, as measuring the stack found (docs/geometry.md says what a gap is).

    `of` holds the places of the gaps: the indices of the slices before them. Names the slices on both sides of each.
    Unknown where the stack has no positions.

        check: {no_gap: {of: gap_after}}
    """

    of: str

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.STACK:
            raise section.error("is for rules of level stack")
        return cls(section.column("of", ("number",), lists=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, POSITIONS, "file_ids")

    @property
    def needs(self) -> Needs:
        """The gaps and the positions."""
        return ((self.of,), (POSITIONS,))

    def expected(self) -> str:
        """Say what passes."""
        return "no step between slices that skips a slice"

    def _number(self) -> pl.Expr:
        return pl.when(pl.col(POSITIONS).is_not_null()).then(pl.col(self.of).list.len().cast(pl.Int64))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        gaps, number = pl.col(self.of), self._number()
        several = pl.concat_str(number.cast(pl.String), pl.lit(" gaps, the first"))
        observed = pl.concat_str(
            millimetres(steps_of(POSITIONS).list.gather(gaps, null_on_oob=True).list.max()),
            pl.lit(" between slices, usually "),
            millimetres(usual_step(POSITIONS)),
            pl.lit("; "),
            pl.when(number > 1).then(several).otherwise(pl.lit("gap")),
            pl.lit(" after slice "),
            (gaps.list.first() + 1).cast(pl.String),
        )
        return Compiled(number == 0, observed, neighbours(gaps))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of gaps."""
        kwargs = {"column": "gaps", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"gaps": self._number()})
