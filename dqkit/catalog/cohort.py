"""A cohort on disk: which series somebody chose, of which catalog, and whether that catalog still holds them.

`dqkit select` writes the file (catalog.schema.COHORT, with what it rests on in the metadata of the parquet file); an
audit, a gate and all later stages read it. It holds UIDs and stays in the house.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from dqkit import __version__
from dqkit.catalog import runs
from dqkit.catalog.schema import COHORT, conform
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError, NothingToCheckError

FORMAT = "dqkit-cohort"
FORMAT_VERSION = 1
METADATA = "dqkit.cohort"
"""Key of the parquet metadata under which a cohort says what it rests on."""

_TELLING = ("n_files", "size", "mtime_ns")

_AGAIN = "choose it again: dqkit select CATALOG --policy POLICY -o FILE"


@dataclass(frozen=True)
class Basis:
    """What a cohort rests on.

    Attributes
    ----------
    policy, policy_sha256
        Name of the policy, and the hash of its text.
    run_id, run
        The last run of the catalog when the cohort was chosen, and its number.
    table_versions
        Table -> Delta version, as of that run.
    key_fingerprint
        Of the key of the catalog.
    """

    policy: str
    policy_sha256: str
    run_id: str
    run: int
    table_versions: Mapping[str, int]
    key_fingerprint: str
    dqkit_version: str

    def to_metadata(self) -> dict[str, str]:
        """Return this as the metadata of a parquet file."""
        said = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        return {METADATA: json.dumps(said, sort_keys=True)}


@dataclass(frozen=True)
class Standing:
    """How a catalog has moved on since a cohort was chosen, in series.

    Attributes
    ----------
    gone
        Chosen ones that the catalog no longer has: nobody can judge them.
    changed
        Chosen ones whose files are others by number, size or time.
    new
        Of the catalog, those that nobody has decided about.
    """

    gone: int = 0
    changed: int = 0
    new: int = 0

    def __bool__(self) -> bool:
        return bool(self.gone or self.changed or self.new)


@dataclass(frozen=True)
class Cohort:
    """The series that somebody chose.

    Attributes
    ----------
    name
        Of its policy.
    sha256
        Of the file.
    n_series
        How many were chosen.
    series
        Their `series_key`; None = as the catalog's table `cohort_series` has them.
    basis
        What it rests on; None = a cohort that is recalled from the log of runs.
    """

    name: str
    sha256: str
    policy_sha256: str
    n_series: int
    standing: Standing = Standing()
    series: pl.DataFrame | None = None
    basis: Basis | None = None

    def keys(self, tables: Tables) -> pl.LazyFrame:
        """Return the keys of its series, column `series_key`."""
        if self.series is not None:
            return self.series.lazy().select("series_key")
        kept = tables.scan("cohort_series").filter(pl.col("cohort_sha256") == self.sha256)
        return kept.select("series_key")

    def rows(self) -> pl.DataFrame:
        """Return what the table `cohort_series` keeps of it, so that a run can be recalled without the file."""
        keys = self.series if self.series is not None else pl.DataFrame(schema={"series_key": pl.String})
        return keys.select(pl.lit(self.sha256).alias("cohort_sha256"), "series_key")

    def to_json(self) -> dict[str, Any]:
        """Return what it is, as plain JSON values."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "policy_sha256": self.policy_sha256,
            "series": self.n_series,
            **asdict(self.standing),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cohort":
        """Return what `to_json` wrote; the catalog's table `cohort_series` knows its series."""
        standing = Standing(int(data["gone"]), int(data["changed"]), int(data["new"]))
        return cls(str(data["name"]), str(data["sha256"]), str(data["policy_sha256"]), int(data["series"]), standing)


def cohort_bytes(decisions: pl.DataFrame, basis: Basis) -> bytes:
    """Return `decisions` (schema COHORT) as the content of a cohort file; the same come out as the same bytes."""
    file = io.BytesIO()
    conform(decisions, COHORT).write_parquet(file, metadata=basis.to_metadata())
    return file.getvalue()


def basis_of(catalog: Catalog, policy: str, policy_sha256: str) -> Basis:
    """Return what a cohort rests on that is chosen from `catalog` now."""
    last = runs.last(catalog.path)
    return Basis(
        policy, policy_sha256, last.run_id, last.run, last.table_versions, catalog.key_fingerprint, __version__
    )


