"""The frame that the rules of each level see, made from the catalog's tables.

Every frame carries the keys of its entity and of all entities above it, so that a cause on a study silences its
consequences on a series.
"""

from collections.abc import Callable

import polars as pl

from dqkit.audit.acquisition_columns import with_acquisition
from dqkit.audit.consistency_columns import (
    follow_up,
    of_a_study,
    with_consistency,
    with_others_like_it,
    with_those_elsewhere,
)
from dqkit.audit.copies import copies_of
from dqkit.audit.pixel_columns import (
    with_pixels_of_instances,
    with_pixels_of_patients,
    with_pixels_of_series,
    with_pixels_of_stacks,
)
from dqkit.audit.recognise import with_recognised
from dqkit.catalog.schema import FRAMES
from dqkit.catalog.tables import Tables
from dqkit.index.table_rows import table_ids
from dqkit.model import FileStatus, Level
from dqkit.rulebook.vocabulary import image_modalities, image_sop_classes, keys_where

KEY: dict[Level, str] = {
    Level.FILE: "file_id",
    Level.INSTANCE: "file_id",
    Level.STACK: "stack_id",
    Level.SERIES: "series_key",
    Level.STUDY: "study_key",
    Level.PATIENT: "patient_key",
    Level.LABEL: "label_id",
    Level.SITE: "site",
}
"""The column that names an entity; the archive is one, and needs none."""

ANCESTRY = ("site", "patient_key", "study_key", "series_key", "stack_id", "file_id", "label_id")
"""Keys from the widest to the narrowest; a frame has those of its level and above."""


def frame_of(level: Level, tables: Tables, roles: pl.DataFrame | None = None) -> pl.LazyFrame:
    """Return the frame of `level` with the columns of catalog.schema.FRAMES.

    `roles` is what `recognised` says of every series; None = look now.
    """
    frame = with_recognised(level, _MAKERS[level](tables), tables, roles)
    return frame.select(list(FRAMES[level]))


_IS_DICOM = (pl.col("status") == FileStatus.DICOM).alias("is_dicom")


def _files(tables: Tables) -> pl.LazyFrame:
    return tables.scan("instances").with_columns(_status(tables), _IS_DICOM)


def _status(tables: Tables) -> pl.Expr:
    """Return what became of each file; pictures and tables that dqkit wrote beside images are no strangers."""
    outputs = tables.scan("provenance").select(pl.col("output_file_id").unique()).collect().to_series()
    is_ours = (pl.col("status") == FileStatus.NOT_DICOM) & pl.col("file_id").is_in(outputs.implode())
    return pl.when(is_ours).then(pl.lit(FileStatus.WRITTEN.value)).otherwise("status").alias("status")


def _instances(tables: Tables) -> pl.LazyFrame:
    instances = (
        tables.scan("instances")
        .with_columns(_IS_DICOM)
        .filter(pl.col("is_dicom"))
        .with_columns(_is_image(pl.col("Rows").is_not_null()))
        .join(copies_of(tables), on="file_id", how="left")
        .with_columns(pl.col("n_copies").fill_null(0))
    )
    return with_pixels_of_instances(instances, tables)


def _is_image(has_rows: pl.Expr) -> pl.Expr:
    """Tell images by their SOP class; one that the standard does not know, by its matrix."""
    sop_class = pl.col("SOPClassUID")
    known = sop_class.is_in(keys_where("sop-classes")).fill_null(value=False)
    return pl.when(known).then(sop_class.is_in(image_sop_classes())).otherwise(has_rows).alias("is_image")


def _told_image(tables: Tables) -> pl.Expr:
    """Tell images by Modality where a table gives neither SOP class nor matrix."""
    told = pl.col("source_id").is_in(table_ids(tables)) & pl.col("SOPClassUID").is_null()
    return told & pl.col("Modality").is_in(image_modalities()).fill_null(value=False)


def _stacks(tables: Tables) -> pl.LazyFrame:
    stacks = tables.scan("stacks").with_columns(
        pl.col("duplicates_at").list.len().cast(pl.Int64).alias("n_duplicates"),
        pl.col("gap_after").list.len().cast(pl.Int64).alias("n_gaps"),
        (pl.col("slice_step_max_mm") - pl.col("slice_step_min_mm")).alias("slice_step_spread"),
        ((pl.col("n_slices") > 1) & ~pl.col("is_localizer").fill_null(value=False)).alias("is_volume"),
    )
    return with_pixels_of_stacks(stacks, tables)


def _series(tables: Tables) -> pl.LazyFrame:
    volumes = (
        tables.scan("stacks")
        .filter(~pl.col("is_localizer").fill_null(value=False))
        .group_by("series_key")
        .agg(
            pl.len().cast(pl.Int64).alias("n_volumes"),
            pl.col("n_slices").sort().alias("volume_sizes"),
            pl.col("slice_step_mm").median(),
            pl.col("verdict").alias("stack_verdicts"),
            pl.col("plane").drop_nulls().alias("planes"),
        )
    )
    uid = pl.col("SeriesInstanceUID")

    def across(column: str) -> pl.Expr:
        return (
            pl.when(uid.is_not_null())
            .then(pl.col(column).drop_nulls().n_unique().over("SeriesInstanceUID"))
            .cast(pl.Int64)
        )

    whole = with_acquisition(
        tables.scan("series")
        .join(volumes, on="series_key", how="left")
        .with_columns(
            across("StudyInstanceUID").alias("studies_with_this_series"),
            across("site").alias("sites_with_this_series"),
            across("patient_key").alias("patients_with_this_series"),
            pl.col("n_volumes").fill_null(0),
            _is_image(pl.col("Rows").is_not_null() | pl.col("varying").list.contains("Rows") | _told_image(tables)),
        )
    )
    return with_pixels_of_series(with_consistency(whole), tables)


