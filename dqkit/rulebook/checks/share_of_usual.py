"""Numbers far below or above the median of their group."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import listed, named, words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class ShareOfUsual:
    """A number is between `min` and `max` times the median of those in scope that share the columns `by`.

    Where fewer than a `share` of the group are (default: none need be), its numbers scatter and none is judged odd.
    Unknown where the number or a column of `by` is missing, and in groups of fewer than `at_least`.

        check: {share_of_usual: {of: n_frames, by: [scanner_key, protocol_key], min: 0.5, share: 90%, at_least: 10}}
    """

    of: str
    by: tuple[str, ...]
    least: float | None
    most: float | None
    share: float
    at_least: int

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        least, most = section.number("min"), section.number("max")
        at_least = int(section.number("at_least", 10) or 0)
        if (least is None and most is None) or at_least < 3:  # noqa: PLR2004 - two have no middle
            raise section.error("needs min or max, and at_least of 3 or more")
        of = section.column("of", ("number",), lists=False)
        share = section.share("share") if section.take("share") else 0.0
        return cls(of, section.columns("by", lists=False), least, most, share, at_least)

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
        bounds = [
            f"at least {self.least:g} x" if self.least is not None else "",
            f"at most {self.most:g} x" if self.most is not None else "",
        ]
        bound = " and ".join(word for word in bounds if word)
        return f"{words_of(self.of)} {bound} the median of its {listed(self.by, ' and ')}"

    def _ratio(self, inside: pl.Expr) -> pl.Expr:
        known = inside & pl.all_horizontal(pl.col(column).is_not_null() for column in self.columns)
        members = pl.col(self.of).cast(pl.Float64).filter(known)
        median = members.median().over(self.by)
        enough = members.len().over(self.by) >= self.at_least
        return pl.when(known & enough & (median > 0)).then(pl.col(self.of) / median)

    def _passes(self, inside: pl.Expr) -> pl.Expr:
        ratio = self._ratio(inside)
        tests = [ratio >= self.least] if self.least is not None else []
        tests += [ratio <= self.most] if self.most is not None else []
        near = pl.all_horizontal(tests)
        return near | (near.mean().over(self.by) < self.share - _ROUNDING) if self.share else near

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the expressions."""
        observed = pl.concat_str(named(self.of), pl.lit(f", unlike others of its {listed(self.by, ' and ')}"))
        return Compiled(self._passes(inside), observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:
        """Return ``ExpectColumnValuesToBeInSet`` on whether the number is near the median."""
        kwargs = {"column": "near", "value_set": [True]}
        return Expectation("ExpectColumnValuesToBeInSet", kwargs, {"near": self._passes(inside)})


_ROUNDING = 1e-9
"""What binary fractions lose."""
