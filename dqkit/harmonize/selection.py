"""Which series somebody asked for: ``site=North``, ``Modality=CT,MR``, ``role=t2``, as conditions on series columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.rulebook.document import Mark, as_node
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section, close_to, kind_of


def parse_selection(texts: Sequence[str]) -> list[Scope]:
    """Return a condition for each ``COLUMN=VALUE[,VALUE…]``.

    Raises
    ------
    DqkitError
        Another form, or a column that the series frame does not have.
    """
    return [_condition(text) for text in texts]


def _condition(text: str) -> Scope:
    name, sign, values = text.partition("=")
    schema = FRAMES[Level.SERIES]
    if not sign or not values:
        raise DqkitError(
            f"--select {text!r} is not understood", "write COLUMN=VALUE, such as site=North or Modality=CT"
        )
    if name not in schema:
        raise DqkitError(f"--select: series have no column {name!r}", close_to(name, schema, "columns"))
    wanted = [_value(part, schema[name], name) for part in values.split(",") if part]
    return read_scope(Section(as_node({name: wanted}, Mark(Path("--select"), 1)), "--select", Level.SERIES))


def _value(text: str, dtype: pl.DataType, name: str) -> Any:
    kind = kind_of(dtype)
    if kind == "text":
        return text
    if kind == "flag" and text in {"true", "false"}:
        return text == "true"
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            pass
    raise DqkitError(f"--select: {text!r} cannot stand in {name}, which holds {kind}", "")
