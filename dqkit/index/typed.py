"""Raw header values of a chunk of files -> typed columns, all attributes of a kind in one go.

All columns of a kind are laid one after the other into one long series (index = column x files + file), so that
polars does each step once; only what the long way leaves over (other scripts, odd numbers) is looked at one by one.
Most attributes stay the same through a series: files that agree in all of these are typed once.
An absent attribute is null; an empty one is null and stands in ``empty``; one that does not fit its VR is null (text
columns keep the text) and stands in ``untypeable`` with its text.
"""

import struct
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from operator import itemgetter

import polars as pl

from dqkit.archive.header import Header, Shared
from dqkit.catalog.schema import DATES
from dqkit.index.faults import VALUE_FAULTS, Faults
from dqkit.index.kinds import BINARY, Column, Kinds, kinds
from dqkit.index.lists import lists_of
from dqkit.index.long import LongText
from dqkit.index.numbers import (
    Convert,
    ConvertLists,
    binary_numbers,
    canonical,
    decimal_lists,
    decimals,
    integer_lists,
    integers,
    untyped,
)

Columns = dict[str, pl.Series]

_LOOKS, _LOOKED_AT, _OF_A_SERIES = 8, 32, 4
"""Stretches of files looked at, files in each, and values that an attribute may take there and still be typed once."""

_DATE = r"^[0-9]{8}$|^[0-9]{4}\.[0-9]{2}\.[0-9]{2}$"
# PS3.5 6.2; the colons of ACR-NEMA 300 are what older files hold.
_TIME = r"^([01][0-9]|2[0-3])(:?[0-5][0-9](:?([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?$"
_WHEN = (
    r"^[0-9]{4}((0[1-9]|1[0-2])((0[1-9]|[12][0-9]|3[01])(([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)"
    r"(\.[0-9]{1,6})?)?)?)?)?)?([+-][0-9]{4})?$"
)
_AGE = r"^[0-9]{3}[DWMY]$"
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
    the faults (``empty`` … ``odd_vr``), each with one value a file; those that no file has may be left out.
    """
    odd = _odd_vrs(headers)
    blank = kinds().wanted.blank()
    rows = [blank if header is None else header.values for header in headers]
    read = [header is not None for header in headers]
    changing = _changing(rows)
    steady = [slot for slot in range(len(blank)) if slot not in changing]
    codes, distinct = _distinct(headers, steady)
    if 2 * len(distinct) > len(rows):
        columns = _Chunk(rows, read, range(len(blank))).typed()
    else:
        once = pl.DataFrame(_Chunk([rows[row] for row in distinct], [read[row] for row in distinct], steady).typed())
        columns = _joined(once.select(pl.all().gather(codes)).to_dict(), rows, read, changing)
    return columns | odd.columns("odd_vr")


def _odd_vrs(headers: Sequence[Header | None]) -> Faults:
    """Note values with another VR than PS3.6's, and rewrite them as PS3.6 has them."""
    wanted = kinds().wanted
    faults = Faults([header is not None for header in headers])
    for row, header in enumerate(headers):
        for slot, vr in header.odd if header else ():
            faults.add("odd_vr", wanted.names[slot], row)
            raw = header.values[slot] if header else None
            if header and raw:
                header.values[slot] = canonical(raw, vr, wanted.vrs[slot])
    return faults


