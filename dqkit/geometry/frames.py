"""From instances to frames: one row for every image plane that has a place in the patient."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dqkit.geometry.tolerances import DEGENERATE, FARTHEST_MM
from dqkit.model import FileStatus

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

XYZ, COSINES = 3, 6
"""Numbers of a position and of two direction vectors."""

KEYS = ("site", "patient_key", "study_key", "series_key", "bucket", "source_id", "StudyInstanceUID",
        "SeriesInstanceUID", "file_id", "SOPInstanceUID", "InstanceNumber")  # fmt: skip
HARD = ("SOPClassUID", "Modality", "Rows", "Columns", "FrameOfReferenceUID", "ConvolutionKernel", "is_localizer")
"""Attributes that never differ inside one volume; ImageOrientationPatient and PixelSpacing join them, by tolerance."""

SOFT = (
    "SeriesNumber", "EchoNumbers", "EchoTime", "InversionTime", "diffusion_b_value", "DiffusionGradientOrientation",
    "ImageType", "frame_groups", "FlipAngle", "KVP", "SequenceName", "SliceThickness", "TemporalPositionIdentifier",
    "AcquisitionNumber", "TriggerTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime",
)  # fmt: skip
"""Attributes that tell volumes apart where slice places repeat, in the order they are tried: what the scanner was
told to vary first, then when it did so. Exposure, tube current and window are not among them: modulation varies them
inside one volume."""

REPORTED = ("is_derived", "PixelSpacing", "SpacingBetweenSlices", "GantryDetectorTilt", "SliceLocation")
PLACED = ("ImagePositionPatient", "ImageOrientationPatient", "frame_positions_mm", "frame_orientations")
ONE_FILE = ("NumberOfFrames", "is_mosaic", "mosaic_tiles", "is_vframe")

NOT_ACQUIRED = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
        "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
        "1.2.840.10008.5.1.4.1.1.481.1",  # RT Image
        "1.2.840.10008.5.1.4.1.1.481.2",  # RT Dose
    }
)
"""SOP classes with positions whose planes are allowed to be sparse, or are no slices of a patient."""


@dataclass(frozen=True)
class Frames:
    """Image planes, sorted by series, file and frame; all arrays are aligned with `table`.

    Attributes
    ----------
    table
        One row a frame: the keys, `HARD`, `SOFT` and `REPORTED` attributes of its instance, `frame_number` (1-based),
        `in_multi_frame`, and `number`: InstanceNumber, or the frame number in a multi-frame file.
    origin_mm
        ImagePositionPatient (PS3.3 C.7.6.2.1.1), shape (n, 3), LPS, mm; finite.
    directions
        Unit vectors along a row and along a column, shape (n, 6); zeros where they span no plane.
    orthonormality
        Departure of the raw direction cosines from two orthogonal unit vectors, shape (n,).
    spacing_mm
        PixelSpacing, shape (n, 2): row spacing, column spacing; 0 where it is absent or no length.
    series
        Index of the frame's series, shape (n,), ascending.
    """

    table: pl.DataFrame
    origin_mm: Floats
    directions: Floats
    orthonormality: Floats
    spacing_mm: Floats
    series: Ints

    @property
    def size(self) -> int:
        """Number of frames."""
        return self.table.height


def frames_of(instances: pl.DataFrame) -> Frames:
    """Return every frame of `instances` (INSTANCES schema) with a usable position, copies of a file counted once."""
    needed = [*KEYS, *HARD, *SOFT, *REPORTED, *PLACED, *ONE_FILE, "status"]
    images = _one_of_each(instances.lazy().select(needed).filter(is_acquired(), _holds_positions()).collect())
    several = pl.col("frame_positions_mm").list.len().fill_null(0) > 0
    single, multi = images.filter(~several), images.filter(several)
    table, origin, cosines = _frames_of_multi(multi)
    table = pl.concat([_frame_columns(single), table])
    origin = np.concatenate([_matrix(single["ImagePositionPatient"], XYZ), origin])
    cosines = np.concatenate([_matrix(single["ImageOrientationPatient"], COSINES), cosines])
    with np.errstate(invalid="ignore"):
        usable = np.asarray(np.isfinite(cosines).all(axis=1) & (np.abs(origin) < FARTHEST_MM).all(axis=1))
    return _sorted_frames(table.filter(usable), origin[usable], cosines[usable])


def is_acquired() -> pl.Expr:
    """Select rows that hold a DICOM image of a series, not a map or dose drawn from it."""
    return (
        pl.col("series_key").is_not_null()
        & (pl.col("status").fill_null(FileStatus.DICOM) == FileStatus.DICOM)
        & ~pl.col("SOPClassUID").fill_null("").is_in(sorted(NOT_ACQUIRED))
    )


def stands_in_patient() -> pl.Expr:
    """Select rows with ImagePositionPatient and ImageOrientationPatient (PS3.3 C.7.6.2.1.1) of the right lengths."""
    position, cosines = pl.col("ImagePositionPatient").list.len(), pl.col("ImageOrientationPatient").list.len()
    return ((position == XYZ) & (cosines == COSINES)).fill_null(False)


def is_volume_in_one_image() -> pl.Expr:
    """Select files whose slices have no position of their own: Siemens mosaic, UIH VFRAME, plain multi-frame."""
    without = pl.col("frame_positions_mm").list.len().fill_null(0) == 0
    several = (pl.col("NumberOfFrames").fill_null(1) > 1) & stands_in_patient()
    return without & (pl.col("is_mosaic").fill_null(False) | pl.col("is_vframe").fill_null(False) | several)


def unit_directions(cosines: Floats) -> tuple[Floats, Floats]:
    """Return unit row and column vectors (n, 6) and the orthonormality error (n,) of direction cosines (n, 6)."""
    pair = np.clip(cosines, -1e3, 1e3).reshape(-1, 2, 3)
    lengths = np.linalg.norm(pair, axis=2)
    error = np.maximum(np.abs(lengths - 1).max(axis=1), np.abs((pair[:, 0] * pair[:, 1]).sum(axis=1)))
    unit = pair / np.where(lengths > 0, lengths, 1.0)[..., None]
    flat = np.linalg.norm(np.cross(unit[:, 0], unit[:, 1]), axis=1) < DEGENERATE
    unit[flat] = 0.0
    return unit.reshape(-1, COSINES), error


def _holds_positions() -> pl.Expr:
    n, angles = pl.col("frame_positions_mm").list.len(), pl.col("frame_orientations").list.len()
    framed = (n > 0) & (n % XYZ == 0) & ((angles == 2 * n) | (angles == COSINES))
    bare = n.fill_null(0) == 0
    return framed.fill_null(False) | (bare & stands_in_patient() & ~is_volume_in_one_image())


def _one_of_each(images: pl.DataFrame) -> pl.DataFrame:
    """Keep one of the files that share SOPInstanceUID and place: a second copy is no second slice."""
    if images["SOPInstanceUID"].null_count() == 0 and images["SOPInstanceUID"].n_unique() == images.height:
        return images
    uid = pl.coalesce("SOPInstanceUID", "file_id")
    return images.sort("series_key", "file_id").unique(
        pl.struct("series_key", uid, "ImagePositionPatient", "frame_positions_mm").hash(),
        keep="first",
        maintain_order=True,
    )


def _frame_columns(images: pl.DataFrame) -> pl.DataFrame:
    return images.select(
        *KEYS,
        *(pl.col(name) for name in HARD if name != "is_localizer"),
        pl.col("is_localizer").fill_null(False),
        *(pl.col(name) for name in SOFT if name != "frame_groups"),
        pl.lit("").alias("frame_groups"),
        *(pl.col(name) for name in REPORTED if name != "is_derived"),
        pl.col("is_derived").fill_null(False),
        pl.lit(1, dtype=pl.Int64).alias("frame_number"),
        pl.lit(False).alias("in_multi_frame"),
        pl.col("InstanceNumber").cast(pl.Float64).alias("number"),
    )


def _frames_of_multi(images: pl.DataFrame) -> tuple[pl.DataFrame, Floats, Floats]:
    """Return frame rows, origins (n, 3) and cosines (n, 6) of enhanced multi-frame files (PS3.3 C.7.6.16)."""
    counts = (images["frame_positions_mm"].list.len().to_numpy() // XYZ).astype(np.int64)
    of_file = np.repeat(np.arange(images.height), counts)
    frame = np.arange(of_file.size) - np.repeat(np.cumsum(counts) - counts, counts)
    angles = images["frame_orientations"]
    shared = angles.list.len().to_numpy() == COSINES
    start = np.cumsum(np.where(shared, 1, counts)) - np.where(shared, 1, counts)
    cosines = _matrix(angles, COSINES)[start[of_file] + np.where(shared[of_file], 0, frame)]
    groups = [
        text or ""
        for names, count in zip(images["frame_groups"].to_list(), counts, strict=True)
        for text in (names if names is not None and len(names) == count else [""] * int(count))
    ]
    table = _frame_columns(images)[of_file].with_columns(
        pl.Series("frame_groups", groups, dtype=pl.String),
        pl.Series("frame_number", frame + 1, dtype=pl.Int64),
        pl.lit(True).alias("in_multi_frame"),
        pl.Series("number", frame + 1.0, dtype=pl.Float64),
    )
    return table, _matrix(images["frame_positions_mm"], XYZ), cosines


def _matrix(lists: pl.Series, width: int) -> Floats:
    """Return a list column whose lengths are multiples of `width` as rows of that width; nulls are NaN."""
    if lists.is_empty():
        return np.empty((0, width))
    return lists.explode().cast(pl.Float64).to_numpy().reshape(-1, width)


def _spacing(table: pl.DataFrame) -> Floats:
    values = table.select(
        pl.col("PixelSpacing").list.get(i, null_on_oob=True).cast(pl.Float64).fill_null(0.0).alias(str(i))
        for i in (0, 1)
    ).to_numpy()
    with np.errstate(invalid="ignore"):
        return np.where((values > 0) & (values < FARTHEST_MM), values, 0.0)


def _blanks_filled(table: pl.DataFrame) -> pl.DataFrame:
    """Fill a `HARD` attribute that some frames of a series lack with the one value that the others have.

    What is absent says nothing against the volume that its slice stands in: that it is absent is a fault of its own.
    """
    blanks = table.group_by("series_key").agg(
        *(pl.col(name).null_count().alias(name) for name in HARD), pl.len().alias("n")
    )
    mixed = [name for name in HARD if blanks.select(pl.col(name).is_between(1, pl.col("n") - 1).any()).item()]
    for name in mixed:
        value = pl.col(name).drop_nulls()
        sole = value.first().over("series_key")
        table = table.with_columns(
            pl.when(pl.col(name).is_null() & (value.hash().n_unique().over("series_key") == 1))
            .then(sole)
            .otherwise(name)
            .alias(name)
        )
    return table


def _sorted_frames(table: pl.DataFrame, origin: Floats, cosines: Floats) -> Frames:
    order = table.select(pl.arg_sort_by("series_key", "file_id", "frame_number")).to_series().to_numpy()
    table, directions = _blanks_filled(table[order]), unit_directions(cosines[order])
    return Frames(
        table=table,
        origin_mm=origin[order],
        directions=directions[0],
        orthonormality=directions[1],
        spacing_mm=_spacing(table),
        series=table["series_key"].rle_id().to_numpy().astype(np.int64),
    )
