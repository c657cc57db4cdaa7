"""Volumes that come as one image: their slices have no positions of their own, so that none can be wrong."""

import numpy as np
import polars as pl

from dqkit.catalog.schema import STACKS, conform, empty
from dqkit.geometry.frames import (
    COSINES,
    Floats,
    is_acquired,
    is_volume_in_one_image,
    unit_directions,
)
from dqkit.geometry.measures import planes
from dqkit.geometry.places import normals
from dqkit.identity import stack_id
from dqkit.model import StackVerdict

_SLICES = pl.when(pl.col("NumberOfFrames") > 1).then("NumberOfFrames").otherwise("mosaic_tiles")
_TAKEN = ("site", "patient_key", "study_key", "series_key", "bucket", "source_id", "StudyInstanceUID",
          "SeriesInstanceUID", "Modality", "Rows", "Columns", "PixelSpacing", "SliceThickness", "SpacingBetweenSlices",
          "GantryDetectorTilt", "file_id", "InstanceNumber")  # fmt: skip
_NEEDED = (*_TAKEN, "status", "SOPClassUID", "SOPInstanceUID", "NumberOfFrames", "is_mosaic", "mosaic_tiles",
           "is_vframe", "is_localizer", "is_derived", "frame_positions_mm", "ImagePositionPatient",
           "ImageOrientationPatient")  # fmt: skip


def stacks_in_one_file(instances: pl.DataFrame) -> pl.DataFrame:
    """Return a stack for each Siemens mosaic, UIH VFRAME, and plain multi-frame image that stands in the patient.

    A series of them is a series of volumes, told apart by their files. Scanners lay the slices of such an image out
    evenly, so that the verdict is OK; nothing was measured, and the measures are null.
    """
    images = (
        instances.lazy()
        .select(_NEEDED)
        .filter(is_acquired(), is_volume_in_one_image())
        .with_columns(pl.coalesce("SOPInstanceUID", "file_id").alias("uid"), _SLICES.alias("n_slices"))
        .sort("series_key", "file_id")
        .unique(["series_key", "uid"], keep="first", maintain_order=True)
        .collect()
    )
    if images.is_empty():
        return empty(STACKS)
    sisters = pl.len().over("series_key") > 1
    stacks = images.select(
        *_TAKEN,
        "n_slices",
        pl.struct("series_key", "uid")
        .map_elements(lambda row: stack_id(row["series_key"], row["uid"]), return_dtype=pl.String)
        .alias("stack_id"),
        pl.when(sisters)
        .then(pl.lit(["SOPInstanceUID"]))
        .otherwise(pl.lit([], dtype=pl.List(pl.String)))
        .alias("split_by"),
        pl.when(sisters).then(pl.format("SOPInstanceUID={}", "uid")).otherwise(pl.lit("")).alias("split_key"),
        pl.when(pl.col("n_slices") == 1)
        .then(pl.lit(StackVerdict.SINGLE.value))
        .otherwise(pl.lit(StackVerdict.OK.value))
        .alias("verdict"),
        pl.lit(False).alias("order_inferred"),
        *(pl.col(name).fill_null(False) for name in ("is_localizer", "is_derived")),
        pl.concat_list("file_id").alias("file_ids"),
        pl.concat_list(pl.lit(1, dtype=pl.Int64)).alias("frame_numbers"),
        pl.concat_list("InstanceNumber").alias("instance_numbers"),
    )
    return conform(stacks.hstack(_orientation(images)), STACKS)


def _orientation(images: pl.DataFrame) -> pl.DataFrame:
    directions, error = unit_directions(_cosines(images))
    names = planes(normals(directions, np.arange(images.height)))
    known = images["ImageOrientationPatient"].list.len().fill_null(0) == COSINES
    return pl.DataFrame({"error": error, "plane": pl.Series(names, dtype=pl.String)}).select(
        pl.when(known).then(pl.col("error")).alias("orthonormality_error"), "plane"
    )


def _cosines(images: pl.DataFrame) -> Floats:
    """Return the direction cosines, shape (n, 6); zeros where there are none."""
    whole = pl.col("ImageOrientationPatient").list.len() == COSINES
    values = images.select(
        pl.when(whole).then(pl.col("ImageOrientationPatient").list.get(i, null_on_oob=True)).alias(str(i))
        for i in range(COSINES)
    )
    return np.nan_to_num(values.cast(pl.Float64).to_numpy(), nan=0.0, posinf=0.0, neginf=0.0)
