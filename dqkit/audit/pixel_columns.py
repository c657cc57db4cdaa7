"""What decoded pixels say of instances, stacks, series and patients, from the table `pixel_measures`.

Stacks are judged only where every slice was decoded: in a sample nothing can be said of neighbours. House style, all
thresholds here; docs/pixels.md gives the figures they were chosen by.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dqkit.catalog.schema import FRAMES
from dqkit.catalog.tables import Tables
from dqkit.model import Level
from dqkit.pixels.signature import SIDE, likeness

BLANK = 0.999
"""Share of the commonest value from which a slice shows nothing."""

NOISE, STRUCTURE = 0.15, 0.5
"""Correlation of neighbouring pixels: noise below, an image above."""

_TURNED, _TURNED_BOTH, _ALIKE = 3.0, 1.5, 0.9
"""A slice is turned over against the one beside it when turning brings it three times nearer, to a correlation of 0.9
at least; 1.5 times where that holds on both sides of it. Nearness is 1 - correlation."""

_PADDING_HU = -1200.0
"""Nothing in a body or around it measures less: below lies what scanners write outside their field of view."""

_AT = ["stack_id", "place"]
_STACK_COLUMNS = (
    "blank_slices", "blank_end_slices", "identical_slices", "noise_slices", "mirrored_slices", "slice_clipped_shares",
    "slice_negative_shares", "undeclared_padding_share", "air_peak_hu", "tissue_peak_hu",
    "shows_air", "shows_tissue", "grey_levels",
)  # fmt: skip
_MEASURED = ("snr", "cnr", "sharpness")
_SERIES_COLUMNS = (*_MEASURED, "n_looked_at")
_ALIKE_BY = (
    "Modality", "Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "ProtocolName", "SeriesDescription",
    "SliceThickness", "ConvolutionKernel", "PixelSpacing",
)  # fmt: skip
"""Of series whose images should look alike: one scanner, one protocol, one reconstruction."""

_NO_VERDICT = ("no_decoder", "unsupported", "too_large")
"""Decode errors that say nothing about the file: nothing here reads it, or it would take too much memory."""

_SAME_PLACE_MM = 1e-4

_NEUTRAL = {"outside_bits_share": 0.0, "neighbour_correlation": 1.0, "byte_swap_gain": 1.0}
"""Measures of a decoded image of which they cannot be told."""


def with_pixels_of_instances(instances: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Join what decoding showed of each file: of several frames the widest range, and the worst of the rest."""
    measures = (
        tables.scan("pixel_measures")
        .group_by("file_id")
        .agg(
            pl.col("decodes").all(),
            pl.col("decode_error").drop_nulls().first(),
            pl.col("pixel_min").min(),
            pl.col("pixel_max").max(),
            pl.col("pixel_std").max(),
            pl.col("grey_levels", "outside_bits_share", "neighbour_correlation").max(),
            pl.col("byte_swap_gain").median(),
        )
    )
    unread = pl.col("decode_error").is_in(_NO_VERDICT).fill_null(value=False)
    joined = instances.join(measures, on="file_id", how="left").with_columns(
        pl.when(~unread).then("decodes").alias("decodes"),
        # A constant image has neighbours alike, and bytes whose order does not show
        *(pl.when("decodes").then(pl.col(name).fill_null(neutral)) for name, neutral in _NEUTRAL.items()),
    )
    if not _any(tables):
        return joined.with_columns(at_blank_end=pl.lit(value=False))
    ends = _ends(_slices(tables))
    return joined.join(ends, on="file_id", how="left").with_columns(pl.col("at_blank_end").fill_null(value=False))


def _any(tables: Tables) -> bool:
    return not tables.scan("pixel_measures").select("file_id").head(1).collect().is_empty()


def _ends(slices: pl.LazyFrame) -> pl.LazyFrame:
    ends = slices.filter(pl.col("is_blank") & ~pl.col("between_others") & ~pl.col("all_blank"))
    return ends.select("file_id").unique().with_columns(at_blank_end=pl.lit(value=True))


