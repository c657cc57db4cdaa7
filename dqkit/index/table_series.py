"""Rows of a table become rows of `series`: keys, counts, one value where there is one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from dqkit import identity
from dqkit.catalog.schema import BUCKETS, DATES, SERIES, conform
from dqkit.errors import DqkitError
from dqkit.index.table_mapping import COUNTS, INSTANCE_LEVEL, TableMapping
from dqkit.index.table_typing import Typed

_SCOUT_TYPES = ("LOCALIZER", "SCOUT", "TOPOGRAM")
_SCOUT_WORDS = r"(?i)\b(?:locali[sz]er|scout|topogram|surview|scanogram|loc)\b|定位"
_MOST_SITES = 1000
"""More are no sites but something else: every rule is judged at every site."""

_NOT_COUNTED = ("n_files", "n_stacks", "n_orientations", "n_unpositioned")
"""What takes files to count."""

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True)
class TableSeries:
    """The series of a table.

    Attributes
    ----------
    rows
        With the schema of `series`.
    given
        Columns that the table has something to say about, with those derived from them; ``varying:X`` says that it
        tells whether X varies within a series.
    repeated
        Rows beyond the first of a series, in a table of series.
    unnamed
        Rows without SeriesInstanceUID: each counts as a series.
    """

    rows: pl.DataFrame
    given: frozenset[str]
    repeated: int = 0
    unnamed: int = 0
    notes: tuple[str, ...] = field(default=())


def series_of_table(typed: Typed, mapping: TableMapping, source_id: str, site: str) -> TableSeries:
    """Return the series of a table.

    Parameters
    ----------
    typed
        Its columns.
    mapping
        What a row stands for.
    source_id
        The table as a source of the catalog.
    site
        The site of rows that name none.

    Raises
    ------
    DqkitError
        What is to name the site has far too many values.
    """
    frame = _derived(_with_uids(typed, mapping, site), typed.given)
    _check_sites(frame)
    unnamed = int(frame["SeriesInstanceUID"].is_null().sum())
    frame = _keyed(frame)
    alone = ~frame["series_key"].is_duplicated()
    by_instance = mapping.level == INSTANCE_LEVEL
    single = _with_varying(frame.filter(alone), typed.varying)
    several = _merged(frame.filter(~alone), typed, by_instance=by_instance)
    rows = pl.concat([single, several], how="diagonal_relaxed") if several.height else single
    rows = _counted(rows, typed.given, by_instance=by_instance)
    rows = rows.with_columns(
        pl.lit(source_id).alias("source_id"),
        pl.when(pl.col("PatientID").is_null()).then(1).otherwise(0).alias("n_without_patient"),
        pl.lit([], dtype=SERIES["partly_missing"]).alias("partly_missing"),
        # Never null for files either, so that what frames work out of them is not left open.
        *(pl.lit(0, dtype=SERIES[name]).alias(name) for name in _NOT_COUNTED),
        pl.lit(value=False).alias("is_survey"),
    )
    repeated = 0 if by_instance else frame.height - rows.height
    return TableSeries(
        conform(rows, SERIES).sort("bucket", "series_key"), _given(typed, by_instance=by_instance), repeated, unnamed
    )


def _check_sites(frame: pl.DataFrame) -> None:
    if (sites := frame["site"].n_unique()) > _MOST_SITES:
        raise DqkitError(
            f"the table would have {sites:,} sites", "name the hospital with --site, or its column with --site-from"
        )


def _with_uids(typed: Typed, mapping: TableMapping, site: str) -> pl.DataFrame:
    """Add the columns that keys are made of, and `folder`, which stands for what has no UID."""
    frame = typed.frame
    named = ("site", "PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SeriesInstanceUID", "AccessionNumber")
    frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in named if name not in frame.columns)
    fallback = pl.coalesce("InstitutionName", pl.lit(site)) if _names_its_sites(typed, mapping) else pl.lit(site)
    row = pl.col("row").cast(pl.String)
    study = pl.coalesce("StudyInstanceUID", pl.lit("accession ") + pl.col("AccessionNumber"), pl.lit("row ") + row)
    return frame.with_columns(
        pl.coalesce(pl.col("site").str.strip_chars().replace("", None), fallback).alias("site"),
        study.alias("study folder"),
        pl.when(pl.col("SeriesInstanceUID").is_null()).then(pl.concat_str(study, pl.lit(" row "), row)).alias("folder"),
    )


def _names_its_sites(typed: Typed, mapping: TableMapping) -> bool:
    return "InstitutionName" in typed.given and not mapping.site and not mapping.site_column


def _keyed(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill the keys; each distinct study and patient is hashed once."""
    frame = _joined(frame, ("site", "IssuerOfPatientID", "PatientID"), identity.patient_key, "patient_key")
    frame = _joined(frame, ("site", "StudyInstanceUID", "study folder"), identity.study_key, "study_key")
    frame = _joined(
        frame, ("StudyInstanceUID", "study folder"), lambda uid, folder: identity.bucket_of(uid, folder, BUCKETS),
        "bucket",
    )  # fmt: skip
    places = pl.coalesce("folder", "study folder")
    parts = frame.select("site", "StudyInstanceUID", "SeriesInstanceUID", places)
    keys = [identity.series_key(*row) for row in parts.iter_rows()]
    return frame.with_columns(
        pl.Series("series_key", keys, dtype=pl.String), pl.col("folder").fill_null(""), pl.col("bucket").cast(pl.Int32)
    )


