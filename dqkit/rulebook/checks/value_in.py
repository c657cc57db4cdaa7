"""Values that must stand in a list, or must not."""

from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import blamed, every, listed, value_word
from dqkit.rulebook.scope import read_listed
from dqkit.rulebook.section import Section

_SPELT_OUT = 8


@dataclass(frozen=True)
class ValueIn:
    """The value (each one of a list) is among those allowed, written out or as the keys of a vocabulary table.

    With several columns each one that has a value is judged. Unknown where there is none, unless ``missing: fail``.

        check: {value_in: {of: PatientSex, values: [M, F, O]}}
        check: {value_in: {of: TransferSyntaxUID, listed_in: transfer-syntaxes, where: {retired: false}}}
        check: {value_in: {of: LossyImageCompression, values: ["01"], missing: fail}}
    """

    of: tuple[str, ...]
    values: tuple[Any, ...]
    table: str
    missing_fails: bool
    level: Level
    wanted: bool = True

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.columns("of")
        if section.take("listed_in") is not None:
            table, values = read_listed(section, "listed_in")
        else:
            table, values = "", section.values("values", of[0])
        missing = section.choice("missing", ("unknown", "fail"), "unknown")
        return cls(of, values, table, missing == "fail", section.level or Level.FILE)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return self.of

    @property
    def needs(self) -> Needs:
        """One of the columns, unless a missing value fails."""
        return () if self.missing_fails else (self.of,)

    def expected(self) -> str:
        """Say what passes."""
        words = ", ".join(value_word(self.of[0], value) for value in self.values[:_SPELT_OUT])
        if self.table and len(self.values) > _SPELT_OUT:
            words = f"the {len(self.values)} known ({self.table})"
        return f"{listed(self.of, ' and ')} {'is one of' if self.wanted else 'is none of'} {words}"

    def _good(self, column: str) -> pl.Expr:
        kind = FRAMES[self.level][column]
        inner = kind.inner if isinstance(kind, pl.List) else kind
        allowed = pl.Series(self.values).cast(inner).implode()
        if isinstance(kind, pl.List):
            each = pl.element().is_in(allowed)
            good = pl.col(column).list.eval(each if self.wanted else ~each).list.all()
            good = pl.when(pl.col(column).list.len() > 0).then(good)
        else:
            good = pl.col(column).is_in(allowed)
            good = good if self.wanted else ~good
        return good.fill_null(value=False) if self.missing_fails else good

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        return Compiled(every(self.of, self._good), blamed(self.of, self._good))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation | None:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeInSet`` for a single column that is no list."""
        column = self.of[0]
        if len(self.of) > 1 or isinstance(FRAMES[self.level][column], pl.List):
            return None
        kind = "BeInSet" if self.wanted else "NotBeInSet"
        value = pl.col(column).fill_null("") if self.missing_fails else pl.col(column)
        kwargs = {"column": column, "value_set": list(self.values)}
        return Expectation(f"ExpectColumnValuesTo{kind}", kwargs, {column: value})
