"""Lists of a certain length."""

from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import words_of
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class ListCount:
    """A list has as many elements as it should: between `min` and `max`, or as many as the column `equals` says.

    ``per: 3`` counts groups of three, such as the coordinates of a position. Unknown where there is no list.

        check: {list_count: {of: PixelSpacing, min: 2, max: 2}}
        check: {list_count: {of: frame_positions_mm, per: 3, equals: NumberOfFrames}}
    """

    of: str
    per: int
    least: int | None
    most: int | None
    equals: str

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        equals = section.column("equals", ("number",), lists=False) if section.take("equals") else ""
        least, most = section.number("min"), section.number("max")
        if not equals and least is None and most is None:
            raise section.error("says no number", "allowed: min, max, equals")
        per = int(section.number("per", 1) or 0)
        if per < 1:
            raise section.error("counts groups of 'per' elements: 1 or more")
        whole = [None if bound is None else int(bound) for bound in (least, most)]
        return cls(section.column("of", lists=True), per, whole[0], whole[1], equals)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.of, self.equals) if self.equals else (self.of,)

    @property
    def needs(self) -> Needs:
        """The list, and the column that says its length."""
        return tuple((column,) for column in self.columns)

    def expected(self) -> str:
        """Say what passes."""
        bounds = [
            f"at least {self.least}" if self.least is not None else "",
            f"at most {self.most}" if self.most is not None else "",
            f"as many as {self.equals}" if self.equals else "",
        ]
        return f"{' and '.join(word for word in bounds if word)} of {words_of(self.of)}"

    def _count(self) -> pl.Expr:
        return pl.col(self.of).list.len().cast(pl.Int64) // self.per

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        count = self._count()
        tests = [count >= self.least] if self.least is not None else []
        tests += [count <= self.most] if self.most is not None else []
        tests += [count == pl.col(self.equals)] if self.equals else []
        words = [pl.lit(f"{words_of(self.of)}: "), count.cast(pl.String), pl.lit(" given")]
        if self.equals:
            words += [pl.lit(f", {self.equals} "), pl.col(self.equals).cast(pl.String)]
        return Compiled(pl.all_horizontal(tests), pl.concat_str(words))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation | None:  # noqa: ARG002
        """Return a range on the length, or ``ExpectColumnPairValuesToBeEqual``."""
        if self.equals and self.least is None and self.most is None:
            pair = {"column_A": "count", "column_B": "wanted"}
            frame = {"count": self._count(), "wanted": pl.col(self.equals)}
            return Expectation("ExpectColumnPairValuesToBeEqual", pair, frame)
        if self.equals:
            return None
        kwargs: dict[str, Any] = {"column": "count", "min_value": self.least, "max_value": self.most}
        return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"count": self._count()})
