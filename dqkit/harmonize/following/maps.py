"""Label maps as NIfTI, on the very grid of the image, and a table that says what their values are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dqkit.harmonize.files import write_whole
from dqkit.harmonize.following.follow import CALLED, Followed, FollowedObject
from dqkit.harmonize.volume import Volume
from dqkit.harmonize.write import WRITERS
from dqkit.labels.layers import label_map
from dqkit.labels.segments import Code


def write_maps(found: FollowedObject, folder: Path, form: str) -> tuple[dict[int, Path], Path]:
    """Write a label map a layer, and the table; return the file of each segment by its index, and the table.

    Parameters
    ----------
    form
        ``nifti`` or ``png``, as the image.

    Segments that overlap are in several files: ``…_seg-1a2b3c4d.nii.gz``, ``…_seg-1a2b3c4d_2.nii.gz``. Values are
    distinct in all of them.
    """
    image = found.image
    slices, rows, columns = image.volume.voxels.shape[-3:]
    paths: dict[int, Path] = {}
    for number, layer in enumerate(found.layers, start=1):
        members = [found.segments[i] for i in layer]
        voxels = label_map([one.mask for one in members], [one.value for one in members], (slices, rows, columns))
        stem = found.stem if number == 1 else f"{found.stem}_{number}"
        (path,) = WRITERS[form](replace(image, volume=Volume(voxels, image.volume.affine), stem=stem), folder)
        paths.update(dict.fromkeys(layer, path))
    table = folder / f"{found.stem}{'.png' if form == 'png' else ''}.json"
    text = json.dumps(_table(found, paths), ensure_ascii=False, indent=1, sort_keys=True)
    write_whole(table, lambda file: file.write(text.encode()))
    return paths, table


def _table(found: FollowedObject, paths: dict[int, Path]) -> dict[str, Any]:
    called = CALLED[found.label.kind]
    return {
        "kind": found.label.kind,
        "recipe": f"{found.image.recipe.name} {found.image.recipe.version}",
        "segments": [
            {called: one.segment.number, "value": one.value, "file": paths[i].name if i in paths else None} | _of(one)
            for i, one in enumerate(found.segments)
        ],
        "left_out": [{called: lost.number, "reason": lost.fault.value} | dict(lost.numbers) for lost in found.unread],
    }


def _of(one: Followed) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": one.named.name,
        "volume_before_mm3": round(one.before.volume_mm3, 3),
        "volume_after_mm3": round(one.after.volume_mm3, 3),
        "centroid_shift_mm": None if one.shift_mm is None else round(one.shift_mm, 4),
        "voxels": one.after.voxels,
        "notes": dict(one.segment.notes),
    }
    for key, code in (("code", one.named.kind), ("category", one.named.category), ("side", one.named.side)):
        if code is not None:
            said[key] = _code(code)
    terms = {"interpreted_type": one.named.interpreted, "algorithm": one.named.algorithm}
    return said | {key: term for key, term in terms.items() if term}


def _code(code: Code) -> dict[str, str]:
    return {"value": code.value, "scheme": code.scheme, "meaning": code.meaning}
