"""The files of a cohort, for those who train on them."""

import polars as pl

from dqkit.catalog.schema import INT, TEXT, Schema
from dqkit.catalog.store import Catalog

FILES: Schema = {
    "root": TEXT,  # of the source, as `sources` keeps it
    "path": TEXT,  # relative to it, percent-escaped
    "site": TEXT,
    "patient_key": TEXT,
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "SOPInstanceUID": TEXT,
    "Modality": TEXT,
    "InstanceNumber": INT,
}


def files_of(catalog: Catalog, decisions: pl.DataFrame) -> pl.DataFrame:
    """Return FILES of the series that are in, in the order of their sites, series and instance numbers.

    Parameters
    ----------
    decisions
        COHORT.
    """
    chosen = decisions.filter((pl.col("level") == "series") & pl.col("included")).select("series_key").lazy()
    roots = catalog.scan("sources").select("source_id", "root")
    files = catalog.scan("instances").join(chosen, on="series_key", how="semi").join(roots, on="source_id")
    ordered = files.sort("site", "patient_key", "study_key", "series_key", "InstanceNumber", "path", nulls_last=True)
    return ordered.select(list(FILES)).collect()
