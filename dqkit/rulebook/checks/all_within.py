"""Several numbers, each in a range of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import named, words_of
from dqkit.rulebook.section import Section, checked_column

Bounds = tuple[str, float | None, float | None]
"""Column, least and greatest value, both included."""


@dataclass(frozen=True)
class AllWithin:
    """Each number lies in its own range, bounds included. Unknown where one of them is missing.

    check: {all_within: {Rows: {min: 1024}, Columns: {min: 800, max: 6000}}}
    """

    of: tuple[Bounds, ...]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        return cls(tuple(_bounds(section)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return tuple(column for column, _, _ in self.of)

    @property
    def needs(self) -> Needs:
        """All of the columns."""
        return tuple((column,) for column in self.columns)

    def expected(self) -> str:
        """Say what passes."""
        return ", ".join(_words(bounds) for bounds in self.of)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        bad = [pl.when(~_good(bounds)).then(named(bounds[0])) for bounds in self.of]
        observed = pl.concat_str(bad, separator="; ", ignore_nulls=True)
        return Compiled(pl.all_horizontal(_good(bounds) for bounds in self.of), observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on how many of them lie outside."""
        outside = pl.sum_horizontal((~_good(bounds)).cast(pl.Int64) for bounds in self.of)
        kwargs = {"column": "outside", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"outside": outside})


def _bounds(section: Section) -> Iterator[Bounds]:
    if not section.keys():
        raise section.error("names no column", "such as Rows: {min: 1024}")
    for name in section.keys():  # noqa: SIM118 - a Section is no dict
        node = section.need(name)
        column = section.named_column(name)
        checked_column(type(node)(column, node.mark), section.schema(), ("number",), lists=False, level=section.level)
        inner = Section(node, f"range of {column}", section.level)
        least, most = inner.number("min"), inner.number("max")
        inner.finish()
        if least is None and most is None:
            raise inner.error("has no bound", "allowed: min, max")
        yield column, least, most


def _good(bounds: Bounds) -> pl.Expr:
    column, least, most = bounds
    tests = [pl.col(column) >= least] if least is not None else []
    tests += [pl.col(column) <= most] if most is not None else []
    return pl.all_horizontal(tests)


def _words(bounds: Bounds) -> str:
    column, least, most = bounds
    words = [f"at least {least:g}" if least is not None else "", f"at most {most:g}" if most is not None else ""]
    return f"{words_of(column)} {' and '.join(word for word in words if word)}"
