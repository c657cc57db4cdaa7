"""Stacks in which no two slices lie at the same place."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.section import Section
from dqkit.rulebook.steps import TOUCHING_MM, neighbours, steps_of


@dataclass(frozen=True)
class NoDuplicates:
    """Neighbouring slices are more than `closer_than_mm` apart.

    Names the slices that share a place. Unknown where there are fewer than two positions.

        check: {no_duplicates: {of: slice_positions_mm, closer_than_mm: 0.01}}
    """

    of: str
    closer_than_mm: float

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.STACK:
            raise section.error("is for rules of level stack")
        closest = section.number("closer_than_mm", TOUCHING_MM) or 0.0
        return cls(section.column("of", ("number",), lists=True), closest)

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
        return f"slices more than {self.closer_than_mm:g} mm apart"

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        same = steps_of(self.of).list.eval((pl.element() <= self.closer_than_mm).arg_true())
        observed = pl.concat_str(
            (same.list.len()).cast(pl.String), pl.lit(" slices lie where another one does, first after slice "),
            (same.list.first() + 1).cast(pl.String),
        )  # fmt: skip
        passes = steps_of(self.of).list.min() > self.closer_than_mm
        return Compiled(passes, observed, neighbours(same))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the smallest step."""
        kwargs = {"column": "smallest", "min_value": self.closer_than_mm, "strict_min": True}
        frame = {"smallest": steps_of(self.of).list.min()}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, frame)
