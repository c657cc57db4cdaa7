"""Labels that no image of the catalog can take along: told with the reason, never matched by name."""

import os
from collections.abc import Mapping
from typing import Any

import polars as pl

from dqkit.archive.paths import unescape
from dqkit.catalog.tables import Tables
from dqkit.harmonize.image import LabelFile
from dqkit.labels.references import References, references_of
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.model import FileStatus

LABELS = ("SEG", "RTSTRUCT")
"""Modalities whose objects follow images."""


def label_files(tables: Tables, roots: Mapping[str, Any]) -> dict[str, tuple[LabelFile, str, str]]:
    """Return every SEG and RTSTRUCT of a catalog by its file id, each with StudyInstanceUID and its state on disk."""
    columns = ("file_id", "source_id", "path", "size", "mtime_ns", "SOPInstanceUID", "StudyInstanceUID")
    files = tables.scan("instances").filter(pl.col("status") == FileStatus.DICOM).select(columns)
    kinds = tables.scan("labels").filter(pl.col("Modality").is_in(LABELS)).select("file_id", kind="Modality")
    found = {}
    for row in files.join(kinds, on="file_id").sort("file_id").collect().iter_rows(named=True):
        path = os.path.join(os.fsencode(roots[row["source_id"]]), unescape(row["path"]))  # noqa: PTH118 - bytes
        label = LabelFile(row["file_id"], path, row["kind"], row["SOPInstanceUID"] or "")
        found[row["file_id"]] = label, row["StudyInstanceUID"] or "", f"{row['size']} {row['mtime_ns']}"
    return found


class Known:
    """What a catalog holds that a label can name."""

    def __init__(self, tables: Tables) -> None:
        self._instances = tables.scan("instances").select("SOPInstanceUID")
        self._series = tables.scan("series").select("SeriesInstanceUID", "FrameOfReferenceUID").collect()

    def fault_of(self, label: LabelFile) -> LabelFault | None:
        """Return why a label has no image in the catalog; None where it has one.

        Raises
        ------
        OSError
            Its file cannot be opened.
        """
        try:
            told = references_of(label.path)
        except LabelRefusedError as refused:
            return refused.fault
        if not (told.instances or told.series or told.frames):
            return LabelFault.NO_REFERENCE
        return None if self._holds(told) else LabelFault.NOT_IN_CATALOG

    def _holds(self, told: References) -> bool:
        if told.instances:
            named = pl.DataFrame({"SOPInstanceUID": sorted(told.instances)}).lazy()
            return bool(self._instances.join(named, on="SOPInstanceUID", how="semi").head(1).collect().height)
        for uids, column in ((told.series, "SeriesInstanceUID"), (told.frames, "FrameOfReferenceUID")):
            if uids:
                return bool(self._series[column].is_in(sorted(uids)).any())
        return False


def studies_concerned(tables: Tables, series_keys: set[str]) -> set[str]:
    """Return StudyInstanceUIDs whose labels a run has to account for: those of its series, and those without images.

    Labels of a study that a plan leaves out are not told: their images may well be harmonized by another plan.
    """
    series = tables.scan("series").select("series_key", "StudyInstanceUID", "Modality").collect()
    planned = series.filter(pl.col("series_key").is_in(sorted(series_keys)))["StudyInstanceUID"]
    with_images = series.filter(~pl.col("Modality").is_in([*LABELS, "SR"]).fill_null(value=False))["StudyInstanceUID"]
    alone = set(series["StudyInstanceUID"].drop_nulls()) - set(with_images.drop_nulls())
    return set(planned.drop_nulls()) | alone
