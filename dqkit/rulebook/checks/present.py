"""Attributes that must have a value."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import listed, words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class Present:
    """Each attribute has a value; ``any: true`` asks for one of them, ``empty_ok: true`` accepts an empty one.

    A value that could not be typed is there all the same (another rule speaks of it), and so is one that varies
    inside a series; one that some instances of a series lack is missing. Never unknown.

        check: {present: {of: [Rows, Columns]}}
        check: {present: {of: [PixelSpacing, ImagerPixelSpacing], any: true}}
        check: {present: {of: PatientID, empty_ok: true}}
    """

    of: tuple[str, ...]
    one_suffices: bool
    empty_ok: bool
    level: Level

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        level = section.level or Level.FILE
        empty_ok = section.flag("empty_ok", default=False)
        if empty_ok and level not in (Level.FILE, Level.INSTANCE):
            raise section.error("cannot tell empty from absent at this level", "empty_ok: file and instance only")
        return cls(section.columns("of"), section.flag("any", default=False), empty_ok, level)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return self.of + self._witnesses + (("partly_missing",) if self._is_of_series else ())

    @property
    def needs(self) -> Needs:
        """Nothing: presence is always known."""
        return ()

    @property
    def _witnesses(self) -> tuple[str, ...]:
        """List columns that tell that an attribute is there although its column is null."""
        if self.level in (Level.FILE, Level.INSTANCE):
            return ("untypeable", "empty") if self.empty_ok else ("untypeable",)
        return ("varying",) if self.level is Level.SERIES else ()

    @property
    def _is_of_series(self) -> bool:
        return self.level is Level.SERIES

    def expected(self) -> str:
        """Say what passes."""
        if len(self.of) == 1:
            return f"{words_of(self.of[0])} {'is there, if empty' if self.empty_ok else 'has a value'}"
        return f"{'one' if self.one_suffices else 'each'} of {listed(self.of)} has a value"

    def _there(self, column: str) -> pl.Expr:
        witnessed = [pl.col(name).list.contains(column).fill_null(value=False) for name in self._witnesses]
        there = pl.any_horizontal(pl.col(column).is_not_null(), *witnessed)
        return there & ~self._here_and_there(column) if self._is_of_series else there

    def _here_and_there(self, column: str) -> pl.Expr:
        return pl.col("partly_missing").list.contains(column).fill_null(value=False)

    def _missing(self) -> pl.Expr:
        names = []
        for column in self.of:
            told = pl.lit(words_of(column))
            if self._is_of_series:
                told = pl.when(self._here_and_there(column)).then(pl.lit(f"{column} on some images")).otherwise(told)
            names.append(pl.when(~self._there(column)).then(told))
        return pl.concat_str(names, separator=", ", ignore_nulls=True)

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        there = [self._there(column) for column in self.of]
        passes = pl.any_horizontal(there) if self.one_suffices else pl.all_horizontal(there)
        return Compiled(passes, pl.concat_str(pl.lit("missing: "), self._missing()))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:
        """Return ``ExpectColumnValuesToNotBeNull`` on a column that is null where the check fails."""
        found = pl.when(self.compile(inside).passes).then(pl.lit("there"))
        return Expectation("ExpectColumnValuesToNotBeNull", {"column": "found"}, {"found": found})
