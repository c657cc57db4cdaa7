"""Columns of a series that are worked out of how it was acquired, as polars expressions over its frame.

Each is null where what it needs is absent, varies inside the series, or cannot be trusted.
"""

import polars as pl

MADE_OF: dict[str, tuple[str, ...]] = {
    "acquired_phase_mm": ("AcquisitionMatrix", "InPlanePhaseEncodingDirection", "Rows", "Columns", "PixelSpacing"),
    "acquired_frequency_mm": ("AcquisitionMatrix", "InPlanePhaseEncodingDirection", "Rows", "Columns", "PixelSpacing"),
    "fov_mm": ("Rows", "Columns", "PixelSpacing"),
    "fov_short_mm": ("Rows", "Columns", "PixelSpacing"),
    "slice_gap_mm": ("SliceThickness", "SpacingBetweenSlices"),
    "n_slices": (),
    "temporal_resolution_s": ("TemporalResolution",),
    "dynamic_duration_s": ("TemporalResolution", "NumberOfTemporalPositions"),
    "uptake_minutes": ("RadiopharmaceuticalStartTime", "SeriesTime"),
    "tracer_start": ("RadiopharmaceuticalStartTime",),
    "detector_rows": ("TotalCollimationWidth", "SingleCollimationWidth"),
    "field_strength_t": ("MagneticFieldStrength",),
    "laterality": ("ImageLaterality", "Laterality"),
    "contrast_agent": ("ContrastBolusAgent",),
    "kernel": ("ConvolutionKernel",),
    "pixels_per_degree": ("Columns", "HorizontalFieldOfView"),
}
"""Derived column -> the attributes of a series that it is mostly made of, for tables that lack some."""

_MOSAICS = ("MOSAIC", "VFRAME")
_SAME_SHARE = 0.02
_HALF_A_DAY, _DAY = 720.0, 1440.0  # minutes
_HIGHEST_TESLA, _LOWEST_GAUSS = 100.0, 5000.0
_TIME = r"^([0-9]{2}):?([0-9]{2}):?([0-9]{2}(?:\.[0-9]+)?)"
_NO_AGENT = (
    r"^(?i)\s*(no|none|n|0|non|without|w/o|nil|nein|kein|keine|ohne|sans|aucun|no contrast|unenhanced|无|否|平扫)\s*$"
)


