"""One cause, one finding: silences the consequences of a fault that another rule already names."""

from collections.abc import Sequence

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.catalog.tables import Tables
from dqkit.model import FileStatus, Level
from dqkit.rulebook.pack_rules import by_rule_id, causes_of
from dqkit.rulebook.rule import Rule

_FILES = (Level.FILE, Level.INSTANCE)
_OF_SLICES = (Level.STACK, Level.SERIES)
"""Levels that are measured over many files: one bad file of the series is a cause of what they show."""


def without_implied(failed: pl.DataFrame, rules: Sequence[Rule], tables: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out of `failed` what a failed cause implies: on the same entity, one above it, or a file of its series.

    Causes that are themselves implied still silence what they imply: the chain ends at its root.

    Returns
    -------
    kept
        The rows that are findings.
    implied
        rule_id, variant, site and `implied`, the number taken out.
    """
    by_key, by_id = {rule.key: rule for rule in rules}, by_rule_id(rules)
    of_files = with_presumed_series(failed.filter(pl.col("level").is_in(_FILES)), tables)
    kept, silenced = [], []
    parts = failed.partition_by("rule_id", "variant", as_dict=True, maintain_order=True)
    for (rule_id, variant), rows in parts.items():
        rest, rule = rows, by_key[str(rule_id), str(variant)]
        for cause in causes_of(rule, by_id):
            of_a_file = cause.level in _FILES and rule.level in _OF_SLICES
            key = "series_key" if of_a_file else KEY[cause.level]
            causes = (of_files if of_a_file else failed).filter(rule_id=cause.id, variant=cause.variant)
            rest = rest.join(causes.select(key).drop_nulls().unique(), on=key, how="anti")
        kept.append(rest)
        if rest.height < rows.height:
            silenced.append(rows.join(rest.select("entity"), on="entity", how="anti"))
    counts = pl.concat([failed.clear(), *silenced]).group_by("rule_id", "variant", "site").len("implied")
    return pl.concat([failed.clear(), *kept]), counts.with_columns(pl.col("implied").cast(pl.Int64))


def with_presumed_series(failed: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Count failed files that name no series (empty, cut, without UIDs) to the one series of their folder too.

    `failed` has the columns file_id and series_key, and rows of files alone.
    """
    presumed = presumed_series(failed["file_id"].unique(), tables)
    if presumed.is_empty():
        return failed
    there = failed.drop("series_key").join(presumed, on="file_id").rename({"presumed": "series_key"})
    return pl.concat([failed, there.select(failed.columns)])


def presumed_series(file_ids: pl.Series, tables: Tables) -> pl.DataFrame:
    """Return file_id and presumed (a series_key) of files that name no series and lie in a folder of one series."""
    folder = ["source_id", "folder"]
    named = pl.col("StudyInstanceUID").is_not_null() & pl.col("SeriesInstanceUID").is_not_null()
    files = tables.scan("instances").select("file_id", *folder, "status", "series_key", named.alias("named"))
    nameless = files.filter(pl.col("file_id").is_in(file_ids.implode()) & ~pl.col("named")).collect()
    if nameless.is_empty():
        return nameless.select("file_id", presumed="series_key")
    sole = (
        files.filter((pl.col("status") == FileStatus.DICOM) & pl.col("named"))
        .join(nameless.select(folder).unique().lazy(), on=folder, how="semi")
        .group_by(folder)
        .agg(pl.col("series_key").unique().alias("keys"))
        .filter(pl.col("keys").list.len() == 1)
        .select(*folder, pl.col("keys").list.first().alias("presumed"))
        .collect()
    )
    return nameless.join(sole, on=folder).select("file_id", "presumed")
