"""``--dataset``: what tracing found, as conditions of the gate."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.catalog.schema import INT, conform
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.dataset.entries import Asked, Dataset, read_dataset
from dqkit.dataset.files import Listed, files_of
from dqkit.dataset.manifest import NAME as MANIFEST_NAME
from dqkit.dataset.manifest import manifest_of, relative_paths
from dqkit.dataset.states import KEYS, TRACED, State
from dqkit.dataset.tracing import SILENTLY, TraceOptions, Unfit, trace_files
from dqkit.gate import dataset_kinds as kinds
from dqkit.gate.condition import CONDITION_FINDINGS, Condition, Kind
from dqkit.gate.dataset import DATASET_ROWS, DatasetTrace
from dqkit.gate.policy import Policy
from dqkit.identity import Pseudonyms
from dqkit.index.checksums import Rehash
from dqkit.index.progress import Progress
from dqkit.model import Severity

_NAMED = 1000
"""Findings of a kind that name their file; all are counted."""

_GROUPS = 500
"""Sites, classes and splits that verdict.json spells out."""

_CHUNK = 50_000

_CLASSES = 100
"""Classes and splits that a dataset can have for verdict.json to name them."""

_OF_STATE: tuple[tuple[Kind, Severity, State, str], ...] = (
    (kinds.FILE_MISSING, Severity.CRITICAL, State.MISSING, "a file"),
    (kinds.FILE_CHANGED, Severity.CRITICAL, State.CHANGED, "the bytes that were audited"),
    (kinds.FILE_UNTRACEABLE, Severity.CRITICAL, State.UNTRACEABLE, "the bytes of an audited series"),
    (kinds.FILE_OUTSIDE, Severity.CRITICAL, State.OUTSIDE, "a series that is judged"),
    (kinds.FILE_UNFIT, Severity.WARNING, State.UNFIT, "a series without findings that fail"),
    (kinds.FILE_UNREAD, Severity.CRITICAL, State.UNREAD, "a file that can be read"),
)


def trace(
    dataset: Path,
    policy: Policy,
    catalog: Catalog,
    pseudonyms: Pseudonyms,
    progress: Progress,
    *,
    judged: Tables | None = None,
    unfit: Unfit | None = None,
) -> DatasetTrace:
    """Trace every file that training will read to an audited series.

    Parameters
    ----------
    dataset
        A CSV, JSON lines or parquet file, or a folder.
    catalog
        Opened at the versions that are judged.
    judged
        What is judged of it, where that is a part (a cohort, ``only``).
    unfit
        Series with findings that fail.

    Raises
    ------
    DqkitError
        The dataset file cannot be read or relied on.
    NothingToCheckError
        It names no file.
    """
    asked = Asked(policy.dataset.file, policy.dataset.label, policy.dataset.split, policy.dataset.root)
    read = read_dataset(dataset, asked)
    listed = files_of(read, progress)
    named, read = read.entries.height, replace(read, entries=read.entries.clear())
    rehash = policy.rehash
    options = TraceOptions(rehash, judged, unfit or Unfit(), os.cpu_count() or 1)
    files = trace_files(listed, catalog, options, progress)
    rows = _rows(files, listed)
    del listed
    patients = _patients_in_splits(rows)
    files = conform(files.with_columns(_names(files, read, pseudonyms)), TRACED)
    section = _section(read, named, files, rows, rehash) | {"patients_in_two_splits": _several(patients).height}
    return DatasetTrace(
        conditions=(*_of_states(files), *_of_repeats(files), *_of_patients(patients, pseudonyms)),
        rows=conform(rows, DATASET_ROWS),
        section=section,
        dataset=read,
        files=files,
    )


def _names(files: pl.DataFrame, dataset: Dataset, pseudonyms: Pseudonyms) -> pl.Series:
    """Return the pseudonym of each file that may be named in a finding; others need none."""
    faulty = (pl.col("state") != State.TRACED.value) | (pl.col("times") > 1) | pl.col("same_as").is_not_null()
    wanted = files.select("place", faulty=faulty | (pl.col("splits") > 1))
    names = [pl.Series("name", [], dtype=pl.String)]
    for part in wanted.iter_slices(_CHUNK):
        paths = relative_paths(part["place"], dataset.root)
        named = [
            f"file {pseudonyms.of('file', path)}" if faulty else None
            for path, faulty in zip(paths, part["faulty"], strict=True)
        ]
        names.append(pl.Series("name", named, dtype=pl.String))
    return pl.concat(names)


def _of_states(files: pl.DataFrame) -> list[Condition]:
    state, silently = pl.col("state"), pl.col("detail") == SILENTLY
    conditions = []
    for kind, severity, which, expected in _OF_STATE:
        hit = state == which.value
        if kind is kinds.FILE_CHANGED:
            hit &= ~silently
        conditions.append(_condition(kind, severity, files, hit, pl.col("detail"), expected))
    silent = (state == State.CHANGED.value) & silently
    expected = "the bytes that it had"
    return [
        *conditions,
        _condition(kinds.CHANGED_SILENTLY, Severity.CRITICAL, files, silent, pl.col("detail"), expected),
    ]


def _condition(
    kind: Kind, severity: Severity, judged: pl.DataFrame, hit: pl.Expr, observed: pl.Expr, expected: str
) -> Condition:
    """Count the rows of `judged` (with `name`) that `hit` says are at fault; the first of them are findings."""
    failed = judged.select(hit.sum()).item()
    first = judged.lazy().filter(hit).head(_NAMED)
    named = first.select(subject="name", observed=observed, expected=pl.lit(expected)).collect()
    return Condition(
        kind, severity, evaluated=judged.height, failed=failed, findings=conform(named, CONDITION_FINDINGS)
    )


def _of_repeats(files: pl.DataFrame) -> list[Condition]:
    """Tell of the same bytes in several rows, and in several splits."""
    twice = (pl.col("times") > 1) | pl.col("same_as").is_not_null()
    often = (
        pl.when(pl.col("times") > 1)
        .then(pl.format("{} rows", "times"))
        .otherwise(pl.lit("another file of the dataset has the same bytes"))
    )
    split = pl.col("splits") > 1
    observed = pl.format("{} splits", "splits")
    return [
        _condition(kinds.FILE_TWICE, Severity.WARNING, files, twice, often, "once"),
        _condition(kinds.FILE_IN_TWO_SPLITS, Severity.CRITICAL, files, split, observed, "one split"),
    ]


def _rows(files: pl.DataFrame, listed: Listed) -> pl.DataFrame:
    """Return a row for each traced file and each class and split that the dataset gives it."""
    traced = files.lazy().filter(pl.col("state") == State.TRACED.value).select("file", "file_id", *KEYS).collect()
    said = listed.entries.select("target", "label", "split").unique()
    of_files = listed.files.select("file", "target").join(said, on="target").select("file", "label", "split").unique()
    return traced.join(of_files, on="file", how="left", maintain_order="left")


def _patients_in_splits(rows: pl.DataFrame) -> pl.DataFrame:
    """Return patient_key and the number of splits that it has images in; none where there are no splits."""
    known = rows.filter(pl.col("split").is_not_null() & pl.col("patient_key").is_not_null())
    return known.group_by("patient_key").agg(pl.col("split").n_unique().alias("splits")).sort("patient_key")


def _several(patients: pl.DataFrame) -> pl.DataFrame:
    return patients.filter(pl.col("splits") > 1)


def _of_patients(patients: pl.DataFrame, pseudonyms: Pseudonyms) -> list[Condition]:
    """Warn of patients in several splits: a warning, for placeholders make one patient of many."""
    if patients.is_empty():
        return []
    names = [f"patient {pseudonyms.of('patient', key)}" for key in patients["patient_key"]]
    patients = patients.with_columns(pl.Series("name", names, dtype=pl.String))
    hit, observed = pl.col("splits") > 1, pl.format("{} splits", "splits")
    return [_condition(kinds.PATIENT_IN_TWO_SPLITS, Severity.WARNING, patients, hit, observed, "one split")]


def _section(dataset: Dataset, named: int, files: pl.DataFrame, rows: pl.DataFrame, rehash: Rehash) -> dict[str, Any]:
    manifest = manifest_of(files, dataset.root)
    return {
        "name": dataset.path.name,
        "kind": dataset.kind,
        "sha256": dataset.sha256,
        "columns": {role: list(names) for role, names in dataset.columns.items() if names},
        "rows": named,
        "files": files.height,
        "rehash": rehash.value,
        "states": {state.value: files.filter(pl.col("state") == state.value).height for state in State},
        "traced_by": dict(files.filter(pl.col("how").is_not_null()).group_by("how").len().sort("how").iter_rows()),
        "sites": _counted(rows, ["site"]),
        "labels": rows["label"].drop_nulls().n_unique(),
        "classes": _counted(rows, ["label", "site"]) if _are_classes(rows["label"]) else [],
        "splits": _counted(rows, ["split"]) if _are_classes(rows["split"]) else [],
        "manifest": {
            "name": MANIFEST_NAME,
            "sha256": manifest.sha256,
            "files": manifest.files,
            "bytes": manifest.bytes,
        },
    }


def _are_classes(values: pl.Series) -> bool:
    """Tell whether values are few enough to be classes: more may be free text, or a number of each patient."""
    return 0 < values.drop_nulls().n_unique() <= _CLASSES


def _counted(rows: pl.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Count files, series and patients of each group."""
    counts = rows.group_by(by).agg(
        pl.col("file").n_unique().cast(INT).alias("files"),
        pl.col("series_key").drop_nulls().n_unique().cast(INT).alias("series"),
        pl.col("patient_key").drop_nulls().n_unique().cast(INT).alias("patients"),
    )
    return counts.sort(by, nulls_last=True).head(_GROUPS).to_dicts()
