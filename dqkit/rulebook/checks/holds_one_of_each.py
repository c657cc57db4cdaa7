"""Lists that must hold one value of each of several sets."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.document import Node
from dqkit.rulebook.phrase import value_word, words_of
from dqkit.rulebook.section import Section, close_to
from dqkit.rulebook.vocabulary import load_table, table_names


@dataclass(frozen=True)
class HoldsOneOfEach:
    """A list holds at least one text of every set; a text alone is a set of one. An empty list holds none.

    With ``listed_in`` each text must be a key of that vocabulary table. With ``open_while`` a count, what is missing is
    unknown while that is above zero. Unknown where there is no list.

        check: {holds_one_of_each: {of: roles, sets: [t2, [dce, t1-3d-post]], listed_in: roles}}
        check: {holds_one_of_each: {of: roles, sets: [t2, dwi], open_while: n_unrecognised}}
    """

    of: str
    sets: tuple[tuple[str, ...], ...]
    open_while: str = ""

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.column("of", ("text",), lists=True)
        table = section.choice("listed_in", table_names(), "")
        node = section.need("sets")
        if not isinstance(node.value, tuple) or not node.value:
            raise node.mark.error(f"'sets' is a list of sets, not {node.word}", "such as [t2, [dce, t1-3d-post]]")
        counted = section.column("open_while", ("number",), lists=False) if section.take("open_while") else ""
        return cls(of, tuple(_set(item, table) for item in node.value), counted)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, self.open_while) if self.open_while else (self.of,)

    @property
    def needs(self) -> Needs:
        """The list."""
        return ((self.of,),)

    def expected(self) -> str:
        """Say what passes."""
        return f"{words_of(self.of)} with {', '.join(self._words(one) for one in self.sets)}"

    def _words(self, one: tuple[str, ...]) -> str:
        return " or ".join(value_word(self.of, value) for value in one)

    def _lacks(self, one: tuple[str, ...]) -> pl.Expr:
        return ~pl.any_horizontal(pl.col(self.of).list.contains(value) for value in one)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        missing = [pl.when(self._lacks(one)).then(pl.lit(self._words(one))) for one in self.sets]
        words = pl.concat_str(missing, separator=", ", ignore_nulls=True)
        observed = pl.concat_str(pl.lit(f"{words_of(self.of)} without "), words)
        passes = ~pl.any_horizontal(self._lacks(one) for one in self.sets)
        if self.open_while:
            passes = pl.when(passes | (pl.col(self.open_while) == 0)).then(passes)
        return Compiled(passes, observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of sets of which nothing is there."""
        missing = pl.sum_horizontal(self._lacks(one).cast(pl.Int64) for one in self.sets)
        kwargs = {"column": "missing", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"missing": missing})


def _set(node: Node, table: str) -> tuple[str, ...]:
    items = node.value if isinstance(node.value, tuple) else (node,)
    if not items:
        raise node.mark.error("a set names at least one text")
    for item in items:
        if not isinstance(item.value, str) or not item.value:
            raise item.mark.error(f"a set holds texts, not {item.word}")
        if table and item.value not in load_table(table):
            raise item.mark.error(
                f"there is no {item.value!r} among the {table}", close_to(item.value, load_table(table), table)
            )
    return tuple(item.value for item in items)
