"""Plan + catalog -> tasks: the files of every planned image, as they were indexed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from dqkit.archive.paths import unescape
from dqkit.catalog.tables import Tables
from dqkit.harmonize.image import LabelFile
from dqkit.harmonize.one_image import Pending, Task
from dqkit.harmonize.plan import Plan, PlannedImage, digest_of_files
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.stack import NATIVE_SYNTAXES, SourceFile, Stack
from dqkit.harmonize.stack_rows import image_rows, series_columns, stack_rows
from dqkit.harmonize.steps import INTENSITY
from dqkit.identity import digest
from dqkit.index.sources import root_path
from dqkit.model import FileStatus

WORK_VERSION = 2
"""Outputs of another version of this work are made again."""

LABELS_MADE_BY = "dqkit"
"""Manufacturer of the SEGs that runs write (following/seg.py)."""

_A_BATCH = 500
"""Images whose files are looked up together."""

OF_THE_SERIES = (
    "site", "patient_key", "study_key", "series_key", "Modality", "Manufacturer", "MagneticFieldStrength",
    "BodyPartExamined", "ConvolutionKernel", "n_time_points", "time_span_s", "time_step_s",
)  # fmt: skip
"""What writers may know of a series …"""

OF_STEPS = ("role", "region", "scanner_key", "vendor")
"""… and what steps of `intensity` may know beside: it takes longer to work out."""


def pending_of(plan: Plan, tables: Tables) -> Iterator[Pending]:
    """Yield the tasks of a plan in its order; a stack that the catalog no longer has is left without files."""
    roots = {
        source: root_path(root)
        for source, root in tables.scan("sources").select("source_id", "root").collect().iter_rows()
    }
    rests_on = _rests_on(plan.recipe)
    masks = _masks(plan, tables, roots)
    for start in range(0, len(plan.images), _A_BATCH):
        batch = plan.images[start : start + _A_BATCH]
        rows = _rows(plan.recipe, tables, batch)
        files = _files(tables, [file for row in rows.values() for file in row["file_ids"]], roots)
        series = _series(plan.recipe, tables, batch)
        labels = (
            _labels(tables, [row["study_key"] for row in rows.values()], roots) | masks
            if plan.recipe.labels.follow
            else {}
        )
        for planned in batch:
            of_image = [rows.get(stack) for stack in planned.stacks]
            yield _pending(planned, plan.recipe, of_image, (files, series, labels), rests_on)


def _rests_on(recipe: Recipe) -> tuple[str, ...]:
    """Return the hashes of the files that the steps of a recipe read."""
    return tuple(
        part for step in recipe.intensity for part in INTENSITY[step.name].rests_on(step.params, recipe.folder)
    )


def _rows(recipe: Recipe, tables: Tables, batch: Sequence[PlannedImage]) -> dict[str, dict[str, Any]]:
    keys = pl.DataFrame(
        {"series_key": sorted({planned.series_key for planned in batch})}, schema={"series_key": pl.String}
    )
    make = stack_rows if recipe.takes == "stacks" else image_rows
    found = make(tables, keys.with_columns(pl.lit(value=True).alias("in_scope")))
    return {row["stack_id"]: row for row in found.iter_rows(named=True)}


def _files(tables: Tables, wanted: Sequence[str], roots: Mapping[str, Any]) -> dict[str, SourceFile]:
    ids = pl.DataFrame({"file_id": sorted(set(wanted))}, schema={"file_id": pl.String}).lazy()
    columns = ("file_id", "source_id", "path", "size", "mtime_ns", "SOPInstanceUID", "SOPClassUID", "TransferSyntaxUID")
    found = tables.scan("instances").select(columns).join(ids, on="file_id", how="semi").collect()
    return {
        row["file_id"]: SourceFile(
            row["file_id"], _path(roots, row), row["size"], row["mtime_ns"], row["SOPInstanceUID"] or "",
            row["SOPClassUID"] or "", row["TransferSyntaxUID"] in NATIVE_SYNTAXES,
        )
        for row in found.iter_rows(named=True)
    }  # fmt: skip


def _path(roots: Mapping[str, Any], row: Mapping[str, Any]) -> bytes:
    return os.path.join(os.fsencode(roots[row["source_id"]]), unescape(row["path"]))  # noqa: PTH118 - bytes


def _series(recipe: Recipe, tables: Tables, batch: Sequence[PlannedImage]) -> dict[str, dict[str, Any]]:
    names = {"series_key": sorted({planned.series_key for planned in batch})}
    keys = pl.DataFrame(names, schema={"series_key": pl.String}).lazy()
    columns = (*OF_THE_SERIES, *(OF_STEPS if recipe.intensity else ()))
    found = series_columns(tables, columns).join(keys, on="series_key", how="semi").collect()
    return {row["series_key"]: row for row in found.iter_rows(named=True)}


def _labels(tables: Tables, studies: Sequence[str], roots: Mapping[str, Any]) -> dict[str, list[tuple[LabelFile, str]]]:
    """Return study key -> its SEGs and RTSTRUCTs, each with size and time."""
    keys = pl.DataFrame({"study_key": sorted(set(studies))}, schema={"study_key": pl.String}).lazy()
    columns = ("file_id", "source_id", "path", "size", "mtime_ns", "SOPInstanceUID", "Manufacturer")
    files = tables.scan("instances").filter(pl.col("status") == FileStatus.DICOM).select(columns)
    kinds = tables.scan("labels").filter(pl.col("Modality").is_in(["SEG", "RTSTRUCT"]))
    # By the study's UID, not its key: objects that name no institution can count to another site than their images
    uids = tables.scan("series").join(keys, on="study_key", how="semi").select("study_key", "StudyInstanceUID").unique()
    told = kinds.select("file_id", "StudyInstanceUID", kind="Modality").join(uids, on="StudyInstanceUID")
    found: dict[str, list[tuple[LabelFile, str]]] = {}
    for row in told.join(files, on="file_id").sort("study_key", "file_id").collect().iter_rows(named=True):
        label = LabelFile(row["file_id"], _path(roots, row), row["kind"], row["SOPInstanceUID"] or "")
        # What an earlier run made of a label belongs to the images that it made, and stands in their source
        place = (
            _source_key(row["study_key"], row["source_id"])
            if row["Manufacturer"] == LABELS_MADE_BY
            else row["study_key"]
        )
        found.setdefault(place, []).append((label, f"{row['size']} {row['mtime_ns']}"))
    return found


def _source_key(study_key: str, source_id: str) -> str:
    return f"{study_key} {source_id}"


def _masks(plan: Plan, tables: Tables, roots: Mapping[str, Any]) -> dict[str, list[tuple[LabelFile, str]]]:
    """Return series key -> the NIfTI masks that the plan's table gives it, each with size and time."""
    ids = pl.DataFrame({"file_id": sorted(plan.masks)}, schema={"file_id": pl.String}).lazy()
    columns = ("file_id", "source_id", "path", "size", "mtime_ns")
    rows = tables.scan("instances").select(columns).join(ids, on="file_id", how="semi").sort("file_id").collect()
    found: dict[str, list[tuple[LabelFile, str]]] = {}
    for row in rows.iter_rows(named=True):
        series = plan.masks[row["file_id"]]
        label = LabelFile(row["file_id"], _path(roots, row), "NIFTI", points_at=series)
        found.setdefault(series, []).append((label, f"{row['size']} {row['mtime_ns']}"))
    return found


