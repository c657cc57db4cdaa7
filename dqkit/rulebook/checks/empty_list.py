"""Lists of faults that must be empty."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import shown, words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class EmptyList:
    """A list column in which reading a file collected faults holds none. Never unknown: no list is no fault.

    check: {empty_list: {of: untypeable}}
    """

    of: str

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        return cls(section.column("of", ("text",), lists=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of,)

    @property
    def needs(self) -> Needs:
        """Nothing: an absent list is an empty one."""
        return ()

    def expected(self) -> str:
        """Say what passes."""
        return f"nothing {words_of(self.of)}"

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        return Compiled(pl.col(self.of).list.len().fill_null(0) == 0, shown(self.of))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the length of the list."""
        length = pl.col(self.of).list.len().fill_null(0).cast(pl.Int64)
        kwargs = {"column": "length", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"length": length})