def _joined(frame: pl.DataFrame, by: tuple[str, ...], key: Callable[..., str | int | None], name: str) -> pl.DataFrame:
    distinct = frame.select(by).unique()
    keys = pl.Series(name, [key(*row) for row in distinct.iter_rows()], strict=False)
    kind = pl.Int64 if name == "bucket" else pl.String
    table = distinct.with_columns(keys.cast(kind))
    return frame.join(table, on=by, how="left", nulls_equal=True, maintain_order="left")


def _derived(frame: pl.DataFrame, given: set[str]) -> pl.DataFrame:
    """Add what the attributes say between their lines."""
    if "PatientAge" in given:
        age = pl.col("PatientAge")
        exact = pl.when(age.str.contains(r"^[0-9]{3}[DWMY]$"))
        years = age.str.tail(1).replace_strict(_YEARS, default=None, return_dtype=pl.Float64)
        number = exact.then(age.str.head(3)).cast(pl.Float64)
        frame = frame.with_columns((number * years).alias("patient_age_years"))
    if "ImageType" in given:
        kinds = pl.col("ImageType")
        scout = pl.any_horizontal(kinds.list.contains(word) for word in _SCOUT_TYPES)
        frame = frame.with_columns(scout.alias("is_localizer"), (kinds.list.first() == "DERIVED").alias("is_derived"))
    elif "SeriesDescription" in given:
        frame = frame.with_columns(pl.col("SeriesDescription").str.contains(_SCOUT_WORDS).alias("is_localizer"))
    return frame


def _with_varying(frame: pl.DataFrame, varying: Iterable[str]) -> pl.DataFrame:
    """Name the attributes of which a cell lists several values, with how many."""
    names, counts = [], []
    for name in sorted(varying):
        number = pl.col(f"varies {name}")
        names.append(pl.when(number > 1).then(pl.lit(name)))
        counts.append(pl.when(number > 1).then(number.cast(pl.String)))
    if not names:
        none = pl.lit([], dtype=SERIES["varying"])
        return frame.with_columns(none.alias("varying"), none.alias("varying_values"), rows=pl.lit(1, pl.Int64))
    several = pl.any_horizontal(pl.col(f"varies {name}") > 1 for name in varying)
    return frame.with_columns(
        _some(names, several).alias("varying"), _some(counts, several).alias("varying_values"),
        rows=pl.lit(1, pl.Int64),
    )  # fmt: skip


def _some(parts: Sequence[pl.Expr], several: pl.Expr) -> pl.Expr:
    listed = pl.concat_list(parts).list.drop_nulls()
    return pl.when(several).then(listed).otherwise(pl.lit([], dtype=SERIES["varying"]))


def _merged(frame: pl.DataFrame, typed: Typed, *, by_instance: bool) -> pl.DataFrame:
    """Make one row of those that share a series: the sole value of each column, and the names of those that vary."""
    if frame.is_empty():
        return frame
    fixed = ("site", "patient_key", "study_key", "bucket", "folder")
    summed = [name for name in COUNTS if name in frame.columns]
    columns = [name for name in frame.columns if name in SERIES and name not in (*fixed, *summed, "series_key")]
    distinct = frame.group_by("series_key", maintain_order=True).agg(
        *(pl.col(name).first() for name in fixed),
        *((pl.col(name).sum() if by_instance else pl.col(name).max()) for name in summed),
        *(pl.col(name).drop_nulls().first() for name in columns),
        *(_distinct(name, typed).alias(f"varies {name}") for name in columns),
        pl.len().cast(pl.Int64).alias("rows"),
        *([pl.col("SOPInstanceUID").n_unique().cast(pl.Int64).alias("uids")] if _has_uids(frame) else []),
    )
    sole = distinct.with_columns(pl.when(pl.col(f"varies {name}") <= 1).then(name).alias(name) for name in columns)
    counted = [name for name in columns if name not in DATES.values()]
    return _with_varying(sole, counted).with_columns(distinct["rows"]).drop(f"varies {name}" for name in columns)


def _distinct(name: str, typed: Typed) -> pl.Expr:
    own = pl.col(name).drop_nulls().hash().n_unique()
    return pl.max_horizontal(own, pl.col(f"varies {name}").max()) if name in typed.varying else own


def _has_uids(frame: pl.DataFrame) -> bool:
    return "SOPInstanceUID" in frame.columns


def _counted(rows: pl.DataFrame, given: set[str], *, by_instance: bool) -> pl.DataFrame:
    """Fill the counts that the table gives; the others stay null, for nobody looked."""
    if by_instance:
        number = pl.col("uids") if "uids" in rows.columns else pl.col("rows")
        rows = rows.with_columns(pl.coalesce(number, "rows").alias("n_instances"))
        frames = pl.col("n_frames").fill_null(pl.col("n_instances")) if "n_frames" in given else pl.col("n_instances")
        rows = rows.with_columns(frames.alias("n_frames"))
    if "is_localizer" in rows.columns:
        images = pl.col("n_instances").fill_null(1) if "n_instances" in rows.columns else pl.lit(1)
        scouts = pl.when("is_localizer").then(images).otherwise(0).cast(pl.Int64)
        rows = rows.with_columns(scouts.alias("n_localizers"))
    return rows


def _given(typed: Typed, *, by_instance: bool) -> frozenset[str]:
    given = typed.given & SERIES.keys()
    more = {date for name, date in DATES.items() if name in given}
    if "PatientAge" in given:
        more.add("patient_age_years")
    if given & {"ImageType", "SeriesDescription"}:
        more |= {"is_localizer", "n_localizers"}
    if "ImageType" in given:
        more.add("is_derived")
    if by_instance:
        more |= {"n_instances"} | {f"varying:{name}" for name in given}
    return frozenset(given | more | {f"varying:{name}" for name in typed.varying})