def with_acquisition(series: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame of the series with the columns of catalog.schema.ACQUISITION.

    Parameters
    ----------
    series
        Columns of the table `series`, with `volume_sizes` and `slice_step_mm` of its volumes.
    """
    return series.with_columns(*_in_plane(), *_across_planes(), *_in_time(), *_tracer(), *_of_single_attributes())


def _in_plane() -> list[pl.Expr]:
    """Return the extent of the image and the acquired size of a pixel (PS3.3 C.8.3.1), in mm.

    The American College of Radiology takes the acquired pixel as field of view by encoding steps (Breast MRI clinical
    image review, category D, 2019-12-12): interpolation and zero filling make PixelSpacing smaller without showing
    more.
    """
    kind = pl.when(pl.col("Modality") == "MR").then("ImageType")  # a look into a million lists takes its time
    tiled = pl.any_horizontal(kind.list.contains(word).fill_null(value=False) for word in _MOSAICS)
    spacing = pl.col("PixelSpacing")
    usable = ~tiled & (spacing.list.len() == 2)  # noqa: PLR2004
    down = pl.when(usable).then(pl.col("Rows") * spacing.list.get(0, null_on_oob=True))
    across = pl.when(usable).then(pl.col("Columns") * spacing.list.get(1, null_on_oob=True))
    by_columns = pl.col("InPlanePhaseEncodingDirection").is_in(["COL", "COLUMN"])
    by_rows = pl.col("InPlanePhaseEncodingDirection") == "ROW"
    frequency_fov = pl.when(by_columns).then(across).when(by_rows).then(down)
    phase_fov = _encoded(pl.when(by_columns).then(down).when(by_rows).then(across), frequency_fov)
    frequency_steps, phase_steps = _steps(0), _steps(2)
    return [
        pl.when((phase_steps > 1) & (phase_fov > 0)).then(phase_fov / phase_steps).alias("acquired_phase_mm"),
        pl.when((frequency_steps > 1) & (frequency_fov > 0))
        .then(frequency_fov / frequency_steps)
        .alias("acquired_frequency_mm"),
        pl.max_horizontal(down, across).alias("fov_mm"),
        pl.min_horizontal(down, across).alias("fov_short_mm"),
    ]


def _steps(first: int) -> pl.Expr:
    """Return the steps of one direction: AcquisitionMatrix gives it for rows and for columns, one of them zero."""
    matrix = pl.col("AcquisitionMatrix")
    pair = [matrix.list.get(first + i, null_on_oob=True).fill_null(0) for i in range(2)]
    return pl.when(matrix.list.len() == 4).then(pl.max_horizontal(pair))  # noqa: PLR2004


def _encoded(phase_fov: pl.Expr, frequency_fov: pl.Expr) -> pl.Expr:
    """Return the extent that the phase steps encode.

    PercentPhaseFieldOfView says how long it is beside that of the frequency direction. A rectangular image shows it;
    a square one may have been padded, and then only Philips is known to count the steps of the shorter side.
    """
    told = pl.col("PercentPhaseFieldOfView").fill_null(100.0) / 100
    shown = phase_fov / frequency_fov
    agrees = ((shown - told).abs() <= _SAME_SHARE) | (told >= 1)
    philips = pl.col("Manufacturer").str.contains("(?i)philips").fill_null(value=False)
    return pl.when(agrees | ((shown - 1).abs() > _SAME_SHARE)).then(phase_fov).when(philips).then(frequency_fov * told)


def _across_planes() -> list[pl.Expr]:
    step = pl.coalesce("slice_step_mm", pl.col("SpacingBetweenSlices").abs())
    counted = pl.coalesce(pl.col("volume_sizes").list.max(), "n_frames", "n_instances")
    return [
        (step - pl.col("SliceThickness")).round(3).alias("slice_gap_mm"),
        counted.cast(pl.Int64).alias("n_slices"),
    ]


def _in_time() -> list[pl.Expr]:
    """Return the time from one volume to the next, and of all of them, in seconds.

    Measured where the images of a place are told apart by their times, else by TemporalResolution (ms; PS3.3 C.8.3.1).
    """
    measured = pl.coalesce("time_step_s", pl.col("time_span_s") / (pl.col("n_time_points") - 1))
    told = pl.when(pl.col("TemporalResolution") > 0).then(pl.col("TemporalResolution") / 1000)
    points = pl.coalesce(
        "n_time_points", pl.when(pl.col("NumberOfTemporalPositions") > 1).then("NumberOfTemporalPositions")
    )
    each = pl.coalesce(measured, told)
    return [
        pl.when(points > 1).then(each).alias("temporal_resolution_s"),
        pl.when(points > 1).then(pl.coalesce("time_span_s", each * (points - 1)) + each).alias("dynamic_duration_s"),
    ]


def _tracer() -> list[pl.Expr]:
    """Return when the tracer was given (PS3.3 C.8.9.2), and how many minutes before the first image.

    Only the time of day is compared: a scan after midnight belongs to an injection before it.
    """
    told = ("RadiopharmaceuticalStartDateTime", "RadiopharmaceuticalStartTime")
    start = pl.coalesce(*told, pl.when(pl.col("Modality") == "PT").then(_several(*told)))
    at = pl.coalesce(
        _minutes(pl.col("RadiopharmaceuticalStartDateTime").str.slice(8)),
        _minutes(pl.col("RadiopharmaceuticalStartTime")),
    )
    first = pl.when(at.is_not_null()).then(pl.coalesce("first_acquisition_time", "SeriesTime"))
    later = _minutes(first) - at
    waited = pl.when(later < -_HALF_A_DAY).then(later + _DAY).otherwise(later)
    return [start.alias("tracer_start"), waited.round(2).alias("uptake_minutes")]


def _several(*attributes: str) -> pl.Expr:
    """Return a word where one of `attributes` has several values in the series, so that it counts as present."""
    varies = pl.any_horizontal(pl.col("varying").list.contains(name).fill_null(value=False) for name in attributes)
    return pl.when(varies).then(pl.lit("several"))


def _minutes(time: pl.Expr) -> pl.Expr:
    hours, minutes, seconds = (time.str.extract(_TIME, group).cast(pl.Float64, strict=False) for group in (1, 2, 3))
    return hours * 60 + minutes + seconds / 60


def _of_single_attributes() -> list[pl.Expr]:
    """Return what one or two attributes say once they are cleaned."""
    single, total = pl.col("SingleCollimationWidth"), pl.col("TotalCollimationWidth")
    strength = pl.col("MagneticFieldStrength")
    field = pl.col("HorizontalFieldOfView")
    agent = pl.coalesce("ContrastBolusAgent", "ContrastBolusAgentCodeMeaning")  # the latter of enhanced objects
    side = pl.coalesce("ImageLaterality", "Laterality").str.strip_chars().str.to_uppercase()
    return [
        pl.when((single > 0) & (total > 0)).then((total / single).round(0)).alias("detector_rows"),
        pl.when(strength < _HIGHEST_TESLA)
        .then(strength)
        .when(strength >= _LOWEST_GAUSS)
        .then(strength / 10_000)
        .alias("field_strength_t"),
        pl.when(side.is_in(["R", "L", "B", "U"])).then(side).alias("laterality"),
        pl.coalesce(
            pl.when(~agent.str.contains(_NO_AGENT)).then(agent),
            _several("ContrastBolusAgent", "ContrastBolusAgentCodeMeaning"),
        ).alias("contrast_agent"),
        pl.col("ConvolutionKernel").list.first().alias("kernel"),
        pl.when(field > 0).then(pl.col("Columns") / field).alias("pixels_per_degree"),
    ]
