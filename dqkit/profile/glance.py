"""The archive at a glance: who sent what, made by which scanners, in which geometry."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from dqkit.catalog.tables import Tables


@dataclass(frozen=True)
class Glance:
    """Aggregates of an archive that hold no identifying value; every frame is small.

    Attributes
    ----------
    sites
        One row a site: site, files, dicom_files, images, images_decoded, patients, studies, series, instances, bytes,
        modalities (list), scanners (count), first_year, last_year.
    modalities
        site, modality, series, instances.
    scanners
        site, scanner (manufacturer and model), modality, series, first_year, last_year.
    distributions
        measure (keyword or derived name), unit, site, scanner, modality, value (rounded), n: a histogram in long form
        for SliceThickness, slice_step_mm, PixelSpacing, KVP, MagneticFieldStrength, Rows.
    """

    sites: pl.DataFrame
    modalities: pl.DataFrame
    scanners: pl.DataFrame
    distributions: pl.DataFrame


_MEASURES = {
    "SliceThickness": ("mm", 2),
    "PixelSpacing": ("mm", 2),
    "KVP": ("kV", 0),
    "MagneticFieldStrength": ("T", 1),
    "Rows": ("pixels", 0),
}
"""Attribute of a series -> unit, decimals."""

_FIRST_YEAR = 1970
"""Earlier and future studies do not count for the years of a site; FMT-048 names them."""

_STEP = ("slice_step_mm", "mm", 2)


def glance_of(tables: Tables) -> Glance:
    """Aggregate a catalog; reads each table once."""
    scanner = (
        pl.concat_str("Manufacturer", "ManufacturerModelName", separator=" ", ignore_nulls=True)
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
        .str.slice(0, 80)
        .replace("", None)
        .alias("scanner")
    )
    year = pl.col("study_date").dt.year()
    plausible = pl.when(year.is_between(_FIRST_YEAR, datetime.now(UTC).year)).then(year)
    series = tables.scan("series").with_columns(scanner, plausible.alias("year"))
    decoded = tables.scan("pixel_measures").select("file_id").unique().with_columns(is_decoded=pl.lit(value=True))
    files = tables.scan("instances").join(decoded, on="file_id", how="left").group_by("site").agg(*_file_counts())
    by_site = series.group_by("site").agg(
        pl.col("patient_key").drop_nulls().n_unique().cast(pl.Int64).alias("patients"),
        pl.col("study_key").n_unique().cast(pl.Int64).alias("studies"),
        pl.len().cast(pl.Int64).alias("series"),
        pl.col("n_instances").sum().alias("instances"),
        pl.col("size").filter(pl.col("n_files") == 0).sum().alias("bytes_told"),  # by a table: there are no files
        pl.col("Modality").drop_nulls().unique().sort().alias("modalities"),
        pl.col("scanner").drop_nulls().n_unique().cast(pl.Int64).alias("scanners"),
        *_years(),
    )
    modalities = series.group_by("site", modality="Modality").agg(
        pl.len().cast(pl.Int64).alias("series"), pl.col("n_instances").sum().alias("instances")
    )
    scanners = series.group_by("site", "scanner", modality="Modality").agg(
        pl.len().cast(pl.Int64).alias("series"), *_years()
    )
    plans = [files.join(by_site, on="site", how="full", coalesce=True), modalities, scanners]
    sites, modality_rows, scanner_rows, *counts = pl.collect_all([*plans, *_histograms(series, tables)])
    numbers = [
        "files",
        "dicom_files",
        "images",
        "images_decoded",
        "bytes",
        "patients",
        "studies",
        "series",
        "instances",
        "scanners",
    ]
    return Glance(
        sites=sites.with_columns(
            pl.sum_horizontal("bytes", "bytes_told").alias("bytes"), pl.col("modalities").fill_null([])
        )
        .with_columns(pl.col(numbers).fill_null(0))
        .drop("bytes_told")
        .sort("site"),
        modalities=modality_rows.sort("site", "modality", nulls_last=True),
        scanners=scanner_rows.sort("site", "scanner", "modality", nulls_last=True),
        distributions=pl.concat(counts).sort("measure", "site", "scanner", "modality", "value", nulls_last=True),
    )


def _file_counts() -> list[pl.Expr]:
    real = pl.col("size") >= 0  # folders stand in `instances` too
    return [
        real.sum().cast(pl.Int64).alias("files"),
        (pl.col("status") == "dicom").sum().cast(pl.Int64).alias("dicom_files"),
        ((pl.col("status") == "dicom") & pl.col("Rows").is_not_null()).sum().cast(pl.Int64).alias("images"),
        pl.col("is_decoded").sum().cast(pl.Int64).alias("images_decoded"),
        pl.col("size").filter(real).sum().alias("bytes"),
    ]


def _years() -> list[pl.Expr]:
    return [pl.col("year").min().alias("first_year"), pl.col("year").max().alias("last_year")]


def _histograms(series: pl.LazyFrame, tables: Tables) -> list[pl.LazyFrame]:
    names = {"site": "site", "scanner": "scanner", "modality": "Modality"}
    plans = []
    for measure, (unit, decimals) in _MEASURES.items():
        value = pl.col(measure).list.first() if measure == "PixelSpacing" else pl.col(measure)
        plans.append(_histogram(series, value, measure, unit, decimals, names))
    stacks = tables.scan("stacks").filter(pl.col("n_slices") > 1)
    stacks = stacks.join(series.select("series_key", "scanner"), on="series_key", how="left")
    return [*plans, _histogram(stacks, pl.col(_STEP[0]), *_STEP, names)]


def _histogram(
    frame: pl.LazyFrame, value: pl.Expr, measure: str, unit: str, decimals: int, names: dict[str, str]
) -> pl.LazyFrame:
    return (
        frame.select(
            pl.lit(measure).alias("measure"),
            pl.lit(unit).alias("unit"),
            *(pl.col(column).alias(name) for name, column in names.items()),
            value.cast(pl.Float64).round(decimals).alias("value"),
        )
        .filter(pl.col("value").is_finite())
        .group_by("measure", "unit", "site", "scanner", "modality", "value")
        .agg(pl.len().cast(pl.Int64).alias("n"))
    )
