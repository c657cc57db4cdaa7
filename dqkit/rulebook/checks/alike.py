"""Lists whose elements must all be the same."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import named, words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class Alike:
    """All elements of a list are equal. Unknown where there is no list, or an empty one.

    check: {alike: {of: volume_sizes}}
    """

    of: str

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        return cls(section.column("of", lists=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of,)

    @property
    def needs(self) -> Needs:
        """The list."""
        return ((self.of,),)

    def expected(self) -> str:
        """Say what passes."""
        return f"{words_of(self.of)} all equal"

    def _kinds(self) -> pl.Expr:
        return pl.when(pl.col(self.of).list.len() > 0).then(pl.col(self.of).list.n_unique().cast(pl.Int64))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        return Compiled(self._kinds() == 1, named(self.of))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of distinct elements."""
        kwargs = {"column": "kinds", "min_value": 1, "max_value": 1}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"kinds": self._kinds()})
