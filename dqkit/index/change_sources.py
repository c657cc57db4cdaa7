"""Moves and removes sources of a catalog without reading a file."""

from pathlib import Path

import polars as pl

from dqkit import __version__
from dqkit.catalog.runs import Record
from dqkit.catalog.store import Catalog
from dqkit.index.build import settle
from dqkit.index.resends import is_resend
from dqkit.index.sources import find, is_folder, relocate

_HELD = ("instances", "stacks", "series")


def relocate_source(catalog: Catalog, name: str, root: Path) -> None:
    """Say that the source `name` is at `root` now.

    Raises
    ------
    DqkitError
        No such source, or `root` lies inside another.
    """
    with catalog.write() as writer:
        writer.overwrite("sources", relocate(catalog, name, root))
        writer.commit(Record("sources relocate", __version__))


def remove_source(catalog: Catalog, name: str) -> int:
    """Forget the source `name`; return how many of its files (or of a table's series) went.

    Raises
    ------
    DqkitError
        No such source.
    """
    with catalog.write() as writer:
        sources = writer.scan("sources").collect()
        this = pl.col("source_id") == find(sources, name)
        gone = writer.scan("instances", superseded=True).filter(this).select("file_id", "bucket").collect()
        buckets = gone["bucket"].unique().to_list()
        for table in _HELD:
            kept = writer.scan(table, superseded=True).filter(~this & pl.col("bucket").is_in(buckets)).collect()
            writer.replace(table, kept, buckets)
        for table in ("labels", "pixel_measures", "checksums"):
            rows = writer.scan(table).collect()
            writer.overwrite(table, rows.join(gone, on="file_id", how="anti"))
        held = gone.height
        if sources.filter(this & ~is_folder()).height:
            rows = writer.scan("series").collect()
            writer.overwrite("series", rows.filter(~this))
            held = rows.filter(this).height
        if sources.filter(is_resend()).height:  # what a resend superseded counts again
            settle(writer, sources.filter(~this), buckets)
        writer.overwrite("sources", sources.filter(~this))
        writer.commit(Record("sources remove", __version__, counts={"removed": held}))
    return held
