"""Files that share something that only one may have."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class NoOthers:
    """A list column that names the files (by file_id) of a fault names none. Never unknown: no list is no fault.

    The files of the list are those at fault.

        check: {no_others: {of: files_same}}
    """

    of: str

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        return cls(section.column("of", ("text",), lists=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of,)

    @property
    def needs(self) -> Needs:
        """Nothing: an absent list is an empty one."""
        return ()

    def expected(self) -> str:
        """Say what passes."""
        return f"no {words_of(self.of)}"

    def _number(self) -> pl.Expr:
        return pl.col(self.of).list.len().fill_null(0).cast(pl.Int64)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        observed = pl.concat_str(self._number().cast(pl.String), pl.lit(f" {words_of(self.of)}"))
        return Compiled(self._number() == 0, observed, pl.col(self.of))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween`` on the number of files."""
        kwargs = {"column": "files", "min_value": 0, "max_value": 0}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"files": self._number()})
