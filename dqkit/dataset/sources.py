"""Files of a dataset that lie in a source of the catalog, and what the catalog knows of them."""

import polars as pl

from dqkit.archive.paths import escape
from dqkit.catalog.schema import FLAG, INSTANCES, INT, TEXT, Schema
from dqkit.catalog.store import Catalog
from dqkit.dataset.files import real_places
from dqkit.dataset.states import KEYS
from dqkit.index.sources import Source, registered
from dqkit.model import FileStatus

IMAGES = (FileStatus.DICOM.value, FileStatus.NIFTI.value)
"""Statuses of files that rules judge as images."""

AUDITED: Schema = {
    "file_id": TEXT,
    "audited_size": INT,
    "audited_mtime_ns": INT,
    "audited_status": TEXT,
    "superseded": FLAG,  # a resend took its place: it is not judged
    **KEYS,
}
"""What the catalog knows of a file, as it was audited."""


def audited(catalog: Catalog) -> pl.LazyFrame:
    """Return every file of the catalog: AUDITED, source_id, path and SOPInstanceUID."""
    return catalog.scan("instances", superseded=True).select(
        "file_id",
        pl.col("size").alias("audited_size"),
        pl.col("mtime_ns").alias("audited_mtime_ns"),
        pl.col("status").alias("audited_status"),
        pl.col("superseded_by").is_not_null().alias("superseded"),
        *KEYS,
        "source_id",
        "path",
        "SOPInstanceUID",
    )


def with_audited(files: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """Add AUDITED to files that lie in a source, null to others; links are followed where the path itself is none.

    Parameters
    ----------
    files
        `place` and any other columns.
    """
    roots = _roots(registered(catalog.scan("sources").collect()))
    direct = _known(files.select("place", pl.col("place").alias("real")), roots, catalog)
    rest = files.select("place").join(direct, on="place", how="anti")
    linked = rest.select("place", real_places(rest["place"]).alias("real")).filter(pl.col("real") != pl.col("place"))
    known = pl.concat([direct, _known(linked, roots, catalog)])
    return files.join(known, on="place", how="left", maintain_order="left")


def _roots(sources: list[Source]) -> list[tuple[str, str]]:
    return [(one.source_id, escape(one.root_bytes).rstrip("/") + "/") for one in sources]


def _known(places: pl.DataFrame, roots: list[tuple[str, str]], catalog: Catalog) -> pl.DataFrame:
    """Return place and AUDITED of those whose `real` path is one of the catalog."""
    schema = {"source_id": INSTANCES["source_id"], "path": INSTANCES["path"], "place": TEXT}
    inside = pl.concat(
        [
            pl.DataFrame(schema=schema),
            *(
                places.filter(pl.col("real").str.starts_with(root)).select(
                    pl.lit(source, dtype=TEXT).alias("source_id"),
                    pl.col("real").str.slice(len(root)).alias("path"),
                    "place",
                )
                for source, root in roots
            ),
        ]
    )
    if inside.is_empty():
        return pl.DataFrame(schema={"place": TEXT, **AUDITED})
    return inside.lazy().join(audited(catalog), on=["source_id", "path"]).select("place", *AUDITED).collect()
