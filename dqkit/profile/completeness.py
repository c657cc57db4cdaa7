"""How complete each attribute is: present, varying, partly missing, empty, untypeable, absent."""

import polars as pl

from dqkit.catalog.schema import ATTRIBUTES, INT, PER_INSTANCE, TEXT, Schema
from dqkit.catalog.tables import Tables
from dqkit.model import FileStatus

OF_SERIES = tuple(name for name in ATTRIBUTES if name not in PER_INSTANCE)
"""Attributes that a series has one value of."""

OF_INSTANCES = tuple(name for name in ATTRIBUTES if name in PER_INSTANCE)

COMPLETENESS: Schema = {
    "group": pl.UInt32(),
    "level": TEXT,  # series | instance: what n counts
    "attribute": TEXT,
    "n": INT,
    "present": INT,  # one value
    "varying": INT,  # present, with several values within the series
    "partly_missing": INT,  # of present and varying: some images of the series lack it
    "empty": INT,  # the element stands there without a value
    "untypeable": INT,  # the value does not fit its VR
    "absent": INT,  # there is no such element
    "not_told": INT,  # the series come from a table that has no such column
}
"""n = present + varying + empty + untypeable + absent + not_told."""

_FAULTS = ("empty", "untypeable")


def completeness_of(
    series: pl.LazyFrame, tables: Tables, attributes: tuple[str, ...] = OF_SERIES, held: frozenset[str] | None = None
) -> pl.DataFrame:
    """Count over the series of each group how complete `attributes` are.

    Parameters
    ----------
    series
        The series table with `group` (profile.grouping).
    tables
        The catalog: its instances say what is empty and what cannot be typed.
    held
        Those of `attributes` that any series has a value of (`with_values`), as the others cost nothing; None = all.
    """
    faults, named = _faults_by_series(tables)
    told = frozenset(attributes if held is None else held).union(*named.values())
    counted_one_by_one = [name for name in attributes if name in told]
    lean = series.select("group", "series_key", "varying", "partly_missing", *counted_one_by_one)
    joined = lean.join(faults, on="series_key", how="left")
    wide = joined.group_by("group").agg(
        pl.len().cast(pl.Int64).alias("n"),
        *(expression for name in counted_one_by_one for expression in _counts(name, named)),
    )
    lists = [
        lean.select("group", pl.col(column).alias("attribute"))
        .filter(pl.col("attribute").list.len() > 0)
        .explode("attribute")
        .group_by("group", "attribute")
        .agg(pl.len().cast(pl.Int64).alias(column))
        for column in ("varying", "partly_missing")
    ]
    counted, varying, partly, untold = pl.collect_all([wide, *lists, _not_told(series, tables, attributes)])
    keys = ["group", "attribute"]
    long = _long(counted, attributes).join(varying, on=keys, how="left").join(partly, on=keys, how="left")
    long = long.join(untold, on=keys, how="left")
    long = long.with_columns(
        pl.col("varying").fill_null(0) - pl.col("overlap"),
        pl.col("partly_missing", "not_told").fill_null(0),
        pl.lit("series").alias("level"),
    )
    return _with_absent(long)


def with_values(series: pl.LazyFrame, attributes: tuple[str, ...]) -> frozenset[str]:
    """Return the attributes that any series has a value of: archives lack most, and those cost nothing more."""
    counts = series.select(pl.col(attributes).count()).collect().row(0, named=True)
    return frozenset(name for name, n in counts.items() if n)


def of_instances(series: pl.LazyFrame, tables: Tables) -> pl.DataFrame:
    """Count over the images of each group how complete the attributes are that differ from image to image."""
    groups = series.select("series_key", "group")
    images = tables.scan("instances").filter(pl.col("status") == FileStatus.DICOM)
    images = images.select("series_key", *OF_INSTANCES, *_FAULTS).join(groups, on="series_key")
    present = images.group_by("group").agg(
        pl.len().cast(pl.Int64).alias("n"),
        *(_typed(name).sum().cast(pl.Int64).alias(f"{name} present") for name in OF_INSTANCES),
    )
    named = [
        images.select("group", pl.col(fault).list.set_intersection(list(OF_INSTANCES)).alias("attribute"))
        .filter(pl.col("attribute").list.len() > 0)
        .explode("attribute")
        .group_by("group", "attribute")
        .agg(pl.len().cast(pl.Int64).alias(fault))
        for fault in _FAULTS
    ]
    counted, *faults = pl.collect_all([present, *named])
    long = _long(counted, OF_INSTANCES).drop(_FAULTS)
    for fault in faults:
        long = long.join(fault, on=["group", "attribute"], how="left")
    nothing = [pl.lit(0, dtype=pl.Int64).alias(name) for name in ("varying", "partly_missing", "not_told")]
    level = pl.lit("instance").alias("level")
    return _with_absent(long.with_columns(pl.col(_FAULTS).fill_null(0), level, *nothing))


