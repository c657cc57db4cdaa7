"""croissant.json: the dataset described for machines (MLCommons Croissant 1.1 with its responsible-AI vocabulary).

Only what was measured is said; the fields that a person must answer (licence, purpose, consent, annotators) are left
out. It belongs beside the dataset file and the manifest, to which its relative URLs lead.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dqkit.dataset.entries import Dataset
from dqkit.dataset.manifest import NAME as MANIFEST_NAME
from dqkit.dataset.manifest import Manifest

if TYPE_CHECKING:
    import mlcroissant

NAME = "croissant.json"
"""Name of the file."""

_CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_FORMATS = {"csv": "text/csv", "jsonl": "application/jsonlines", "parquet": "application/x-parquet"}
_SHA256_OF_LINE = r"^\\?([0-9a-f]{64})  .*$"
_PATH_OF_LINE = r"^\\?[0-9a-f]{64}  (.*)$"


@dataclass(frozen=True)
class Known:
    """What is known of a dataset, in sentences free of identifying values; empty = nothing, and nothing is said.

    Attributes
    ----------
    description
        What it is.
    collection, raw_data, missing_data
        Where images come from, what they were before, what their headers lack.
    preprocessing
        What was done to them.
    biases, limitations
        What is unevenly there, and what was found or not looked at.
    personal
        Which personal information is in it.
    """

    description: str
    collection: str = ""
    raw_data: str = ""
    missing_data: str = ""
    preprocessing: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()


def croissant_bytes(dataset: Dataset, manifest: Manifest, known: Known) -> bytes:
    """Return the content of croissant.json; the same input gives the same bytes."""
    import mlcroissant

    with _quietly():  # it recommends properties that only a person can fill in
        metadata = mlcroissant.Metadata(
            name=dataset.path.stem,
            description=known.description,
            conforms_to=_CONFORMS_TO,
            distribution=_distribution(mlcroissant, dataset, manifest),
            record_sets=[*_entries(mlcroissant, dataset), _files(mlcroissant)],
            data_collection=known.collection or None,
            data_collection_raw_data=known.raw_data or None,
            data_collection_missing_data=known.missing_data or None,
            data_preprocessing_protocol=_some(known.preprocessing),
            data_biases=_some(known.biases),
            data_limitations=_some(known.limitations),
            personal_sensitive_information=_some(known.personal),
        )
        return json.dumps(metadata.to_json(), ensure_ascii=False, indent=1).encode() + b"\n"


@contextmanager
def _quietly() -> Iterator[None]:
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _some(texts: Sequence[str]) -> list[str] | None:
    return list(texts) or None


def _distribution(mlc: Any, dataset: Dataset, manifest: Manifest) -> list["mlcroissant.FileObject"]:
    listed = mlc.FileObject(
        id="manifest",
        name=MANIFEST_NAME,
        description=f"SHA-256 and path of each of the {manifest.files:,} files ({manifest.bytes:,} bytes).",
        content_url=MANIFEST_NAME,
        encoding_formats=["text/plain"],
        sha256=manifest.sha256,
    )
    if not dataset.sha256:
        return [listed]
    table = mlc.FileObject(
        id="table",
        name=dataset.path.name,
        description="Which files training reads.",
        content_url=dataset.path.name,
        encoding_formats=[_format(dataset)],
        sha256=dataset.sha256,
    )
    return [table, listed]


def _format(dataset: Dataset) -> str:
    return "text/tab-separated-values" if dataset.path.suffix.lower() == ".tsv" else _FORMATS[dataset.kind]


def _entries(mlc: Any, dataset: Dataset) -> list["mlcroissant.RecordSet"]:
    """Describe the columns of the dataset file that were used."""
    if not dataset.sha256:
        return []
    fields = []
    for role, headers in dataset.columns.items():
        for number, header in enumerate(headers, start=1):
            name = role if number == 1 else f"{role}{number}"
            source = mlc.Source(file_object="table", extract=mlc.Extract(column=header))
            fields.append(
                mlc.Field(id=f"entries/{name}", name=name, description=f"The column {header!r}.",
                          data_types=[mlc.DataType.TEXT], source=source)
            )  # fmt: skip
    return [mlc.RecordSet(id="entries", name="entries", description="A row of the dataset file.", fields=fields)]


def _files(mlc: Any) -> "mlcroissant.RecordSet":
    """Describe the lines of the manifest."""

    def field(name: str, regex: str) -> Any:
        source = mlc.Source(
            file_object="manifest",
            extract=mlc.Extract(file_property=mlc.FileProperty.lines),
            transforms=[mlc.Transform(regex=regex)],
        )
        return mlc.Field(id=f"files/{name}", name=name, data_types=[mlc.DataType.TEXT], source=source)

    fields = [field("sha256", _SHA256_OF_LINE), field("path", _PATH_OF_LINE)]
    return mlc.RecordSet(id="files", name="files", description="A file that training reads.", fields=fields)
