"""Long columns of numbers: decimal and integer strings, and binary values (PS3.5 6.2).

Each function returns the typed column and the indices of the values that do not fit.
"""

import math
import re
import struct
from collections.abc import Callable

import polars as pl

from dqkit.index.kinds import BINARY

Typed = tuple[pl.Series, pl.Series]
Convert = Callable[[pl.Series], Typed]
ConvertLists = Callable[[pl.Series, pl.Series], Typed]

_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?").fullmatch
_DTYPES = {"US": pl.UInt16, "SS": pl.Int16, "UL": pl.UInt32, "SL": pl.Int32, "FL": pl.Float32, "FD": pl.Float64}
_MOST = 2**63


def decimals(text: pl.Series) -> Typed:
    """Type decimal strings; infinities and NaN do not fit."""
    values = text.cast(pl.Float64, strict=False)
    if not values.is_finite().all():
        values = pl.select(pl.when(values.is_finite()).then(values)).to_series()
    return values, untyped(values, text)


def integers(text: pl.Series) -> Typed:
    """Type integer strings; ``1.0`` is 1, as many writers have it."""
    values = text.cast(pl.Int64, strict=False)
    left = untyped(values, text)
    if not len(left):
        return values, left
    mended = [_integer(value) for value in text.gather(left).to_list()]
    misfits = [place for place, value in zip(left.to_list(), mended, strict=True) if value is None]
    return values.scatter(left, pl.Series(mended, dtype=pl.Int64)), pl.Series(misfits, dtype=pl.UInt32)


def decimal_lists(text: pl.Series, components: pl.Series) -> Typed:
    """Type multi-valued decimal strings; one component that does not fit spoils the list."""
    lists = _numbers(components)
    inner = lists.explode()
    if inner.null_count() == text.null_count() and inner.is_finite().all():
        return lists, pl.Series([], dtype=pl.UInt32)
    broken = lists.list.eval((~pl.element().is_finite().fill_null(value=False)).any()).list.first()
    return _without(lists, broken)


def integer_lists(text: pl.Series, components: pl.Series) -> Typed:
    """Type multi-valued integer strings."""
    lists, misfits = decimal_lists(text, components)
    inner = lists.explode()
    if not (inner == inner.floor()).all():
        lists, fractions = _without(lists, lists.list.eval((pl.element() != pl.element().floor()).any()).list.first())
        misfits = pl.concat([misfits, fractions]).sort()
    return lists.cast(pl.List(pl.Int64)), misfits


def binary_numbers(raw: pl.Series, vr: str) -> Typed:
    """Type binary values of multiplicity 1; those of another length do not fit."""
    values = raw.bin.reinterpret(dtype=_DTYPES[vr], endianness="little")
    if vr in ("FL", "FD"):
        values = values.cast(pl.Float64)
        values = pl.select(pl.when(values.is_finite()).then(values)).to_series()
    else:
        values = values.cast(pl.Int64)
    if values.null_count() == raw.null_count():
        return values, pl.Series([], dtype=pl.UInt32)
    return values, (values.is_null() & (raw.bin.size() > 0)).arg_true()


def untyped(values: pl.Series, text: pl.Series) -> pl.Series:
    """Return where there is a text and no typed value."""
    if values.null_count() == text.null_count():
        return pl.Series([], dtype=pl.UInt32)
    return (values.is_null() & text.is_not_null()).arg_true()


def canonical(raw: bytes, vr: str, standard: str) -> bytes:
    """Rewrite a value of the VR that the file gives it as one of the VR of PS3.6, where it can be.

    A binary Rows in an integer string, or the reverse, is a number still; what cannot be rewritten stays as it is
    and will not fit.
    """
    try:
        if vr in BINARY:
            width = struct.calcsize(BINARY[vr])
            numbers: list[float] = list(struct.unpack(f"<{len(raw) // width}{BINARY[vr]}", raw))
        elif standard in BINARY and vr in ("DS", "IS"):
            numbers = [float(part) for part in raw.decode("ascii").strip(" \0").split("\\")]
        else:
            return raw
        if standard not in BINARY:
            return "\\".join(f"{number:.15g}" for number in numbers).encode()
        code = BINARY[standard]
        return struct.pack(f"<{len(numbers)}{code}", *(numbers if code in "fd" else map(_whole_number, numbers)))
    except (struct.error, ValueError, OverflowError):
        return raw


def _whole_number(number: float) -> int:
    if number != int(number):
        raise ValueError
    return int(number)


def _integer(text: str) -> int | None:
    if not _DECIMAL(text):
        return None
    value = float(text)
    return int(value) if math.isfinite(value) and value == int(value) and abs(value) < _MOST else None


def _numbers(components: pl.Series) -> pl.Series:
    lists = components.cast(pl.List(pl.Float64), strict=False)
    if lists.explode().null_count() > components.explode().null_count():  # padded components are numbers still
        padded = components.list.eval(pl.element().str.strip_chars(" "))
        return padded.cast(pl.List(pl.Float64), strict=False)
    return lists


def _without(lists: pl.Series, broken: pl.Series) -> Typed:
    broken = broken.fill_null(value=False)
    return pl.select(pl.when(~broken).then(lists)).to_series(), broken.arg_true()
