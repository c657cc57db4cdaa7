"""Columns by which rules compare: what a series says twice, and what series of a study, patient or site share.

Each is null where what it needs is absent, and "" where texts say nothing.
"""

import polars as pl

from dqkit.audit import described
from dqkit.audit.scanners import of_scanners, scanner_columns, vendor
from dqkit.rulebook.vocabulary import image_modalities, image_sop_classes

MADE_OF: dict[str, tuple[str, ...]] = {
    "scanner_key": ("ManufacturerModelName", "DeviceSerialNumber", "StationName"),
    "device": ("DeviceSerialNumber",),
    "station": ("StationName",),
    "vendor": ("Manufacturer",),
    "vendor_spellings": ("Manufacturer",),
    "stations_of_scanner": ("StationName", "DeviceSerialNumber"),
    "sites_of_device": ("DeviceSerialNumber",),
    "devices_of_station": ("StationName", "DeviceSerialNumber"),
    "vendors_of_model": ("Manufacturer", "ManufacturerModelName"),
    "software": ("SoftwareVersions",),
    "software_before": ("SoftwareVersions", "StudyDate"),
    "protocol_key": ("ProtocolName", "SeriesDescription"),
    "described_modality": ("SeriesDescription",),
    "described_plane": ("SeriesDescription",),
    "described_side": ("SeriesDescription",),
    "described_contrast": ("SeriesDescription",),
    "described_lying": ("SeriesDescription",),
    "described_region": ("SeriesDescription",),
    "body_part_region": ("BodyPartExamined",),
    "plane": ("ImageOrientationPatient",),
    "age_error_years": ("PatientAge", "PatientBirthDate", "StudyDate"),
    "originals_in_study": ("ImageType",),
}
"""Derived column -> the attributes of a series that it is mostly made of, for tables that lack some."""

_DAYS_PER_YEAR = 365.2425
_LIGHTEST_KG = 0.1
"""A weight of zero stands for one that is not known."""

_LIKELY_ONE_PERSON = 5
"""So many IDs under one name and birth date are a placeholder, not a person registered anew (house style)."""

_LONGEST_TYPED = 20
"""Longer IDs are made by programs, and what looks like punctuation in them has a meaning (house style)."""

_NOBODY = (
    r"^(?i)[\s^]*(anon\w*|unknown|none|null|n/?a|test\w*|dummy|demo|phantom\w*|patient|no ?name|deident\w*|x+"
    r"|\d*|[*?-]+)[\s^\d]*$"
)
"""Values of PatientName that name nobody."""


