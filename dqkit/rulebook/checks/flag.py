"""A yes or no that must be one of them."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import flag_words
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class Flag:
    """A Boolean column is as wanted. Unknown where it is null.

    check: {flag: {of: has_preamble, is: true}}
    """

    of: str
    wanted: bool

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        section.need("is")
        return cls(section.column("of", ("flag",)), section.flag("is", default=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of,)

    @property
    def needs(self) -> Needs:
        """The column."""
        return ((self.of,),)

    def expected(self) -> str:
        """Say what passes."""
        return flag_words(self.of, value=self.wanted)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        return Compiled(pl.col(self.of) == self.wanted, pl.lit(flag_words(self.of, value=not self.wanted)))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeInSet``."""
        kwargs = {"column": self.of, "value_set": [self.wanted]}
        return Expectation("ExpectColumnValuesToBeInSet", kwargs, {self.of: pl.col(self.of)})
