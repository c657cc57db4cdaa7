"""Populations and policies made by hand."""

from pathlib import Path
from typing import Any

import polars as pl

from dqkit.catalog.schema import FRAMES
from dqkit.cohort.choose import Selection, choose
from dqkit.cohort.manual import resolve
from dqkit.cohort.policy import Policy, load_policy
from dqkit.cohort.population import SERIES_COLUMNS, Population
from dqkit.identity import Pseudonyms
from dqkit.model import Level

PSEUDONYMS = Pseudonyms(b"0123456789abcdef")
_KINDS = {name: FRAMES[Level.SERIES][name] for name in SERIES_COLUMNS}


def population(*series: dict[str, Any], studies: list[dict[str, Any]] | None = None) -> Population:
    """Return a population of `series`; ``s="n/p1/a/1"`` stands for site, patient, study and series."""
    rows = [_keyed(row) for row in series]
    more = {name: FRAMES[Level.SERIES][name] for row in rows for name in row if name in FRAMES[Level.SERIES]}
    frame = pl.DataFrame(rows, schema=_KINDS | more | {"varying": pl.List(pl.String)})
    told = frame.with_columns(pl.lit(1).alias("n_files"), pl.lit(1).alias("size"), pl.lit(1).alias("mtime_ns"))
    of_studies = pl.DataFrame(studies or [], schema=FRAMES[Level.STUDY] | {"study_key": pl.String})
    of_patients = pl.DataFrame(
        {"patient_key": frame["patient_key"].drop_nulls().unique(maintain_order=True)}
    ).with_columns(pl.lit(1).alias("n_studies"))
    return Population(told, {Level.SERIES: frame, Level.STUDY: of_studies, Level.PATIENT: of_patients})


def _keyed(row: dict[str, Any]) -> dict[str, Any]:
    site, patient, study, series = row["s"].split("/")
    keys = {
        "site": site,
        "patient_key": f"{site}/{patient}" if patient else None,
        "study_key": f"{site}/{study}",
        "series_key": f"{site}/{study}/{series}",
        "StudyInstanceUID": f"1.{study}",
        "SeriesInstanceUID": f"1.{study}.{series}",
        "role": "",
        "is_image": True,
        "varying": [],
    }
    return keys | {name: value for name, value in row.items() if name != "s"}


def policy(folder: Path, text: str) -> Policy:
    """Return the policy that `text` is, below a name and a title."""
    path = folder / "select.yaml"
    path.write_text(f"name: p\ntitle: T\n{text}", encoding="utf-8")
    return load_policy(path)


def chosen(folder: Path, people: Population, text: str) -> Selection:
    """Carry out the policy that `text` is."""
    made = policy(folder, text)
    named = people.series.with_columns(pl.col("patient_key").str.split("/").list.last().alias("PatientID"))
    return choose(people, made, resolve(made.decisions, named, PSEUDONYMS))


def left(selection: Selection) -> list[str]:
    """Return the series that are in, without their site."""
    return [key.partition("/")[2] for key in selection.chosen["series_key"]]
