"""Aggregates instances to series: one value where there is one, and the names of those that vary."""

import polars as pl

from dqkit.catalog.schema import LABELS, SERIES, STACKS, Schema, conform, empty
from dqkit.index.acquired import ACQUIRED, acquired, time_points, with_frame_b_values
from dqkit.model import FileStatus

_COUNTED = {
    "n_files", "n_instances", "n_frames", "n_stacks", "n_localizers", "n_orientations", "is_survey",
    "n_unpositioned", "size",
    "n_without_patient", "partly_missing", "varying", "varying_values", "series_key", "folder", "bucket", "source_id",
    "site", "instance_numbers_missing", *ACQUIRED,
}  # fmt: skip

SOLE: Schema = {name: kind for name, kind in SERIES.items() if name not in _COUNTED}
"""Columns of a series that hold the sole value of its instances."""

DEMANDED = (
    "StudyDate", "ImageType", "ScanningSequence", "SequenceVariant", "Units", "DecayCorrection", "CorrectedImage",
    "RescaleSlope", "PresentationIntentType", "ImageLaterality", "Laterality", "SliceThickness", "FrameOfReferenceUID",
    "KVP", "ConvolutionKernel", "RepetitionTime", "EchoTime", "FlipAngle", "MagneticFieldStrength",
)  # fmt: skip
"""Attributes that rules of the series level ask to be present, and so on each of its instances."""

LABEL_MODALITIES = ("SEG", "RTSTRUCT", "SR")


def series_of(instances: pl.DataFrame, stacks: pl.DataFrame, planes: pl.DataFrame) -> pl.DataFrame:
    """Return one row a series with the columns of SERIES.

    Parameters
    ----------
    instances
        All rows of one or more buckets, keys filled.
    stacks
        Their stacks.
    planes
        Their orientations (`planes.planes_of`).
    """
    members = instances.filter(pl.col("status") == FileStatus.DICOM)
    if members.is_empty():
        return empty(SERIES)
    grouped = members.group_by("series_key", maintain_order=True).agg(*_counts(), *acquired(), *_extremes())
    grouped = grouped.with_columns(_sole(name, kind) for name, kind in SOLE.items())
    varying = _varying(members, grouped)
    per_stack = stacks.group_by("series_key").agg(pl.len().alias("n_stacks"))
    result = (
        grouped.join(varying, on="series_key", how="left")
        .join(per_stack, on="series_key", how="left")
        .join(planes, on="series_key", how="left")
        .join(time_points(members), on="series_key", how="left")
        .with_columns(
            pl.col("n_stacks", "n_orientations").fill_null(0),
            pl.col("is_survey").fill_null(value=False),
            *(pl.col(c).fill_null([]) for c in ("varying", "varying_values")),
        )
    )
    return conform(with_frame_b_values(result, members), SERIES)


def labels_of(instances: pl.DataFrame) -> pl.DataFrame:
    """Return one row an object that carries labels (SEG, RTSTRUCT, SR)."""
    found = instances.filter((pl.col("status") == FileStatus.DICOM) & pl.col("Modality").is_in(LABEL_MODALITIES))
    return conform(found.with_columns(pl.col("file_id").alias("label_id")), LABELS)


def _counts() -> list[pl.Expr]:
    image = pl.col("Rows").is_not_null() | pl.col("has_pixel_data").fill_null(value=False)
    positioned = pl.col("ImagePositionPatient").is_not_null() & pl.col("ImageOrientationPatient").is_not_null()
    positioned |= pl.col("frame_positions_mm").is_not_null()
    return [
        *(pl.col(name).first() for name in ("site", "bucket", "source_id", "folder")),
        pl.len().alias("n_files"),
        pl.col("SOPInstanceUID").n_unique().alias("n_instances"),
        pl.col("NumberOfFrames").fill_null(1).sum().alias("n_frames"),
        pl.col("is_localizer").sum().alias("n_localizers"),
        (image & ~positioned).sum().alias("n_unpositioned"),
        pl.col("PatientID").is_null().sum().alias("n_without_patient"),
        _partly_missing(),
        _numbers_missing(),
        pl.col("size").sum(),
    ]


def _partly_missing() -> pl.Expr:
    """Name the attributes that some instances have and others lack."""
    named = []
    for name in DEMANDED:
        absent = pl.col(name).null_count()
        named.append(pl.when((absent > 0) & (absent < pl.len())).then(pl.lit(name)))
    return pl.concat_list(named).list.drop_nulls().alias("partly_missing")


def _numbers_missing() -> pl.Expr:
    """Count the instance numbers between the first and the last that no image has.

    Numbers in steps (1, 3, 5) miss none. Where more than a fifth is missing, numbers do not count images but, as
    those of diffusion series of Philips, reserve places: null.
    """
    steps = pl.col("InstanceNumber").drop_nulls().unique().sort().diff().drop_nulls()
    missing = (steps // steps.min() - 1).sum()
    counts = (missing * 5 <= pl.len()) & (pl.col("InstanceNumber").null_count() == 0)
    return pl.when(counts).then(missing).cast(pl.Int64).alias("instance_numbers_missing")


def _extremes() -> list[pl.Expr]:
    """Least and greatest value of each column; lists, which have no order, by their hash."""
    expressions: list[pl.Expr] = []
    for name, kind in SOLE.items():
        values = pl.col(name).drop_nulls()
        if isinstance(kind, pl.List):
            hashes = values.hash()
            expressions += [
                values.first().alias(name),
                (hashes.min() == hashes.max()).alias(f"{name} same"),
            ]
        else:
            expressions += [values.min().alias(name), (values.min() == values.max()).alias(f"{name} same")]
    return expressions


def _sole(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.when(pl.col(f"{name} same")).then(pl.col(name)).otherwise(pl.lit(None, dtype=kind)).alias(name)


def _varying(members: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """Name the attributes that vary in each series, with how many values each has."""
    varies = grouped.select("series_key", *(pl.col(f"{n} same").not_().fill_null(value=False).alias(n) for n in SOLE))
    names = [name for name in SOLE if varies[name].any()]
    if not names:
        return pl.DataFrame(
            schema={"series_key": pl.String, "varying": STACKS["split_by"], "varying_values": STACKS["split_by"]}
        )
    long = varies.unpivot(names, index="series_key", variable_name="varying", value_name="is").filter("is").drop("is")
    counts = (
        members.join(long.select("series_key").unique(), on="series_key", how="semi")
        .group_by("series_key")
        .agg(pl.col(name).drop_nulls().hash().n_unique().cast(pl.String).alias(name) for name in names)
        .unpivot(names, index="series_key", variable_name="varying", value_name="varying_values")
    )
    return long.join(counts, on=["series_key", "varying"]).group_by("series_key").agg("varying", "varying_values")
