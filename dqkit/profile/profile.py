"""The profile of an archive: what it is made of, how complete it is, what changed."""

from dataclasses import dataclass

import polars as pl

from dqkit.catalog.tables import Tables
from dqkit.identity import Pseudonyms
from dqkit.profile.attributes import MATTERING
from dqkit.profile.changes import changes_of
from dqkit.profile.completeness import OF_SERIES, completeness_of, of_instances, with_values
from dqkit.profile.composition import composition_of, without_few
from dqkit.profile.grouping import grouped, with_modality
from dqkit.profile.values import values_of

MOST_GROUPS = 100
"""Groups that the page and the terminal can speak of; the tables that are written hold all."""

MOST_CHANGES = 300


@dataclass(frozen=True)
class Profile:
    """What renderers show: small frames without identifying values.

    Attributes
    ----------
    by
        Names of the columns that stand for a group.
    groups
        One row a group of one modality: the columns `by`, modality, series; the `MOST_GROUPS` largest.
    composition
        The columns `by`, dimension, category, rank, n (profile.composition).
    completeness
        The columns `by`, modality, attribute and the counts of profile.completeness: of original images, for the
        attributes that matter to their modality (profile.attributes).
    changes
        profile.changes, the latest `MOST_CHANGES`.
    more_groups, more_changes
        How many were left out.
    """

    by: tuple[str, ...]
    groups: pl.DataFrame
    composition: pl.DataFrame
    completeness: pl.DataFrame
    changes: pl.DataFrame
    more_groups: int = 0
    more_changes: int = 0


@dataclass(frozen=True)
class Attributes:
    """The long tables of a profile, a row for each group and attribute; identifying attributes give counts alone."""

    by: tuple[str, ...]
    rows: pl.DataFrame


def profile_of(tables: Tables, names: tuple[str, ...] = ("site",), pseudonyms: Pseudonyms | None = None) -> Profile:
    """Make what renderers show of the profile of `tables`.

    Parameters
    ----------
    names
        What it is cut by (profile.grouping).
    pseudonyms
        For identifying values that `names` asks for; sites need none.
    """
    series, groups = grouped(tables.scan("series"), names, pseudonyms)
    kept = groups.sort("series", *names, descending=[True, *(False for _ in names)], nulls_last=True).head(MOST_GROUPS)
    shown = series.join(kept.lazy().select("group"), on="group", how="semi")
    composition = composition_of(shown).join(kept.drop("series"), on="group").drop("group")
    changes = changes_of(tables.scan("series"))
    return Profile(
        by=names,
        groups=kept.drop("group"),
        composition=without_few(composition)
        .select(*names, pl.exclude(names))
        .sort("dimension", *names, "rank", nulls_last=True),
        completeness=_mattering(shown.drop("group"), tables, names, pseudonyms),
        changes=changes.tail(MOST_CHANGES),
        more_groups=groups.height - kept.height,
        more_changes=max(changes.height - MOST_CHANGES, 0),
    )


def attributes_of(tables: Tables, names: tuple[str, ...], pseudonyms: Pseudonyms) -> Attributes:
    """Return a row for each group (of one modality) and attribute: how complete it is, and its values."""
    columns = with_modality(names)
    series, groups = grouped(tables.scan("series"), columns, pseudonyms)
    held = with_values(tables.scan("series"), OF_SERIES)
    complete = pl.concat([completeness_of(series, tables, held=held), of_instances(series, tables)])
    values = values_of(series, tuple(name for name in OF_SERIES if name in held))
    rows = complete.join(values, on=["group", "attribute"], how="left")
    rows = rows.join(groups.drop("series"), on="group").sort(
        "group", "level", "attribute", descending=[False, True, False]
    )
    return Attributes(columns, rows.select(*columns, pl.exclude("group", *columns)))


def _mattering(
    series: pl.LazyFrame, tables: Tables, names: tuple[str, ...], pseudonyms: Pseudonyms | None
) -> pl.DataFrame:
    """Return how complete the attributes are that matter to each modality, over original images."""
    columns = with_modality(names)
    derived = pl.col("is_derived").fill_null(value=False) | pl.col("is_localizer").fill_null(value=False)
    original = series.filter(pl.col("Modality").is_in(list(MATTERING)) & ~derived)
    numbered, groups = grouped(original, columns, pseudonyms)
    wanted = tuple(dict.fromkeys(name for own in MATTERING.values() for name in own))
    matters = pl.DataFrame(
        [(modality, name, rank) for modality, own in MATTERING.items() for rank, name in enumerate(own)],
        {"modality": pl.String, "attribute": pl.String, "rank": pl.Int64},
        orient="row",
    )
    counts = completeness_of(numbered, tables, wanted).join(groups.drop("series"), on="group")
    counts = counts.join(matters, on=["modality", "attribute"])
    return counts.select(*columns, pl.exclude("group", "level", *columns)).sort(*columns, "rank", nulls_last=True)
