"""``dqkit combat fit``: a table, its training part -> a model."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from dqkit import __version__
from dqkit.errors import DqkitError
from dqkit.harmonize.combat.estimate import Values, adjust, estimate
from dqkit.harmonize.combat.model import CombatModel, Covariate, Training
from dqkit.harmonize.combat.rows import Rows, design_of, missing_told, rows_of
from dqkit.harmonize.combat.table import FeatureTable, few, read_features

LEAST_ROWS = 10
"""Training rows of a site, unless told: house style. Fatania 2024 (10.1007/s00330-024-11168-7) tried 5 to 15."""


@dataclass(frozen=True)
class FitOptions:
    """How a model is fitted.

    Attributes
    ----------
    batch
        Column that names the site.
    covariates
        Columns whose effect is kept.
    features
        Columns to harmonize; none: every column of numbers that nothing else names.
    ignore
        Columns that are no features.
    train
        Column and value of it that mark the training part; None: the whole table is that part.
    skip_missing
        Leave training rows with a missing value out instead of refusing them.
    least_rows
        Training rows that a site needs.
    """

    batch: str
    covariates: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    train: tuple[str, str] | None = None
    skip_missing: bool = False
    least_rows: int = LEAST_ROWS
    pool: bool = True
    reference: str = ""


@dataclass(frozen=True)
class Fitted:
    """A model, and what to say of how it came about.

    Attributes
    ----------
    left_alone
        Columns that are neither features nor named.
    site_share_before, site_share_after
        Median over features of the share of variance between sites (eta squared) in training rows.
    """

    model: CombatModel
    left_alone: tuple[str, ...]
    site_share_before: float
    site_share_after: float


def fit(path: Path, options: FitOptions) -> Fitted:
    """Fit ComBat on the training part of a table.

    Raises
    ------
    DqkitError
        A column is not there or no number, values are missing, a site has too few rows, there is one site alone, or
        covariates and sites say the same.
    """
    table = read_features(path)
    _check_columns(table, options)
    names = options.features or _guessed_features(table, options)
    part = _training_part(table, options)
    covariates = tuple(_covariate(part, name) for name in options.covariates)
    rows = rows_of(part, options.batch, covariates, names)
    if rows.incomplete.any() and not options.skip_missing:
        raise missing_told(rows, part.name, "fit")
    skipped = int(rows.incomplete.sum())
    rows = rows.only(~rows.incomplete)
    sites = _sites(rows, options)
    design = design_of(rows, covariates)
    numbered = np.array([list(sites).index(site) for site in rows.sites], np.intp)
    reference = list(sites).index(options.reference) if options.reference else None
    try:
        found = estimate(rows.features, numbered, design, pool=options.pool, reference=reference)
    except ValueError as error:
        raise DqkitError(
            f"the covariates {few(options.covariates)} and the sites of the training part say the same",
            "leave the covariate out that is constant at every site, or repeats another",
        ) from error
    training = Training(
        len(rows.sites), table.cells.height, *(options.train or ("", "")), _sha256(path), skipped
    )  # fmt: skip
    pooled = options.pool and int((found.variance > 0).sum()) > 1
    model = CombatModel(
        options.batch, sites, covariates, tuple(names), found, training, options.reference, pooled, __version__
    )
    after = adjust(rows.features, numbered, design, found)
    left = tuple(c for c in table.cells.columns if c not in {*names, *_named(options)})
    return Fitted(model, left, share_of_site(rows.features, numbered), share_of_site(after, numbered))


def share_of_site(features: Values, site: Sequence[int] | np.ndarray) -> float:  # type: ignore[type-arg]
    """Return the median over features of the share of variance that lies between sites (eta squared), 0 to 1."""
    numbered = np.asarray(site)
    spread = ((features - features.mean(0)) ** 2).sum(0)
    between = np.zeros(features.shape[1])
    for one in np.unique(numbered):
        of_site = features[numbered == one]
        between += len(of_site) * (of_site.mean(0) - features.mean(0)) ** 2
    varies = spread > 0
    return float(np.median(between[varies] / spread[varies])) if varies.any() else 0.0


def _named(options: FitOptions) -> set[str]:
    train = {options.train[0]} if options.train else set()
    return {options.batch, *options.covariates, *options.ignore} | train


def _check_columns(table: FeatureTable, options: FitOptions) -> None:
    table.need([*sorted(_named(options)), *options.features])
    both = sorted(_named(options) & set(options.features))
    if both:
        raise DqkitError(f"{few(both)} is named as a feature and as something else", "name a column once")


def _guessed_features(table: FeatureTable, options: FitOptions) -> list[str]:
    """Return the columns of numbers that nothing else names.

    Raises
    ------
    DqkitError
        There is none, or one looks like an identifier: harmonizing numbers of patients would go unseen.
    """
    free = [name for name in table.cells.columns if name not in _named(options)]
    numbers = table.numbers(free)
    names = [name for name in free if numbers[name].null_count() == 0 and not numbers[name].is_nan().all()]
    if not names:
        raise DqkitError(f"{table.name} has no column of numbers beside those named", "name features with --features")
    identifiers = [name for name in names if _is_identifier(numbers[name])]
    if identifiers:
        raise DqkitError(
            f"{few(identifiers)} may be an identifier: whole numbers, each once",
            f"leave it out with --ignore {identifiers[0]}, or name all features with --features",
        )
    return names


def _is_identifier(values: pl.Series) -> bool:
    there = values.drop_nans()
    return bool((there == there.round()).all()) and there.n_unique() == len(there) and len(there) > 1


def _training_part(table: FeatureTable, options: FitOptions) -> FeatureTable:
    if options.train is None:
        return table
    column, value = options.train
    part = table.cells.filter(table.texts(column) == value)
    if part.is_empty():
        raise DqkitError(f"no row of {table.name} has {column} = {value}", "is the training part called otherwise?")
    return FeatureTable(table.name, part, table.decimal)


def _covariate(part: FeatureTable, name: str) -> Covariate:
    """Return a covariate as its column is: numbers, or words."""
    numbers = part.numbers([name])[name]
    if numbers.null_count() == 0:
        there = numbers.drop_nans()
        return Covariate(name, low=float(there.min() or 0), high=float(there.max() or 0))  # type: ignore[arg-type]
    levels = tuple(sorted(part.texts(name).drop_nulls().unique().to_list()))
    if len(levels) < 2:  # noqa: PLR2004
        raise DqkitError(f"the covariate {name} is the same in every training row", "leave it out")
    return Covariate(name, levels)


def _sites(rows: Rows, options: FitOptions) -> dict[str, int]:
    """Return training rows of each site, in alphabetical order."""
    sites = {site: rows.sites.count(site) for site in sorted(set(rows.sites))}
    if len(sites) < 2:  # noqa: PLR2004
        raise DqkitError(
            f"the training part has {len(sites)} site in column {options.batch}: there is nothing to bring together",
            "name the column of sites or scanners with --batch",
        )
    low = [f"{site} ({rows})" for site, rows in sites.items() if rows < max(2, options.least_rows)]
    if low:
        raise DqkitError(
            f"too few training rows at {few(low)}: {max(2, options.least_rows)} are asked for",
            "join sites that share a scanner, leave the site out, or lower --min-rows and mistrust its estimate",
        )
    if options.reference and options.reference not in sites:
        raise DqkitError(f"the training part has no site {options.reference}", f"its sites are {few(list(sites), 12)}")
    return sites


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
