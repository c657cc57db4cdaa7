"""Which attributes of which file are empty, untypeable, undecodable and so on, gathered while columns are typed."""

from collections.abc import Sequence

import numpy as np
import polars as pl

FAULTS = ("empty", "untypeable", "undecodable", "with_nul", "overlong", "odd_vr")


class Faults:
    """Collects (fault, file, keyword); `columns` makes the list columns of `instances` of them.

    Parameters
    ----------
    read
        Whether the header of each file was read: the others get nulls, not empty lists.
    """

    def __init__(self, read: Sequence[bool]) -> None:
        self._read = pl.Series("read", read, dtype=pl.Boolean)
        self._rows: dict[str, list[pl.DataFrame]] = {fault: [] for fault in FAULTS}

    def add(self, fault: str, keywords: Sequence[str], at: pl.Series, texts: pl.Series | None = None) -> None:
        """Note faults of a long column: `keywords` one after the other, each for all files.

        Parameters
        ----------
        at
            Indices into the long column.
        texts
            Aligned with `at`: the offending values.
        """
        if not len(at):
            return
        places = at.to_numpy().astype(np.int64)
        files = len(self._read)
        names = pl.Series(keywords, dtype=pl.String).gather(places // files)
        self._rows[fault].append(pl.DataFrame({"row": places % files, "name": names, "text": _text(texts, len(at))}))

    def add_one(self, fault: str, keyword: str, row: int, text: str | None = None) -> None:
        """Note one fault of one file."""
        values = {"row": [row], "name": [keyword], "text": [text]}
        self._rows[fault].append(pl.DataFrame(values, schema={"row": pl.Int64, "name": pl.String, "text": pl.String}))

    def columns(self) -> list[pl.Series]:
        """Return one list column a fault, and ``untypeable_text`` beside ``untypeable``."""
        columns = []
        for fault, rows in self._rows.items():
            columns.append(self._lists(rows, "name").alias(fault))
            if fault == "untypeable":
                columns.append(self._lists(rows, "text").alias("untypeable_text"))
        return columns

    def _lists(self, rows: list[pl.DataFrame], of: str) -> pl.Series:
        none = pl.lit([], dtype=pl.List(pl.String))
        files = self._read.to_frame().with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        if not rows:
            return files.select(pl.when("read").then(none)).to_series()
        lists = pl.concat(rows).group_by("row", maintain_order=True).agg(of)
        joined = files.join(lists, on="row", how="left", maintain_order="left")
        return joined.select(pl.when("read").then(pl.col(of).fill_null(none))).to_series()


def _text(texts: pl.Series | None, count: int) -> pl.Series:
    return pl.Series([None] * count, dtype=pl.String) if texts is None else texts.alias("text")
