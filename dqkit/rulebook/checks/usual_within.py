"""Values that depart from what their group has nearly always."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import every, listed, named
from dqkit.rulebook.section import Section, Tolerance, kind_of


@dataclass(frozen=True)
class UsualWithin:
    """The value is the commonest of those in scope that share the columns `by`, where so many have it that it is usual.

    The commonest value is usual where a `share` of at least `at_least` members has it, and where no value is, nothing
    departs from it; numbers may depart by `tolerance`. With several columns each one that has a value is judged.
    Unknown in smaller groups, and where the value or a column of `by` is missing.

        check: {usual_within: {of: [KVP, SliceThickness], by: [scanner_key, protocol_key], share: 80%, at_least: 10}}
    """

    of: tuple[str, ...]
    by: tuple[str, ...]
    share: float
    at_least: int
    tolerance: Tolerance
    numbers: frozenset[str]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.columns("of", ("text", "number"), lists=False)
        at_least = int(section.number("at_least", 10) or 0)
        share = section.share("share")
        if at_least < 3 or share <= 0.5:  # noqa: PLR2004 - no two values are usual at once
            raise section.error("needs at_least of 3 or more and a share above 50%")
        tolerance = section.tolerance("tolerance") if section.take("tolerance") else Tolerance(0.0, relative=False)
        numbers = frozenset(column for column in of if kind_of(section.schema()[column]) == "number")
        return cls(of, section.columns("by", lists=False), share, at_least, tolerance, numbers)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (*self.of, *self.by)

    @property
    def needs(self) -> Needs:
        """One of the values, and all columns of the group."""
        return (self.of, *((column,) for column in self.by))

    def expected(self) -> str:
        """Say what passes."""
        return f"{listed(self.of, ' and ')} as at least {self.share * 100:g} % of its {listed(self.by, ' and ')}"

    def _good(self, column: str, inside: pl.Expr) -> pl.Expr:
        """Return true where the value is the usual one or none is usual, false where another is."""
        value = pl.col(column)
        known = inside & pl.all_horizontal(pl.col(name).is_not_null() for name in (column, *self.by))
        members = value.filter(known)
        usual = members.mode().min().over(self.by)
        size = members.len().over(self.by)
        alike = self._alike(column, usual)
        number = (alike & known).fill_null(value=False).sum().over(self.by)
        is_usual = number >= self.share * size - _ROUNDING
        return pl.when(known & (size >= self.at_least)).then(alike | ~is_usual)

    def _alike(self, column: str, usual: pl.Expr) -> pl.Expr:
        if column not in self.numbers:
            return pl.col(column) == usual
        return (pl.col(column) - usual).abs() <= self.tolerance.of(usual) + _ROUNDING

    def _judged(self, inside: pl.Expr) -> pl.Expr:
        return every(self.of, lambda column: self._good(column, inside))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the expressions."""
        parts = [pl.when(pl.col(column).is_not_null()).then(named(column)) for column in self.of]
        told = pl.concat_str(parts, separator=", ", ignore_nulls=True)
        others = pl.lit(f"; nearly all others of its {listed(self.by, ' and ')} are alike")
        return Compiled(self._judged(inside), pl.concat_str(told, others))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:
        """Return ``ExpectColumnValuesToBeInSet`` on whether the value is usual."""
        kwargs = {"column": "usual", "value_set": [True]}
        return Expectation("ExpectColumnValuesToBeInSet", kwargs, {"usual": self._judged(inside)})


_ROUNDING = 1e-9
"""What binary fractions lose."""