def _not_told(series: pl.LazyFrame, tables: Tables, attributes: tuple[str, ...]) -> pl.LazyFrame:
    """Count the series of each group that come from a table without a column for the attribute."""
    own = tables.scan("sources").filter(pl.col("columns").is_not_null()).select("source_id", "columns")
    wanted = pl.lit(pl.Series([list(attributes)], dtype=pl.List(pl.String))).first()
    lacking = own.select("source_id", wanted.list.set_difference("columns").alias("attribute"))
    sizes = series.group_by("group", "source_id").agg(pl.len().cast(pl.Int64).alias("not_told"))
    rows = sizes.join(lacking.explode("attribute"), on="source_id").filter(pl.col("attribute").is_not_null())
    return rows.group_by("group", "attribute").agg(pl.col("not_told").sum())


def _typed(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() & ~pl.col("untypeable").list.contains(name).fill_null(value=False)


def _faults_by_series(tables: Tables) -> tuple[pl.LazyFrame, dict[str, frozenset[str]]]:
    """Return the keywords empty and untypeable somewhere in each series, and which keywords occur at all.

    Images of a series are mostly alike, so that each list is reduced to its distinct texts before it is taken apart.
    """
    images = tables.scan("instances").filter(pl.col("status") == FileStatus.DICOM)
    found: list[pl.DataFrame] = []
    for fault in _FAULTS:
        texts = images.filter(pl.col(fault).list.len() > 0).select("series_key", pl.col(fault).list.join(" ")).unique()
        lists = texts.with_columns(pl.col(fault).str.split(" ")).group_by("series_key")
        found.append(lists.agg(pl.col(fault).list.explode().unique()).collect())
    named = {
        fault: frozenset(frame[fault].list.explode().unique().drop_nulls().to_list() if frame.height else ())
        for fault, frame in zip(_FAULTS, found, strict=True)
    }
    both = found[0].lazy().join(found[1].lazy(), on="series_key", how="full", coalesce=True)
    return both, named


def _counts(name: str, named: dict[str, frozenset[str]]) -> list[pl.Expr]:
    """Count series by the state of `name`; what does not fit its VR is no value, even where its text is kept."""
    column = pl.col(name)
    if not any(name in names for names in named.values()):
        return [column.count().cast(pl.Int64).alias(f"{name} present")]
    varies = pl.col("varying").list.contains(name).fill_null(value=False)
    odd = pl.col("untypeable").list.contains(name).fill_null(value=False)
    hollow = pl.col("empty").list.contains(name).fill_null(value=False)
    counts = {
        "present": column.is_not_null() & ~odd,
        "untypeable": odd,
        "overlap": odd & varies,
        "empty": hollow & column.is_null() & ~varies & ~odd,
    }
    return [expression.sum().cast(pl.Int64).alias(f"{name} {what}") for what, expression in counts.items()]


def _long(wide: pl.DataFrame, attributes: tuple[str, ...]) -> pl.DataFrame:
    """Turn ``<attribute> <count>`` columns into a row an attribute."""
    have = set(wide.columns)
    parts = [
        wide.select(
            "group",
            pl.lit(name).alias("attribute"),
            "n",
            *(
                (pl.col(f"{name} {what}") if f"{name} {what}" in have else pl.lit(0, dtype=pl.Int64)).alias(what)
                for what in ("present", "overlap", *_FAULTS)
            ),
        )
        for name in attributes
    ]
    return pl.concat(parts)


def _with_absent(long: pl.DataFrame) -> pl.DataFrame:
    known = pl.sum_horizontal("present", "varying", *_FAULTS, "not_told")
    return long.with_columns((pl.col("n") - known).alias("absent")).select(
        pl.col(name).cast(kind) for name, kind in COMPLETENESS.items()
    )
