"""A part of a catalog: the sites and modalities that somebody asked to be judged, as if there were nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError

_KEYS = ("site", "Modality")


@dataclass(frozen=True)
class Only:
    """What is judged; nothing named = everything.

    A file that names no Modality (0008,0060) is judged whatever the modalities: nobody knows that it is of another.
    """

    sites: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sites or self.modalities)

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
    def from_json(cls, data: Mapping[str, list[str]] | None) -> "Only":
        """Return what `to_json` wrote; an older dqkit wrote nothing."""
        data = data or {}
        return cls(tuple(data.get("sites", ())), tuple(data.get("modalities", ())))

    def to_json(self) -> dict[str, list[str]]:
        """Return this as plain JSON values."""
        return {"sites": list(self.sites), "modalities": list(self.modalities)}


class _Part:
    """Tables without the rows of other sites and modalities."""

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
        return rows


def part_of(tables: Tables, only: Only) -> Tables:
    """Return what `only` leaves of `tables`."""
    return _Part(tables, only) if only else tables


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
