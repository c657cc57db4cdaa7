"""Stacks in which no slice shows a fault."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import words_of
from dqkit.rulebook.section import Section

_MOST_NAMED = 5


@dataclass(frozen=True)
class NoSlices:
    """No slice of the stack is one of those that comparing its slices found.

    `of` holds their indices. Names these slices and their files. Unknown where the slices were not looked at.

        check: {no_slices: {of: blank_slices}}
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
        return (self.of, "file_ids")

    @property
    def needs(self) -> Needs:
        """The list of slices."""
        return ((self.of,),)

    def expected(self) -> str:
        """Say what passes."""
        return f"no {words_of(self.of)}"

    def _number(self) -> pl.Expr:
        return pl.col(self.of).list.len().cast(pl.Int64)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        observed = slices_named(words_of(self.of), pl.col(self.of))
        return Compiled(self._number() == 0, observed, files_at(pl.col(self.of)))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of slices."""
        kwargs = {"column": "slices", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"slices": self._number()})


def slices_named(what: str, indices: pl.Expr) -> pl.Expr:
    """Say which slices, from 1, in order of position."""
    number = indices.list.len().cast(pl.Int64)
    numbers = (indices + 1).cast(pl.List(pl.String)).list.head(_MOST_NAMED).list.join(", ")
    more = pl.when(number > _MOST_NAMED).then(
        pl.concat_str(pl.lit(" and "), (number - _MOST_NAMED).cast(pl.String), pl.lit(" more"))
    )
    return pl.concat_str(pl.lit(f"{what}: "), numbers, more.otherwise(pl.lit("")))


def files_at(indices: pl.Expr) -> pl.Expr:
    """Return the files of slices, each once."""
    return pl.col("file_ids").list.gather(indices, null_on_oob=True).list.unique(maintain_order=True)
