"""How findings show what was seen: short, harmless to print, and free of identifying values."""

from collections.abc import Callable, Sequence

import polars as pl

from dqkit.catalog.schema import ATTRIBUTES, FRAMES
from dqkit.privacy.identifying import is_identifying
from dqkit.rulebook.column_words import FLAGS, PHRASES, VALUES
from dqkit.rulebook.vocabulary import load_table

_MOST_CHARACTERS = 60
_DIGITS = 6
_MOST_ITEMS = 3
_KINDS = {name: kind for frame in FRAMES.values() for name, kind in frame.items()}
_LIST_KINDS = {name: kind for name, kind in _KINDS.items() if isinstance(kind, pl.List)}

_UIDS = {
    "TransferSyntaxUID": "transfer-syntaxes",
    "SOPClassUID": "sop-classes",
    "MediaStorageSOPClassUID": "sop-classes",
}

WITHHELD = "(not shown)"
"""Stands for the value of an identifying attribute (PS3.15 Table E.1-1)."""


def shown(column: str) -> pl.Expr:
    """Return the value of a column as text: cut, without control or direction characters; withheld if identifying."""
    if is_identifying(column):
        return pl.when(pl.col(column).is_null()).then(pl.lit("absent")).otherwise(pl.lit(WITHHELD))
    value = pl.col(column)
    if column in _LIST_KINDS:
        value = _joined(column)
    elif _is_real(column):
        value = _number(value)
    elif names := _names(column):
        value = value.replace(names)
    text = value.cast(pl.String).str.replace_all(r"[\p{C}\u2028\u2029]", "?").str.slice(0, _MOST_CHARACTERS)
    return text.fill_null("absent")


def _joined(column: str) -> pl.Expr:
    """Return a list as text: an attribute's values as DICOM writes them, the first of any other list."""
    texts = pl.col(column).list.eval(_number(pl.element()) if _is_real(column) else pl.element().cast(pl.String))
    if column in ATTRIBUTES:
        return texts.list.join("\\", ignore_nulls=True)
    more = texts.list.len().cast(pl.Int64) - _MOST_ITEMS
    rest = pl.when(more > 0).then(pl.concat_str(pl.lit(" and "), more.cast(pl.String), pl.lit(" more")))
    return pl.concat_str(texts.list.head(_MOST_ITEMS).list.join(", ", ignore_nulls=True), rest.otherwise(pl.lit("")))


def _number(value: pl.Expr) -> pl.Expr:
    return value.round_sig_figs(_DIGITS).cast(pl.String).str.strip_suffix(".0")


def _names(column: str) -> dict[str, str]:
    """Return the names of values that are no words: UIDs of the standard, and terms of dqkit's own."""
    if table := _UIDS.get(column):
        return {uid: str(row["name"]) for uid, row in load_table(table).items()}
    return dict(VALUES.get(column, {}))


def _is_real(column: str) -> bool:
    kind = _KINDS[column]
    return (kind.inner if isinstance(kind, pl.List) else kind) == pl.Float64()


def named(column: str) -> pl.Expr:
    """Return what the column is and its value, as text: a keyword and the value, or words."""
    before, place, after = PHRASES.get(column, column).partition("{}")
    if not place:
        return pl.concat_str(pl.lit(f"{before} "), shown(column))
    phrase = pl.concat_str(pl.lit(before), shown(column), pl.lit(after))
    return pl.when(pl.col(column).is_null()).then(pl.lit(f"{words_of(column)} absent")).otherwise(phrase)


def words_of(column: str) -> str:
    """Return a column in words, for what is expected of it; a keyword of DICOM as it is."""
    before, _, after = (part.strip(" :") for part in PHRASES.get(column, column).partition("{}"))
    return f"{before} ({after})" if before and after else before or after


def listed(columns: Sequence[str], between: str = ", ") -> str:
    """Return several columns in words."""
    return between.join(words_of(column) for column in columns)


def value_word(column: str, value: object) -> str:
    """Return a value that a rule names, in words where it is none: the name of a UID, a term of dqkit's own."""
    return _names(column).get(str(value), str(value))


def flag_words(column: str, *, value: bool) -> str:
    """Return what a yes or no says."""
    if column in FLAGS:
        return FLAGS[column][0 if value else 1]
    return f"{column} is {str(value).lower()}"


def millimetres(value: pl.Expr) -> pl.Expr:
    """Return a length as text, to a hundredth of a millimetre."""
    return pl.concat_str(value.round(2).cast(pl.String).str.strip_suffix(".0"), pl.lit(" mm"))


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
