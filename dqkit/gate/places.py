"""Names findings and their places so that they may leave the house: HMACs, never UIDs, paths or plain hashes."""

import polars as pl

from dqkit.catalog.schema import TEXT
from dqkit.catalog.tables import Tables
from dqkit.identity import Pseudonyms, series_key
from dqkit.model import Level

_BY_LEVEL = {Level.FILE: "file_id", Level.INSTANCE: "file_id", Level.STACK: "stack_id", Level.LABEL: "label_id"}
_UIDS = ["site", "StudyInstanceUID", "SeriesInstanceUID"]


def with_places(findings: pl.DataFrame, tables: Tables, pseudonyms: Pseudonyms) -> pl.DataFrame:
    """Add what a finding goes by outside.

    Returns
    -------
    finding
        Pseudonym of `finding_id`.
    series
        Pseudonym of the series that it belongs to; null where it speaks of something wider.
    place
        ``series 3f9a2c…``, else level and pseudonym of the entity (``study 12ab…``), else as it stands in `location`.
    """
    keys = series_keys(findings, tables)
    series = _hashed(keys, "series", pseudonyms)
    own = pl.col("rule_id").str.starts_with("GATE-")  # conditions name their subject themselves
    entity = pl.col("level") + " " + _hashed(findings["entity"], "entity", pseudonyms)
    return findings.with_columns(
        _hashed(findings["finding_id"], "finding", pseudonyms).alias("finding"), series.alias("series")
    ).with_columns(
        pl.when(own)
        .then("location")
        .otherwise(pl.coalesce(pl.lit("series ") + pl.col("series"), entity))
        .alias("place")
    )


def _hashed(values: pl.Series, kind: str, pseudonyms: Pseudonyms) -> pl.Series:
    """Return pseudonyms; each distinct value is hashed once."""
    distinct = values.drop_nulls().unique()
    hashed = pl.Series([pseudonyms.of(kind, value) for value in distinct], dtype=pl.String)
    return values.replace_strict(distinct, hashed, default=None, return_dtype=pl.String)


def series_keys(findings: pl.DataFrame, tables: Tables) -> pl.Series:
    """Return the series_key of every finding; null where it speaks of a study, a patient or more."""
    numbered = findings.select("level", "entity", *_UIDS).with_row_index("row")
    is_narrow = pl.col("level").is_in([level.value for level in (*_BY_LEVEL, Level.SERIES)])
    named = numbered.filter(is_narrow & pl.all_horizontal(pl.col(_UIDS).is_not_null()))
    distinct = named.select(_UIDS).unique()
    computed = [series_key(site, study, series, "") for site, study, series in distinct.iter_rows()]
    known = named.join(distinct.with_columns(pl.Series("key", computed, dtype=TEXT)), on=_UIDS).select("row", "key")
    rest = numbered.filter(is_narrow).join(named, on="row", how="anti")
    found = [known, rest.filter(pl.col("level") == Level.SERIES.value).select("row", pl.col("entity").alias("key"))]
    for level, column in _BY_LEVEL.items():
        rows = rest.filter(pl.col("level") == level.value)
        if rows.height:
            found.append(_looked_up(rows, _TABLE[level], column, tables))
    keys = pl.concat(found)
    return numbered.join(keys, on="row", how="left", maintain_order="left")["key"]


_TABLE = {Level.FILE: "instances", Level.INSTANCE: "instances", Level.STACK: "stacks", Level.LABEL: "labels"}


def _looked_up(rows: pl.DataFrame, table: str, column: str, tables: Tables) -> pl.DataFrame:
    ids = rows["entity"].unique()
    known = tables.scan(table).filter(pl.col(column).is_in(ids.implode())).select(column, "series_key").collect()
    joined = rows.select("row", "entity").join(known, left_on="entity", right_on=column, how="left")
    return joined.select("row", pl.col("series_key").alias("key"))
