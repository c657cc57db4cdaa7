"""A part of a catalog: the sites, modalities and cohort that somebody asked for, as if there were nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.catalog.cohort import Cohort
from dqkit.catalog.store import Writer
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.model import TOOL_STATUSES

_KEYS = ("site", "Modality")


@dataclass(frozen=True)
class Only:
    """What is judged; nothing named = everything.

    A file that names no Modality (0008,0060) is judged whatever the modalities: nobody knows that it is of another.
    A file that names no series is judged with a cohort where it lies in a folder of it, or where it could not be
    read and lies in one of its sources.
    """

    sites: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    cohort: Cohort | None = None

    def __bool__(self) -> bool:
        return bool(self.sites or self.modalities or self.cohort)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Only":
        """Read ``site=North`` and ``Modality=CT`` as the command line writes them.

        Raises
        ------
        DqkitError
            Another form.
        """
        found: dict[str, list[str]] = {key: [] for key in _KEYS}
        for text in texts:
            key, _, value = text.partition("=")
            if key not in found or not value:
                raise DqkitError(
                    f"--only {text!r} is not understood", "write site=NAME or Modality=CT; repeat it for more"
                )
            found[key].append(value)
        return cls(tuple(found["site"]), tuple(found["Modality"]))

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Only":
        """Return what `to_json` wrote; an older dqkit wrote nothing."""
        data = data or {}
        cohort = Cohort.from_json(data["cohort"]) if data.get("cohort") else None
        return cls(tuple(data.get("sites", ())), tuple(data.get("modalities", ())), cohort)

    def to_json(self) -> dict[str, Any]:
        """Return this as plain JSON values; `cohort` is there where there is one."""
        cohort = {"cohort": self.cohort.to_json()} if self.cohort else {}
        return {"sites": list(self.sites), "modalities": list(self.modalities), **cohort}


class _Part:
    """Tables without the rows of other sites, modalities and series."""

    def __init__(self, tables: Tables, only: Only) -> None:
        self._tables, self._only = tables, only

    def scan(self, table: str) -> pl.LazyFrame:
        """Return the rows of `table` that are judged."""
        rows = self._tables.scan(table)
        if table == "pixel_measures":
            return rows.join(self.scan("instances").select("file_id"), on="file_id", how="semi")
        if table not in {"instances", "stacks", "series", "labels"}:
            return rows
        if self._only.sites:
            rows = rows.filter(pl.col("site").is_in(self._only.sites))
        if self._only.modalities:
            rows = rows.filter(pl.col("Modality").is_in(self._only.modalities) | pl.col("Modality").is_null())
        return self._of_cohort(rows, table) if self._only.cohort else rows

    def _of_cohort(self, rows: pl.LazyFrame, table: str) -> pl.LazyFrame:
        """Return `rows` of the cohort, and of `instances` those that may belong to it."""
        cohort = self._only.cohort
        if cohort is None:
            return rows
        keys = cohort.keys(self._tables)
        chosen = rows.join(keys, on="series_key", how="semi")
        if table != "instances":
            return chosen
        nameless = rows.filter(pl.col("series_key").is_null())
        is_unread = pl.col("status").is_in([status.value for status in TOOL_STATUSES])
        unread = nameless.filter(is_unread).join(chosen, on="source_id", how="semi")
        beside = nameless.filter(~is_unread).join(chosen, on=["source_id", "folder"], how="semi")
        return pl.concat([chosen, unread, beside])


def part_of(tables: Tables, only: Only) -> Tables:
    """Return what `only` leaves of `tables`."""
    return _Part(tables, only) if only else tables


def keep_cohort(writer: Writer, only: Only) -> None:
    """Keep the series of the cohort in the catalog, so that the run can be recalled without its file."""
    if only.cohort is None:
        return
    kept = writer.scan("cohort_series").filter(pl.col("cohort_sha256") == only.cohort.sha256)
    if kept.head(1).collect().is_empty():
        writer.append("cohort_series", only.cohort.rows())


def check_only(tables: Tables, only: Only) -> None:
    """Refuse sites and modalities that are not there: nothing would be judged, and that would look sound.

    Raises
    ------
    DqkitError
        There is no such site or modality.
    """
    for column, asked in (("site", only.sites), ("Modality", only.modalities)):
        if not asked:
            continue
        there = _values(tables, "series", column) | _values(tables, "instances", column)
        if missing := [value for value in asked if value not in there]:
            known = ", ".join(sorted(there))
            raise DqkitError(f"--only: there is no {column} {missing[0]!r} in this catalog", f"there are: {known}")


def _values(tables: Tables, table: str, column: str) -> set[str]:
    return set(tables.scan(table).select(column).unique().collect()[column].drop_nulls())
