"""Raw header values of a chunk of files -> typed columns, all attributes of a kind in one go.

All columns of a kind are laid one after the other into one long series (index = column x files + file), so that
polars does each step once; only what the long way leaves over (other scripts, odd numbers) is looked at one by one.
An absent attribute is null; an empty one is null and stands in ``empty``; one that does not fit its VR is null (text
columns keep the text) and stands in ``untypeable`` with its text.
"""

import struct
from collections.abc import Sequence
from itertools import chain

import polars as pl

from dqkit.archive.header import Header
from dqkit.archive.text import decode
from dqkit.catalog.schema import DATES
from dqkit.index.faults import Faults
from dqkit.index.kinds import ANY_SCRIPT, BINARY, LONGEST, ONE_VALUE, Column, Kinds, kinds
from dqkit.index.numbers import (
    Convert,
    ConvertLists,
    binary_numbers,
    canonical,
    decimal_lists,
    decimals,
    integer_lists,
    integers,
)

Columns = dict[str, pl.Series]
Rows = Sequence[Sequence[bytes | None]]

_DATE = r"^[0-9]{8}$|^[0-9]{4}\.[0-9]{2}\.[0-9]{2}$"
# PS3.5 6.2; the colons of ACR-NEMA 300 are what older files hold.
_TIME = r"^([01][0-9]|2[0-3])(:?[0-5][0-9](:?([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?$"
_WHEN = (
    r"^[0-9]{4}((0[1-9]|1[0-2])((0[1-9]|[12][0-9]|3[01])(([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)"
    r"(\.[0-9]{1,6})?)?)?)?)?)?([+-][0-9]{4})?$"
)
_AGE = r"^[0-9]{3}[DWMY]$"
_SHAPES = {"TM": _TIME, "DT": _WHEN, "AS": _AGE}
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def typed_columns(headers: Sequence[Header | None]) -> Columns:
    """Type the attributes of a chunk of files.

    Parameters
    ----------
    headers
        What was read of each file, by the tables of `kinds`; None where nothing was.

    Returns
    -------
    The columns of `schema.ATTRIBUTES`, those of the file meta information, `schema.DATES`, ``patient_age_years`` and
    the faults (``empty`` … ``odd_vr``), each with one value a file.
    """
    chunk = _Chunk(headers)
    chunk.texts()
    chunk.numbers()
    for series in chunk.faults.columns():
        chunk.columns[series.name] = series
    return chunk.columns


