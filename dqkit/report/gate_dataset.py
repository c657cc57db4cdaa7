"""The files about a dataset beside verdict.json: manifest, Croissant description, and in-house its trace and faults."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.dataset import croissant, manifest
from dqkit.dataset.croissant import Known, croissant_bytes
from dqkit.dataset.entries import Dataset
from dqkit.dataset.manifest import write_manifest
from dqkit.dataset.states import TRACED, How, State
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.result import GateResult
from dqkit.model import Verdict
from dqkit.report.folder import replacing, write_file
from dqkit.report.neutral import neutral_texts

TRACE = "dataset.parquet"
"""Each file with its state and the series it was traced to: it names paths, and stays in the house."""

FAULTS = "dataset-faults.csv"
"""The files of the dataset that a condition speaks of: in-house, too."""

_NAMED = 40
_CHUNK = 50_000


def write_dataset(result: GateResult, out: Path) -> None:
    """Write manifest.sha256, croissant.json and dataset.parquet to `out`, or take away those of a gate before."""
    traced = result.dataset
    if traced is None or traced.dataset is None:
        for name in (manifest.NAME, croissant.NAME, TRACE, FAULTS):
            (out / name).unlink(missing_ok=True)
        return
    with replacing(out / manifest.NAME) as file:
        written = write_manifest(traced.files, traced.dataset.root, file.write)
    write_file(out / croissant.NAME, croissant_bytes(traced.dataset, written, known_of(result, traced)))
    with replacing(out / TRACE) as file:
        traced.files.select(list(TRACED)).write_parquet(file)
    with replacing(out / FAULTS) as file:
        for piece in _faults(traced.files, traced.dataset):
            file.write(piece)


def _faults(files: pl.DataFrame, dataset: Dataset) -> Iterator[bytes]:
    """Give the files that a condition speaks of, as a table that a spreadsheet opens and computes nothing of."""
    columns = ["row", "place", "state", "detail", "times", "splits", "same_as", "name"]
    odd = files.lazy().filter(pl.col("name").is_not_null()).select(columns).collect()
    for number, part in enumerate(odd.iter_slices(_CHUNK) if odd.height else [odd]):
        paths = manifest.relative_paths(part["place"], dataset.root)
        same = manifest.relative_paths(part["same_as"].fill_null(part["place"]), dataset.root).alias("other")
        table = part.select(
            "row",
            neutral_texts(paths),
            "state",
            "detail",
            "times",
            "splits",
            pl.when(pl.col("same_as").is_not_null()).then(neutral_texts(same)).alias("same_as"),
            "name",
        )
        yield table.write_csv(include_header=number == 0).encode()


def known_of(result: GateResult, traced: DatasetTrace) -> Known:
    """Return what is known of a dataset, in sentences."""
    section = traced.section
    sites = [row["site"] for row in section["sites"] if row["site"] is not None]
    return Known(
        description=_description(section, result),
        collection=f"Images of {len(sites)} sites; dqkit read their archives and collected nothing itself.",
        raw_data="DICOM and NIfTI files as the archives hold them; their checksums are those of the manifest.",
        missing_data=_missing(result.outcomes),
        preprocessing=_preprocessing(traced.files),
        biases=tuple(_shares(section)),
        limitations=tuple(_limitations(result, section)),
        personal=("Images of persons are health data. This description names nobody and no file.", *_privacy(result)),
    )


def _description(section: Mapping[str, Any], result: GateResult) -> str:
    traced = section["states"][State.TRACED.value]
    return (
        f"{section['files']:,} files, {traced:,} of them traced by checksum to audited series of "
        f"{len(section['sites'])} sites. Verdict of dqkit {result.dqkit_version} by the policy {result.policy.name}: "
        f"{result.judgement.verdict.value}."
    )


def _missing(outcomes: pl.DataFrame) -> str:
    rules = outcomes.filter(pl.col("unknown_missing") > 0)
    entities = int(rules["unknown_missing"].sum())
    return (
        f"{entities:,} times a rule could not be judged because an attribute is missing "
        f"({rules['rule_id'].n_unique()} rules: {_some(rules['rule_id'].unique().sort())})."
        if entities
        else ""
    )


def _preprocessing(files: pl.DataFrame) -> tuple[str, ...]:
    made = files.filter(pl.col("how") == How.PROVENANCE.value).height
    return (f"{made:,} files were made from audited ones by recorded steps.",) if made else ()


def _shares(section: Mapping[str, Any]) -> Iterable[str]:
    """Say how files are spread over sites and classes."""
    total = sum(row["files"] for row in section["sites"]) or 1
    for row in section["sites"][:_NAMED]:
        share = f"{row['files'] / total:.0%}"
        yield f"Site {row['site']}: {row['files']:,} files ({share}) of {row['patients']:,} patients."
    for row in section["classes"][:_NAMED]:
        yield f"Class {row['label']}, site {row['site']}: {row['files']:,} files of {row['patients']:,} patients."


def _limitations(result: GateResult, section: Mapping[str, Any]) -> Iterable[str]:
    outcomes = result.outcomes
    for verdict, words in ((Verdict.FAIL, "Failing"), (Verdict.UNKNOWN, "Not judged, for want of data")):
        rules = outcomes.filter(pl.col("verdict") == verdict.value)["rule_id"].unique().sort()
        if rules.len():
            yield f"{words}: {_some(rules)}."
    unseen = int(outcomes["unknown_not_looked_at"].sum())
    if unseen:
        yield f"{unseen:,} times pixels would have had to be decoded and were not."
    for state in (State.CHANGED, State.UNTRACEABLE, State.MISSING, State.UNREAD, State.OUTSIDE, State.UNFIT):
        if count := section["states"][state.value]:
            yield f"{count:,} files are {state.value}."
    if not result.judgement.complete:
        yield "The verdict is incomplete: not everything could be looked at."


def _privacy(result: GateResult) -> tuple[str, ...]:
    judged = sum(rule.family == "PHI" for rule in result.rules)
    if judged:
        return (f"{judged} rules about identifying content were judged.",)
    return ("No rule about identifying content was judged: whether files identify a person is not known.",)


def _some(names: pl.Series) -> str:
    more = f" and {names.len() - _NAMED} more" if names.len() > _NAMED else ""
    return ", ".join(names.head(_NAMED)) + more
