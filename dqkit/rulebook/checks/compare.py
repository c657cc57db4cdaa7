"""Two attributes of one entity that must stand in a relation."""

from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.phrase import named, words_of
from dqkit.rulebook.section import Section, Tolerance, kind_of

_RELATIONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


@dataclass(frozen=True)
class Compare:
    """`left` stands in the relation `is` to `right` x `times` + `plus` (days, for dates).

    ``tolerance`` (a percentage of `right`, or an amount) goes with ``==`` on numbers; ``magnitude: true`` leaves signs
    aside. Unknown where either is missing.

        check: {compare: {left: BitsStored, is: "<=", right: BitsAllocated}}
        check: {compare: {left: HighBit, is: "==", right: BitsStored, plus: -1}}
        check: {compare: {left: SpacingBetweenSlices, is: "==", right: slice_step_mm, tolerance: 1%, magnitude: true}}
        check: {compare: {left: patient_birth_date, is: "<=", right: study_date}}
    """

    left: str
    relation: str
    right: str
    times: float
    plus: float
    tolerance: Tolerance | None
    magnitude: bool
    kind: str

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        left = section.column("left", lists=False)
        kind = kind_of(section.schema()[left])
        check = cls(
            left=left,
            relation=section.choice("is", _RELATIONS),
            right=section.column("right", (kind,), lists=False),
            times=section.number("times", 1.0) or 0.0,
            plus=section.number("plus", 0.0) or 0.0,
            tolerance=section.tolerance("tolerance") if section.take("tolerance") else None,
            magnitude=section.flag("magnitude", default=False),
            kind=kind,
        )
        check._refuse_nonsense(section)
        return check

    def _refuse_nonsense(self, section: Section) -> None:
        if self.kind in ("text", "flag") and (self.relation not in ("==", "!=") or self.plus or self.times != 1):
            raise section.error(f"compares {self.kind}, which knows only == and !=")
        if self.kind != "number" and (self.tolerance or self.magnitude or self.times != 1):
            raise section.error(f"compares {self.kind}: tolerance, magnitude and times are for numbers")
        if self.tolerance and self.relation != "==":
            raise section.error("has a tolerance, which goes with == alone")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.left, self.right)

    @property
    def needs(self) -> Needs:
        """Both columns."""
        return ((self.left,), (self.right,))

    def expected(self) -> str:
        """Say what passes."""
        factor = f" x {self.times:g}" if self.times != 1 else ""
        shift = f" {'+' if self.plus > 0 else '-'} {abs(self.plus):g}" if self.plus else ""
        slack = f" within {self.tolerance.words()}" if self.tolerance else ""
        return f"{words_of(self.left)} {self.relation} {words_of(self.right)}{factor}{shift}{slack}"

    def _sides(self) -> tuple[pl.Expr, pl.Expr]:
        left, right = pl.col(self.left), pl.col(self.right)
        if self.magnitude:
            left, right = left.abs(), right.abs()
        if self.kind == "number":
            right = right * self.times + self.plus if self.times != 1 or self.plus else right
        elif self.kind == "date" and self.plus:
            right = right + pl.duration(days=int(self.plus))
        return left, right

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        left, right = self._sides()
        if self.tolerance:
            passes = (left - right).abs() <= self.tolerance.of(right) + _ROUNDING
        else:
            passes = getattr(left, _RELATIONS[self.relation])(right)
        observed = pl.concat_str(named(self.left), pl.lit(", "), named(self.right))
        return Compiled(passes, observed)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation | None:
        """Return the pair expectation of the relation, or a range on the excess over the tolerance."""
        left, right = self._sides()
        if self.tolerance:
            excess = (left - right).abs() - self.tolerance.of(right) - _ROUNDING
            kwargs: dict[str, Any] = {"column": "excess", "max_value": 0.0}
            return Expectation("ExpectColumnValuesToBeBetween", kwargs, {"excess": excess})
        if self.relation == "==":
            pair = {"column_A": "left", "column_B": "right"}
            return Expectation("ExpectColumnPairValuesToBeEqual", pair, {"left": left, "right": right})
        if self.relation == "!=":
            kwargs = {"column": "differ", "value_set": [True]}
            return Expectation("ExpectColumnValuesToBeInSet", kwargs, {"differ": self.compile(inside).passes})
        return self._ordered(left, right)

    def _ordered(self, left: pl.Expr, right: pl.Expr) -> Expectation:
        larger, smaller = (left, right) if ">" in self.relation else (right, left)
        kwargs = {"column_A": "larger", "column_B": "smaller", "or_equal": "=" in self.relation}
        kind = "ExpectColumnPairValuesAToBeGreaterThanB"
        frame = {"larger": larger, "smaller": smaller}
        if self.kind == "date":
            frame = {name: side.cast(pl.Date).cast(pl.Int32).cast(pl.Int64) for name, side in frame.items()}
        return Expectation(kind, kwargs, frame)


_ROUNDING = 1e-9
"""What binary fractions lose: 0.1 x 3 is no 0.3."""
