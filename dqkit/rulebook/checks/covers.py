"""Lists of numbers that must have one in each of several ranges."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.document import Node
from dqkit.rulebook.phrase import named, words_of
from dqkit.rulebook.section import Section, is_kind

Range = tuple[float | None, float | None]
"""Least and greatest, both included; None = no bound on that side."""

_ENDS = 2


@dataclass(frozen=True)
class Covers:
    """A list has a number in every one of the ranges; bounds are included, and null leaves a side open.

    Unknown where there is no list.

        check: {covers: {of: b_values, ranges: [[50, 100], [800, 1000], [1400, null]]}}
    """

    of: str
    ranges: tuple[Range, ...]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.column("of", ("number",), lists=True)
        node = section.need("ranges")
        if not isinstance(node.value, tuple) or not node.value:
            raise node.mark.error(f"'ranges' is a list of ranges, not {node.word}", "such as [[0, 50], [800, null]]")
        return cls(of, tuple(_range(item) for item in node.value))

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
        return f"{words_of(self.of)} {', '.join(_words(bounds) for bounds in self.ranges)}"

    def _misses(self, bounds: Range) -> pl.Expr:
        least, most = bounds
        inside = [pl.element() >= least] if least is not None else []
        inside += [pl.element() <= most] if most is not None else []
        return ~pl.col(self.of).list.eval(pl.all_horizontal(inside)).list.any()

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        missed = [pl.when(self._misses(bounds)).then(pl.lit(_words(bounds))) for bounds in self.ranges]
        words = pl.concat_str(missed, separator=", ", ignore_nulls=True)
        observed = pl.concat_str(named(self.of), pl.lit("; none "), words)
        return Compiled(~pl.any_horizontal(self._misses(bounds) for bounds in self.ranges), observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of ranges without a value."""
        missed = pl.sum_horizontal(self._misses(bounds).cast(pl.Int64) for bounds in self.ranges)
        kwargs = {"column": "missed", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"missed": missed})


def _range(node: Node) -> Range:
    ends = node.value
    if not isinstance(ends, tuple) or len(ends) != _ENDS:
        raise node.mark.error(f"a range has a least and a greatest value, not {node.word}", "such as [800, null]")
    for end in ends:
        if end.value is not None and not is_kind(end.value, "number"):
            raise end.mark.error(f"an end of a range must be a number or null, not {end.word}")
    least, most = (None if end.value is None else float(end.value) for end in ends)
    if least is None and most is None:
        raise node.mark.error("a range needs an end", "such as [800, null]")
    if least is not None and most is not None and least > most:
        raise node.mark.error(f"the range {least:g} to {most:g} is empty", "the least value first")
    return least, most


def _words(bounds: Range) -> str:
    least, most = bounds
    if least is None:
        return f"at most {most:g}"
    return f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"