def with_consistency(series: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame of the series with the columns of catalog.schema.CONSISTENCY.

    Parameters
    ----------
    series
        Columns of the table `series`, `is_image`, and `planes` of its volumes.
    """
    own = series.with_columns(vendor().alias("vendor"), *_of_one_series()).with_columns(*scanner_columns())
    return own.with_columns(*of_scanners(), _originals())


def _of_one_series() -> list[pl.Expr]:
    return [
        _joined("SoftwareVersions").alias("software"),
        _protocol().alias("protocol_key"),
        described.described_modality().alias("described_modality"),
        described.described_plane().alias("described_plane"),
        described.described_side().alias("described_side"),
        described.described_contrast().alias("described_contrast"),
        described.described_region().alias("described_region"),
        described.body_part_region().alias("body_part_region"),
        described.described_lying().alias("described_lying"),
        _lying().alias("lying"),
        _plane().alias("plane"),
        _age_error().alias("age_error_years"),
    ]


def _joined(column: str) -> pl.Expr:
    text = pl.col(column).list.join("\\", ignore_nulls=True)
    return pl.when(pl.col(column).list.len() > 0).then(text)


def _protocol() -> pl.Expr:
    """Return what tells one protocol from another; null where nothing names it."""
    named = pl.concat_str("ProtocolName", "SeriesDescription", separator="\x1f", ignore_nulls=True)
    derived = pl.col("is_derived").fill_null(value=False).cast(pl.String)
    return pl.when(named != "").then(pl.concat_str("Modality", derived, named, separator="\x1f"))


def _lying() -> pl.Expr:
    """Return how the patient lies, by PatientPosition (PS3.3 C.7.3.1.1.2); "" on a side or unknown."""
    position = pl.col("PatientPosition")
    return (
        pl.when(position.is_in(["HFS", "FFS"]))
        .then(pl.lit("supine"))
        .when(position.is_in(["HFP", "FFP"]))
        .then(pl.lit("prone"))
        .otherwise(pl.lit(described.NOTHING))
    )


def _plane() -> pl.Expr:
    """Return the plane of all volumes of the series; "" where they differ or there is none."""
    sole = pl.col("planes").list.n_unique() == 1
    return pl.when(sole).then(pl.col("planes").list.first()).otherwise(pl.lit(described.NOTHING)).fill_null("")


def _age_error() -> pl.Expr:
    """Return how far PatientAge is from the time between birth and study, in years."""
    days = (pl.col("study_date") - pl.col("patient_birth_date")).dt.total_days()
    return (pl.col("patient_age_years") - days / _DAYS_PER_YEAR).abs().round(1)


def _originals() -> pl.Expr:
    """Count the series of images of the study and modality that are not derived; null without a study."""
    original = pl.col("is_image") & ~pl.col("is_derived").fill_null(value=False)
    number = original.sum().over("study_key", "Modality")
    return pl.when(pl.col("study_key").is_not_null()).then(number).cast(pl.Int64).alias("originals_in_study")


def of_a_study() -> list[pl.Expr]:
    """Return what the frame of studies counts over the series of each, for a group_by.

    Ages, weights and institutions are those of images: segmentations and reports are made later and elsewhere.
    """
    image = _is_image()
    original = image & ~pl.col("is_derived").fill_null(value=False)
    scouts = (pl.col("n_localizers") >= pl.col("n_instances")) | pl.col("is_survey")
    day = pl.coalesce("acquisition_date", "series_date").filter(original)
    weight = pl.col("PatientWeight").filter(image & (pl.col("PatientWeight") > _LIGHTEST_KG))
    model = pl.concat_str("Modality", "Manufacturer", "ManufacturerModelName", separator="\x1f")
    acquired = original & model.is_not_null()
    return [
        _ages(image).alias("n_ages"),
        _sole_or_two("StudyTime", pl.lit(value=True)).alias("n_study_times"),
        _sole_or_two("InstitutionName", image).alias("n_institutions"),
        (weight.max() - weight.min()).alias("weight_spread_kg"),
        (day.max() - day.min()).dt.total_days().alias("days_of_images"),
        pl.col("n_frames").filter(image).sum().cast(pl.Int64).alias("n_images"),
        (image.any() & (scouts | ~image).all()).fill_null(value=False).alias("only_localizers"),
        (model.filter(acquired).n_unique() - pl.col("Modality").filter(acquired).n_unique())
        .cast(pl.Int64)
        .alias("extra_scanners"),
    ]


def _is_image() -> pl.Expr:
    """Tell series of images by their SOP class; where a table gives none, by modality."""
    by_modality = pl.col("Modality").is_in(image_modalities())
    told = (
        pl.when(pl.col("SOPClassUID").is_null())
        .then(by_modality)
        .otherwise(pl.col("SOPClassUID").is_in(image_sop_classes()))
    )
    return told.fill_null(value=False)


def _ages(image: pl.Expr) -> pl.Expr:
    """Count ages in years; the year that a birthday makes between two series is none."""
    age = pl.col("patient_age_years").filter(image)
    several = _two_where("patient_age_years", image)
    counted = pl.max_horizontal(age.drop_nulls().n_unique(), several)
    birthday = (age.max() - age.min() <= 1) & (several == 0)
    return pl.when(birthday).then(1).otherwise(counted).cast(pl.Int64)


def _sole_or_two(column: str, among: pl.Expr) -> pl.Expr:
    """Count distinct values over the series `among`; one in which they vary counts for two."""
    values = pl.col(column).filter(among).drop_nulls().n_unique()
    return pl.max_horizontal(values, _two_where(column, among)).cast(pl.Int64)


def _two_where(column: str, among: pl.Expr) -> pl.Expr:
    return pl.when((pl.col("varying").list.contains(column) & among).any()).then(2).otherwise(0)


def with_others_like_it(patients: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame of patients with how many IDs of their site seem to mean the same person.

    Parameters
    ----------
    patients
        One row a patient with `site`, PatientID, PatientName and PatientBirthDate.
    """
    name = pl.col("PatientName").str.to_uppercase().str.replace_all(r"[\s^,.=-]+", " ").str.strip_chars()
    person = pl.concat_str("site", name, "PatientBirthDate", separator="\x1f")
    named = ~pl.col("PatientName").str.contains(_NOBODY) & person.is_not_null()
    plain = pl.col("PatientID").str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "").str.strip_chars_start("0")
    short = pl.col("PatientID").str.len_chars() <= _LONGEST_TYPED
    same = pl.col("patient_key").n_unique()
    return (
        patients.with_columns(pl.when(named).then(person).alias("_person"), pl.when(short).then(plain).alias("_plain"))
        .with_columns(same.over("_person").alias("_like"), same.over("site", "_plain").alias("_alike"))
        .with_columns(
            pl.when(pl.col("_person").is_null() | (pl.col("_like") > _LIKELY_ONE_PERSON))
            .then(1)
            .otherwise("_like")
            .cast(pl.Int64)
            .alias("ids_of_this_person"),
            pl.when((pl.col("_plain") == "").fill_null(value=True))
            .then(1)
            .otherwise("_alike")
            .cast(pl.Int64)
            .alias("ids_alike"),
        )
    )


