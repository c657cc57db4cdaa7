"""A mapping of a rule file, read key by key; a key that nobody asked for is an error.

Every `take_*` method names, on failure, the file, the line, what is wrong and what is allowed.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.rulebook.document import Mark, Node

KINDS = ("text", "number", "flag", "date")
"""What the cells of a column can be, as far as checks care."""


def close_to(word: str, known: Iterable[str], what: str) -> str:
    """Say which of `known` resemble `word`, or list them where they are few."""
    names = sorted(set(known))
    folded = {name.lower(): name for name in names}
    close = [folded[hit] for hit in get_close_matches(word.lower(), folded, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    few = 25
    return f"{what}: {', '.join(names)}" if len(names) <= few else ""


def kind_of(dtype: pl.DataType) -> str:
    """Return the kind of the cells of a column, or of the elements of a list column."""
    inner = dtype.inner if isinstance(dtype, pl.List) else dtype
    if inner == pl.String():
        return "text"
    if inner == pl.Boolean():
        return "flag"
    return "date" if inner == pl.Date() else "number"


def is_kind(value: object, kind: str) -> bool:
    """Tell whether a YAML value can be compared with cells of `kind`."""
    if kind == "text":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "date":
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return isinstance(value, int | float) and not isinstance(value, bool)


def share_of(value: object) -> float | None:
    """Read ``"2%"`` as 0.02; None where it is no percentage."""
    if not isinstance(value, str) or not value.endswith("%"):
        return None
    try:
        share = float(value[:-1]) / 100
    except ValueError:
        return None
    return share if 0 <= share < float("inf") else None


@dataclass(frozen=True)
class Tolerance:
    """How far from a value counts as equal: a share of it, or an amount in its unit."""

    amount: float
    relative: bool

    def of(self, value: pl.Expr) -> pl.Expr:
        """Return the allowed distance from `value`."""
        return value.abs() * self.amount if self.relative else pl.lit(self.amount)

    def words(self, unit: str = "") -> str:
        """Say it (``1%``, ``0.5 mm``)."""
        return f"{self.amount * 100:g} %" if self.relative else f"{self.amount:g} {unit}".rstrip()


class Section:
    """One mapping of a rule file.

    Parameters
    ----------
    node
        The mapping.
    what
        What it is, for errors (``"check uniform_step"``).
    level
        The level of the rule, where columns are named.
    """

    def __init__(self, node: Node, what: str, level: Level | None = None) -> None:
        if not isinstance(node.value, Mapping):
            raise node.mark.error(f"{what} is a mapping of keys to values, not {node.word}")
        self.mark: Mark = node.mark
        self.what = what
        self.level = level
        self._nodes: dict[str, Node] = dict(node.value)
        self._asked: set[str] = set()

    def take(self, key: str) -> Node | None:
        """Return the value of `key`, or None where it is absent."""
        self._asked.add(key)
        return self._nodes.get(key)

    def need(self, key: str) -> Node:
        """Return the value of `key`; its absence is an error."""
        node = self.take(key)
        if node is None or node.value is None:
            raise self.mark.error(f"{self.what} lacks the key {key!r}")
        return node

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for key, node in self._nodes.items():
            if key not in self._asked:
                raise node.mark.error(
                    f"{self.what} has no key {key!r}", close_to(key, self._asked, "the keys it knows are")
                )

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not blank."""
        node = self.take(key) if default is not None else self.need(key)
        if node is None:
            return default or ""
        if not isinstance(node.value, str) or not node.value.strip():
            raise node.mark.error(f"{key!r} must be text, not {node.word}", "put it in quotes")
        return node.value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; one text alone is a list of one, absence an empty list."""
        node = self.take(key)
        if node is None:
            return ()
        items = node.value if isinstance(node.value, tuple) else (node,)
        for item in items:
            if not isinstance(item.value, str) or not item.value.strip():
                raise item.mark.error(f"{key!r} must be a list of texts, not {item.word}")
        return tuple(item.value for item in items)

    def choice(self, key: str, options: Iterable[str], default: str | None = None) -> str:
        """Return one of `options`."""
        known = tuple(options)
        node = self.take(key) if default is not None else self.need(key)
        if node is None:
            return default or ""
        if node.value not in known:
            raise node.mark.error(f"{key!r} cannot be {node.word}", f"allowed: {', '.join(known)}")
        return str(node.value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        node = self.take(key)
        if node is None:
            return default
        if not isinstance(node.value, bool):
            raise node.mark.error(f"{key!r} must be true or false, not {node.word}")
        return node.value

    def number(self, key: str, default: float | None = None) -> float | None:
        """Return a finite number."""
        node = self.take(key)
        if node is None:
            return default
        if not is_kind(node.value, "number") or not abs(node.value) < float("inf"):
            raise node.mark.error(f"{key!r} must be a number, not {node.word}")
        return float(node.value)

    def date(self, key: str) -> dt.date | None:
        """Return a date (``2024-05-31``)."""
        node = self.take(key)
        if node is None:
            return None
        if not is_kind(node.value, "date"):
            raise node.mark.error(f"{key!r} must be a date such as 2024-05-31, not {node.word}")
        found: dt.date = node.value
        return found

    def share(self, key: str) -> float:
        """Return a percentage (``1%``) as a share."""
        node = self.need(key)
        share = share_of(node.value)
        if share is None:
            raise node.mark.error(f"{key!r} must be a percentage such as 1%, not {node.word}")
        return share

    def tolerance(self, key: str) -> Tolerance:
        """Return a tolerance: a percentage, or a number in the unit of what is compared."""
        node = self.need(key)
        share = share_of(node.value)
        if share is not None:
            return Tolerance(share, relative=True)
        if not is_kind(node.value, "number") or not 0 <= node.value < float("inf"):
            raise node.mark.error(f"{key!r} must be a percentage such as 1%, or a number, not {node.word}")
        return Tolerance(float(node.value), relative=False)

    def columns(self, key: str, kinds: Iterable[str] = KINDS, *, lists: bool | None = None) -> tuple[str, ...]:
        """Return one or several columns of the level's frame."""
        node = self.need(key)
        items = node.value if isinstance(node.value, tuple) else (node,)
        if not items:
            raise node.mark.error(f"{key!r} names no column")
        return tuple(checked_column(item, self.schema(), kinds, lists, self.level) for item in items)

    def column(self, key: str, kinds: Iterable[str] = KINDS, *, lists: bool | None = None) -> str:
        """Return a column of the level's frame whose cells (or elements) are of one of `kinds`."""
        return checked_column(self.need(key), self.schema(), kinds, lists, self.level)

    def values(self, key: str, column: str) -> tuple[Any, ...]:
        """Return a list of values that can stand in `column`."""
        node = self.need(key)
        items = node.value if isinstance(node.value, tuple) else (node,)
        kind = kind_of(self.schema()[column])
        for item in items:
            if not is_kind(item.value, kind):
                hint = "put it in quotes" if kind == "text" else ""
                raise item.mark.error(f"{item.word} cannot stand in {column}, which holds {kind}", hint)
        return tuple(item.value for item in items)

    def keys(self) -> tuple[str, ...]:
        """Return the keys that the mapping has, in its order."""
        return tuple(self._nodes)

    def named_column(self, key: str) -> str:
        """Return `key` itself as a column of the level's frame."""
        return checked_column(Node(key, self.need(key).mark), self.schema(), KINDS, None, self.level)

    def schema(self) -> Mapping[str, pl.DataType]:
        """Return the columns of the level's frame."""
        return {} if self.level is None else FRAMES[self.level]

    def error(self, message: str, hint: str = "") -> DqkitError:
        """Return an error about this mapping as a whole."""
        return self.mark.error(f"{self.what} {message}", hint)


def checked_column(
    node: Node, schema: Mapping[str, pl.DataType], kinds: Iterable[str], lists: bool | None, level: Level | None
) -> str:
    """Return the column that `node` names.

    Raises
    ------
    DqkitError
        The frame of the level has no such column, or its cells are of another kind.
    """
    name = node.value
    if not isinstance(name, str) or name not in schema:
        raise node.mark.error(
            f"the {level or 'rule'} frame has no column {name!r}", close_to(str(name), schema, "columns")
        )
    wanted = tuple(kinds)
    if kind_of(schema[name]) not in wanted:
        raise node.mark.error(f"{name} holds {kind_of(schema[name])}; {' or '.join(wanted)} is needed here")
    if lists is not None and isinstance(schema[name], pl.List) != lists:
        raise node.mark.error(f"{name} must {'' if lists else 'not '}be a list column here")
    return name
