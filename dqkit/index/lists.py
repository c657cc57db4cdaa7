"""List columns."""

from collections.abc import Hashable, Sequence

import polars as pl


def lists_of(values: Sequence[Hashable], kind: pl.DataType) -> pl.Series:
    """Make a list column of tuples (or None), most of which occur often: polars makes lists one by one."""
    codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
    distinct = pl.Series([None if value is None else list(value) for value in codes], dtype=kind)  # type: ignore[call-overload]
    return distinct.gather(pl.Series([codes[value] for value in values], dtype=pl.UInt32))
