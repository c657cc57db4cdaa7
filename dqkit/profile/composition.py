"""What an archive is made of: modalities, thickness bands, kernels, field strengths, vendors, ages, sexes, years."""

import itertools
from dataclasses import dataclass

import polars as pl

from dqkit.catalog.schema import INT, TEXT, Schema
from dqkit.profile.attributes import AGE_BAND, BANDS, OLDEST
from dqkit.profile.grouping import plausible_year
from dqkit.profile.values import as_text

MOST_CATEGORIES = 12
"""Categories of a dimension that are told apart; what is rarer becomes `OTHER`."""

OTHER = "…"

COMPOSITION: Schema = {
    "group": pl.UInt32(),
    "dimension": TEXT,
    "category": TEXT,  # null where the attribute has no one value
    "rank": INT,  # order of the categories: by size of bands and years, else the commonest first
    "n": INT,  # patients for age and sex, studies for years, else series
}


@dataclass(frozen=True)
class Dimension:
    """One way to divide an archive.

    Attributes
    ----------
    counts
        What is counted: the column whose distinct values are (``series_key``, ``study_key``, ``patient_key``).
    modalities
        Series of these alone are counted; none = all.
    ordered
        Whether categories have an order of their own, as bands and years have.
    most
        Categories that are told apart.
    """

    name: str
    counts: str = "series_key"
    modalities: tuple[str, ...] = ()
    ordered: bool = False
    most: int = MOST_CATEGORIES


DIMENSIONS = (
    Dimension("modality"),
    Dimension("vendor"),
    Dimension("SliceThickness", modalities=("CT", "MR", "PT"), ordered=True),
    Dimension("ConvolutionKernel", modalities=("CT",)),
    Dimension("KVP", modalities=("CT", "MG", "DX", "CR"), ordered=True),
    Dimension("MagneticFieldStrength", modalities=("MR",), ordered=True),
    Dimension("BodyPartExamined"),
    Dimension("PatientSex", counts="patient_key"),
    Dimension("age", counts="patient_key", ordered=True),
    Dimension("year", counts="study_key", ordered=True, most=16),
)


def composition_of(series: pl.LazyFrame) -> pl.DataFrame:
    """Count each group by each of `DIMENSIONS`.

    Parameters
    ----------
    series
        The series table with `group` (profile.grouping).
    """
    ready = series.select(
        "group", "series_key", "study_key", "patient_key", modality="Modality",
        vendor=pl.col("Manufacturer").str.strip_chars().replace("", None),
        SliceThickness=_band(pl.col("SliceThickness"), BANDS["SliceThickness"]),
        ConvolutionKernel=as_text("ConvolutionKernel", pl.List(pl.String())).str.strip_chars(),
        KVP=as_text("KVP", pl.Float64()),
        MagneticFieldStrength=_tesla(),
        BodyPartExamined=pl.col("BodyPartExamined").str.strip_chars().str.to_uppercase().replace("", None),
        PatientSex=_sex(),
        age=_age(),
        year=plausible_year().cast(pl.String),
    )  # fmt: skip
    plans = [_counted(ready, dimension) for dimension in DIMENSIONS]
    found = [_ranked(frame, dimension) for frame, dimension in zip(pl.collect_all(plans), DIMENSIONS, strict=True)]
    return pl.concat(found).sort("dimension", "group", "rank")


def _counted(ready: pl.LazyFrame, dimension: Dimension) -> pl.LazyFrame:
    if dimension.modalities:
        ready = ready.filter(pl.col("modality").is_in(list(dimension.modalities)))
    lean = ready.select("group", pl.col(dimension.counts).alias("entity"), pl.col(dimension.name).alias("category"))
    lean = lean.filter(pl.col("entity").is_not_null())
    if dimension.counts != "series_key":
        # A patient of two sexes counts for both; one whose sex some series lack, for the one that is known.
        lean = lean.select("group", pl.col("entity").hash(), "category").unique()
        known = lean.filter(pl.col("category").is_not_null())
        unknown = lean.filter(pl.col("category").is_null()).join(known, on=["group", "entity"], how="anti")
        lean = pl.concat([known, unknown])
    return lean.group_by("group", "category").agg(pl.len().cast(pl.Int64).alias("n"))


