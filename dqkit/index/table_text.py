"""Tables that are text: CSV of any delimiter and encoding, and the JSON of QIDO-RS (PS3.18 10.6)."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dqkit.errors import DqkitError
from dqkit.index.table_file import Known, RawTable, Row, shaped

_DELIMITERS = (",", ";", "\t", "|")
_PROBED = 50
"""Lines from which the delimiter is found out."""

_LONGEST_CELL = 1 << 20
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_BYTES = 4 << 30
_AS_TEXT = re.compile(r'="([^"]*)"')
_TAG = re.compile(r"[0-9A-Fa-f]{8}")


def read_text(path: Path, known: Known, sheet: str) -> RawTable:  # noqa: ARG001
    """Read delimited text.

    Raises
    ------
    DqkitError
        It is no text, or a quote in it never ends.
    """
    data = _bytes_of(path)
    text, notes = _decoded(data, path)
    del data
    text, nuls = text.replace("\x00", ""), text.count("\x00")
    delimiter, text = _delimiter(text)
    headers, cells, odd = shaped(_rows(text, delimiter, path), known, path.name)
    said = [*notes, *([f"{nuls:,} NUL characters were taken out"] if nuls else []), *odd.text()]
    return RawTable(headers, cells, notes=tuple(said), decimal_comma=delimiter != ",")


def rows_of_text(path: Path) -> Iterator[tuple[int, Row]]:
    """Return the rows of delimited text as they stand, each with the number of its last line.

    Raises
    ------
    DqkitError
        It cannot be read, is no text, or a quote in it never ends.
    """
    text, _ = _decoded(_bytes_of(path), path)
    delimiter, text = _delimiter(text.replace("\x00", ""))
    return _rows(text, delimiter, path)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DqkitError(f"{path.name} is larger than 4 GB of text", "give it as parquet, or cut it in parts")
        return path.read_bytes()
    except OSError as error:
        raise DqkitError(f"the table {path.name} cannot be read: {error.strerror}", "check the path") from error


def _decoded(data: bytes, path: Path) -> tuple[str, list[str]]:
    """Decode text of UTF-8, UTF-16 or GB18030 (which holds GBK and GB 2312), with or without a byte order mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _as(data, "utf-16", path), ["text of UTF-16"]
    if len(data) > 1 and (data[1::2][:200].count(0) > len(data[1::2][:200]) // 2):
        return _as(data, "utf-16-le", path), ["text of UTF-16 without a byte order mark"]
    if len(_CONTROL.findall(data[:4096].replace(b"\x00", b""))) > 4:  # noqa: PLR2004 - a few strays are still text
        raise DqkitError(f"{path.name} is no table that dqkit reads", "give CSV, xlsx, parquet or QIDO-RS JSON")
    for encoding, note in (("utf-8-sig", ""), ("gb18030", "text of GB18030 (GBK)")):
        try:
            return data.decode(encoding), [note] if note else []
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), ["text of no known encoding, read as Latin-1: names may be wrong"]


def _as(data: bytes, encoding: str, path: Path) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DqkitError(f"{path.name} is damaged text of {encoding.upper()}", "export it again as UTF-8") from error


def _delimiter(text: str) -> tuple[str, str]:
    """Return what separates the cells, and the text without a line that says so (``sep=;``)."""
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=(.)"?\r?', first.strip("\r\n"))
    if told:
        return told[1], rest
    lines = text[:200_000].splitlines()[:_PROBED]
    return max(_DELIMITERS, key=lambda one: (_fit(lines, one), -_DELIMITERS.index(one))), text


def _fit(lines: list[str], delimiter: str) -> float:
    """Say how well a delimiter cuts the lines: columns times the share of lines that have as many."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0.0
    if not widths:
        return 0.0
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    return (usual - 1) * widths.count(usual) / len(widths)


def _rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, [_cell(cell) for cell in row]
    except csv.Error as error:
        raise DqkitError(
            f"{path.name}:{reader.line_num}: a cell is longer than a megabyte", "a quote that is not closed?"
        ) from error


def _cell(text: str) -> str | None:
    """Return a cell without blanks at its ends; ``="00123"`` is how exports keep spreadsheets from losing zeros."""
    text = text.strip()
    if text.startswith("=") and (kept := _AS_TEXT.fullmatch(text)):
        text = kept[1]
    return text or None


def read_json(path: Path, known: Known, sheet: str) -> RawTable:  # noqa: ARG001
    """Read what a QIDO-RS search answers: a list of objects of tag -> ``{"vr": …, "Value": […]}``.

    Objects of plain keys and values are read too.

    Raises
    ------
    DqkitError
        It is no JSON, or no list of objects.
    """
    text, notes = _decoded(_bytes_of(path), path)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DqkitError(f"{path.name} is no JSON that can be read", "export it again") from error
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, Mapping) for row in rows):
        raise DqkitError(f"{path.name} is no list of objects", "give the answer of a QIDO-RS search as it is")
    headers = list(dict.fromkeys(str(key) for row in rows for key in row))
    body: list[tuple[int, Row]] = [(1, headers)]
    body += [(n, [_json_cell(row.get(key)) for key in headers]) for n, row in enumerate(rows, start=1)]
    names, cells, odd = shaped(body if headers else [], known, path.name)
    tags = [name for name in names if _TAG.fullmatch(name)]
    return RawTable(names, cells, notes=(*notes, *odd.text(), *(("an answer of QIDO-RS",) if tags else ())))


def _json_cell(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("Value", value.get("Alphabetic"))
    if isinstance(value, list):
        parts = [_json_cell(part) or "" for part in value]
        return "\\".join(parts) or None
    if value is None or isinstance(value, Mapping):
        return None
    return str(value).strip() or None
