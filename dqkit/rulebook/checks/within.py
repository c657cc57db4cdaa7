"""Numbers and dates that must lie in a range."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import blamed, every, listed
from dqkit.rulebook.section import Section, is_kind, kind_of

TODAY = "today"
_BOUNDS = ("min", "max", "above", "below")
_WORDS = {"min": "at least", "max": "at most", "above": "above", "below": "below"}


@dataclass(frozen=True)
class Within:
    """A number or date (each one of a list) lies in a range; ``above`` and ``below`` exclude the bound itself.

    ``today`` is the day of the run and one more, as a scanner may stand east of here. ``slack`` is how far beyond a
    bound a number still passes: what rounding in headers costs. With several columns each one that has a value is
    judged. Unknown where there is none.

        check: {within: {of: PixelSpacing, above: 0, max: 20}}
        check: {within: {of: SliceThickness, max: 2.5, slack: 0.005}}
        check: {within: {of: study_date, min: 1970-01-01, max: today}}
    """

    of: tuple[str, ...]
    bounds: tuple[tuple[str, Any], ...]
    level: Level
    slack: float = 0.0

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.columns("of", ("number", "date"))
        kind = kind_of(section.schema()[of[0]])
        bounds: list[tuple[str, Any]] = []
        for key in _BOUNDS:
            node = section.take(key)
            if node is None:
                continue
            if not is_kind(node.value, kind) and not (kind == "date" and node.value == TODAY):
                raise node.mark.error(f"{key!r} must be a {kind} like {of[0]}, not {node.word}")
            bounds.append((key, node.value))
        if not bounds:
            raise section.error("has no bound", f"allowed: {', '.join(_BOUNDS)}")
        slack = section.number("slack", 0.0) or 0.0
        if slack < 0 or (slack and kind != "number"):
            raise section.error("has a slack, which is for numbers, and not below zero")
        return cls(of, tuple(bounds), section.level or Level.FILE, slack)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return self.of

    @property
    def needs(self) -> Needs:
        """One of the columns."""
        return (self.of,)

    def expected(self) -> str:
        """Say what passes."""
        return f"{listed(self.of, ' and ')} {' and '.join(f'{_WORDS[key]} {bound}' for key, bound in self.bounds)}"

    def _good(self, column: str) -> pl.Expr:
        if isinstance(FRAMES[self.level][column], pl.List):
            good = pl.col(column).list.eval(self._inside(pl.element())).list.all()
            return pl.when(pl.col(column).list.len() > 0).then(good)
        return self._inside(pl.col(column))

    def _inside(self, value: pl.Expr) -> pl.Expr:
        tests = {"min": value.ge, "max": value.le, "above": value.gt, "below": value.lt}
        return pl.all_horizontal(tests[key](pl.lit(self._loose(key, bound))) for key, bound in self.bounds)

    def _loose(self, key: str, bound: Any) -> Any:
        """Return a bound with what is let pass beyond it."""
        if not self.slack:
            return _date_of(bound)
        return bound - self.slack if key in ("min", "above") else bound + self.slack

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        return Compiled(every(self.of, self._good), blamed(self.of, self._good))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation:  # noqa: ARG002
        """Return ``ExpectColumnValuesToBeBetween``: on the column, or on how many of several or a list lie outside."""
        column = self.of[0]
        if len(self.of) > 1 or isinstance(FRAMES[self.level][column], pl.List):
            outside = pl.sum_horizontal((~self._good(name)).fill_null(value=False).cast(pl.Int64) for name in self.of)
            none = {"column": "outside", "min_value": 0, "max_value": 0}
            return Expectation("ExpectColumnValuesToBeBetween", none, {"outside": outside})
        found = dict(self.bounds)
        kwargs: dict[str, Any] = {"column": column}
        for side, plain, strict in (("min", "min", "above"), ("max", "max", "below")):
            bound = found.get(strict, found.get(plain))
            if bound is not None:
                kwargs[f"{side}_value"] = _number_of(self._loose(plain, bound))
                kwargs[f"strict_{side}"] = strict in found
        value = pl.col(column)
        if FRAMES[self.level][column] == pl.Date():
            value = value.cast(pl.Int32).cast(pl.Int64)  # days since 1970: pandas compares dates with nothing else
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {column: value})


def _date_of(bound: Any) -> Any:
    return dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1) if bound == TODAY else bound


def _number_of(bound: Any) -> Any:
    return (bound - dt.date(1970, 1, 1)).days if isinstance(bound, dt.date) else bound
