"""Files of a dataset that lie in a source of the catalog, and what the catalog knows of them."""

import polars as pl

from dqkit.archive.paths import escape
from dqkit.catalog.schema import FLAG, INT, TEXT, Schema
from dqkit.catalog.store import Catalog
from dqkit.dataset.beside import beside
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


_AT = pl.UInt32()
"""Of a row index."""


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
    numbered = files.with_row_index("at")
    direct = _known(numbered.select("at", pl.col("place").alias("real")), roots, catalog)
    rest = numbered.select("at", "place").join(direct, on="at", how="anti")
    linked = rest.with_columns(real_places(rest["place"]).alias("real")).filter(pl.col("real") != pl.col("place"))
    known = pl.concat([direct, _known(linked.select("at", "real"), roots, catalog)])
    return beside(numbered, known, "at").drop("at")


def _roots(sources: list[Source]) -> list[tuple[str, str]]:
    return [(one.source_id, escape(one.root_bytes).rstrip("/") + "/") for one in sources]


def _known(places: pl.DataFrame, roots: list[tuple[str, str]], catalog: Catalog) -> pl.DataFrame:
    """Return `at` and AUDITED of those whose `real` path is one of the catalog."""
    found = [pl.DataFrame(schema={"at": _AT, **AUDITED})]
    for source, root in roots:
        inside = places.filter(pl.col("real").str.starts_with(root))
        if inside.is_empty():
            continue
        paths = inside.select("at", path=pl.col("real").str.strip_prefix(root)).lazy()
        of_source = audited(catalog).filter(pl.col("source_id") == source)
        joined = of_source.join(paths, on="path", maintain_order="left").select("at", *AUDITED)
        found.append(joined.collect(engine="streaming"))  # what the catalog knows of all its files is never held
    return pl.concat(found)
