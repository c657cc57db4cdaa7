"""Which machine made a series, how its maker writes its name, and when its software changed."""

import re
from functools import cache

import polars as pl

from dqkit.rulebook.vocabulary import load_table

_NO_SERIAL = r"^(?i)\s*(0*1?|x+|n/?a|none|null|unknown|anon\w*|removed|serial\w*|no|\*+|-+|123456?7?8?9?)\s*$"
"""Values of DeviceSerialNumber and StationName that name no machine (house style)."""

_NO_MAKER = r"^(?i)\s*(anon\w*|unknown.*|none|null|n/?a|test|debug|dummy|manufacturer.*|[0.?*-]+)\s*$"
"""Values of Manufacturer that name nobody, as in CON-056."""


def vendor() -> pl.Expr:
    """Return the preferred spelling of Manufacturer, as the vocabulary has it; null where it does not know it."""
    folded = pl.col("Manufacturer").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    known = _preferred()
    return folded.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String())


@cache
def _preferred() -> dict[str, str]:
    return {
        re.sub(r"[\W_]+", " ", spelling.lower()).strip(): str(row["preferred"])
        for spelling, row in load_table("vendors").items()
    }


def scanner_columns() -> list[pl.Expr]:
    """Return `scanner_key`, `device` and `station`, which say what machine acquired a series.

    Captures and what workstations made (second value of ImageType SECONDARY) name no scanner. A `device` is known by
    serial number, archive-wide; a `scanner_key` by serial number or station name, at its site.
    """
    acquired = pl.col("is_image") & (pl.col("ImageType").list.get(1, null_on_oob=True) != "SECONDARY").fill_null(
        value=True
    )
    maker = pl.col("vendor").fill_null(pl.col("Manufacturer")).fill_null("")
    model = pl.col("ManufacturerModelName").fill_null("")
    serial, station = _named("DeviceSerialNumber"), _named("StationName")
    name = pl.coalesce(serial, station)
    return [
        pl.when(acquired).then(_joined("site", maker, model, name)).alias("scanner_key"),
        pl.when(acquired).then(_joined(maker, model, serial)).alias("device"),
        pl.when(acquired).then(_joined("site", "Modality", station)).alias("station"),
    ]


def _named(column: str) -> pl.Expr:
    return pl.when(~pl.col(column).str.contains(_NO_SERIAL)).then(column)


def _joined(*parts: pl.Expr | str) -> pl.Expr:
    return pl.concat_str(*parts, separator="\x1f")


def of_scanners() -> list[pl.Expr]:
    """Return what is counted over all series of a scanner, and which of them speaks for it."""
    named = ~pl.col("Manufacturer").str.contains(_NO_MAKER)
    vendors = pl.coalesce("vendor", pl.when(named).then("Manufacturer"))
    return [
        _counted("Manufacturer", "vendor").alias("vendor_spellings"),
        _counted("StationName", "scanner_key").alias("stations_of_scanner"),
        _counted("site", "device").alias("sites_of_device"),
        _counted("device", "station").alias("devices_of_station"),
        pl.when(pl.col("is_image") & pl.col("ManufacturerModelName").is_not_null())
        .then(vendors.drop_nulls().n_unique().over("ManufacturerModelName"))
        .cast(pl.Int64)
        .alias("vendors_of_model"),
        _series_of_protocol().alias("series_of_protocol"),
        *(_speaks_for(group) for group in ("scanner_key", "device", "station", "ManufacturerModelName")),
        _software_before().alias("software_before"),
    ]


def _counted(column: str, over: str) -> pl.Expr:
    """Count the values of `column` within `over`; null where that is null."""
    number = pl.col(column).drop_nulls().n_unique().over(over)
    return pl.when(pl.col(over).is_not_null()).then(number).cast(pl.Int64)


def _series_of_protocol() -> pl.Expr:
    by = ("scanner_key", "protocol_key")
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in by)
    return pl.when(known).then(pl.len().over(by)).otherwise(0).cast(pl.Int64)


_SPEAKERS = {
    "scanner_key": "speaks_for_scanner",
    "device": "speaks_for_device",
    "station": "speaks_for_station",
    "ManufacturerModelName": "speaks_for_model",
}


def _speaks_for(group: str) -> pl.Expr:
    """Tell the one series, the first by key, in whose name a finding about its group stands."""
    mine = pl.col("is_image") & pl.col(group).is_not_null()
    chosen = pl.when(mine).then("series_key").min().over(group)
    return (mine & (pl.col("series_key") == chosen)).fill_null(value=False).alias(_SPEAKERS[group])


def _software_before() -> pl.Expr:
    """Return the software that a scanner had before, on the first series with the new one; else null.

    The old one must not be seen again later: consoles of one scanner that write different versions are no update.
    """
    by_time = ["study_date", "series_key"]
    own = ["scanner_key", "software"]
    first = pl.int_range(pl.len()).over(own, order_by=by_time) == 0
    last_seen = pl.col("study_date").max().over(own)
    before = pl.col("software").shift().over("scanner_key", order_by=by_time)
    seen_before = last_seen.shift().over("scanner_key", order_by=by_time)
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in ("scanner_key", "software", "study_date"))
    changed = known & first & (before != pl.col("software")) & (seen_before < pl.col("study_date"))
    return pl.when(changed).then(before)
