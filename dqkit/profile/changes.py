"""Which scanner changed what, and when: new software, another kernel, another slice thickness."""

import polars as pl

from dqkit.catalog.schema import ATTRIBUTES, INT, TEXT, Schema
from dqkit.profile.grouping import FIRST_YEAR, scanner_name
from dqkit.profile.values import as_text

LEAST_SERIES = 5
"""Series that must show the old and the new value: fewer are an exception, no change. House style."""

_TO_AND_FRO = 2
"""Spells a value at most: where values alternate more often than that, several scanners or habits go under one name,
and nothing changed for good. House style."""

_SAME_CHANGE = 3
"""Months between two protocols of a device within which the same change counts as one. House style."""

_OF_THE_DEVICE = ("SoftwareVersions",)
_OF_A_PROTOCOL = (
    "SliceThickness", "PixelSpacing", "ConvolutionKernel", "KVP", "ReconstructionDiameter", "RepetitionTime",
    "EchoTime", "InversionTime", "FlipAngle", "EchoTrainLength", "PixelBandwidth", "MRAcquisitionType",
    "AttenuationCorrectionMethod",
)  # fmt: skip
_FEW_DIGITS = 2  # by which numbers count as changed: a field of view follows the patient, a protocol does not

CHANGES: Schema = {
    "site": TEXT,
    "scanner": TEXT,  # manufacturer and model
    "device": INT,  # 1, 2 … where a site has several of one model (by DeviceSerialNumber, else StationName)
    "month": TEXT,  # YYYY-MM, the first one with the new value
    "attribute": TEXT,
    "before": TEXT,
    "after": TEXT,
    "protocols": INT,  # how many protocols changed so; null for what belongs to the device
    "series_before": INT,
    "series_after": INT,
}
"""One row a change. No protocol is named, as ProtocolName and SeriesDescription identify (PS3.15 Table E.1-1)."""


