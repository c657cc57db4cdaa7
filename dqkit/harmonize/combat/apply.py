"""``dqkit combat apply``: a model, a table -> the table with the sites' effect taken out of its features."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from dqkit.errors import DqkitError
from dqkit.harmonize.combat.estimate import Values, adjust
from dqkit.harmonize.combat.fit import share_of_site
from dqkit.harmonize.combat.model import CombatModel
from dqkit.harmonize.combat.rows import Rows, design_of, missing_told, rows_of
from dqkit.harmonize.combat.table import FeatureTable, few, read_features


@dataclass(frozen=True)
class Applied:
    """A harmonized table, and what to say of it.

    Attributes
    ----------
    cells
        All columns as text, in the order of the table; features with the digits that give their float64 back.
    sites
        Site -> rows.
    lacking
        Column -> rows that have no value there.
    beyond
        Covariate -> rows outside the range it had in training.
    site_share_before, site_share_after
        Median over features of the share of variance between sites, over the complete rows.
    """

    cells: pl.DataFrame
    sites: Mapping[str, int]
    lacking: Mapping[str, int]
    beyond: Mapping[str, int]
    site_share_before: float
    site_share_after: float


def apply(model: CombatModel, path: Path, *, skip_missing: bool = False) -> Applied:
    """Take the effect of sites out of a table; a row's result hangs on nothing but the row and the model.

    Parameters
    ----------
    skip_missing
        Leave cells empty where the feature, the site or a covariate has no value, instead of refusing the table.

    Raises
    ------
    DqkitError
        A site or a word of a covariate that the model does not know, a column that is not there, a missing value.
    """
    table = read_features(path)
    table.need([model.batch, *(one.name for one in model.covariates), *model.features])
    rows = rows_of(table, model.batch, model.covariates, model.features)
    _refuse_unknown_sites(model, rows, path.name)
    _refuse_unknown_words(model, rows, path.name)
    if rows.incomplete.any() and not skip_missing:
        raise missing_told(rows, path.name, "apply")
    placed = ~rows.without_place
    known = rows.only(placed)
    site = np.array([list(model.sites).index(name) for name in known.sites], np.intp)
    adjusted = np.full_like(rows.features, np.nan)
    adjusted[placed] = adjust(known.features, site, design_of(known, model.covariates), model.estimates)
    whole = ~np.isnan(known.features).any(1)
    return Applied(
        _put(table, model, adjusted),
        {name: known.sites.count(name) for name in sorted(set(known.sites))},
        rows.lacking,
        _beyond(model, known),
        share_of_site(known.features[whole], site[whole]),
        share_of_site(adjusted[placed][whole], site[whole]),
    )


def _refuse_unknown_sites(model: CombatModel, rows: Rows, table: str) -> None:
    unknown = sorted({site for site in rows.sites if site and site not in model.sites})
    if unknown:
        named = few([f"{site} ({rows.sites.count(site)} rows)" for site in unknown])
        raise DqkitError(
            f"{table} has rows of sites that the model was not fitted on: {named}",
            f"it knows {few(list(model.sites), 12)}; fit a model whose training part has rows of every site,"
            " or leave these rows out",
        )


def _refuse_unknown_words(model: CombatModel, rows: Rows, table: str) -> None:
    for one in model.covariates:
        strange = sum(text is not None and text not in one.levels for text in rows.words.get(one.name, ()))
        if strange:
            raise DqkitError(
                f"the covariate {one.name} has a value in {strange} rows of {table} that training had not",
                f"write it as in training: {few(one.levels, 12)}",
            )


def _beyond(model: CombatModel, rows: Rows) -> dict[str, int]:
    """Count rows whose covariates lie outside what training saw: there the linear effect is a guess."""
    outside = {
        one.name: int(((rows.numbers[one.name] < one.low) | (rows.numbers[one.name] > one.high)).sum())
        for one in model.covariates
        if not one.levels
    }
    return {name: count for name, count in outside.items() if count}


def _put(table: FeatureTable, model: CombatModel, adjusted: Values) -> pl.DataFrame:
    """Return the table with its features replaced; constant ones keep the text they had."""
    columns = []
    for k, name in enumerate(model.features):
        if name in model.constant:
            continue
        text = [None if np.isnan(value) else repr(float(value)) for value in adjusted[:, k]]
        columns.append(pl.Series(name, text, pl.String))
    return table.cells.with_columns(columns)
