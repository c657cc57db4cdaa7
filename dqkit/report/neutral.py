"""Cells that a spreadsheet would run as formulas, made text."""

import polars as pl

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutral(text: str) -> str:
    """Return `text` with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_STARTS) else text


def neutral_texts(texts: pl.Series) -> pl.Series:
    """Return `neutral` of each of `texts`."""
    text = pl.col(texts.name)
    starts = pl.any_horizontal(text.str.starts_with(start) for start in _STARTS)
    return texts.to_frame().select(pl.when(starts).then("'" + text).otherwise(text).alias(texts.name)).to_series()