def changes_of(series: pl.LazyFrame) -> pl.DataFrame:
    """Find where the usual value of a parameter changed for good, at the same scanner and protocol.

    The usual value of a month is its commonest. Months of one value in a row form a spell; a spell of fewer than
    `LEAST_SERIES` series is passed over, and where the spells around it agree, nothing changed.
    """
    ready = _with_devices(series).collect()
    plans = [_changes(ready.lazy(), name) for name in (*_OF_THE_DEVICE, *_OF_A_PROTOCOL)]
    rows = pl.concat(pl.collect_all(plans))
    if rows.is_empty():
        return pl.DataFrame(schema=CHANGES)
    told = _together(rows)
    told = told.join(_numbered(series, told["unit_device"]), on="unit_device", how="left")
    of_device = pl.col("attribute").is_in(list(_OF_THE_DEVICE))
    month = pl.col("month")
    year_and_month = pl.concat_str(month // 100, pl.lit("-"), (month % 100).cast(pl.String).str.zfill(2))
    return (
        told.with_columns(pl.when(~of_device).then("protocols").alias("protocols"), year_and_month.alias("month"))
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
        .sort("month", "site", "scanner", "device", "attribute", "before", nulls_last=True)
    )


def _together(rows: pl.DataFrame) -> pl.DataFrame:
    """Make one change of those that protocols of a device made alike within a few months: rare ones show it later."""
    what = ["unit_device", "attribute", "before", "after"]
    month = pl.col("month") // 100 * 12 + pl.col("month") % 100
    ordered = rows.sort(*what, "month").with_columns((month.diff() > _SAME_CHANGE).cum_sum().over(what).alias("turn"))
    return (
        ordered.with_columns(pl.col("turn").fill_null(0))
        .group_by(*what, "turn")
        .agg(
            pl.col("month").min(),
            pl.len().cast(pl.Int64).alias("protocols"),
            pl.col("series_before", "series_after").sum(),
        )
    )


def _named(series: pl.LazyFrame) -> pl.LazyFrame:
    """Return the series that name their scanner, with a number for their device."""
    serial = pl.coalesce("DeviceSerialNumber", "StationName").alias("serial")
    named = series.with_columns(scanner_name().alias("scanner"), serial).filter(pl.col("scanner").is_not_null())
    return named.with_columns(pl.struct("site", "scanner", "serial").hash().alias("unit_device"))


def _with_devices(series: pl.LazyFrame) -> pl.LazyFrame:
    """Return the dated series of scanners, with numbers for their device and for their device and protocol."""
    date = pl.col("study_date")
    return (
        _named(series)
        .filter(date.dt.year() >= FIRST_YEAR)
        .filter(~pl.col("is_localizer").fill_null(value=False))
        .select(
            "unit_device",
            pl.struct("unit_device", "Modality", "ProtocolName", "SeriesDescription").hash().alias("unit_protocol"),
            (date.dt.year() * 100 + date.dt.month()).alias("month"),
            *_OF_THE_DEVICE,
            *_OF_A_PROTOCOL,
        )
        .filter(pl.len().over("unit_device") >= 2 * LEAST_SERIES)
    )


def _value(name: str) -> pl.Expr:
    """Return a parameter as text that equal settings share."""
    kind = ATTRIBUTES[name]
    if name == "PixelSpacing":
        value = pl.col(name).list.first()
    elif isinstance(kind, pl.Float64 | pl.Int64):
        value = pl.col(name).cast(pl.Float64)
    else:
        return as_text(name, kind)
    return value.round_sig_figs(_FEW_DIGITS).cast(pl.String).str.strip_suffix(".0")


def _changes(ready: pl.LazyFrame, name: str) -> pl.LazyFrame:
    unit = "unit_device" if name in _OF_THE_DEVICE else "unit_protocol"
    months = (
        ready.filter(pl.col(name).is_not_null())
        .filter(pl.len().over(unit) >= 2 * LEAST_SERIES)
        .group_by(*dict.fromkeys(("unit_device", unit)), "month", value=_value(name))
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .filter(pl.col("value") != "")
        .sort("n", "value", descending=[True, False])
        .group_by(*dict.fromkeys(("unit_device", unit)), "month")
        .agg(pl.col("value").first(), pl.col("n").first())
    )
    spells = _spells(_spells(months, unit).filter(pl.col("n") >= LEAST_SERIES), unit)
    return (
        spells.filter(pl.len().over(unit) <= _TO_AND_FRO * pl.col("value").n_unique().over(unit))
        .sort(unit, "month")
        .with_columns(
            pl.col("value").shift(1).over(unit).alias("before"), pl.col("n").shift(1).over(unit).alias("series_before")
        )
        .filter(pl.col("before").is_not_null())
        .select(
            "unit_device", "month", pl.lit(name).alias("attribute"), "before", pl.col("value").alias("after"),
            "series_before", pl.col("n").alias("series_after"),
        )
    )  # fmt: skip


def _spells(months: pl.LazyFrame, unit: str) -> pl.LazyFrame:
    """Join what follows on the same value."""
    spell = pl.col("value").rle_id().over(unit).alias("spell")
    joined = months.sort(unit, "month").with_columns(spell).group_by(unit, "spell")
    firsts = [pl.col(name).first() for name in ("unit_device", "value") if name != unit]
    return joined.agg(*firsts, pl.col("month").min(), pl.col("n").sum()).drop("spell")


def _numbered(series: pl.LazyFrame, wanted: pl.Series) -> pl.DataFrame:
    """Name devices by site and scanner, and number those of one model at one site; null where there is but one."""
    devices = _named(series).select("unit_device", "site", "scanner", "serial").unique("unit_device")
    devices = devices.sort("site", "scanner", "serial", nulls_last=True)
    group = ["site", "scanner"]
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(group)
    several = devices.with_columns(pl.when(pl.len().over(group) > 1).then(number).alias("device"))
    return several.filter(pl.col("unit_device").is_in(wanted.implode())).drop("serial").collect()
