"""The scope of a rule: which entities it speaks of.

scope:
  is_image: true                                   # equals
  Modality: [CT, MR, PT]                           # is one of; for a list column: holds one of
  BurnedInAnnotation: {not: "YES"}                 # is none of
  ScanningSequence: {any: [SE], not: [IR, EP]}     # both: holds one of these and none of those
  n_slices: {min: 3}                               # at least, at most (max); of dates too: {min: 2020-01-01}
  StudyDate: {present: true}                       # has a value at all; never unknown
  TransferSyntaxUID: {listed_in: transfer-syntaxes, where: {lossy: always}}   # a key of a vocabulary table
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.rulebook.document import Node
from dqkit.rulebook.section import Section, close_to, kind_of
from dqkit.rulebook.vocabulary import keys_where, load_table, table_names

_SHOWN = 6
"""Keys of a table that a description spells out."""


@dataclass(frozen=True)
class Condition:
    """One condition on one column; `kind` is in | not_in | range | present."""

    column: str
    kind: str
    values: tuple[Any, ...] = ()
    least: Any = None  # of numbers or dates
    most: Any = None
    is_list: bool = False
    table: str = ""
    """Where in the vocabulary `values` came from."""

    def compile(self) -> pl.Expr:
        """Return true = met, false = not met, null = unknown."""
        column = pl.col(self.column)
        if self.kind == "present":
            return column.is_not_null() if self.values[0] else column.is_null()
        if self.kind == "range":
            return _within(column, self.least, self.most)
        found = self._found(column)
        return ~found if self.kind == "not_in" else found

    def _found(self, column: pl.Expr) -> pl.Expr:
        if self.is_list:
            return pl.any_horizontal(column.list.contains(value) for value in self.values)
        if len(self.values) == 1:
            return column.eq(self.values[0])
        return column.is_in(list(self.values))

    def describe(self) -> str:
        """Say the condition in the words of rule files (``Modality: CT, MR``)."""
        if self.kind == "present":
            return f"{self.column}: {'present' if self.values[0] else 'absent'}"
        if self.kind == "range":
            return f"{self.column}: {_range_words(self.least, self.most)}"
        words = ", ".join(_word(value) for value in self.values)
        if self.table and len(self.values) > _SHOWN:
            words = f"{len(self.values)} of {self.table}"
        return f"{self.column}: {'not ' if self.kind == 'not_in' else ''}{words}"


@dataclass(frozen=True)
class Scope:
    """A conjunction of conditions on columns; outside it a rule is not applicable, and null makes it unknown."""

    conditions: tuple[Condition, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the level's frame that the conditions read."""
        return tuple(condition.column for condition in self.conditions)

    @property
    def guarded(self) -> frozenset[str]:
        """Columns that are not null inside the scope, as it demands their presence."""
        return frozenset(c.column for c in self.conditions if c.kind == "present" and c.values[0])

    @property
    def can_be_unknown(self) -> bool:
        """Whether a null column can leave open if an entity is in scope."""
        return any(c.kind != "present" and c.column not in self.guarded for c in self.conditions)

    def compile(self) -> pl.Expr:
        """Return a Boolean expression: true = in scope, false = outside, null = unknown."""
        if not self.conditions:
            return pl.lit(value=True)
        return pl.all_horizontal(condition.compile() for condition in self.conditions)

    def describe(self) -> tuple[str, ...]:
        """Say the conditions, one text each."""
        return tuple(condition.describe() for condition in self.conditions)


def read_scope(section: Section) -> Scope:
    """Read the mapping ``scope:`` of a rule; `section` knows the level.

    Raises
    ------
    DqkitError
        A column is unknown at the level, or a condition is none.
    """
    conditions: list[Condition] = []
    for name in section.keys():  # noqa: SIM118 - a Section is no dict
        column = section.named_column(name)
        conditions += _conditions(section, column, section.need(name))
    return Scope(tuple(conditions))


def _conditions(section: Section, column: str, node: Node) -> list[Condition]:
    is_list = isinstance(section.schema()[column], pl.List)
    if not isinstance(node.value, Mapping):
        return [Condition(column, "in", section.values(column, column), is_list=is_list)]
    inner = Section(node, f"scope of {column}", section.level)
    found: list[Condition] = []
    if inner.take("present") is not None:
        found.append(Condition(column, "present", (inner.flag("present", default=True),)))
    if inner.take("any") is not None:
        found.append(Condition(column, "in", inner.values("any", column), is_list=is_list))
    if inner.take("not") is not None:
        found.append(Condition(column, "not_in", inner.values("not", column), is_list=is_list))
    if inner.take("min") is not None or inner.take("max") is not None:
        kind = kind_of(section.schema()[column])
        if is_list or kind not in ("number", "date"):
            raise inner.error("has a range, which needs numbers or dates")
        read = inner.number if kind == "number" else inner.date
        found.append(Condition(column, "range", least=read("min"), most=read("max")))
    for key, kind in (("listed_in", "in"), ("not_listed_in", "not_in")):
        if inner.take(key) is not None:
            table, values = read_listed(inner, key)
            found.append(Condition(column, kind, values, is_list=is_list, table=table))
    inner.finish()
    if not found:
        raise inner.error("is empty", "allowed: any, present, not, min, max, listed_in, not_listed_in")
    return found


def read_listed(section: Section, key: str) -> tuple[str, tuple[str, ...]]:
    """Read ``listed_in: <table>`` and ``where: {property: value}``; return its words and the keys meant.

    Raises
    ------
    DqkitError
        There is no such table, or nothing in it is as wanted.
    """
    node = section.need(key)
    if node.value not in table_names():
        raise node.mark.error(
            f"there is no vocabulary table {node.value!r}", close_to(str(node.value), table_names(), "tables")
        )
    where = section.take("where")
    wanted = where.plain() if where is not None else {}
    if not isinstance(wanted, dict):
        raise node.mark.error("'where' is a mapping of property to value")
    keys = keys_where(str(node.value), **wanted)
    if not keys:
        known = {prop for row in load_table(str(node.value)).values() for prop in row}
        raise (where or node).mark.error(f"nothing in the table {node.value} is {wanted}", f"properties: {known}")
    named = ", ".join(f"{prop}: {_word(value)}" for prop, value in wanted.items())
    return f"{node.value}{f' ({named})' if named else ''}", keys


def _within(column: pl.Expr, least: Any, most: Any) -> pl.Expr:
    bounds = []
    if least is not None:
        bounds.append(column >= least)
    if most is not None:
        bounds.append(column <= most)
    return pl.all_horizontal(bounds)


def _range_words(least: Any, most: Any) -> str:
    bounds = (("at least", least), ("at most", most))
    return ", ".join(f"{word} {_bound(bound)}" for word, bound in bounds if bound is not None)


def _bound(bound: Any) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _word(value: object) -> str:
    """Return a value as rule files write it; a UID that the vocabulary knows by its name."""
    if isinstance(value, bool):
        return str(value).lower()
    for table in ("sop-classes", "transfer-syntaxes"):
        if isinstance(value, str) and value in load_table(table):
            return str(load_table(table)[value]["name"])
    return str(value)
