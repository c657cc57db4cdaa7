"""Stacks in which no two slices lie at the same place."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.section import Section
from dqkit.rulebook.steps import POSITIONS, neighbours


@dataclass(frozen=True)
class NoDuplicates:
    """No slice lies where another one does, as measuring the stack found (docs/geometry.md says what one place is).

    `of` holds the indices of the slices that share the place of the one before. Names all slices at such places.
    Unknown where the stack has no positions.

        check: {no_duplicates: {of: duplicates_at}}
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
        """The duplicates and the positions."""
        return ((self.of,), (POSITIONS,))

    def expected(self) -> str:
        """Say what passes."""
        return "every slice at a place of its own"

    def _number(self) -> pl.Expr:
        return pl.when(pl.col(POSITIONS).is_not_null()).then(pl.col(self.of).list.len().cast(pl.Int64))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        number = self._number()
        observed = pl.concat_str(
            number.cast(pl.String),
            pl.when(number > 1).then(pl.lit(" slices lie")).otherwise(pl.lit(" slice lies")),
            pl.lit(" where another one does, first after slice "),
            pl.col(self.of).list.first().cast(pl.String),
        )
        return Compiled(number == 0, observed, neighbours(pl.col(self.of) - 1))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of duplicates."""
        kwargs = {"column": "duplicates", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"duplicates": self._number()})