def read_cohort(path: Path, catalog: Catalog) -> Cohort:
    """Read the cohort of `path`, which must have been chosen from `catalog`.

    Raises
    ------
    DqkitError
        It cannot be read, is no cohort, is one of another format version, key or catalog.
    NothingToCheckError
        Nothing was chosen.
    """
    basis, table, sha256 = _read(path)
    _check_of(basis, catalog, path)
    series = table.filter(pl.col("level") == "series")
    chosen = series.filter("included").select("series_key", *_TELLING)
    if chosen.is_empty():
        raise NothingToCheckError(f"the cohort {path.name} holds no series", "its policy leaves out everything")
    cohort = Cohort(basis.policy, sha256, basis.policy_sha256, chosen.height, series=chosen, basis=basis)
    standing = _standing(chosen, series.select("series_key"), catalog)
    if standing.gone == chosen.height:
        raise DqkitError(f"the catalog holds no series of the cohort {path.name} any more", _AGAIN)
    return replace(cohort, standing=standing)


def read_decisions(path: Path) -> tuple[Basis, pl.DataFrame]:
    """Read the whole file, chosen or not, in the schema COHORT, with what it rests on.

    Raises
    ------
    DqkitError
        It cannot be read, is no cohort, or one of another format version.
    """
    basis, table, _ = _read(path)
    return basis, table


def _read(path: Path) -> tuple[Basis, pl.DataFrame, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DqkitError(f"the cohort {path} cannot be read: {error.strerror}", "check the path") from error
    try:
        said = json.loads(pl.read_parquet_metadata(io.BytesIO(data)).get(METADATA, "null"))
        table = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:
        raise DqkitError(f"{path.name} is no cohort: it is no parquet file, or a damaged one", _AGAIN) from error
    basis = _basis(said, path)
    if missing := [name for name in COHORT if name not in table.columns]:
        raise DqkitError(f"the cohort {path.name} lacks the column {missing[0]}", _AGAIN)
    return basis, conform(table, COHORT), hashlib.sha256(data).hexdigest()


def _basis(said: Any, path: Path) -> Basis:
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise DqkitError(f"{path.name} is no cohort: dqkit select did not write it", _AGAIN)
    if said.get("format_version") != FORMAT_VERSION:
        version = str(said.get("format_version"))[:20]
        raise DqkitError(
            f"the cohort {path.name} has format version {version}, this dqkit reads {FORMAT_VERSION}", _AGAIN
        )
    try:
        return Basis(**{name: said[name] for name in Basis.__dataclass_fields__})
    except KeyError as error:
        raise DqkitError(f"the cohort {path.name} does not say what it rests on ({error.args[0]})", _AGAIN) from error


def _check_of(basis: Basis, catalog: Catalog, path: Path) -> None:
    if basis.key_fingerprint != catalog.key_fingerprint:
        raise DqkitError(
            f"the cohort {path.name} was chosen under the key {basis.key_fingerprint}, the catalog has "
            f"{catalog.key_fingerprint}",
            "name the catalog it was chosen from, or choose it again",
        )
    runs = catalog.scan("runs").filter(pl.col("run_id") == basis.run_id).select(pl.len()).collect().item()
    if not runs:
        raise DqkitError(f"the cohort {path.name} was chosen from another catalog than {catalog.path}", _AGAIN)


def _standing(chosen: pl.DataFrame, decided: pl.DataFrame, tables: Tables) -> Standing:
    there = telling_of(tables).with_columns(is_there=pl.lit(value=True)).collect()
    both = chosen.join(there, on="series_key", how="left", suffix="_now")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in _TELLING)
    return Standing(
        gone=both["is_there"].null_count(),
        changed=both.filter("is_there").filter(differs).height,
        new=there.join(decided, on="series_key", how="anti").height,
    )


def telling_of(tables: Tables) -> pl.LazyFrame:
    """Return what tells that a series changed: a row a series with its key, number of files, bytes, newest file."""
    newest = tables.scan("instances").group_by("series_key").agg(pl.col("mtime_ns").max())
    series = tables.scan("series").select("series_key", "n_files", "size")
    return series.join(newest, on="series_key", how="left").select("series_key", *_TELLING)
