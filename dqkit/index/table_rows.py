"""Rows of `series` that come from tables, beside those that come from files."""

from collections.abc import Iterable

import polars as pl

from dqkit.catalog.tables import Tables
from dqkit.index.sources import is_folder


def table_ids(tables: Tables) -> list[str]:
    """Return the ids of the sources that are tables."""
    return tables.scan("sources").filter(~is_folder()).select("source_id").collect()["source_id"].to_list()


def of_tables(tables: Tables, buckets: Iterable[int], files: pl.DataFrame) -> pl.DataFrame:
    """Return the series of `buckets` that tables tell of, without those that `files` show: files say more."""
    ids = table_ids(tables)
    if not ids:
        return files.clear()
    wanted = pl.col("bucket").is_in(list(buckets)) & pl.col("source_id").is_in(ids)
    rows = tables.scan("series").filter(wanted).collect()
    return rows.join(files, on="series_key", how="anti")
