"""Entities of one group that must have the same value."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import named
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class AgreeWithin:
    """All entities in scope that share the columns `by` have the same value of `of`.

    Every member of a group that disagrees fails. Unknown where the value or a column of `by` is missing.

        check: {agree_within: {of: KVP, by: [patient_key, ProtocolName]}}
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
        return f"one value of {self.of} within {' and '.join(self.by)}"

    def _kinds(self, inside: pl.Expr) -> pl.Expr:
        known = pl.all_horizontal(pl.col(column).is_not_null() for column in self.columns)
        kinds = pl.col(self.of).filter(inside & known).n_unique().over(self.by)
        return pl.when(known).then(kinds.cast(pl.Int64))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the expressions."""
        observed = pl.concat_str(named(self.of), pl.lit(f"; another value in the same {' and '.join(self.by)}"))
        return Compiled(self._kinds(inside) <= 1, observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:
        """Return ``ExpectColumnValuesToBeBetween`` on the number of values in the group."""
        kwargs = {"column": "kinds", "min_value": 0, "max_value": 1}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"kinds": self._kinds(inside)})
