"""Files that a dataset names more than once, by path or by content."""

import polars as pl

from dqkit.catalog.schema import INT
from dqkit.dataset.beside import beside
from dqkit.dataset.files import Listed

_GRADIENTS = r"\.bv(al|ec)$"
"""Ends the place of a table of diffusion gradients."""


def each_once(listed: Listed) -> pl.DataFrame:
    """Return each distinct file: file, place, size, mtime_ns, status, row (the first), times, splits."""
    rows = beside(listed.files, listed.targets, "target")
    if rows["file"].n_unique() == rows.height:
        return _in_order(rows.drop("target"))
    once = rows.group_by("file").agg(
        pl.col("place", "size", "mtime_ns", "status").first(),
        pl.col("row").min(),
        pl.col("times").sum(),
        pl.col("splits").max(),
        pl.len().alias("targets"),
    )
    once = _in_order(once)
    several = once.filter(pl.col("targets") > 1).select("file")
    led = rows.join(several, on="file", how="semi").select("file", "target").join(listed.entries, on="target")
    splits = led.group_by("file").agg(pl.col("split").drop_nulls().n_unique().cast(INT).alias("of_all"))
    return (
        once.join(splits, on="file", how="left", maintain_order="left")
        .with_columns(pl.coalesce("of_all", "splits").alias("splits"))
        .drop("targets", "of_all")
    )


def _in_order(files: pl.DataFrame) -> pl.DataFrame:
    """Return `files` by row and place, as they most often stand: to sort them costs a copy of all."""
    row, place = pl.col("row"), pl.col("place")
    follows = (row > row.shift()) | ((row == row.shift()) & (place >= place.shift()))
    return files if files.select(follows.fill_null(value=True).all()).item() else files.sort("row", "place")


def with_same_bytes(files: pl.DataFrame, listed: Listed) -> pl.DataFrame:
    """Add `same_as`, the first place with the same bytes, to every later one, and count splits over all of them.

    Tables of diffusion gradients are left alone: those of one protocol are alike, and repeat no patient.

    Parameters
    ----------
    files
        file, place, sha256, splits: one row a distinct file.
    """
    first = pl.col("place").first().over("sha256")
    counts = pl.col("sha256").is_not_null() & ~pl.col("place").str.contains(_GRADIENTS)
    files = files.with_columns(same_as=pl.when(counts & (first != pl.col("place"))).then(first))
    alike = files.filter(counts & (pl.len().over("sha256") > 1)).select("file", "sha256")
    if alike.is_empty() or listed.entries["split"].null_count() == listed.entries.height:
        return files
    led = alike.join(listed.files.select("file", "target"), on="file").join(listed.entries, on="target")
    splits = led.group_by("sha256").agg(pl.col("split").drop_nulls().n_unique().cast(INT).alias("of_all"))
    return (
        files.join(splits, on="sha256", how="left", maintain_order="left")
        .with_columns(pl.max_horizontal("of_all", "splits").alias("splits"))
        .drop("of_all")
    )
