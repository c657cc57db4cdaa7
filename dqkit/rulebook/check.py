"""What a kind of check is: the contract between rule files and the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from dqkit.rulebook.section import Section

NO_CULPRITS = pl.lit(None, dtype=pl.List(pl.String()))
"""The whole entity is at fault, no single file of it."""

EVERYONE = pl.lit(value=True)
"""The scope that holds every entity."""

Needs = tuple[tuple[str, ...], ...]
"""Groups of columns; the outcome is unknown where all columns of one group are null."""


@dataclass(frozen=True)
class Compiled:
    """A check as polars expressions over the frame of its level.

    Attributes
    ----------
    passes
        Boolean: true = pass, false = fail, null = unknown. Where the reason is that an attribute varies
        (series level) or was not looked at (pixels), the rule finds out by the columns. May hold window expressions,
        so that it must be evaluated over the whole frame of its level.
    observed
        String: what was found, short, in the attribute's unit (``"6.0 mm after slice 3"``). Gives counts or
        kinds, never the value, where a column of the check is identifying (privacy/identifying.py). Looks at its own
        row alone, so that it may be evaluated for failures only.
    culprits
        List(String): the file_ids at fault; null when the entity as a whole is. Looks at its own row alone.
    """

    passes: pl.Expr
    observed: pl.Expr
    culprits: pl.Expr = NO_CULPRITS


@dataclass(frozen=True)
class Expectation:
    """A core expectation of Great Expectations that says the same as a check, for ``--engine gx``.

    `type` is the name of its class (``ExpectColumnValuesToBeInSet``), `kwargs` are its arguments. `frame` gives the
    columns of the pandas table it needs, each an expression over the frame of the level; only the entities that are
    neither out of scope nor unknown go to the table, so that its unexpected count is the number of failures.
    """

    type: str
    kwargs: Mapping[str, Any]
    frame: Mapping[str, pl.Expr] = field(default_factory=dict)


class Check(Protocol):
    """One kind of check with its arguments filled in; a frozen dataclass in rulebook/checks/<kind>.py."""

    @classmethod
    def read(cls, section: Section) -> "Check":
        """Read the arguments of the kind; each one unknown or ill-typed is an error that names its line."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the level's frame that the check reads."""
        ...

    @property
    def needs(self) -> Needs:
        """Columns whose absence makes the outcome unknown; empty where it is always known (presence)."""
        ...

    def expected(self) -> str:
        """Say in a few words what passes, for findings (``"every step within 1 % of the median"``)."""
        ...

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the polars expressions; `inside` is the rule's scope, for kinds that compare entities."""
        ...

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation | None:
        """Return the core expectation that judges alike, or None where there is none."""
        ...
