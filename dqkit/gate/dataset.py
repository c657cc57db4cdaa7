"""What a gate knows of the dataset that training will read, as tracing hands it over.

Tracing is ``dqkit.gate.trace.trace(dataset, policy, catalog, pseudonyms, progress) -> DatasetTrace``: `dataset` is the
file or folder that ``--dataset`` names, `policy` says how its columns are called and which files are read again
(`Policy.dataset`, `Policy.rehash`), `catalog` is opened for reading at the versions that are judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dqkit.catalog.schema import TEXT, Schema, empty
from dqkit.dataset.entries import Dataset
from dqkit.dataset.states import TRACED
from dqkit.gate.condition import Condition

DATASET_ROWS: Schema = {
    "file_id": TEXT,  # of the archive's file that it was traced to …
    "site": TEXT,
    "patient_key": TEXT,
    "study_key": TEXT,
    "series_key": TEXT,
    "label": TEXT,  # the class that the dataset file names, null where it names none
}
"""One row a file of the dataset that was traced to an audited series."""


@dataclass(frozen=True)
class DatasetTrace:
    """A dataset, traced.

    Attributes
    ----------
    conditions
        What is wrong with it (``GATE-010`` to ``GATE-029``), zero failures included: they say what was looked at.
    rows
        DATASET_ROWS.
    section
        What verdict.json keeps of it under ``dataset``: plain JSON values, free of identifying ones.
    dataset, files
        The dataset file, its entries aside, and dataset.states.TRACED of its files: in-house.
    """

    conditions: tuple[Condition, ...]
    rows: pl.DataFrame = field(default_factory=lambda: empty(DATASET_ROWS))
    section: Mapping[str, Any] = field(default_factory=dict)
    dataset: Dataset | None = None
    files: pl.DataFrame = field(default_factory=lambda: empty(TRACED))