def _slices(tables: Tables) -> pl.LazyFrame:
    """Return a row a slice of every stack of which all slices were decoded, in order of position."""
    measures = tables.scan("pixel_measures").filter("decodes").drop("bucket", "signature")
    slices = (
        tables.scan("stacks")
        .filter(pl.col("n_slices") > 1)
        .with_columns(pl.int_ranges(0, pl.col("file_ids").list.len()).cast(pl.List(pl.Int64)).alias("place"))
        .explode("file_ids", "place")
        .select(
            "stack_id",
            "bucket",
            "n_slices",
            "place",
            pl.col("file_ids").alias("file_id"),
            pl.col("frame_numbers").list.get("place", null_on_oob=True).fill_null(1).alias("frame"),
            pl.col("slice_positions_mm").list.get("place", null_on_oob=True).alias("position_mm"),
        )
        .join(measures, on=["file_id", "frame"], how="inner", maintain_order="left")
        .filter(pl.struct("file_id", "frame").n_unique().over("stack_id") == pl.col("n_slices"))
        .sort(_AT)
    )
    blank = pl.col("commonest_share") >= BLANK
    correlation = pl.col("neighbour_correlation").fill_null(1.0)  # of a constant image
    noisy, image = correlation < NOISE, correlation > STRUCTURE
    return slices.with_columns(
        blank.alias("is_blank"),
        blank.all().over("stack_id").alias("all_blank"),
        _between(~blank).alias("between_others"),
        (noisy & ~blank & (_between(image) | noisy.all().over("stack_id"))).alias("is_noise"),
        (~blank & _repeats()).alias("is_identical"),
    )


def _between(others: pl.Expr) -> pl.Expr:
    """Tell rows with one of `others` before and one after them in their stack."""
    before = others.cast(pl.Int8).cum_max().over("stack_id", order_by="place")
    after = others.cast(pl.Int8).cum_max(reverse=True).over("stack_id", order_by="place")
    return (before == 1) & (after == 1)


