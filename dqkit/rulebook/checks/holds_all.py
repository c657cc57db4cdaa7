"""Lists that must hold certain values."""

from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import value_word, words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class HoldsAll:
    """A list holds every one of the values; it may hold others too. An empty list holds none.

    Unknown where there is no list.

        check: {holds_all: {of: views, values: [R-CC, L-CC, R-MLO, L-MLO]}}
        check: {holds_all: {of: CorrectedImage, values: [ATTN, DECY]}}
    """

    of: str
    values: tuple[Any, ...]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.column("of", ("text", "number"), lists=True)
        values = section.values("values", of)
        if not values:
            raise section.error("names no value", "values: a list of at least one")
        return cls(of, values)

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
        return f"{words_of(self.of)} with {', '.join(value_word(self.of, value) for value in self.values)}"

    def _lacks(self, value: Any) -> pl.Expr:
        return ~pl.col(self.of).list.contains(value)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        missing = [pl.when(self._lacks(value)).then(pl.lit(value_word(self.of, value))) for value in self.values]
        words = pl.concat_str(missing, separator=", ", ignore_nulls=True)
        observed = pl.concat_str(pl.lit(f"{words_of(self.of)} without "), words)
        return Compiled(~pl.any_horizontal(self._lacks(value) for value in self.values), observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of values that are missing."""
        missing = pl.sum_horizontal(self._lacks(value).cast(pl.Int64) for value in self.values)
        kwargs = {"column": "missing", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"missing": missing})
