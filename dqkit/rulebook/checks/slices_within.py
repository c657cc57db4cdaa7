"""Stacks whose every slice has a number in a range."""

from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.checks.no_slices import files_at, slices_named
from dqkit.rulebook.phrase import words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class SlicesWithin:
    """A number measured on each slice lies in a range, bounds included; slices without one are left aside.

    `of` is a list aligned with the slices. Names the slices outside and their files, and the worst value. Unknown
    where the slices were not looked at.

        check: {slices_within: {of: slice_clipped_shares, max: 0.001}}
    """

    of: str
    least: float | None
    most: float | None

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        if section.level is not Level.STACK:
            raise section.error("is for rules of level stack")
        least, most = section.number("min"), section.number("max")
        if least is None and most is None:
            raise section.error("has no bound", "allowed: min, max")
        return cls(section.column("of", ("number",), lists=True), least, most)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, "file_ids")

    @property
    def needs(self) -> Needs:
        """The numbers."""
        return ((self.of,),)

    def expected(self) -> str:
        """Say what passes."""
        bounds = [f"at least {self.least:g}" if self.least is not None else ""]
        bounds.append(f"at most {self.most:g}" if self.most is not None else "")
        return f"{words_of(self.of)} {' and '.join(word for word in bounds if word)} on every slice"

    def _outside(self) -> pl.Expr:
        """Return the indices of the slices that lie outside."""
        value = pl.element()
        beyond = [value < self.least] if self.least is not None else []
        beyond += [value > self.most] if self.most is not None else []
        return pl.col(self.of).list.eval(pl.any_horizontal(beyond).fill_null(value=False).arg_true().cast(pl.Int64))

    def _number(self) -> pl.Expr:
        return pl.when(pl.col(self.of).is_not_null()).then(self._outside().list.len().cast(pl.Int64))

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        values = pl.col(self.of).list.drop_nulls()
        worst = values.list.max() if self.least is None else values.list.min()
        observed = pl.concat_str(
            pl.lit(f"{words_of(self.of)} "),
            worst.cast(pl.Float64).round_sig_figs(3).cast(pl.String).str.strip_suffix(".0"),
            pl.lit("; "),
            slices_named("slices", self._outside()),
        )
        return Compiled(self._number() == 0, observed, files_at(self._outside()))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of slices outside."""
        kwargs: dict[str, Any] = {"column": "slices", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"slices": self._number()})
