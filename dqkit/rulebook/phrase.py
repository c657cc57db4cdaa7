"""How findings show what was seen: short, harmless to print, and free of identifying values."""

from collections.abc import Callable, Sequence

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.privacy.identifying import is_identifying

_MOST_CHARACTERS = 60
_DIGITS = 6
_KINDS = {name: kind for frame in FRAMES.values() for name, kind in frame.items()}
_LIST_KINDS = {name: kind for name, kind in _KINDS.items() if isinstance(kind, pl.List)}

WITHHELD = "(not shown)"
"""Stands for the value of an identifying attribute (PS3.15 Table E.1-1)."""


def shown(column: str) -> pl.Expr:
    """Return the value of a column as text: cut, without control or direction characters; withheld if identifying."""
    if is_identifying(column):
        return pl.when(pl.col(column).is_null()).then(pl.lit("absent")).otherwise(pl.lit(WITHHELD))
    value = pl.col(column)
    if column in _LIST_KINDS:
        inner = pl.element().round_sig_figs(_DIGITS) if _is_real(column) else pl.element()
        value = value.list.eval(inner.cast(pl.String)).list.join("\\", ignore_nulls=True)
    elif _is_real(column):
        value = value.round_sig_figs(_DIGITS)
    text = value.cast(pl.String).str.replace_all(r"[\p{C}\u2028\u2029]", "?").str.slice(0, _MOST_CHARACTERS)
    return text.fill_null("absent")


def _is_real(column: str) -> bool:
    kind = _KINDS[column]
    return (kind.inner if isinstance(kind, pl.List) else kind) == pl.Float64()


def named(column: str) -> pl.Expr:
    """Return ``column value`` as text."""
    return pl.concat_str(pl.lit(f"{column} "), shown(column))


def millimetres(value: pl.Expr) -> pl.Expr:
    """Return a length as text, to a hundredth of a millimetre."""
    return pl.concat_str(value.round(2).cast(pl.String), pl.lit(" mm"))


def every(columns: Sequence[str], good: Callable[[str], pl.Expr]) -> pl.Expr:
    """Return true where each column with a value is good, false where one is not, null where none has a value."""
    tests = [good(column) for column in columns]
    if len(tests) == 1:
        return tests[0]
    looked_at = pl.any_horizontal(test.is_not_null() for test in tests)
    return pl.when(looked_at).then(pl.all_horizontal(test.fill_null(value=True) for test in tests))


def blamed(columns: Sequence[str], good: Callable[[str], pl.Expr]) -> pl.Expr:
    """Name the columns that are not good, with their values."""
    parts = [pl.when(~good(column)).then(named(column)) for column in columns]
    return pl.concat_str(parts, separator="; ", ignore_nulls=True)
