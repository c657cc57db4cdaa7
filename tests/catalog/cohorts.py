"""Cohort files made by hand, for what reads them."""

from pathlib import Path

import polars as pl

from dqkit.catalog.cohort import basis_of, cohort_bytes, telling_of
from dqkit.catalog.schema import COHORT, conform
from dqkit.catalog.store import Catalog


def write_cohort(path: Path, catalog: Catalog, chosen: pl.Expr | None = None) -> Path:
    """Choose the series for which `chosen` holds (none named: all), and write the cohort."""
    chosen = pl.lit(value=True) if chosen is None else chosen
    series = catalog.scan("series").with_columns(level=pl.lit("series"), included=chosen.fill_null(value=False))
    newest = telling_of(catalog).select("series_key", "mtime_ns")
    rows = series.join(newest, on="series_key", how="left").sort("series_key").collect()
    path.write_bytes(cohort_bytes(conform(rows, COHORT), basis_of(catalog, "by hand", "0" * 64)))
    return path
