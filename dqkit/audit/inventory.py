"""What came, went and changed between two moments of a catalog: files, series, studies and patients, by site."""

import polars as pl

from dqkit.catalog.schema import ATTRIBUTES, INT, SERIES, TEXT, Schema
from dqkit.catalog.tables import Tables
from dqkit.index.table_rows import table_ids

INVENTORY: Schema = {
    "site": TEXT,
    "what": TEXT,  # files | series | studies | patients
    "new": INT,
    "gone": INT,
    "changed": INT,  # there both times; of files: with another size or time, of others: with such a file, more or fewer
    "same": INT,
}

KINDS = ("files", "series", "studies", "patients")
"""The values of `what`, in the order of reports."""

_KEYS = {"series": "series_key", "studies": "study_key", "patients": "patient_key"}
_CONTENT = ("n_files", "n_instances", "size", "files")


def inventory_of(then: Tables, now: Tables) -> pl.DataFrame:
    """Return INVENTORY, a row a site and kind; a file whose site was renamed is gone at one and new at the other."""
    files = _compared(_files(then), _files(now), "file_id", ("size", "mtime_ns"))
    series = _series(then), _series(now)
    parts = [files.with_columns(pl.lit("files").alias("what"))]
    for what, key in _KEYS.items():
        sides = [_rolled_up(side, key) for side in series]
        parts.append(_compared(sides[0], sides[1], key, _CONTENT).with_columns(pl.lit(what).alias("what")))
    order = pl.col("what").replace_strict({kind: i for i, kind in enumerate(KINDS)}, return_dtype=pl.Int8)
    counted = pl.concat(parts).sort("site", order, nulls_last=True)
    return counted.select(pl.col(name).cast(kind) for name, kind in INVENTORY.items())


def _files(tables: Tables) -> pl.LazyFrame:
    return tables.scan("instances").select("file_id", "site", "size", "mtime_ns")


def _series(tables: Tables) -> pl.LazyFrame:
    """Return the series with what tells that one changed: numbers, bytes, and its files, or its row of a table."""
    files = pl.struct("file_id", "mtime_ns").hash().sum().alias("files")  # compared within one process alone
    of_files = tables.scan("instances").group_by("series_key").agg(files)
    of_table = pl.col("source_id").is_in(table_ids(tables))
    attributes = pl.struct(name for name in SERIES if name in ATTRIBUTES).hash()
    row = pl.when(of_table).then(attributes).alias("row")
    series = tables.scan("series").select(*_KEYS.values(), "site", "n_files", "n_instances", "size", row)
    joined = series.join(of_files, on="series_key", how="left")
    return joined.with_columns(pl.coalesce("files", "row").alias("files")).drop("row")


def _rolled_up(series: pl.LazyFrame, key: str) -> pl.LazyFrame:
    named = series.filter(pl.col(key).is_not_null())
    return named.group_by(key).agg(pl.col("site").first(), *(pl.col(name).sum() for name in _CONTENT))


def _compared(then: pl.LazyFrame, now: pl.LazyFrame, key: str, content: tuple[str, ...]) -> pl.DataFrame:
    """Count by site what is new, gone, changed and the same."""
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in content)
    both = then.join(now.with_columns(there=pl.lit(value=True)), on=[key, "site"], how="full", suffix="_now")
    is_new, is_gone = pl.col(key).is_null(), pl.col("there").is_null()
    counted = both.select(
        pl.coalesce("site", "site_now").alias("site"),
        is_new.alias("new"),
        is_gone.alias("gone"),
        (~is_new & ~is_gone & differs).alias("changed"),
        (~is_new & ~is_gone & ~differs).alias("same"),
    )
    return counted.group_by("site").agg(pl.col("new", "gone", "changed", "same").sum()).collect()
