"""Numbers far from those of their group."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import listed, named, words_of
from dqkit.rulebook.section import Section

_MAD_TO_SIGMA = 1.4826
_MEAN_DEVIATION_TO_SIGMA = 1.2533
"""Median and mean absolute deviation of a normal distribution, as its standard deviation (Iglewicz & Hoaglin 1993,
How to Detect and Handle Outliers); the mean serves where more than half of the group are equal."""


@dataclass(frozen=True)
class OutlierWithin:
    """The robust z-score of a number among the entities in scope that share the columns `by` is at most `z`.

    Unknown where the value or a column of `by` is missing, and in groups of fewer than `at_least`.

        check: {outlier_within: {of: SliceThickness, by: [site, Modality], z: 3.5, at_least: 20}}
    """

    of: str
    by: tuple[str, ...]
    z: float
    at_least: int

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        z = section.number("z", 3.5) or 0.0
        at_least = int(section.number("at_least", 20) or 0)
        if z <= 0 or at_least < 3:  # noqa: PLR2004 - a spread needs three values
            raise section.error("needs z above 0 and at_least of 3 or more")
        of = section.column("of", ("number",), lists=False)
        return cls(of, section.columns("by", lists=False), z, at_least)

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
        return f"{words_of(self.of)} within {self.z:g} robust standard deviations of its {listed(self.by, ' and ')}"

    def _score(self, inside: pl.Expr) -> pl.Expr:
        known = pl.all_horizontal(pl.col(column).is_not_null() for column in self.columns)
        members = pl.col(self.of).cast(pl.Float64).filter(inside & known)
        off = (members - members.median()).abs()
        spread = (
            pl.when(off.median() > 0)
            .then(off.median() * _MAD_TO_SIGMA)
            .otherwise(off.mean() * _MEAN_DEVIATION_TO_SIGMA)
        )
        distance = (pl.col(self.of) - members.median().over(self.by)).abs()
        sigma = spread.first().over(self.by)
        score = pl.when(distance == 0).then(0.0).otherwise(distance / sigma)
        return pl.when(known & (members.len().over(self.by) >= self.at_least)).then(score)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the expressions."""
        observed = pl.concat_str(named(self.of), pl.lit(f", far from others of its {listed(self.by, ' and ')}"))
        return Compiled(self._score(inside) <= self.z, observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:
        """Return ``ExpectColumnValuesToBeBetween`` on the score."""
        kwargs = {"column": "score", "max_value": self.z}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"score": self._score(inside)})
