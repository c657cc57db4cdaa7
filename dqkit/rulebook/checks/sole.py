"""Attributes that must be the same throughout a series."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class Sole:
    """No attribute of those named has more than one value in the series. Never unknown: what is absent does not vary.

    check: {sole: {of: [Rows, Columns]}}
    """

    of: tuple[str, ...]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.SERIES:
            raise section.error("is for rules of level series")
        return cls(section.columns("of"))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (*self.of, "varying", "varying_values")

    @property
    def needs(self) -> Needs:
        """Nothing."""
        return ()

    def expected(self) -> str:
        """Say what passes."""
        return f"one value of {', '.join(self.of)} throughout the series"

    def _varies(self, column: str) -> pl.Expr:
        return pl.col("varying").list.contains(column).fill_null(value=False)

    def _named(self, column: str) -> pl.Expr:
        place = pl.col("varying").list.eval((pl.element() == column).arg_true()).list.first()
        count = pl.col("varying_values").list.get(place, null_on_oob=True).fill_null("several")
        return pl.when(self._varies(column)).then(pl.concat_str(pl.lit(f"{column}: "), count, pl.lit(" values")))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        passes = ~pl.any_horizontal(self._varies(column) for column in self.of)
        names = [self._named(column) for column in self.of]
        return Compiled(passes, pl.concat_str(names, separator="; ", ignore_nulls=True))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of attributes that vary."""
        number = pl.sum_horizontal(self._varies(column).cast(pl.Int64) for column in self.of)
        kwargs = {"column": "varying", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"varying": number})
