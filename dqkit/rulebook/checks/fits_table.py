"""Two attributes that must go together, by a vocabulary table."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import named
from dqkit.rulebook.section import Section, close_to
from dqkit.rulebook.vocabulary import load_table, table_names

_BETWEEN = "\x1f"


@dataclass(frozen=True)
class FitsTable:
    """The value of `of` is among those that a vocabulary table lists, as `property`, for the value of `by`.

    A key that the table does not know, or has no such property for, goes with anything. Unknown where either is
    missing.

        check: {fits_table: {of: Modality, by: SOPClassUID, table: sop-classes, property: modalities}}
    """

    of: str
    by: str
    table: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        node = section.need("table")
        if node.value not in table_names():
            raise node.mark.error(
                f"there is no vocabulary table {node.value!r}", close_to(str(node.value), table_names(), "tables")
            )
        table = load_table(str(node.value))
        prop = section.choice("property", sorted({name for row in table.values() for name in row}))
        pairs = tuple((key, str(value)) for key, row in table.items() for value in row.get(prop, ()))
        of, by = section.column("of", lists=False), section.column("by", ("text",), lists=False)
        return cls(of, by, str(node.value), pairs)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, self.by)

    @property
    def needs(self) -> Needs:
        """Both columns."""
        return ((self.of,), (self.by,))

    def expected(self) -> str:
        """Say what passes."""
        return f"{self.of} that goes with {self.by} (table {self.table})"

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        pair = pl.concat_str(pl.col(self.by), pl.lit(_BETWEEN), pl.col(self.of).cast(pl.String))
        fits = pair.is_in([f"{key}{_BETWEEN}{value}" for key, value in self.pairs])
        free = ~pl.col(self.by).is_in(list(dict(self.pairs)))
        return Compiled(
            pl.when(pair.is_not_null()).then(fits | free), pl.concat_str(named(self.of), pl.lit(", "), named(self.by))
        )

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnPairValuesToBeInSet``."""
        bound = pl.col(self.by).is_in(list(dict(self.pairs)))
        by, of = pl.col(self.by), pl.col(self.of).cast(pl.String)
        kwargs = {"column_A": "by", "column_B": "of", "value_pairs_set": [*self.pairs, ("", "")]}
        frame = {
            "by": pl.when(bound).then(by).otherwise(pl.lit("")),
            "of": pl.when(bound).then(of).otherwise(pl.lit("")),
        }
        return Expectation("ExpectColumnPairValuesToBeInSet", kwargs, frame)
