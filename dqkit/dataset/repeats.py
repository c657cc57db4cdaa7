"""Files that a dataset names more than once, by path or by content."""

import polars as pl

from dqkit.catalog.schema import INT
from dqkit.dataset.files import Listed

_GRADIENTS = r"\.bv(al|ec)$"
"""Ends the place of a table of diffusion gradients."""


def each_once(listed: Listed) -> pl.DataFrame:
    """Return each distinct file: place, size, mtime_ns, status, row (the first), times, splits."""
    rows = listed.files.join(listed.targets.select("target", "row", "times", "splits"), on="target")
    once = rows.group_by("place").agg(
        pl.col("size").first(),
        pl.col("mtime_ns").first(),
        pl.col("status").first(),
        pl.col("row").min(),
        pl.col("times").sum(),
        pl.col("splits").max(),
        pl.len().alias("targets"),
    )
    once = once.sort("row", "place")
    several = once.filter(pl.col("targets") > 1).select("place")
    if several.is_empty():
        return once.drop("targets")
    led = rows.join(several, on="place", how="semi").select("place", "target").join(listed.entries, on="target")
    splits = led.group_by("place").agg(pl.col("split").drop_nulls().n_unique().cast(INT).alias("of_all"))
    return (
        once.join(splits, on="place", how="left", maintain_order="left")
        .with_columns(pl.coalesce("of_all", "splits").alias("splits"))
        .drop("targets", "of_all")
    )


def with_same_bytes(files: pl.DataFrame, listed: Listed) -> pl.DataFrame:
    """Add `same_as`, the first place with the same bytes, to every later one, and count splits over all of them.

    Tables of diffusion gradients are left alone: those of one protocol are alike, and repeat no patient.

    Parameters
    ----------
    files
        place, sha256, splits: one row a distinct file.
    """
    first = pl.col("place").first().over("sha256")
    counts = pl.col("sha256").is_not_null() & ~pl.col("place").str.contains(_GRADIENTS)
    files = files.with_columns(same_as=pl.when(counts & (first != pl.col("place"))).then(first))
    alike = files.filter(counts & (pl.len().over("sha256") > 1)).select("place", "sha256")
    if alike.is_empty() or listed.entries["split"].null_count() == listed.entries.height:
        return files
    led = alike.join(listed.files.select("place", "target"), on="place").join(listed.entries, on="target")
    splits = led.group_by("sha256").agg(pl.col("split").drop_nulls().n_unique().cast(INT).alias("of_all"))
    return (
        files.join(splits, on="sha256", how="left", maintain_order="left")
        .with_columns(pl.max_horizontal("of_all", "splits").alias("splits"))
        .drop("of_all")
    )
