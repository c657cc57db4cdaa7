"""Which attributes of which file are empty, untypeable, undecodable and so on, gathered while columns are typed."""

from collections.abc import Iterable, Sequence

import polars as pl

from dqkit.index.lists import lists_of

VALUE_FAULTS = ("empty", "untypeable", "undecodable", "with_nul", "overlong")
FAULTS = (*VALUE_FAULTS, "odd_vr")


class Faults:
    """Collects (fault, file, keyword); `columns` makes the list columns of `instances` of them.

    Parameters
    ----------
    read
        Whether the header of each file was read: the others get nulls, not empty lists.
    """

    def __init__(self, read: Sequence[bool]) -> None:
        self._read = read
        self._names: dict[str, dict[int, list[str]]] = {fault: {} for fault in FAULTS}
        self._texts: dict[int, list[str]] = {}

    def add(self, fault: str, keyword: str, row: int, text: str = "") -> None:
        """Note one fault of one file; `text` is the value that cannot be typed."""
        self._names[fault].setdefault(row, []).append(keyword)
        if fault == "untypeable":
            self._texts.setdefault(row, []).append(text)

    def add_all(self, fault: str, keywords: Sequence[str], at: Iterable[int], texts: Iterable[str] = ()) -> None:
        """Note faults of a long column: `keywords` one after the other, each for all files.

        Parameters
        ----------
        at
            Indices into the long column.
        texts
            Aligned with `at`, for ``untypeable``.
        """
        names, files = self._names[fault], len(self._read)
        for place in at:
            at_column, row = divmod(place, files)
            if row in names:
                names[row].append(keywords[at_column])
            else:
                names[row] = [keywords[at_column]]
        for place, text in zip(at, texts, strict=False) if fault == "untypeable" else ():
            self._texts.setdefault(place % files, []).append(text)

    def columns(self, *faults: str) -> dict[str, pl.Series]:
        """Return one list column for each of `faults`, and ``untypeable_text`` beside ``untypeable``."""
        found = {fault: self._names[fault] for fault in faults}
        if "untypeable" in found:
            found["untypeable_text"] = self._texts
        none = pl.Series([None, []], dtype=pl.List(pl.String())).gather(pl.Series(self._read, dtype=pl.UInt8))
        return {fault: self._lists(rows) if rows else none for fault, rows in found.items()}

    def _lists(self, rows: dict[int, list[str]]) -> pl.Series:
        lists = [tuple(rows.get(row, ())) if read else None for row, read in enumerate(self._read)]
        return lists_of(lists, pl.List(pl.String()))