FEW = 5
"""Fewer patients of one sex or age than this are not counted out: they could be recognised. House style."""

_OF_PATIENTS = ("PatientSex", "age")


def without_few(composition: pl.DataFrame) -> pl.DataFrame:
    """Make `n` null where so few patients stand behind a sex or an age that they could be recognised."""
    few = pl.col("dimension").is_in(list(_OF_PATIENTS)) & (pl.col("n") < FEW)
    return composition.with_columns(pl.when(~few).then("n").alias("n"))


def _ranked(counts: pl.DataFrame, dimension: Dimension) -> pl.DataFrame:
    """Put categories in order and make the rarest ones `OTHER`; null stays apart."""
    totals = counts.filter(pl.col("category").is_not_null()).group_by("category").agg(pl.col("n").sum().alias("all"))
    kept = totals.sort("all", "category", descending=[True, False]).head(dimension.most)
    kept = _in_own_order(kept) if dimension.ordered else kept
    kept = kept.select("category", pl.int_range(pl.len(), dtype=pl.Int64).alias("rank"))
    rest = pl.when(pl.col("rank").is_null() & pl.col("category").is_not_null()).then(pl.lit(OTHER))
    ranked = counts.join(kept, on="category", how="left").with_columns(
        rest.otherwise(pl.col("category")).alias("category"),
        pl.when(pl.col("category").is_null()).then(dimension.most + 1).otherwise(pl.col("rank")).alias("rank"),
    )
    ranked = ranked.with_columns(pl.col("rank").fill_null(dimension.most))
    summed = ranked.group_by("group", "category", "rank").agg(pl.col("n").sum())
    return summed.with_columns(pl.lit(dimension.name).alias("dimension")).select(
        pl.col(name).cast(kind) for name, kind in COMPOSITION.items()
    )


def _in_own_order(kept: pl.DataFrame) -> pl.DataFrame:
    leading = pl.col("category").str.extract(r"(\d+(?:\.\d+)?)").cast(pl.Float64)
    below = pl.col("category").str.starts_with("≤")
    return kept.sort(leading - below.cast(pl.Float64) * 1e-6, "category", nulls_last=True)


def _band(value: pl.Expr, edges: tuple[float, ...]) -> pl.Expr:
    """Name the band of a number: ``≤ 1``, ``1–2``, … ``> 7.5``; zero and less is no thickness."""
    inner = list(edges[1:])
    names = [f"≤ {inner[0]:g}", *(f"{a:g}–{b:g}" for a, b in itertools.pairwise(inner)), f"> {inner[-1]:g}"]
    bands = pl.lit(names[-1])
    for most, name in reversed(list(zip(inner, names, strict=False))):
        bands = pl.when(value <= most).then(pl.lit(name)).otherwise(bands)
    return pl.when((value > edges[0]) & value.is_finite()).then(bands)


def _tesla() -> pl.Expr:
    """Return the field strength to a tenth; some scanners write gauss or millitesla, which stay as they are."""
    field = pl.col("MagneticFieldStrength")
    return field.round(1).cast(pl.String).str.strip_suffix(".0")


def _sex() -> pl.Expr:
    """Return the sex as PS3.3 C.7.1.1 codes it; whatever else stands there could be anything."""
    sex = pl.col("PatientSex").str.strip_chars().replace("", None)
    return pl.when(sex.is_in(["M", "F", "O"])).then(sex).when(sex.is_not_null()).then(pl.lit(OTHER))


def _age() -> pl.Expr:
    years = pl.col("patient_age_years")
    low = (years / AGE_BAND).floor().cast(pl.Int64) * AGE_BAND
    named = pl.concat_str(low.cast(pl.String), pl.lit("–"), (low + AGE_BAND - 1).cast(pl.String))
    named = pl.when(years >= OLDEST).then(pl.lit(f"{OLDEST}+")).otherwise(named)
    return pl.when(years.is_between(0, 130)).then(named)