class _Chunk:
    """Columns in the making."""

    def __init__(self, headers: Sequence[Header | None]) -> None:
        self.kinds: Kinds = kinds()
        self.files = len(headers)
        self.columns: Columns = {}
        self.faults = Faults([header is not None for header in headers])
        blank = self.kinds.wanted.blank()
        self._odd_vrs(headers)
        rows = [blank if header is None else header.values for header in headers]
        self.raw = list(zip(*rows, strict=True)) or [()] * len(blank)
        self.charsets = self.raw[self.kinds.wanted.names.index("SpecificCharacterSet")]

    def _odd_vrs(self, headers: Sequence[Header | None]) -> None:
        """Note values with another VR than PS3.6's, and rewrite them as PS3.6 has them."""
        wanted = self.kinds.wanted
        for row, header in enumerate(headers):
            for slot, vr in header.odd if header else ():
                self.faults.add_one("odd_vr", wanted.names[slot], row)
                raw = header.values[slot] if header else None
                if header and raw:
                    header.values[slot] = canonical(raw, vr, wanted.vrs[slot])

    def texts(self) -> None:
        """Type text, dates and times."""
        long = self._long_single(self.kinds.text)
        for at, column in enumerate(self.kinds.text):
            self.columns[column.name] = long.slice(at * self.files, self.files)
        for vr, shape in _SHAPES.items():
            self._check_shape(vr, shape)
        self._dates()
        self._age()
        _, parts = self._long_lists(self.kinds.texts)
        parts = _stripped(parts)
        for at, column in enumerate(self.kinds.texts):
            self.columns[column.name] = parts.slice(at * self.files, self.files)

    def numbers(self) -> None:
        """Type decimal strings, integer strings and binary numbers."""
        of = self.kinds
        self._numbers(of.real, decimals)
        self._numbers(of.integer, integers)
        self._number_lists(of.reals, decimal_lists)
        self._number_lists(of.integers, integer_lists)
        for vr, columns in of.binary.items():
            self._binary(vr, columns)
        for column in of.binaries:
            self._binary_list(column)

    def _flat(self, columns: Sequence[Column]) -> list[bytes | None]:
        return list(chain.from_iterable(self.raw[column.slot] for column in columns))

    def _long_text(self, columns: Sequence[Column]) -> pl.Series:
        """Return the text of `columns`: decoded, without NULs and padding; null where absent or empty."""
        flat = self._flat(columns)
        text = self._decoded(flat, columns)
        text = self._without_nul(text, columns)
        keywords = [column.name for column in columns]
        text = text.str.strip_chars(" ")
        empty = text == ""
        self.faults.add("empty", keywords, empty.arg_true())
        return pl.select(pl.when(~empty).then(text)).to_series() if empty.any() else text

    def _long_single(self, columns: Sequence[Column]) -> pl.Series:
        """Return the text of attributes of one value, and note those that are too long."""
        text = self._long_text(columns)
        limits = pl.Series([LONGEST.get(column.vr, 1 << 31) for column in columns], dtype=pl.UInt32)
        limit = limits.gather(pl.int_range(len(text), eager=True) // max(1, self.files))
        self._overlong(text, (text.str.len_bytes() > limit).arg_true(), columns)
        return text

    def _long_lists(self, columns: Sequence[Column]) -> tuple[pl.Series, pl.Series]:
        """Return the text of multi-valued attributes, and the lists of their components."""
        text = self._long_text(columns)
        lists = text.str.split("\\")
        shortest = min(LONGEST[column.vr] for column in columns)
        if (lists.explode().str.len_bytes() > shortest).any():
            self._overlong(text, (text.str.len_bytes() > shortest).arg_true(), columns)
        return text, lists

    def _decoded(self, flat: list[bytes | None], columns: Sequence[Column]) -> pl.Series:
        try:
            text = pl.Series(flat, dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.ComputeError:  # not UTF-8, somewhere
            plain = [value if value is None or value.isascii() else b"" for value in flat]
            text = pl.Series(plain, dtype=pl.Binary).cast(pl.String)
            places = [i for i, value in enumerate(flat) if value is not None and not value.isascii()]
        else:
            places = (text.str.len_bytes() != text.str.len_chars()).arg_true().to_list()
        escaped = text.str.contains("\x1b", literal=True).arg_true().to_list()
        if not places and not escaped:
            return text
        return self._decode_each(text, flat, sorted({*places, *escaped}), columns)

    def _decode_each(
        self, text: pl.Series, flat: list[bytes | None], places: list[int], columns: Sequence[Column]
    ) -> pl.Series:
        decoded, misfits = [], []
        for place in places:
            at, row = divmod(place, self.files)
            charset = self.charsets[row] if columns[at].vr in ANY_SCRIPT else None
            value, fits = decode(flat[place] or b"", charset)
            decoded.append(value)
            if not fits:
                misfits.append(place)
        self.faults.add("undecodable", [column.name for column in columns], pl.Series(misfits, dtype=pl.Int64))
        return text.scatter(places, decoded)

    def _without_nul(self, text: pl.Series, columns: Sequence[Column]) -> pl.Series:
        """Drop NULs; the one that pads a UI to even length is no fault (PS3.5 6.2)."""
        uids = sum(column.vr == "UI" for column in columns) * self.files
        if uids:
            text = pl.concat([text.head(uids).str.strip_suffix("\0"), text.slice(uids)])
        holding = text.str.contains("\0", literal=True)
        if not holding.any():
            return text
        self.faults.add("with_nul", [column.name for column in columns], holding.arg_true())
        return text.str.replace_all("\0", "", literal=True)

    def _overlong(self, text: pl.Series, suspects: pl.Series, columns: Sequence[Column]) -> None:
        at_fault = [i for i in suspects.to_list() if _is_overlong(text[i], columns[i // self.files].vr)]
        self.faults.add("overlong", [column.name for column in columns], pl.Series(at_fault, dtype=pl.Int64))

    def _check_shape(self, vr: str, shape: str) -> None:
        for column in self.kinds.text:
            if column.vr == vr:
                text = self.columns[column.name]
                misfits = (~text.str.contains(shape)).arg_true()
                self.faults.add("untypeable", [column.name], misfits, text.gather(misfits))

    def _dates(self) -> None:
        for keyword, name in DATES.items():
            text = self.columns[keyword]
            digits = pl.when(text.str.contains(_DATE)).then(text.str.replace_all(".", "", literal=True))
            dates = pl.select(digits.str.to_date("%Y%m%d", strict=False)).to_series()
            misfits = (dates.is_null() & text.is_not_null()).arg_true()
            self.faults.add("untypeable", [keyword], misfits, text.gather(misfits))
            self.columns[name] = dates

    def _age(self) -> None:
        text = self.columns["PatientAge"]
        count = pl.when(text.str.contains(_AGE)).then(text.str.head(3)).cast(pl.Float64)
        years = text.str.tail(1).replace_strict(_YEARS, default=None, return_dtype=pl.Float64)
        self.columns["patient_age_years"] = pl.select(count * years).to_series()

    def _numbers(self, columns: Sequence[Column], convert: Convert) -> None:
        text = self._long_single(columns)
        self._spread(columns, *convert(text), text)

    def _number_lists(self, columns: Sequence[Column], convert: ConvertLists) -> None:
        text, lists = self._long_lists(columns)
        self._spread(columns, *convert(text, lists), text)

    def _spread(self, columns: Sequence[Column], values: pl.Series, misfits: pl.Series, text: pl.Series) -> None:
        """Cut a long typed column into its columns."""
        self.faults.add("untypeable", [column.name for column in columns], misfits, text.gather(misfits))
        for at, column in enumerate(columns):
            self.columns[column.name] = values.slice(at * self.files, self.files)

    def _binary(self, vr: str, columns: Sequence[Column]) -> None:
        raw = pl.Series(self._flat(columns), dtype=pl.Binary)
        values, misfits = binary_numbers(raw, vr)
        keywords = [column.name for column in columns]
        self.faults.add("empty", keywords, (raw.bin.size() == 0).arg_true())
        texts = pl.Series([_as_text(raw[i], vr) for i in misfits.to_list()], dtype=pl.String)
        self.faults.add("untypeable", keywords, misfits, texts)
        for at, column in enumerate(columns):
            self.columns[column.name] = values.slice(at * self.files, self.files)

    def _binary_list(self, column: Column) -> None:
        code = BINARY[column.vr]
        width = struct.calcsize(code)
        known: dict[bytes | None, list[float] | None] = {None: None, b"": None}
        for row, raw in enumerate(self.raw[column.slot]):
            if raw == b"":
                self.faults.add_one("empty", column.name, row)
            elif raw is not None and raw not in known:
                known[raw] = list(struct.unpack(f"<{len(raw) // width}{code}", raw)) if not len(raw) % width else None
            if raw and known[raw] is None:
                self.faults.add_one("untypeable", column.name, row, raw.hex())
        kind = pl.List(pl.Float64() if code in "fd" else pl.Int64())
        self.columns[column.name] = pl.Series([known[raw] for raw in self.raw[column.slot]], dtype=kind)


def _stripped(lists: pl.Series) -> pl.Series:
    """Strip the components of text lists; blank ones stay, for their place counts."""
    return lists.list.eval(pl.element().str.strip_chars(" "))


def _is_overlong(text: str, vr: str) -> bool:
    parts = [text] if vr in ONE_VALUE else text.split("\\")
    if vr == "PN":
        parts = [group for part in parts for group in part.split("=")]
    return any(len(part.strip(" ")) > LONGEST[vr] for part in parts)


def _as_text(raw: bytes, vr: str) -> str:
    width = struct.calcsize(BINARY[vr])
    if len(raw) % width:
        return raw.hex()
    return "\\".join(str(value) for value in struct.unpack(f"<{len(raw) // width}{BINARY[vr]}", raw))
