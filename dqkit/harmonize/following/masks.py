"""The table that says which series a NIfTI mask belongs to: the file names none, and its name is no reference."""

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from dqkit.archive.paths import escape
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.index.sources import root_path
from dqkit.model import FileStatus

MASK, SERIES = "mask", "SeriesInstanceUID"


def read_masks(path: Path, tables: Tables) -> dict[str, str]:
    """Read a table of masks.

    Parameters
    ----------
    path
        CSV with the columns ``mask`` (a path: absolute, relative to the table, or relative to the root of a source) and
        ``SeriesInstanceUID``.

    Returns
    -------
    dict[str, str]
        File id of the mask -> series key.

    Raises
    ------
    DqkitError
        It cannot be read, or names a mask or a series that the catalog does not hold: gives the line.
    """
    files, series = _nifti_files(tables), _series(tables)
    found: dict[str, str] = {}
    for line, mask, uid in _rows(path):
        file_id = next((files[place] for place in _places(mask, path, tables) if place in files), None)
        if file_id is None:
            raise DqkitError(
                f"line {line} of {path}: no source of the catalog holds this mask as a NIfTI file",
                "index the folder of the masks first: dqkit index FOLDER",
            )
        keys = series.get(uid, ())
        if len(keys) != 1:
            held = "is in no source of the catalog" if not keys else "was delivered by several sites"
            raise DqkitError(f"line {line} of {path}: the series {held}", "correct the line, or take it out")
        if found.setdefault(file_id, keys[0]) != keys[0]:
            raise DqkitError(f"line {line} of {path}: the mask was given another series before", "leave one of them")
    return found


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, mask and SeriesInstanceUID of each row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {MASK, SERIES} <= set(rows.fieldnames or ()):
                raise DqkitError(f"{path} has no columns {MASK} and {SERIES}", f"its first line: {MASK},{SERIES}")
            for row in rows:
                yield rows.line_num, (row[MASK] or "").strip(), (row[SERIES] or "").strip()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DqkitError(f"the table {path} cannot be read ({type(error).__name__})", "check the file") from error


Place = tuple[str, str]
"""Source id and escaped path relative to its root."""


def _nifti_files(tables: Tables) -> dict[Place, str]:
    files = tables.scan("instances").filter(pl.col("status") == FileStatus.NIFTI).select("source_id", "path", "file_id")
    return {(source, path): file_id for source, path, file_id in files.collect().iter_rows()}


def _series(tables: Tables) -> Mapping[str, tuple[str, ...]]:
    """Return SeriesInstanceUID -> keys of the series that have it, one a site."""
    found: dict[str, tuple[str, ...]] = {}
    for uid, key in tables.scan("series").select(SERIES, "series_key").drop_nulls().collect().iter_rows():
        found[uid] = (*found.get(uid, ()), key)
    return found


def _places(mask: str, table: Path, tables: Tables) -> Iterator[Place]:
    """Yield where a mask may be meant to lie, the likeliest first."""
    whole = os.path.normpath(os.path.join(table.absolute().parent, mask))  # noqa: PTH118 - links are left alone
    sources = tables.scan("sources").select("source_id", "root").collect().rows()
    for source, root in sources:
        base = os.path.normpath(root_path(root))
        if whole.startswith(base + os.sep):
            yield source, escape(os.fsencode(os.path.relpath(whole, base)))
    for source, _ in sources:
        yield source, escape(os.fsencode(os.path.normpath(mask)))