def _changing(rows: Sequence[Sequence[bytes | None]]) -> set[int]:
    """Return the slots whose values change from file to file, by the look of a few stretches of files."""
    changing: set[int] = set()
    for start in range(0, len(rows), max(_LOOKED_AT, len(rows) // _LOOKS)):
        for slot, values in enumerate(zip(*rows[start : start + _LOOKED_AT], strict=True)):
            if len(set(values)) > _OF_A_SERIES:
                changing.add(slot)
    return changing - {kinds().wanted.names.index("SpecificCharacterSet")}


def _distinct(headers: Sequence[Header | None], slots: Sequence[int]) -> tuple[pl.Series, list[int]]:
    """Return for each header which of the distinct ones it is, by these slots alone, and the first of each."""
    whole, of_shared = itemgetter(*slots), _GettersOfShared(slots)
    codes: dict[object, int] = {}
    of_rows: list[int] = []
    first: list[int] = []
    for row, header in enumerate(headers):
        if header is None:
            key: object = None
        elif header.shared is None:
            key = whole(header.values)
        else:  # most of its values need no look
            key = header.shared, of_shared[header.shared](header.values)
        code = codes.setdefault(key, len(first))
        of_rows.append(code)
        if code == len(first):
            first.append(row)
    return pl.Series(of_rows, dtype=pl.UInt32), first


class _GettersOfShared(dict[Shared, Callable[[Sequence[bytes | None]], object]]):
    """What files share -> a function that gives those values in `slots` that they do not share."""

    def __init__(self, slots: Sequence[int]) -> None:
        super().__init__()
        self._slots = frozenset(slots)

    def __missing__(self, shared: Shared) -> Callable[[Sequence[bytes | None]], object]:
        own = sorted(shared.slots & self._slots)
        getter = self[shared] = itemgetter(*own) if own else lambda _: None
        return getter


def _joined(
    steady: Columns, rows: Sequence[Sequence[bytes | None]], read: Sequence[bool], changing: Collection[int]
) -> Columns:
    """Type what changes, too, and join the faults of both."""
    typed = _Chunk(rows, read, changing).typed()
    for fault in steady.keys() & typed.keys():
        if (typed[fault].list.len() > 0).any():
            typed[fault] = pl.select(steady[fault].list.concat(typed[fault])).to_series()
        else:
            typed[fault] = steady[fault]
    return steady | typed


class _Chunk:
    """Columns in the making: the attributes in some slots of some files."""

    def __init__(self, rows: Sequence[Sequence[bytes | None]], read: Sequence[bool], slots: Collection[int]) -> None:
        self.kinds: Kinds = kinds()
        self.files = len(rows)
        self.columns: Columns = {}
        self.faults = Faults(read)
        charset = self.kinds.wanted.names.index("SpecificCharacterSet")
        self.slots = frozenset(slots)
        self.raw = {slot: tuple(map(itemgetter(slot), rows)) for slot in {*slots, charset}}
        self.charsets = self.raw[charset]

    def typed(self) -> Columns:
        """Type them, and tell their faults."""
        self.texts()
        self.dates()
        self.numbers()
        return self.columns | self.faults.columns(*VALUE_FAULTS)

    def texts(self) -> None:
        """Type text: single values, then lists."""
        for columns in (self.kinds.uids, self.kinds.text):
            if long := self._long(columns):
                long.check_length()
                self.columns |= long.cut(long.text)
        if lists := self._long(self.kinds.texts):
            self.columns |= lists.cut(_stripped(lists.components()))

    def dates(self) -> None:
        """Type dates, times and ages."""
        if dates := self._long(self.kinds.dates):
            dates.check_length()
            digits = pl.when(dates.text.str.contains(_DATE)).then(dates.text.str.replace_all(".", "", literal=True))
            typed = pl.select(digits.str.to_date("%Y%m%d", strict=False)).to_series()
            dates.note("untypeable", untyped(typed, dates.text))
            self.columns |= dates.cut(dates.text)
            self.columns |= {DATES[name]: column for name, column in dates.cut(typed).items()}
        if times := self._long(self.kinds.times):
            times.check_length()
            times.note("untypeable", (~times.text.str.contains(_TIME)).arg_true())
            self.columns |= times.cut(times.text)
        self._check_shape("AcquisitionDateTime", _WHEN)
        self._check_shape("PatientAge", _AGE)
        self._age()

    def numbers(self) -> None:
        """Type decimal strings, integer strings and binary numbers."""
        of = self.kinds
        self._numbers(of.real, decimals)
        self._numbers(of.integer, integers)
        self._number_lists(of.reals, decimal_lists)
        self._number_lists(of.integers, integer_lists)
        for vr, columns in of.binary.items():
            self._binary(vr, self._present(columns))
        for column in self._present(of.binaries):
            self._binary_list(column)

    def _present(self, columns: Sequence[Column]) -> list[Column]:
        """Return those of `columns` that any file has."""
        mine = [column for column in columns if column.slot in self.slots]
        return [column for column in mine if any(self.raw[column.slot]) or b"" in self.raw[column.slot]]

    def _flat(self, columns: Sequence[Column]) -> list[bytes | None]:
        return list(chain.from_iterable(self.raw[column.slot] for column in columns))

    def _long(self, columns: Sequence[Column]) -> LongText | None:
        columns = self._present(columns)
        return LongText(columns, self._flat(columns), self.charsets, self.faults) if columns else None

    def _check_shape(self, keyword: str, shape: str) -> None:
        text = self.columns.get(keyword)
        if text is not None:
            misfits = (~text.str.contains(shape)).arg_true()
            self.faults.add_all("untypeable", [keyword], misfits.to_list(), text.gather(misfits).to_list())

    def _age(self) -> None:
        text = self.columns.get("PatientAge")
        if text is None:
            return
        count = pl.when(text.str.contains(_AGE)).then(text.str.head(3)).cast(pl.Float64)
        years = text.str.tail(1).replace_strict(_YEARS, default=None, return_dtype=pl.Float64)
        self.columns["patient_age_years"] = pl.select(count * years).to_series()

    def _numbers(self, columns: Sequence[Column], convert: Convert) -> None:
        if long := self._long(columns):
            long.check_length()
            values, misfits = convert(long.text)
            long.note("untypeable", misfits)
            self.columns |= long.cut(values)

    def _number_lists(self, columns: Sequence[Column], convert: ConvertLists) -> None:
        if long := self._long(columns):
            values, misfits = convert(long.text, long.components())
            long.note("untypeable", misfits)
            self.columns |= long.cut(values)

    def _binary(self, vr: str, columns: Sequence[Column]) -> None:
        if not columns:
            return
        flat = self._flat(columns)
        values, misfits = binary_numbers(pl.Series(flat, dtype=pl.Binary), vr)
        keywords = [column.name for column in columns]
        if b"" in flat:
            self.faults.add_all("empty", keywords, [i for i, raw in enumerate(flat) if raw == b""])
        at = misfits.to_list()
        self.faults.add_all("untypeable", keywords, at, [_as_text(flat[i] or b"", vr) for i in at])
        for index, name in enumerate(keywords):
            self.columns[name] = values.slice(index * self.files, self.files)

    def _binary_list(self, column: Column) -> None:
        raws = self.raw[column.slot]
        known = {raw: _unpacked(raw, column.vr) for raw in set(raws)}
        if not all(known.values()):
            for row, raw in enumerate(raws):
                if raw == b"":
                    self.faults.add("empty", column.name, row)
                elif raw and known[raw] is None:
                    self.faults.add("untypeable", column.name, row, raw.hex())
        kind = pl.List(pl.Float64() if BINARY[column.vr] in "fd" else pl.Int64())
        self.columns[column.name] = lists_of([known[raw] for raw in raws], kind)


def _stripped(lists: pl.Series) -> pl.Series:
    """Strip the components of text lists; blank ones stay, for their place counts."""
    return lists.list.eval(pl.element().str.strip_chars(" "))


def _unpacked(raw: bytes | None, vr: str) -> tuple[float, ...] | None:
    width = struct.calcsize(BINARY[vr])
    if not raw or len(raw) % width:
        return None
    return struct.unpack(f"<{len(raw) // width}{BINARY[vr]}", raw)


def _as_text(raw: bytes, vr: str) -> str:
    numbers = _unpacked(raw, vr)
    return raw.hex() if numbers is None else "\\".join(map(str, numbers))