def _sole_or_two(column: str) -> pl.Expr:
    """Count distinct values over series; one in which they vary counts for two."""
    several = pl.col("varying").list.contains(column).any()
    return pl.max_horizontal(pl.col(column).drop_nulls().n_unique(), pl.when(several).then(2).otherwise(0)).cast(
        pl.Int64
    )


_SOURCE = pl.when(pl.col("source_id").n_unique() == 1).then(pl.col("source_id").first()).alias("source_id")
"""The source of all series of a group; null where they come from several."""


def _sole_of(column: str) -> pl.Expr:
    """Return the one value that all series of a group share; null where there are several."""
    known = pl.col(column).drop_nulls()
    return pl.when(known.n_unique() == 1).then(known.first()).alias(column)


_SUMS = (
    _SOURCE,
    pl.col("n_files").sum().alias("n_files"),
    pl.col("n_instances").sum().alias("n_instances"),
    pl.len().cast(pl.Int64).alias("n_series"),
)

_MODALITIES = pl.col("Modality").drop_nulls().unique().sort().alias("modalities")


def _studies(tables: Tables) -> pl.LazyFrame:
    named = pl.col("StudyInstanceUID").is_not_null()

    def across(column: str) -> pl.Expr:
        return pl.when(named).then(pl.col(column).drop_nulls().n_unique().over("StudyInstanceUID")).cast(pl.Int64)

    people = pl.col("patient_key").drop_nulls().n_unique()
    several = pl.col("varying").list.contains("PatientID").any()
    without = pl.col("n_without_patient").fill_null(0).sum()
    return (
        tables.scan("series")
        .group_by("study_key")
        .agg(
            pl.col("site").first(),
            pl.col("patient_key").drop_nulls().first(),
            pl.lit(None, dtype=pl.String).alias("series_key"),
            *_SUMS,
            pl.col("StudyInstanceUID").first(),
            _MODALITIES,
            pl.max_horizontal(people, pl.when(several).then(2).otherwise(0)).cast(pl.Int64).alias("n_patients"),
            without.cast(pl.Int64).alias("patients_without_id"),
            _sole_or_two("study_date").alias("n_study_dates"),
            _sole_or_two("AccessionNumber").alias("n_accession_numbers"),
            _sole_or_two("FrameOfReferenceUID").alias("n_frames_of_reference"),
            pl.col("study_date").min(),
            _sole_of("StudyDescription"),
            *of_a_study(),
            *(pl.col(name).explode().drop_nulls().unique().sort() for name in ("b_values", "views")),
        )
        .with_columns(
            across("site").alias("sites_with_this_study"),
            across("patient_key").alias("patients_with_this_study"),
            *(pl.when(pl.col(name).list.len() > 0).then(name) for name in ("b_values", "views")),
        )
    )


def _patients(tables: Tables) -> pl.LazyFrame:
    patients = (
        tables.scan("series")
        .filter(pl.col("patient_key").is_not_null())
        .group_by("patient_key")
        .agg(
            pl.col("site").first(),
            pl.lit(None, dtype=pl.String).alias("study_key"),
            pl.lit(None, dtype=pl.String).alias("series_key"),
            *_SUMS,
            pl.col("PatientID").first(),
            pl.col("study_key").n_unique().cast(pl.Int64).alias("n_studies"),
            _sole_or_two("PatientBirthDate").alias("n_birth_dates"),
            _sole_or_two("PatientSex").alias("n_sexes"),
            _sole_or_two("PatientName").alias("n_names"),
            pl.col("PatientName", "PatientBirthDate").drop_nulls().first(),
        )
        .with_columns(pl.col("site").n_unique().over("PatientID").cast(pl.Int64).alias("sites_with_this_id"))
    )
    patients = with_others_like_it(patients).join(follow_up(tables.scan("series")), on="patient_key", how="left")
    return with_pixels_of_patients(patients, tables)


def _site_sums() -> list[pl.Expr]:
    return [
        *_SUMS,
        pl.col("patient_key").drop_nulls().n_unique().cast(pl.Int64).alias("n_patients"),
        pl.col("study_key").n_unique().cast(pl.Int64).alias("n_studies"),
        _MODALITIES,
    ]


def _sites(tables: Tables) -> pl.LazyFrame:
    whole = [FileStatus.DICOM, FileStatus.NIFTI, FileStatus.WRITTEN]
    files = (
        tables.scan("instances")
        .with_columns(_status(tables))
        .group_by("site")
        .agg(
            (pl.col("status") == FileStatus.NOT_DICOM).sum().cast(pl.Int64).alias("n_not_dicom"),
            (~pl.col("status").is_in(whole)).sum().cast(pl.Int64).alias("n_unread"),
        )
    )
    sums = tables.scan("series").group_by("site").agg(_site_sums())
    sites = files.join(sums, on="site", how="full", coalesce=True)
    return with_those_elsewhere(sites, tables.scan("series"))


def _archive(tables: Tables) -> pl.LazyFrame:
    sites = pl.col("site").n_unique().cast(pl.Int64).alias("n_sites")
    # One group of all rows: outside a group the list of modalities would become rows.
    return tables.scan("series").group_by(pl.lit(1).alias("all")).agg(*_site_sums(), sites).drop("all")


_MAKERS: dict[Level, Callable[[Tables], pl.LazyFrame]] = {
    Level.FILE: _files,
    Level.INSTANCE: _instances,
    Level.STACK: _stacks,
    Level.SERIES: _series,
    Level.STUDY: _studies,
    Level.PATIENT: _patients,
    Level.LABEL: lambda tables: tables.scan("labels"),
    Level.SITE: _sites,
    Level.ARCHIVE: _archive,
}
