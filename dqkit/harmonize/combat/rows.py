"""The rows of a table as numbers, and which of them lack one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dqkit.errors import DqkitError
from dqkit.harmonize.combat.estimate import Values
from dqkit.harmonize.combat.model import Covariate
from dqkit.harmonize.combat.table import FeatureTable, few


@dataclass(frozen=True)
class Rows:
    """Rows of a table.

    Attributes
    ----------
    sites
        Site of each row, empty where none is named.
    features
        Shape (rows, features), NaN where there is no value.
    words
        Text of each covariate of words.
    numbers
        Values of each covariate of numbers, NaN where there is none.
    columns
        Names of the features.
    lacking
        Column -> rows without a value, of all columns that lack one.
    """

    sites: list[str]
    features: Values
    words: dict[str, list[str | None]]
    numbers: dict[str, Values]
    columns: tuple[str, ...]
    lacking: dict[str, int]

    @property
    def without_place(self) -> NDArray[np.bool_]:
        """Rows whose site or covariate is missing, shape (rows,): nothing can be said of them."""
        lost = np.array([not site for site in self.sites])
        for values in self.numbers.values():
            lost |= np.isnan(values)
        for texts in self.words.values():
            lost |= np.array([text is None for text in texts])
        return lost

    @property
    def incomplete(self) -> NDArray[np.bool_]:
        """Rows that lack any value, shape (rows,)."""
        return np.asarray(self.without_place | np.isnan(self.features).any(1))

    def only(self, keep: NDArray[np.bool_]) -> "Rows":
        """Return the rows where `keep` is true."""
        at = np.flatnonzero(keep)
        return Rows(
            [self.sites[i] for i in at],
            self.features[keep],
            {name: [texts[i] for i in at] for name, texts in self.words.items()},
            {name: values[keep] for name, values in self.numbers.items()},
            self.columns,
            self.lacking,
        )


def rows_of(table: FeatureTable, batch: str, covariates: Sequence[Covariate], features: Sequence[str]) -> Rows:
    """Return the rows of a table.

    Raises
    ------
    DqkitError
        A feature, or a covariate that was of numbers, holds something that is no number.
    """
    numeric = [*features, *(one.name for one in covariates if not one.levels)]
    found = table.numbers(numeric)
    wrong = [f"{name} ({found[name].null_count()} rows)" for name in numeric if found[name].null_count()]
    if wrong:
        raise DqkitError(f"{table.name} holds what is no number in {few(wrong)}", "mend these cells, or empty them")
    sites = table.texts(batch)
    words = {one.name: table.texts(one.name) for one in covariates if one.levels}
    lacking = {name: int(found[name].is_nan().sum()) for name in numeric}
    lacking |= {name: text.null_count() for name, text in {batch: sites, **words}.items()}
    return Rows(
        sites.fill_null("").to_list(),
        found.select(pl.col(features)).to_numpy().reshape(-1, len(features)),
        {name: text.to_list() for name, text in words.items()},
        {one.name: found[one.name].to_numpy() for one in covariates if not one.levels},
        tuple(features),
        {name: rows for name, rows in lacking.items() if rows},
    )


def design_of(rows: Rows, covariates: Sequence[Covariate]) -> Values:
    """Return the design, shape (rows, columns): a number each, a 0/1 column for every level of words but the first."""
    columns: list[Values] = []
    for one in covariates:
        if one.levels:
            texts = np.array([text or "" for text in rows.words[one.name]])
            columns += [(texts == level).astype(np.float64) for level in one.levels[1:]]
        else:
            columns.append(rows.numbers[one.name])
    return np.column_stack(columns) if columns else np.empty((len(rows.sites), 0))


def missing_told(rows: Rows, table: str, command: str) -> DqkitError:
    """Return the error that says how many values are missing, and where."""
    where = few([f"{name} ({count} rows)" for name, count in rows.lacking.items()])
    return DqkitError(
        f"values are missing in {int(rows.incomplete.sum())} of {len(rows.sites)} rows of {table}: {where}",
        "fill them by a rule of your own, or go on without these rows: --missing skip"
        if command == "fit"
        else "fill them, or leave these cells empty: --missing skip",
    )
