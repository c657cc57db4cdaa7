"""A fitted ComBat as plain JSON: what was learnt, on what, and how to tell that new rows belong to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dqkit.errors import DqkitError
from dqkit.harmonize.combat.estimate import Estimates, Values

KIND, VERSION = "dqkit-combat", 1


@dataclass(frozen=True)
class Covariate:
    """A column whose effect is kept: a number, or a word of `levels` (the first is what the others differ from)."""

    name: str
    levels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def width(self) -> int:
        """Columns of the design that it takes."""
        return max(1, len(self.levels) - 1)


@dataclass(frozen=True)
class Training:
    """What a model was fitted on.

    Attributes
    ----------
    rows, of_rows
        Rows used, and rows of the whole table.
    column, value
        The column and the value of it that mark the training part; both empty where the whole table is that part.
    table_sha256
        Of the table's bytes.
    skipped
        Training rows left out because a value was missing.
    """

    rows: int
    of_rows: int
    column: str
    value: str
    table_sha256: str
    skipped: int = 0


@dataclass(frozen=True)
class CombatModel:
    """What `dqkit combat fit` writes.

    Attributes
    ----------
    batch
        Name of the column that names the site.
    sites
        Site -> training rows of it; their order is that of the estimates.
    reference
        The site that stays as it is; empty where all are brought to their common mean.
    pooled
        Whether sites' estimates were drawn towards those of their other features.
    """

    batch: str
    sites: Mapping[str, int]
    covariates: tuple[Covariate, ...]
    features: tuple[str, ...]
    estimates: Estimates
    training: Training
    reference: str = ""
    pooled: bool = True
    dqkit_version: str = ""

    @property
    def constant(self) -> tuple[str, ...]:
        """Features that did not vary in training and are left as they are."""
        return tuple(name for name, v in zip(self.features, self.estimates.variance, strict=True) if v == 0)


def to_json(model: CombatModel) -> dict[str, Any]:
    """Return the model as JSON values; floats survive exactly."""
    found = model.estimates
    return {
        "kind": KIND,
        "version": VERSION,
        "method": "ComBat, parametric empirical Bayes (Johnson 2007)" if model.pooled else "ComBat without pooling",
        "dqkit": model.dqkit_version,
        "batch": model.batch,
        "sites": dict(model.sites),
        "reference": model.reference,
        "pooled": model.pooled,
        "covariates": [
            {"name": one.name, "levels": list(one.levels)}
            if one.levels
            else {"name": one.name, "low": one.low, "high": one.high}
            for one in model.covariates
        ],
        "training": vars(model.training),
        "features": list(model.features),
        "beta": found.beta.tolist(),
        "grand_mean": found.grand_mean.tolist(),
        "variance": found.variance.tolist(),
        "shift": found.shift.tolist(),
        "stretch": found.stretch.tolist(),
    }


def from_json(data: Any) -> CombatModel:
    """Return the model that `to_json` wrote.

    Raises
    ------
    ValueError
        It is none, or its numbers do not fit together.
    """
    if not isinstance(data, dict) or data.get("kind") != KIND or data.get("version") != VERSION:
        raise ValueError("no model of ComBat of this version")
    try:
        covariates = tuple(
            Covariate(str(c["name"]), tuple(map(str, c.get("levels", ()))), c.get("low", 0.0), c.get("high", 0.0))
            for c in data["covariates"]
        )
        sites = {str(name): int(rows) for name, rows in data["sites"].items()}
        names = tuple(map(str, data["features"]))
        shapes = {
            "beta": (sum(c.width for c in covariates), len(names)), "grand_mean": (len(names),),
            "variance": (len(names),), "shift": (len(sites), len(names)), "stretch": (len(sites), len(names)),
        }  # fmt: skip
        arrays = {key: _array(data[key], shape) for key, shape in shapes.items()}
        estimates, training = Estimates(**arrays), Training(**data["training"])
        batch, reference, pooled = str(data["batch"]), str(data["reference"]), bool(data["pooled"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a model that lacks a part") from error
    if (estimates.stretch <= 0).any() or (estimates.variance < 0).any():
        raise ValueError("a model with a variance below zero")
    version = str(data.get("dqkit", ""))
    return CombatModel(batch, sites, covariates, names, estimates, training, reference, pooled, version)


def _array(value: Any, shape: tuple[int, ...]) -> Values:
    array = np.asarray(value, np.float64).reshape(shape)
    if not np.isfinite(array).all():
        raise ValueError("a model with a number that is none")
    return array


def load_model(path: Path) -> CombatModel:
    """Read a model.

    Raises
    ------
    DqkitError
        The file cannot be read or holds no model of this version.
    """
    try:
        return from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise DqkitError(f"the model {path.name} cannot be read: {error.strerror}", "check the path") from error
    except (ValueError, RecursionError) as error:
        raise DqkitError(
            f"{path.name} is no model that dqkit combat fit of this version wrote", "fit one: dqkit combat fit --help"
        ) from error
