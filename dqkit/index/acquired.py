"""What the images of a series say of its acquisition together: b-values, views, dose, points in time."""

import polars as pl

ACQUIRED = (
    "b_values", "views", "ctdi_vol_mgy", "tube_current_ma", "exposure_mas", "first_acquisition_time", "n_time_points",
    "time_span_s", "time_step_s",
)  # fmt: skip
"""Columns of a series that are aggregated here."""

_DYNAMIC = ("MR", "CT", "PT")
_VIEWS = {
    "cranio-caudal": "CC",
    "medio-lateral oblique": "MLO",
    "medio-lateral": "ML",
    "latero-medial": "LM",
    "postero-anterior": "PA",
    "antero-posterior": "AP",
    "left lateral": "LL",
    "right lateral": "RL",
    "lateral": "LATERAL",
}
"""Meaning of a view code (PS3.16 CID 4010, CID 4014) -> the term of ViewPosition (PS3.3 C.8.7.1)."""

_TIME = r"^([0-9]{2}):?([0-9]{2}):?([0-9]{2}(?:\.[0-9]+)?)$"
_LONGEST_S = 12 * 3600.0
"""Images of one place that lie further apart are of two examinations, or of the two sides of midnight."""


def acquired() -> list[pl.Expr]:
    """Return the aggregates over the images of one series."""
    return [
        _each_once(pl.col("diffusion_b_value").round(1)).alias("b_values"),
        _each_once(_view()).alias("views"),
        pl.col("CTDIvol").max().alias("ctdi_vol_mgy"),
        pl.col("XRayTubeCurrent").max().alias("tube_current_ma"),
        pl.col("Exposure").max().alias("exposure_mas"),
        pl.col("AcquisitionTime").str.replace_all(":", "", literal=True).min().alias("first_acquisition_time"),
    ]


def _each_once(value: pl.Expr) -> pl.Expr:
    return value.drop_nulls().unique().sort()


def _view() -> pl.Expr:
    """Return side and view of an image, joined by a hyphen; null where it has neither."""
    side = pl.coalesce("ImageLaterality", "Laterality").str.to_uppercase()
    named = pl.col("ViewCodeMeaning").str.to_lowercase().replace_strict(_VIEWS, default=None, return_dtype=pl.String)
    view = pl.coalesce(pl.col("ViewPosition").str.to_uppercase(), named)
    text = pl.concat_str(side, view, separator="-", ignore_nulls=True)
    return pl.when(text.str.len_bytes() > 0).then(text)


def with_frame_b_values(series: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Add to `b_values` those of single frames (enhanced multi-frame objects); where there are none, null."""
    frames = members.filter(pl.col("frame_groups").is_not_null()).select("series_key", "frame_groups")
    if frames.height:
        number = pl.col("frame_groups").str.extract(r"DiffusionBValue=([0-9.]+)").cast(pl.Float64, strict=False)
        of_frames = (
            frames.explode("frame_groups").group_by("series_key").agg(_each_once(number.round(1)).alias("of_frames"))
        )
        both = pl.concat_list("b_values", pl.col("of_frames").fill_null([]))
        series = series.join(of_frames, on="series_key", how="left").with_columns(both.list.unique().list.sort())
        series = series.drop("of_frames")
    return series.with_columns(pl.when(pl.col(name).list.len() > 0).then(name) for name in ("b_values", "views"))


def time_points(members: pl.DataFrame) -> pl.DataFrame:
    """Return how often each series looks at one place, and for how long.

    Parameters
    ----------
    members
        Instances, keys filled.

    Returns
    -------
    `series_key`, `n_time_points` (distinct AcquisitionTime, else TriggerTime, of the images at the place that has
    most of them), `time_span_s` between the first and the last of them, and `time_step_s`, the median from one to
    the next. Series whose places do not repeat, or repeat at one time only, have no row.
    """
    images = members.lazy().filter(
        pl.col("Modality").is_in(_DYNAMIC),
        pl.col("ImagePositionPatient").is_not_null(),
        ~pl.col("is_localizer").fill_null(value=False),
    )
    place = pl.col("ImagePositionPatient").hash().alias("place")
    clock, trigger = _seconds(pl.col("AcquisitionTime")).alias("clock"), (pl.col("TriggerTime") / 1000).alias("trigger")
    at_places = (
        images.select("series_key", place, clock, trigger)
        .filter(pl.len().over("series_key") > pl.col("place").n_unique().over("series_key"))
        .group_by("series_key", "place")
        .agg(*_times("clock"), *_times("trigger"))
    )
    by_clock = pl.col("clock_n") > 1
    n = pl.when(by_clock).then("clock_n").otherwise("trigger_n").cast(pl.Int64).alias("n_time_points")
    span = pl.when(by_clock).then("clock_span").otherwise("trigger_span").alias("time_span_s")
    step = pl.when(by_clock).then("clock_step").otherwise("trigger_step").alias("time_step_s")
    most = pl.col("n_time_points").max()
    at_most = pl.col("time_span_s", "time_step_s").filter(pl.col("n_time_points") == most)
    return (
        at_places.select("series_key", n, span, step)
        .filter(pl.col("n_time_points") > 1, pl.col("time_span_s") < _LONGEST_S)
        .group_by("series_key")
        .agg(most, at_most.median())
        .collect()
    )


def _times(name: str) -> list[pl.Expr]:
    value = pl.col(name)
    return [
        value.drop_nulls().n_unique().alias(f"{name}_n"),
        (value.max() - value.min()).alias(f"{name}_span"),
        # The lower of two middle ones: of steps of 2 and 4 s, where a volume is missing, the half is no step at all
        value.drop_nulls().unique().sort().diff().quantile(0.5, "lower").alias(f"{name}_step"),
    ]


def _seconds(time: pl.Expr) -> pl.Expr:
    """Return a DICOM time as seconds since midnight; null where it is none."""
    hours, minutes, seconds = (time.str.extract(_TIME, group).cast(pl.Float64, strict=False) for group in (1, 2, 3))
    return hours * 3600 + minutes * 60 + seconds
