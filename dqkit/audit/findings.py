"""Failures become findings (what, where, which files) and findings become problems (what a person acts on)."""

from collections.abc import Sequence

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.catalog.schema import FINDINGS, PROBLEMS, conform, empty
from dqkit.catalog.tables import Tables
from dqkit.identity import Pseudonyms, digest, finding_ids
from dqkit.model import Level
from dqkit.rulebook.rule import Rule

_PATHS_KEPT = 1000
"""A finding names at most so many files; `n_paths` counts them all."""

_LOCATED = 50
"""Findings of a problem that have a pseudonymous location."""

_PROBLEM = ["rule_id", "variant", "severity", "site", "modality", "scanner", "protocol"]

_CONTEXT = ["StudyInstanceUID", "SeriesInstanceUID", "modality", "scanner", "protocol", "period"]


def findings_of(failed: pl.DataFrame, rules: Sequence[Rule], tables: Tables, pseudonyms: Pseudonyms) -> pl.DataFrame:
    """Return the findings table.

    Parameters
    ----------
    failed
        engine.FAILED without what a cause implies.
    rules
        Those evaluated.
    tables
        The catalog.
    pseudonyms
        For what may leave the house: patient, protocol, location.
    """
    if failed.is_empty():
        return empty(FINDINGS)
    told = _with_context(failed, _contexts(failed, tables, pseudonyms))
    told = _with_paths(told, tables)
    told = told.join(_rule_texts(rules), on=["rule_id", "variant"], how="left")
    told = _with_ids(told)
    told = told.with_columns(
        _mapped(told, "patient_key", "patient", pseudonyms).alias("patient_hash"),
        pl.lit("").alias("waived_by"),
        _problem_ids(told),
    )
    told = told.with_columns(_locations(told, pseudonyms))
    return conform(told, FINDINGS).sort("rule_id", "variant", "site", "finding_id", nulls_last=True)


def _contexts(failed: pl.DataFrame, tables: Tables, pseudonyms: Pseudonyms) -> dict[str, pl.DataFrame]:
    """Return what is known of the series, studies and patients that failures belong to, by their key."""
    series = tables.scan("series")
    modality, maker = pl.col("Modality"), _maker()
    columns = ["StudyInstanceUID", "SeriesInstanceUID", "ProtocolName", "SeriesDescription"]
    wanted = failed["series_key"].drop_nulls().unique()
    one = series.filter(pl.col("series_key").is_in(wanted.implode())).select(
        "series_key", *columns, modality.alias("modality"), maker.alias("scanner"), pl.col("study_date").alias("date")
    )
    contexts = {"series_key": _tidy(one.collect(), pseudonyms)}
    for key, narrower in (("study_key", ["series_key"]), ("patient_key", ["series_key", "study_key"])):
        rows = failed.filter(pl.all_horizontal(pl.col(name).is_null() for name in narrower))
        wanted = rows[key].drop_nulls().unique()
        if wanted.is_empty():
            continue
        grouped = (
            series.filter(pl.col(key).is_in(wanted.implode()))
            .group_by(key)
            .agg(
                pl.col("StudyInstanceUID").first()
                if key == "study_key"
                else pl.lit(None, dtype=pl.String).alias(columns[0]),
                *(pl.lit(None, dtype=pl.String).alias(name) for name in columns[1:]),
                modality.drop_nulls().unique().sort().str.join("+").first().alias("modality"),
                maker.drop_nulls().mode().sort().first().alias("scanner"),
                pl.col("study_date").min().alias("date"),
            )
        )
        contexts[key] = _tidy(grouped.collect(), pseudonyms)
    return contexts


def _maker() -> pl.Expr:
    """Name a scanner by manufacturer and model, neither of which Table E.1-1 of PS3.15 lists."""
    name = pl.concat_str("Manufacturer", "ManufacturerModelName", separator=" ", ignore_nulls=True)
    return name.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, 80).replace("", None)


def _tidy(frame: pl.DataFrame, pseudonyms: Pseudonyms) -> pl.DataFrame:
    text = pl.concat_str("ProtocolName", "SeriesDescription", separator="\x1f", ignore_nulls=True)
    frame = frame.with_columns(
        text.replace("", None).alias("protocol"), pl.col("date").dt.strftime("%Y-%m").alias("period")
    )
    return frame.with_columns(
        _mapped(frame, "protocol", "protocol", pseudonyms).str.slice(0, 6).alias("protocol")
    ).drop("date", "ProtocolName", "SeriesDescription")