def with_pixels_of_stacks(stacks: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Join what the slices of each stack show; null where not all of them were decoded."""
    frames = pl.col("frame_numbers").list.n_unique()
    alone = (pl.col("file_ids").list.n_unique() == 1) & (frames <= 1) & (pl.col("n_slices") > 1)
    stacks = stacks.with_columns(alone.fill_null(value=False).alias("is_tiled"))
    if not _any(tables):
        schema = FRAMES[Level.STACK]
        return stacks.with_columns(pl.lit(None, dtype=schema[name]).alias(name) for name in _STACK_COLUMNS)
    slices = _slices(tables)
    mirrored = _mirrored(tables, slices.select("stack_id", "bucket", "file_id", "frame", "place", "is_blank").collect())
    columns = slices.group_by("stack_id").agg(
        _places(pl.col("is_blank") & pl.col("between_others")).alias("blank_slices"),
        _places(pl.col("is_blank") & ~pl.col("between_others") & ~pl.col("all_blank")).alias("blank_end_slices"),
        _places(pl.col("is_identical")).alias("identical_slices"),
        _places(pl.col("is_noise")).alias("noise_slices"),
        pl.col("clipped_share").sort_by("place").alias("slice_clipped_shares"),
        pl.col("grey_levels").max(),
        pl.col("negative_share").sort_by("place").alias("slice_negative_shares"),
        pl.when(pl.col("rescaled_min") < _PADDING_HU)
        .then("share_at_min")
        .otherwise(0.0)
        .max()
        .alias("undeclared_padding_share"),
        pl.col("air_peak_hu").median(),
        pl.col("tissue_peak_hu").median(),
    )
    looked_at = pl.col("blank_slices").is_not_null()
    return (
        stacks.join(columns, on="stack_id", how="left")
        .join(mirrored.lazy(), on="stack_id", how="left")
        .with_columns(
            pl.when(looked_at).then(pl.col("mirrored_slices").fill_null([])),
            pl.when(looked_at).then(pl.col("air_peak_hu").is_not_null()).alias("shows_air"),
            pl.when(looked_at).then(pl.col("tissue_peak_hu").is_not_null()).alias("shows_tissue"),
        )
    )


def _places(which: pl.Expr) -> pl.Expr:
    return pl.col("place").filter(which.fill_null(value=False)).sort()


def _repeats() -> pl.Expr:
    """Tell slices that show what another one at another place shows; the first of each kind is taken for the true."""
    first = pl.col("position_mm").first().over("stack_id", "pixel_sha256", order_by="place")
    return (pl.col("position_mm") - first).abs() > _SAME_PLACE_MM


def _mirrored(tables: Tables, slices: pl.DataFrame) -> pl.DataFrame:
    """Return the places of slices that are turned over against the rest of their stack, bucket by bucket."""
    found = [_turned_of(part) for part in _with_signatures(tables, slices)]
    schema: dict[str, Any] = {"stack_id": pl.String(), "mirrored_slices": pl.List(pl.Int64())}
    return pl.concat([pl.DataFrame(schema=schema), *found])


def _with_signatures(tables: Tables, slices: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for (bucket,), part in slices.partition_by("bucket", as_dict=True).items():
        of_bucket = tables.scan("pixel_measures").filter(pl.col("bucket") == bucket)
        signatures = of_bucket.select("file_id", "frame", "signature").collect()
        joined = part.join(signatures, on=["file_id", "frame"], how="left")
        yield joined.filter(pl.col("signature").is_not_null() & ~pl.col("is_blank")).sort(_AT)


def _turned_of(slices: pl.DataFrame) -> pl.DataFrame:
    """Follow each stack from slice to slice, and name the slices that lie the other way than most do."""
    if slices.height < 2:  # noqa: PLR2004
        return pl.DataFrame(schema={"stack_id": pl.String(), "mirrored_slices": pl.List(pl.Int64())})
    pixels = np.frombuffer(b"".join(slices["signature"]), np.uint8).reshape(-1, SIDE * SIDE)
    of_one_stack = (slices["stack_id"] == slices["stack_id"].shift(1)).to_numpy()[1:].astype(bool)
    turn = np.concatenate([[0], _turns(likeness(pixels[:-1], pixels[1:]), of_one_stack)])
    followed = slices.select("stack_id", "place", pl.Series("turn", turn)).with_columns(
        ((pl.col("turn") & 1).cum_sum().over("stack_id") % 2).alias("across"),
        ((pl.col("turn") // 2).cum_sum().over("stack_id") % 2).alias("down"),
    )
    way = pl.struct("across", "down")
    usual = way.mode(maintain_order=True).first().over("stack_id")
    other = followed.filter(pl.col("turn").max().over("stack_id") > 0).filter(way != usual)
    return other.group_by("stack_id").agg(pl.col("place").sort().alias("mirrored_slices"))


def _turns(alike: NDArray[np.float32], of_one_stack: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how a slice is turned against the one before: 0 not, 1 left to right, 2 up to down, 3 both."""
    way = alike[:, 1:].argmax(axis=1) + 1
    turned = alike[np.arange(len(alike)), way]
    nearer = (1 - alike[:, 0]) / np.maximum(1 - turned, np.float32(1e-6))
    nearer[(turned < _ALIKE) | ~of_one_stack] = 0
    likely = np.where(nearer > _TURNED_BOTH, way, 0)
    there_and_back = (likely[:-1] == likely[1:]) & (likely[1:] > 0)
    surely = nearer > _TURNED
    surely[:-1] |= there_and_back
    surely[1:] |= there_and_back
    return np.asarray(np.where(surely, way, 0), np.int64)


def with_pixels_of_series(series: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Join what the decoded images of each series show (scouts aside), and how many decoded series are like it."""
    schema = FRAMES[Level.SERIES]
    if not _any(tables):
        nothing = (pl.lit(None, dtype=schema[name]).alias(name) for name in (*_SERIES_COLUMNS, "n_alike"))
        return series.with_columns(*nothing, alike_by=pl.lit(""))
    pictures = tables.scan("instances").filter(
        ~pl.col("is_localizer").fill_null(value=False) & pl.col("Rows").is_not_null()
    )
    measured = (
        pictures.select("file_id", "series_key")
        .join(tables.scan("pixel_measures").filter("decodes").select("file_id", *_MEASURED), on="file_id", how="left")
        .group_by("series_key")
        .agg(
            pl.col("file_id").filter(pl.col("sharpness").is_not_null()).n_unique().cast(pl.Int64).alias("n_looked_at"),
            pl.col(_MEASURED).median(),
        )
    )
    parts = [pl.col(name).hash().cast(pl.String).fill_null("") for name in _ALIKE_BY]
    none_to_look_at, has_ratio = pl.col("n_looked_at").is_null(), pl.col("snr").is_not_null()
    n_alike = has_ratio.sum().over("alike_by").cast(pl.Int64)
    return (
        series.join(measured, on="series_key", how="left")
        .with_columns(pl.concat_str(parts, separator=" ").alias("alike_by"))
        .with_columns(
            pl.when(has_ratio)
            .then(n_alike)
            .when(none_to_look_at | (pl.col("n_looked_at") > 0))
            .then(pl.lit(0, dtype=pl.Int64))
            .alias("n_alike"),
            pl.when(pl.col("n_looked_at") > 0).then("n_looked_at").alias("n_looked_at"),
        )
    )


def with_pixels_of_patients(patients: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Join how many others have images with the very same pixels as a patient; null where none was decoded.

    Pictures of reports, templates and the like may well be the same: images as acquired are compared alone.
    """
    person = ["patient_key", "PatientID"]
    acquired = ~pl.col("is_derived").fill_null(value=False) & pl.col("Rows").is_not_null()
    images = acquired & pl.col("Modality").is_in(["CT", "MR", "PT", "MG", "CR", "DX"])
    files = tables.scan("instances").filter(images & pl.col("PatientID").is_not_null()).select("file_id", *person)
    owners = files.select("patient_key").unique().with_columns(has_acquired_images=pl.lit(value=True))
    with_images = patients.join(owners, on="patient_key", how="left").with_columns(
        pl.col("has_acquired_images").fill_null(value=False)
    )
    if not _any(tables):
        return with_images.with_columns(pl.lit(None, dtype=pl.Int64).alias("n_sharing_pixels"))
    seen = (
        tables.scan("pixel_measures")
        .filter(pl.col("decodes"))
        .select("file_id", "pixel_sha256", "commonest_share", "grey_levels")
        .join(files, on="file_id")
    )
    shown = seen.filter((pl.col("commonest_share") < BLANK) & (pl.col("grey_levels") > 2))  # noqa: PLR2004
    pairs = shown.select(*person, "pixel_sha256").unique()
    shared = (
        pairs.join(pairs.select("pixel_sha256", other="PatientID"), on="pixel_sha256")
        .filter(pl.col("PatientID") != pl.col("other"))
        .group_by("patient_key")
        .agg(pl.col("other").n_unique().cast(pl.Int64).alias("n_sharing_pixels"))
    )
    looked_at = seen.select("patient_key").unique().with_columns(looked_at=pl.lit(value=True))
    return (
        with_images.join(shared, on="patient_key", how="left")
        .join(looked_at, on="patient_key", how="left")
        .with_columns(pl.when("looked_at").then(pl.col("n_sharing_pixels").fill_null(0)).alias("n_sharing_pixels"))
    )
