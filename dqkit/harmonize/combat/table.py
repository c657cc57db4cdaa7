"""A table of features as text, and what of it are numbers: nothing but the features is changed on the way out."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dqkit.errors import DqkitError, NothingToCheckError

_NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "-")
"""What tables write where there is no value; case does not matter."""

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class FeatureTable:
    """A table as it stands in its file.

    Attributes
    ----------
    name
        Of the file.
    cells
        Every column as text, in the order of the file.
    decimal
        The sign between whole and fraction: ``.`` or ``,``.
    """

    name: str
    cells: pl.DataFrame
    decimal: str = "."

    def need(self, columns: Iterable[str]) -> None:
        """Refuse a table that lacks one of `columns`.

        Raises
        ------
        DqkitError
            Names the columns that are not there, and the first of those that are.
        """
        lacking = [name for name in columns if name not in self.cells.columns]
        if lacking:
            raise DqkitError(
                f"{self.name} has no column {few(lacking)}", f"its columns are {few(self.cells.columns, 12)}"
            )

    def texts(self, column: str) -> pl.Series:
        """Return a column as text, null where it has no value."""
        text = self.cells[column].str.strip_chars()
        return text.set(text.str.to_lowercase().is_in(_NO_VALUE), None)

    def numbers(self, columns: Sequence[str]) -> pl.DataFrame:
        """Return columns as numbers: NaN where there is no value, null where there is something that is no number."""
        return pl.DataFrame([self._number(name) for name in columns])

    def _number(self, column: str) -> pl.Series:
        text = self.texts(column)
        plain = text.str.replace(",", ".", literal=True) if self.decimal == "," else text
        number = plain.cast(pl.Float64, strict=False)
        number = number.set(number.is_infinite().fill_null(value=False), None)
        return number.set(text.is_null(), float("nan"))


def few(names: Sequence[str], most: int = 6) -> str:
    """Return names for people to read, the first of many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def read_features(path: Path) -> FeatureTable:
    """Read a table of features.

    Parameters
    ----------
    path
        Parquet, or delimited text of UTF-8: commas, semicolons (then a comma may part the decimals) or tabs.

    Raises
    ------
    DqkitError
        It cannot be read, is no table, or has two columns of one name.
    NothingToCheckError
        It holds no row.
    """
    try:
        data = path.read_bytes()
        table = _parquet(path, data) if data.startswith(b"PAR1") else _text(path, data)
    except OSError as error:
        raise DqkitError(f"the table {path.name} cannot be read: {error.strerror}", "check the path") from error
    except pl.exceptions.PolarsError as error:
        raise DqkitError(
            f"{path.name} is no table with as many cells in every row as in its header",
            "give it as CSV of UTF-8 or as parquet",
        ) from error
    if table.cells.is_empty():
        raise NothingToCheckError(f"the table {path.name} holds no row below its header", "was the export complete?")
    return table


def _parquet(path: Path, data: bytes) -> FeatureTable:
    cells = pl.read_parquet(data)
    return FeatureTable(path.name, cells.select(pl.all().cast(pl.String)))


def _text(path: Path, data: bytes) -> FeatureTable:
    if data.startswith(b"PK\x03\x04"):
        raise DqkitError(f"{path.name} is a workbook", "save its sheet as CSV")
    try:
        first = data.decode("utf-8-sig").splitlines()[0]
    except UnicodeDecodeError as error:
        raise DqkitError(f"{path.name} is no text of UTF-8", "save it as CSV of UTF-8, or as parquet") from error
    except IndexError as error:
        raise NothingToCheckError(f"the table {path.name} is empty", "was the export complete?") from error
    separator = max(_SEPARATORS, key=first.count)
    headers = next(csv.reader([first], delimiter=separator))
    if len(set(headers)) < len(headers):
        twice = sorted({name for name in headers if headers.count(name) > 1})
        raise DqkitError(f"{path.name} has two columns called {few(twice)}", "rename one of them")
    cells = pl.read_csv(data, separator=separator, infer_schema=False, empty_string_is_null=False)
    cells = cells.filter(pl.any_horizontal(pl.all() != ""))  # blank lines
    return FeatureTable(path.name, cells, "," if separator == ";" and _has_decimal_commas(cells) else ".")


def _has_decimal_commas(cells: pl.DataFrame) -> bool:
    """Tell whether any cell is a number with a comma in it."""
    return any(column.str.contains(r"^\s*[-+]?\d+,\d+(?:[eE][-+]?\d+)?\s*$").any() for column in cells)
