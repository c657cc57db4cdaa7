"""Values that may occur once in a group."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import listed, named, words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class UniqueWithin:
    """No other entity in scope that shares the columns `by` has the same value of `of`.

    All that share a value fail. Unknown where the value or a column of `by` is missing.

        check: {unique_within: {of: InstanceNumber, by: series_key}}
    """

    of: str
    by: tuple[str, ...]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        return cls(section.column("of", lists=False), section.columns("by", lists=False))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, *self.by)

    @property
    def needs(self) -> Needs:
        """All columns."""
        return tuple((column,) for column in self.columns)

    def expected(self) -> str:
        """Say what passes."""
        return f"each {words_of(self.of)} once within {listed(self.by, ' and ')}"

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the expressions."""
        known = pl.all_horizontal(pl.col(column).is_not_null() for column in self.columns)
        number = (inside & known).fill_null(value=False).sum().over([*self.by, self.of])
        observed = pl.concat_str(named(self.of), pl.lit(" occurs more than once"))
        return Compiled(pl.when(known).then(number <= 1), observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectCompoundColumnsToBeUnique``."""
        columns = list(dict.fromkeys((*self.by, self.of)))
        kwargs = {"column_list": columns}
        return Expectation("ExpectCompoundColumnsToBeUnique", kwargs, {name: pl.col(name) for name in columns})
