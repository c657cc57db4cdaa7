"""Rows of a dataset file as text: CSV, JSON lines or parquet, every row or an error."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.catalog.schema import TEXT
from dqkit.errors import DqkitError, NothingToCheckError

_DELIMITERS = (",", "\t", ";", "|")
_CHUNK = 50_000
_HEAD = 8
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Rows:
    """All rows of a dataset file; `frame` has a column of text for each of `headers`."""

    headers: tuple[str, ...]
    frame: pl.DataFrame
    kind: str


def rows_of(path: Path) -> Rows:
    """Read a dataset file.

    Raises
    ------
    DqkitError
        It cannot be read, is of another kind, no UTF-8, or damaged; a row has another number of cells than the header.
    NothingToCheckError
        It is empty.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise DqkitError(f"the dataset file {path.name} cannot be read: {error.strerror}", "check the path") from error
    if not head.strip():
        raise NothingToCheckError(f"the dataset file {path.name} is empty", "was the export complete?")
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DqkitError(f"the dataset file {path.name} is a workbook", "save it as CSV (UTF-8), or give parquet")
    if head.startswith(b"PAR1"):
        return _parquet(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            is_json = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
            return _json_lines(text, path) if is_json else _csv(text, path)
    except UnicodeDecodeError as error:
        raise DqkitError(
            f"the dataset file {path.name} is not UTF-8 text", "save it as UTF-8 (iconv -f gb18030 -t utf-8 OLD > NEW)"
        ) from error


def _parquet(path: Path) -> Rows:
    try:
        lazy = pl.scan_parquet(path)
        kinds = lazy.collect_schema()
        frame = lazy.select(_as_text(name, kind) for name, kind in kinds.items()).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DqkitError(
            f"the dataset file {path.name} is a damaged parquet file ({type(error).__name__})", "export it again"
        ) from error
    return Rows(tuple(frame.columns), frame, "parquet")


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """Cast a column to text; of an image as Hugging Face writes it ({bytes, path}), the path."""
    if isinstance(kind, pl.Struct) and any(field.name == "path" for field in kind.fields):
        return pl.col(name).struct.field("path").cast(TEXT, strict=False).alias(name)
    if kind.is_nested() or kind == pl.Binary:
        return pl.lit(None, dtype=TEXT).alias(name)
    return pl.col(name).cast(TEXT, strict=False)


def _csv(text: Any, path: Path) -> Rows:
    delimiter = _delimiter(text.readline(_LONGEST_LINE))
    text.seek(0)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        headers = [name.strip() for name in next(reader)]
        _check_headers(headers, path)
        frame = pl.concat([pl.DataFrame(schema=dict.fromkeys(headers, TEXT)), *_chunks(reader, headers, path)])
    except csv.Error as error:
        raise DqkitError(
            f"the dataset file {path.name} is damaged at line {reader.line_num}", "a quote that is not closed?"
        ) from error
    return Rows(tuple(headers), frame, "csv")


def _delimiter(first: str) -> str:
    return max(_DELIMITERS, key=lambda one: (first.count(one), -_DELIMITERS.index(one)))


def _check_headers(headers: list[str], path: Path) -> None:
    if len(set(headers)) < len(headers):
        raise DqkitError(f"the dataset file {path.name} has two columns of one name", "rename one of them")


def _chunks(reader: Any, headers: list[str], path: Path) -> Iterator[pl.DataFrame]:
    """Give the rows in frames; blank lines are none."""
    rows = ((reader.line_num, row) for row in reader if row)
    while chunk := list(islice(rows, _CHUNK)):
        for line, row in chunk:
            if len(row) != len(headers):
                raise DqkitError(
                    f"{path.name}:{line}: the row has {len(row)} cells, and the header {len(headers)}",
                    "training would read another file than the one that is meant: mend the row",
                )
        columns = zip(*(row for _, row in chunk), strict=True)
        yield pl.DataFrame(
            {name: [cell or None for cell in cells] for name, cells in zip(headers, columns, strict=True)},
            schema=dict.fromkeys(headers, TEXT),
        )


def _json_lines(text: Any, path: Path) -> Rows:
    headers: dict[str, None] = {}
    frames: list[pl.DataFrame] = []
    lines = ((number, line) for number, line in enumerate(text, start=1) if line.strip())
    while chunk := [_object(number, line, path) for number, line in islice(lines, _CHUNK)]:
        names = dict.fromkeys(name for row in chunk for name in row)
        headers |= names
        frames.append(
            pl.DataFrame({name: [_cell(row.get(name)) for row in chunk] for name in names}, dict.fromkeys(names, TEXT))
        )
    return Rows(tuple(headers), pl.concat(frames, how="diagonal"), "jsonl")


def _object(number: int, line: str, path: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DqkitError(
            f"the dataset file {path.name} is no JSON lines: line {number} is no JSON of its own",
            'write one object a line: {"path": "…", "label": "…"}',
        ) from error
    if not isinstance(row, dict):
        raise DqkitError(f"the dataset file {path.name} holds no object in line {number}", "write one object a line")
    return row


def _cell(value: Any) -> str | None:
    """Return a value as text; of an image as Hugging Face writes it, the path."""
    if isinstance(value, dict):
        value = value.get("path")
    if value is None or isinstance(value, dict | list):
        return None
    return str(value)
