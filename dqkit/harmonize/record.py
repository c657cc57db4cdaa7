"""What the manifest says of an image: a row a file that was written, or one that says why none was."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from dqkit import __version__
from dqkit.harmonize.image import FollowedLabel, HarmonizedImage, LabelFile
from dqkit.harmonize.one_image import Task
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Refused
from dqkit.harmonize.source import Contribution

Row = dict[str, Any]

_LIBRARIES = (
    "SimpleITK",
    "numpy",
    "pydicom",
    "nibabel",
    "isal",
    "highdicom",
    "python-gdcm",
    "pylibjpeg-openjpeg",
    "pyjpegls",
)


def rows_of_image(
    task: Task, task_hash: str, image: HarmonizedImage, written: Mapping[str, Sequence[Path]], folder: Path,
    warnings: Sequence[str],
) -> list[Row]:  # fmt: skip
    """Return a row for each file of an image.

    Parameters
    ----------
    written
        Format -> its files; of several, each holds one slice, in their order.
    folder
        What paths are relative to.
    """
    same = _same_for_all(task, task_hash) | _of_volume(image) | {"warnings": list(warnings)}
    rows = []
    for form, paths in sorted(written.items()):
        one_slice = len(paths) > 1
        for i, path in enumerate(paths):
            holds = slice(i, i + 1) if one_slice else slice(None)
            rows.append(
                same | _of_file(path, folder) | {"format": form} | _made_of(image, holds, i if one_slice else 0)
            )
    return rows


def rows_of_tables(
    task: Task, task_hash: str, image: HarmonizedImage, tables: Sequence[Path], folder: Path
) -> list[Row]:
    """Return a row for each table that belongs to an image; it was made of the headers of the image's sources."""
    made_of = {source.file_id: source.sha256 for source in image.sources}
    same = _same_for_all(task, task_hash) | {
        "kind": "table",
        "source_file_ids": list(made_of),
        "source_sha256": list(made_of.values()),
    }
    return [same | _of_file(path, folder) | {"format": path.suffix[1:]} for path in tables]


def row_of_refusal(task: Task, task_hash: str, refused: Refused) -> Row:
    """Return the row of an image that is not written."""
    return _same_for_all(task, task_hash) | refusal(refused.reason, refused.detail)


def refusal(reason: str, detail: str) -> Row:
    """Return the columns that say why something is not written."""
    return {"status": "refused", "reason": str(reason), "detail": detail}


def rows_of_labels(
    task: Task, task_hash: str, image: HarmonizedImage, labels: Sequence[FollowedLabel], folder: Path
) -> list[Row]:
    """Return a row for each label that followed an image, or did not; it was made of its own file and the image's."""
    rows = []
    of_image = {source.file_id: source.sha256 for source in image.sources}
    own = {label.label.path: _sha256(label.label.path) for label in labels}
    for label in labels:
        made_of = {label.label.file_id: own[label.label.path]} | of_image
        row = _same_for_all(task, task_hash) | {
            "kind": "label",
            "format": label.label.kind.lower(),
            "label_file_id": label.label.file_id,
            "label_name": label.name,
            "label_before_mm3": label.volume_before_mm3,
            "label_after_mm3": label.volume_after_mm3,
            "warnings": list(label.warnings),
            "steps": _json([{"name": "follow", "parameters": dict(label.parameters)}]),
            "source_file_ids": list(made_of),
            "source_sha256": list(made_of.values()),
        }
        if label.path is None:
            row |= refusal("label", label.reason)
        else:
            row |= _of_file(label.path, folder)
        rows.append(row)
    return rows


def row_of_lone_label(recipe: Recipe, label: LabelFile, label_id: str, task_hash: str, fault: str) -> Row:
    """Return the row of a label whose image is not in the catalog."""
    return {
        "image_id": label_id,
        "kind": "label",
        "format": label.kind.lower(),
        "recipe": f"{recipe.name} {recipe.version}",
        "recipe_sha256": recipe.sha256,
        "label_file_id": label.file_id,
        "label_name": "",
        "task": task_hash,
    } | refusal("label", fault)


def _same_for_all(task: Task, task_hash: str) -> Row:
    planned, recipe = task.planned, task.recipe
    return {
        "image_id": planned.image_id,
        "kind": "image",
        "status": "written",
        **{name: task.series.get(name) for name in ("site", "patient_key", "study_key", "series_key")},
        "Modality": planned.modality,
        "stack_ids": list(planned.stacks),
        "recipe": f"{recipe.name} {recipe.version}",
        "recipe_sha256": recipe.sha256,
        "do": list(planned.do),
        "mends": list(planned.mends),
        "versions": _versions(),
        "task": task_hash,
    }


def _of_volume(image: HarmonizedImage) -> Row:
    volume = image.volume
    steps = [
        {"name": step.name, "parameters": dict(step.parameters), "affine": step.affine.tolist()}
        for step in volume.steps
    ]
    return {
        "unit": volume.unit,
        "background": volume.background,
        "dtype": volume.voxels.dtype.name,
        "shape": [*volume.grid, *volume.voxels.shape[:-3]],
        "spacing_mm": volume.spacing_mm.tolist(),
        "affine": volume.affine.ravel().tolist(),
        "steps": _json(steps),
    }


def _of_file(path: Path, folder: Path) -> Row:
    sha256 = _sha256(bytes(path))
    return {"path": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "sha256": sha256}


def _sha256(path: bytes) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - the path is bytes
        return hashlib.file_digest(file, "sha256").hexdigest()


def _made_of(image: HarmonizedImage, holds: slice, first: int) -> Row:
    """Return which source slices gave to the slices that a file holds; sources that gave nothing to it are left out."""
    given = image.made_of[holds]
    whole = holds == slice(None)
    used = list(range(len(image.sources))) if whole else sorted({one.source for of_slice in given for one in of_slice})
    place = {source: i for i, source in enumerate(used)}
    sources = [image.sources[i] for i in used]
    return {
        "first_slice": first,
        "slice_nearest": [place[of_slice[0].source] if of_slice else None for of_slice in given],
        "slice_sources": [list(_places(of_slice, place)) for of_slice in given],
        "slice_weights": [[one.weight for one in of_slice] for of_slice in given],
        "source_file_ids": [source.file_id for source in sources],
        "source_sha256": [source.sha256 for source in sources],
        "source_frames": [source.frame for source in sources],
        "source_tiles": [source.tile for source in sources],
    }


def _places(of_slice: Sequence[Contribution], place: Mapping[int, int]) -> Iterator[int]:
    return (place[one.source] for one in of_slice)


@cache
def _versions() -> str:
    return _json({"dqkit": __version__, **{name: metadata.version(name) for name in _LIBRARIES}})


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
