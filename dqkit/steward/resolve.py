"""The hospital's own names of what rows of a worklist speak of: PatientID, AccessionNumber, StudyDate, SeriesNumber.

The one place where identifying values leave the catalog, and only where a person asks for it.
"""

from collections.abc import Callable

import polars as pl

from dqkit import __version__, identity
from dqkit.audit.causes import presumed_series
from dqkit.catalog.runs import Record
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.steward.worklist import RESOLVED

_OF_STUDY, _OF_SERIES = ("AccessionNumber", "StudyDate"), ("SeriesNumber",)


def with_series(rows: pl.DataFrame, site: str, tables: Tables) -> pl.DataFrame:
    """Fill `series_key` of worklist.DETAIL_ROWS: the row's series, or one of its study, patient or folder."""
    series = tables.scan("series").filter(pl.col("site") == site)
    by_study = series.group_by("StudyInstanceUID").agg(pl.col("series_key").min().alias("of_study")).collect()
    by_patient = series.group_by("patient_key").agg(pl.col("series_key").min().alias("of_patient")).collect()
    files = rows.filter(pl.col("level").is_in([Level.FILE, Level.INSTANCE]))["entity"].unique()
    of_folder = presumed_series(files, tables).rename({"file_id": "entity", "presumed": "of_folder"})
    uids = rows.select("StudyInstanceUID", "SeriesInstanceUID").unique().drop_nulls()
    keys = [identity.series_key(site, study, series_uid, "") for study, series_uid in uids.iter_rows()]
    own = uids.with_columns(own=pl.Series(keys, dtype=pl.String))
    joined = (
        rows.drop("series_key")
        .join(own, on=uids.columns, how="left", maintain_order="left")
        .join(by_study, on="StudyInstanceUID", how="left", maintain_order="left")
        .join(by_patient, left_on="entity", right_on="patient_key", how="left", maintain_order="left")
        .join(of_folder, on="entity", how="left", maintain_order="left")
    )
    found = pl.coalesce("own", "of_study", "of_patient", "of_folder").alias("series_key")
    return joined.with_columns(found).select(rows.columns)


def resolved(rows: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Fill RESOLVED of rows with `row_key` and `series_key`; a patient has no study, a study no series.

    Values that vary within a series stay out: they name nothing.
    """
    wanted = rows["series_key"].drop_nulls().unique()
    own = tables.scan("series").filter(pl.col("series_key").is_in(wanted.implode()))
    names = own.select("series_key", *(pl.col(name).cast(pl.String) for name in RESOLVED)).collect()
    told = rows.drop(RESOLVED, strict=False).join(names, on="series_key", how="left", maintain_order="left")
    about = pl.col("row_key").str.extract(r"^(\w+)")
    keep = [
        *(pl.when(about != "patient").then(name).alias(name) for name in _OF_STUDY),
        *(pl.when(about.is_in(["series", "folder"])).then(name).alias(name) for name in _OF_SERIES),
    ]
    return told.with_columns(keep)


Names = dict[str, dict[str, str | None]]
"""row_id -> RESOLVED -> value."""


def resolve_recorded(catalog: Catalog, handback_id: str, deliver: Callable[[Names], int]) -> int:
    """Give `deliver` the names of every row of a worklist, and record how many it wrote; return that.

    Raises
    ------
    DqkitError
        The catalog does not know the worklist.
    """
    with catalog.write() as writer:
        rows = writer.scan("handback_rows").filter(pl.col("handback_id") == handback_id).collect()
        if rows.is_empty():
            raise DqkitError(
                "this catalog does not know that worklist", "name the catalog (or a later copy of it) with --catalog"
            )
        told = resolved(rows.filter(pl.col("row_key").is_not_null()), writer)
        names = {row["row_id"]: {name: row[name] for name in RESOLVED} for row in told.iter_rows(named=True)}
        written = deliver(names)
        counts = {"handback_id": handback_id, "site": rows["site"][0], "rows": written}
        writer.commit(Record("handback resolve", __version__, counts=counts))
    return written
