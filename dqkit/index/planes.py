"""How many slice orientations a series has, and whether they are the three planes of a survey."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dqkit.geometry.hard import components
from dqkit.geometry.tolerances import DIRECTION
from dqkit.model import FileStatus

_COSINES = 6

_ORTHOGONAL = 0.1
"""Normals whose cosine is below it are perpendicular, to within 6 degrees. House style: surveys are tilted to the
patient as a whole, so that their planes stay perpendicular."""

_PLANES, _MOST_IMAGES = 3, 50
"""A survey has three planes of few slices; more are volumes under one UID. House style."""

PLANES_SCHEMA = {"series_key": pl.String(), "n_orientations": pl.Int64(), "is_survey": pl.Boolean()}


def planes_of(instances: pl.DataFrame) -> pl.DataFrame:
    """Return series_key, n_orientations and is_survey of the series whose images say how they lie.

    Images that ImageType calls localizers do not count. A survey is a short MR series in three perpendicular planes:
    scanners seldom call theirs a localizer in ImageType, and every examination begins with one.

    Parameters
    ----------
    instances
        All rows of one or more buckets (`catalog.schema.INSTANCES`).
    """
    cosines = pl.col("ImageOrientationPatient")
    distinct = (
        instances.lazy()
        .filter(
            (pl.col("status") == FileStatus.DICOM)
            & (cosines.list.len() == _COSINES)
            & ~pl.col("is_localizer").fill_null(value=False)
        )
        .group_by("series_key", maintain_order=True)
        .agg(
            ((pl.col("Modality") == "MR").all() & (pl.len() <= _MOST_IMAGES)).alias("may_be"),
            cosines.unique(maintain_order=True),
        )
        .collect()
    )
    one = distinct["ImageOrientationPatient"].list.len() == 1
    several = [
        (key, *_judged(np.array(rows), may_be_survey=may_be)) for key, may_be, rows in distinct.filter(~one).iter_rows()
    ]
    single = distinct.filter(one).select("series_key", n_orientations=pl.lit(1, pl.Int64), is_survey=pl.lit(False))
    return pl.concat([single, pl.DataFrame(several, schema=PLANES_SCHEMA, orient="row")])


def with_surveys(instances: pl.DataFrame, planes: pl.DataFrame) -> pl.DataFrame:
    """Call the images of surveys localizers, which they are."""
    surveys = planes.filter("is_survey")["series_key"]
    if surveys.is_empty():
        return instances
    of_survey = pl.col("series_key").is_in(surveys.implode()).fill_null(value=False)
    return instances.with_columns(pl.when(of_survey).then(pl.lit(True)).otherwise("is_localizer").alias("is_localizer"))


def _judged(cosines: NDArray[np.float64], *, may_be_survey: bool) -> tuple[int, bool]:
    """Return the number of orientations among `cosines` (n, 6), and whether they are those of a survey."""
    with np.errstate(invalid="ignore"):
        labels = components(np.nan_to_num(cosines), DIRECTION)
    _, first = np.unique(labels, return_index=True)
    normal = np.cross(cosines[first, :3], cosines[first, 3:])
    overlap = np.abs(normal @ normal.T)[~np.eye(first.size, dtype=bool)]
    return int(first.size), bool(may_be_survey and first.size == _PLANES and overlap.max(initial=0.0) < _ORTHOGONAL)