def _with_context(failed: pl.DataFrame, contexts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Join each failure with the context of its narrowest known key."""
    parts, rest = [], failed
    for key in ("series_key", "study_key", "patient_key"):
        if key in contexts:
            has = rest.filter(pl.col(key).is_not_null())
            parts.append(has.join(contexts[key], on=key, how="left"))
            rest = rest.filter(pl.col(key).is_null())
    parts.append(rest.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in _CONTEXT))
    return pl.concat([part.select(*failed.columns, *_CONTEXT) for part in parts])


def _with_paths(failed: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Give each finding the paths of its culprits, else of its file, else of all files of its entity."""
    files = tables.scan("instances").select("file_id", "path", "series_key", "study_key", "patient_key")
    is_direct = pl.col("path").is_not_null() & pl.col("culprits").is_null()
    direct = failed.filter(is_direct).with_columns(
        pl.concat_list("path").alias("paths"), pl.lit(1, dtype=pl.Int64).alias("n_paths")
    )
    rest = failed.filter(~is_direct)
    return pl.concat([direct, _by_culprits(rest, files), *_by_key(rest, files)])


def _by_culprits(failed: pl.DataFrame, files: pl.LazyFrame) -> pl.DataFrame:
    named = failed.filter(pl.col("culprits").is_not_null()).with_row_index("row")
    wanted = (
        named.select("row", pl.col("culprits").list.head(_PATHS_KEPT).alias("file_id")).explode("file_id").drop_nulls()
    )
    ids = wanted["file_id"].unique()
    found = files.select("file_id", "path").filter(pl.col("file_id").is_in(ids.implode())).collect()
    paths = wanted.join(found, on="file_id", maintain_order="left").group_by("row").agg(pl.col("path").alias("paths"))
    return (
        named.join(paths, on="row", how="left")
        .with_columns(pl.col("paths").fill_null([]), pl.col("culprits").list.len().cast(pl.Int64).alias("n_paths"))
        .drop("row")
    )


def _by_key(failed: pl.DataFrame, files: pl.LazyFrame) -> list[pl.DataFrame]:
    whole = failed.filter(pl.col("culprits").is_null())
    parts = []
    for (name,), rows in whole.partition_by("level", as_dict=True).items():
        level = Level(name)
        key = "file_id" if level is Level.LABEL else KEY.get(level)
        if key is None or level is Level.SITE:
            parts.append(
                rows.with_columns(pl.lit([], dtype=FINDINGS["paths"]).alias("paths"), n_paths=pl.lit(0, pl.Int64))
            )
            continue
        wanted = rows[key].drop_nulls().unique()
        paths = (
            files.filter(pl.col(key).is_in(wanted.implode()))
            .group_by(key)
            .agg(pl.col("path").sort().head(_PATHS_KEPT).alias("paths"), pl.len().cast(pl.Int64).alias("n_paths"))
            .collect()
        )
        joined = rows.join(paths, on=key, how="left")
        parts.append(joined.with_columns(pl.col("paths").fill_null([]), pl.col("n_paths").fill_null(0)))
    return parts


def _rule_texts(rules: Sequence[Rule]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "rule_id": rule.id,
                "variant": rule.variant,
                "severity": rule.severity.value,
                "expected": rule.check.expected(),
                "message_en": rule.title["en"],
                "message_zh": rule.title["zh"],
                "remedy": _remedy(rule),
                "origin": rule.origin.value,
            }
            for rule in rules
        ]
    )


def _remedy(rule: Rule) -> str:
    if rule.remedy.harmonize:
        return f"harmonize: {rule.remedy.harmonize}"
    return (rule.remedy.manual or {}).get("en", "")


def _with_ids(told: pl.DataFrame) -> pl.DataFrame:
    parts = told.partition_by("rule_id", "variant", as_dict=True)
    return pl.concat(
        part.with_columns(pl.Series("finding_id", finding_ids(str(rule_id), str(variant), part["entity"])))
        for (rule_id, variant), part in parts.items()
    )


def _mapped(frame: pl.DataFrame, column: str, kind: str, pseudonyms: Pseudonyms) -> pl.Series:
    """Return pseudonyms of a column; each distinct value is hashed once."""
    values = frame.select(column).drop_nulls().unique()
    hashed = [pseudonyms.of(kind, value) for value in values[column]]
    table = values.with_columns(pl.Series("pseudonym", hashed, dtype=pl.String))
    return frame.select(column).join(table, on=column, how="left", maintain_order="left")["pseudonym"]


def _locations(told: pl.DataFrame, pseudonyms: Pseudonyms) -> pl.Expr:
    """Name the place of a finding so that it may leave the house: the series where there is one.

    Of each problem the first findings have it, which are those that reports show.
    """
    shown = pl.int_range(pl.len()).over("problem_id") < _LOCATED
    keyed = told.select(
        pl.when(shown).then("series_key").alias("series_key"),
        pl.when(shown & pl.col("series_key").is_null()).then("entity").alias("entity"),
    )
    series = pl.lit("series ") + _mapped(keyed, "series_key", "series", pseudonyms)
    entity = pl.col("level") + " " + _mapped(keyed, "entity", "entity", pseudonyms)
    return pl.coalesce(series, entity).alias("location")


def _problem_ids(told: pl.DataFrame) -> pl.Series:
    keys = told.select(_PROBLEM)
    distinct = keys.unique()
    ids = [digest("problem", *row) for row in distinct.iter_rows()]
    table = distinct.with_columns(pl.Series("problem_id", ids, dtype=pl.String))
    return keys.join(table, on=_PROBLEM, how="left", nulls_equal=True, maintain_order="left")["problem_id"]


def problems_of(findings: pl.DataFrame) -> pl.DataFrame:
    """Roll findings up by rule, site, scanner and protocol, worst and widest first."""
    if findings.is_empty():
        return empty(PROBLEMS)
    rank = pl.col("severity").replace_strict({"critical": 0, "warning": 1, "info": 2}, return_dtype=pl.Int8)
    rolled = findings.group_by("problem_id", *_PROBLEM).agg(
        pl.len().cast(pl.Int64).alias("findings"),
        _distinct("patient_hash").alias("patients"),
        _distinct("StudyInstanceUID").alias("studies"),
        _distinct("SeriesInstanceUID").alias("series"),
        pl.col("n_paths").sum().alias("files"),
        pl.col("period").min().alias("first_period"),
        pl.col("period").max().alias("last_period"),
        pl.col("finding_id").min().alias("example"),
        pl.col("observed").sort_by("finding_id").first(),
        pl.col("remedy").first(),
        pl.col("origin").first(),
    )
    return conform(rolled.sort(rank, -pl.col("findings"), "rule_id", "site", "problem_id", nulls_last=True), PROBLEMS)


def _distinct(column: str) -> pl.Expr:
    return pl.col(column).drop_nulls().n_unique().cast(pl.Int64)