def _pending(
    planned: PlannedImage,
    recipe: Recipe,
    rows: Sequence[Mapping[str, Any] | None],
    known: tuple[Mapping[str, SourceFile], Mapping[str, Mapping[str, Any]], Mapping[str, list[tuple[LabelFile, str]]]],
    rests_on: Sequence[str],
) -> Pending:
    files, series, labels = known
    stacks = tuple(_stack(stack, row, files) for stack, row in zip(planned.stacks, rows, strict=True))
    beside = _labels_beside(rows, labels, stacks)
    read = [
        part for stack in stacks for file in stack.files for part in (file.file_id, str(file.size), str(file.mtime_ns))
    ]
    told = [
        str(value)
        for value in (
            planned.name,
            planned.slices,
            planned.do,
            planned.made_from,
            [sorted(time.items()) for time in planned.times],
        )
    ]
    task_hash = digest(
        "task",
        str(WORK_VERSION),
        recipe.sha256,
        *rests_on,
        *told,
        *read,
        *(part for label, when in beside for part in (label.file_id, when)),
    )
    task = Task(planned, stacks, recipe, series.get(planned.series_key, {}), tuple(label for label, _ in beside))
    found = [row for row in rows if row is not None]
    return Pending(task, task_hash, is_stale=planned.made_from != digest_of_files(found))


def _stack(stack_id: str, row: Mapping[str, Any] | None, files: Mapping[str, SourceFile]) -> Stack:
    if row is None or any(file not in files for file in row["file_ids"]):
        return Stack(stack_id, "", "frames", (), ())
    return Stack(
        stack_id,
        row["Modality"] or "",
        row["kind"],
        tuple(files[file] for file in row["file_ids"]),
        tuple(number or 1 for number in row["frame_numbers"]),
        row.get("mosaic_tiles"),
        _depth(row),
        bool(row.get("order_inferred")),
        bool(row.get("has_stray_sisters")),
    )


def _depth(row: Mapping[str, Any]) -> float | None:
    told = (row.get("SpacingBetweenSlices"), row.get("SliceThickness"))
    return next((float(value) for value in told if value and value > 0), None)


def _labels_beside(
    rows: Sequence[Mapping[str, Any] | None], labels: Mapping[str, list[tuple[LabelFile, str]]], stacks: Sequence[Stack]
) -> list[tuple[LabelFile, str]]:
    """Return the labels of the study, and the masks of the series."""
    first = next((row for row in rows if row is not None), None)
    if first is None or not stacks[0].files:
        return []
    study, source = first["study_key"], first["source_id"]
    masks = labels.get(first["series_key"], ())
    return [*labels.get(study, ()), *labels.get(_source_key(study, source), ()), *masks]