def follow_up(series: pl.LazyFrame) -> pl.LazyFrame:
    """Return, by patient, in how many ways examinations of one kind were made over several studies.

    Parameters
    ----------
    series
        The table `series`.

    Returns
    -------
    pl.LazyFrame
        patient_key; `follow_up_fields`, most field strengths (T) of MR studies; `follow_up_models`, most models of a
        modality; `follow_up_thickness_mm`, largest difference of the thinnest slices of one protocol.
    """
    original = ~pl.col("is_derived").fill_null(value=False) & pl.col("patient_key").is_not_null()
    own = series.filter(original & pl.col("Modality").is_in(["CT", "MR", "PT"]))
    field = pl.when(pl.col("Modality") == "MR").then(pl.col("MagneticFieldStrength").round(1))
    kinds = (
        own.group_by("patient_key", "Modality")
        .agg(
            pl.col("study_key").n_unique().alias("studies"),
            field.drop_nulls().n_unique().alias("fields"),
            pl.col("ManufacturerModelName").drop_nulls().n_unique().alias("models"),
        )
        .filter(pl.col("studies") > 1)
        .group_by("patient_key")
        .agg(
            pl.col("fields").max().cast(pl.Int64).alias("follow_up_fields"),
            pl.col("models").max().cast(pl.Int64).alias("follow_up_models"),
        )
    )
    return kinds.join(_thickness_over_time(own), on="patient_key", how="left")


def _thickness_over_time(series: pl.LazyFrame) -> pl.LazyFrame:
    by_study = (
        series.with_columns(_protocol().alias("protocol_key"))
        .filter(pl.col("protocol_key").is_not_null() & (pl.col("SliceThickness") > 0))
        .group_by("patient_key", "protocol_key", "study_key")
        .agg(pl.col("SliceThickness").min())
    )
    thickness = pl.col("SliceThickness")
    return (
        by_study.group_by("patient_key", "protocol_key")
        .agg((thickness.max() - thickness.min()).alias("follow_up_thickness_mm"))
        .group_by("patient_key")
        .agg(pl.col("follow_up_thickness_mm").max())
    )


def with_those_elsewhere(sites: pl.LazyFrame, series: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame of sites with the median slice thickness of their CT (mm), and that of the other sites.

    Null where fewer than three sites have such series.
    """
    own = (
        series.filter((pl.col("Modality") == "CT") & (pl.col("SliceThickness") > 0))
        .filter(~pl.col("is_derived").fill_null(value=False) & (pl.col("n_localizers") == 0))
        .group_by("site")
        .agg(pl.col("SliceThickness").median().alias("ct_thickness_mm"))
    )
    others = (
        own.join(own.rename({"site": "other", "ct_thickness_mm": "theirs"}), how="cross")
        .filter(pl.col("site") != pl.col("other"))
        .group_by("site")
        .agg(
            pl.col("ct_thickness_mm").first(),
            pl.when(pl.len() > 1).then(pl.col("theirs").median()).alias("ct_thickness_elsewhere_mm"),
        )
    )
    return sites.join(others, on="site", how="left")
