"""Text of a certain form."""

import re
from dataclasses import dataclass
from typing import Self

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Compiled, Expectation, Needs
from dqkit.rulebook.document import Node
from dqkit.rulebook.phrase import blamed, every, listed
from dqkit.rulebook.section import Section


@dataclass(frozen=True)
class Matches:
    """The text (each one of a list) matches a regular expression, or with ``not_regex`` does not.

    The expression is searched for anywhere in the text: anchor it with ``^`` and ``$``. It is written in what the Rust
    and Python dialects share: no look-around, no back-references. With several columns each one that has a value is
    judged. Unknown where there is none.

        check: {matches: {of: [StudyInstanceUID, SeriesInstanceUID], regex: '^[0-9.]+$'}}
        check: {matches: {of: PatientID, not_regex: '(?i)^anonym'}}
    """

    of: tuple[str, ...]
    regex: str
    wanted: bool
    level: Level

    @classmethod
    def read(cls, section: Section) -> Self:
        """Read the arguments."""
        of = section.columns("of", ("text",))
        plain, negated = section.take("regex"), section.take("not_regex")
        node = plain or negated
        if node is None or (plain and negated):
            raise section.error("needs one of the keys regex and not_regex")
        return cls(of, _checked(node), plain is not None, section.level or Level.FILE)

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
        return f"{listed(self.of, ' and ')} {'of the form' if self.wanted else 'not of the form'} {self.regex}"

    def _good(self, column: str) -> pl.Expr:
        if isinstance(FRAMES[self.level][column], pl.List):
            each = pl.element().str.contains(self.regex)
            good = pl.col(column).list.eval(each if self.wanted else ~each).list.all()
            return pl.when(pl.col(column).list.len() > 0).then(good)
        found = pl.col(column).str.contains(self.regex)
        return found if self.wanted else ~found

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:  # noqa: ARG002
        """Return the expressions."""
        return Compiled(every(self.of, self._good), blamed(self.of, self._good))

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation | None:  # noqa: ARG002
        """Return ``ExpectColumnValuesToMatchRegex`` for a single column that is no list."""
        column = self.of[0]
        if len(self.of) > 1 or isinstance(FRAMES[self.level][column], pl.List):
            return None
        kind = "MatchRegex" if self.wanted else "NotMatchRegex"
        kwargs = {"column": column, "regex": self.regex}
        return Expectation(f"ExpectColumnValuesTo{kind}", kwargs, {column: pl.col(column)})


def _checked(node: Node) -> str:
    """Return the expression if both dialects take it.

    Raises
    ------
    DqkitError
        One of them does not.
    """
    if not isinstance(node.value, str) or not node.value:
        raise node.mark.error(f"a regular expression is text, not {node.word}", "put it in single quotes")
    try:
        re.compile(node.value)
        pl.Series([""]).str.contains(node.value)
    except (re.error, pl.exceptions.PolarsError) as error:
        raise _dialect_error(node) from error
    return node.value


def _dialect_error(node: Node) -> DqkitError:
    return node.mark.error(
        f"{node.value!r} is no regular expression that both the Rust and Python dialects know",
        "leave look-around and back-references out, close brackets, escape with one backslash",
    )
