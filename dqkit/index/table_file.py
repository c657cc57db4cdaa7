"""Reads tables as text: nothing is typed here, so that no zero in front and no digit is lost.

Every cell is text or null. What a file is, its content says (a workbook called .csv is a workbook); encodings and
delimiters are found out. Formulas are never computed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dqkit.errors import DqkitError, NothingToCheckError

Known = Callable[[str], bool]
"""Tells whether a text is a header that somebody knows."""

Row = Sequence[str | None]

MOST_COLUMNS = 16_384
"""As many as a workbook can have."""

_HEADER_WITHIN = 20
"""Rows at the top among which the header is looked for: exports begin with titles."""

_CHUNK = 50_000

_NO_TEXT = pl.lit(None, dtype=pl.String)


@dataclass(frozen=True)
class RawTable:
    """A table as text.

    Attributes
    ----------
    headers
        Of each column, blanks at the ends taken off; may repeat.
    cells
        One column of text for each header, called ``0``, ``1`` …
    numeric
        Indices of columns that the file keeps as numbers (parquet, cells of a workbook): their zeros in front, if
        there were any, are lost already.
    notes
        What was odd about the file, free of values.
    decimal_comma
        Whether commas are free for decimals, as something else separates the columns.
    """

    headers: tuple[str, ...]
    cells: pl.DataFrame
    numeric: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False


@dataclass
class Notes:
    """Counts what was odd while a table was read."""

    said: list[str] = field(default_factory=list)
    ragged: int = 0
    first_ragged: int = 0

    def text(self) -> tuple[str, ...]:
        """Return the remarks."""
        if not self.ragged:
            return tuple(self.said)
        rows = f"{self.ragged:,} rows have another number of cells than the header and were left out"
        return (*self.said, f"{rows}, the first in line {self.first_ragged}")


def read_table(path: Path, known: Known, sheet: str = "", wanted: Collection[str] = ()) -> RawTable:
    """Read a table as text.

    Parameters
    ----------
    path
        A parquet, CSV (any delimiter), xlsx or QIDO-RS JSON file.
    known
        Tells headers from other text; the row of the first rows that has most of them is the header.
    sheet
        Which sheet of a workbook; empty = the first that is shown.
    wanted
        Headers whose cells are of use; those of the others may be left out (none named: all are).

    Raises
    ------
    DqkitError
        It cannot be read, is no table, or is too large for its format.
    NothingToCheckError
        It holds no row.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise DqkitError(f"the table {path.name} cannot be read: {error.strerror}", "check the path") from error
    if not head:
        raise NothingToCheckError(f"the table {path.name} is empty", "was the export complete?")
    table = _parquet(path, wanted) if head.startswith(b"PAR1") else _reader(head, path)(path, known, sheet)
    if table.cells.is_empty():
        raise NothingToCheckError(f"the table {path.name} holds no row below its header", "was the export complete?")
    return table


def _reader(head: bytes, path: Path) -> Callable[[Path, Known, str], RawTable]:
    if head.startswith(b"PK\x03\x04"):
        from dqkit.index.table_sheet import read_sheet

        return read_sheet
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise DqkitError(
            f"{path.name} is a workbook of the old format, or locked with a password", "save it as .xlsx or as CSV"
        )
    if head[128:132] == b"DICM":
        raise DqkitError(f"{path.name} is a DICOM file, not a table", "index its folder: dqkit index FOLDER")
    from dqkit.index.table_text import read_json, read_text

    return read_json if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else read_text


def _parquet(path: Path, wanted: Collection[str]) -> RawTable:
    folded = {header.casefold() for header in wanted}
    try:
        lazy = pl.scan_parquet(path)
        kinds = lazy.collect_schema()
        names = [name.strip() for name in kinds]
        numeric = frozenset(i for i, kind in enumerate(kinds.values()) if kind.is_numeric())
        columns = [
            (_as_text(name, kind) if not folded or name.strip().casefold() in folded else _NO_TEXT).alias(str(i))
            for i, (name, kind) in enumerate(kinds.items())
        ]
        cells = lazy.select(columns).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DqkitError(
            f"{path.name} is a damaged parquet file ({type(error).__name__})", "export it again"
        ) from error
    return RawTable(tuple(names), cells, numeric)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.List | pl.Array):
        inner = pl.element().cast(pl.String, strict=False)
        as_list = column if isinstance(kind, pl.List) else column.arr.to_list()
        if kind.inner.is_nested():
            return _NO_TEXT
        return as_list.list.eval(inner).list.join("\\", ignore_nulls=True)
    if kind.is_nested() or kind == pl.Binary:
        return _NO_TEXT
    if isinstance(kind, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d %H:%M:%S")
    return column.cast(pl.String, strict=False)


def shaped(rows: Iterable[tuple[int, Row]], known: Known, what: str) -> tuple[tuple[str, ...], pl.DataFrame, Notes]:
    """Find the header among the first rows and lay the others out in columns.

    Parameters
    ----------
    rows
        Number of the line, and its cells.
    known
        Tells headers.
    what
        Name of the file, for errors.

    Returns
    -------
    Headers, cells, and what was odd: rows of another length than the header are left out and counted.
    """
    each = iter(rows)
    first = [row for _, row in zip(range(_HEADER_WITHIN), each, strict=False)]
    first = [(line, cells) for line, cells in first if any(cells)]
    if not first:
        raise NothingToCheckError(f"the table {what} is empty", "was the export complete?")
    at = max(range(len(first)), key=lambda i: (sum(known((c or "").strip()) for c in first[i][1]), -i))
    headers = _trimmed([(cell or "").strip() for cell in first[at][1]])
    if len(headers) > MOST_COLUMNS:
        raise DqkitError(f"{what} has {len(headers):,} columns", f"a table has {MOST_COLUMNS:,} at most: export fewer")
    notes = Notes()
    if at:
        notes.said.append(f"{at} rows above the header were passed over")
    frames = list(_frames(_chained(first[at + 1 :], each), len(headers), notes))
    schema = {str(i): pl.String for i in range(len(headers))}
    return tuple(headers), pl.concat(frames) if frames else pl.DataFrame(schema=schema), notes


def _trimmed(headers: list[str]) -> list[str]:
    """Take blank headers off the end: spreadsheets write empty columns."""
    while headers and not headers[-1]:
        headers.pop()
    return headers


def _chained(first: list[tuple[int, Row]], rest: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    yield from first
    yield from rest


def _frames(rows: Iterator[tuple[int, Row]], width: int, notes: Notes) -> Iterator[pl.DataFrame]:
    schema = {str(i): pl.String for i in range(width)}
    chunk: list[Row] = []
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) < width or any(cells[width:]):
            notes.ragged += 1
            notes.first_ragged = notes.first_ragged or line
            continue
        chunk.append(cells[:width])
        if len(chunk) == _CHUNK:
            yield pl.DataFrame(chunk, schema=schema, orient="row")
            chunk = []
    if chunk:
        yield pl.DataFrame(chunk, schema=schema, orient="row")
