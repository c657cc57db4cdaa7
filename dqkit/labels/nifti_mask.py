"""NIfTI masks: label maps of whole numbers, in RAS, on a grid of their own."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.mask import Mask
from dqkit.labels.planes import Floats, Planes
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.segments import LabelMasks, Segment, damage_told

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM = {"meter": 1000.0, "micron": 0.001}
"""Units of space (xyzt_units) that are not mm; without one, mm is what everybody writes."""

MOST_VALUES = 2048
"""Distinct values of a label map; an atlas has some hundreds, an image thousands. House style."""
MOST_VOXELS = 1 << 31
_FORMS_DIFFER_MM = 0.1


def read_nifti_mask(path: bytes) -> LabelMasks:
    """Read a NIfTI file as a label map: each value above 0 is a segment.

    Raises
    ------
    LabelRefusedError
        It cannot be read, holds something else than whole numbers from 0 on in one volume, or nothing says where it
        lies (neither sform nor qform).
    OSError
        The file cannot be opened.
    """
    with damage_told():
        import nibabel

        image: Any = nibabel.load(os.fsdecode(path))
        if len([n for n in image.shape if n != 1]) > 3 or not 0 < np.prod(image.shape, dtype=float) <= MOST_VOXELS:  # noqa: PLR2004
            raise LabelRefusedError(LabelFault.NOT_A_MASK)
        affine, notes = _affine_of(image)
        voxels = _whole_numbers(np.asarray(image.dataobj))
        grid = (*image.shape, 1, 1)[:3]
        planes, descends = Planes.of_grid(affine, (int(grid[0]), int(grid[1]), int(grid[2])))
        values = np.transpose(voxels.reshape(grid), (2, 1, 0))
        segments = tuple(_segments(values[::-1] if descends else values))
    if not segments:
        raise LabelRefusedError(LabelFault.EMPTY)
    return LabelMasks(planes, False, segments, notes=notes)


def _affine_of(image: Any) -> tuple[Floats, dict[str, float]]:
    """Return index to LPS in mm, and how far the two transforms of the file are apart where they disagree."""
    header = image.header
    sform, s_code = header.get_sform(coded=True)
    qform, q_code = header.get_qform(coded=True)
    if s_code <= 0 and q_code <= 0:
        raise LabelRefusedError(LabelFault.NO_GEOMETRY)
    scale = np.diag([*[_MM.get(header.get_xyzt_units()[0], 1.0)] * 3, 1.0])
    affine = _RAS_TO_LPS @ scale @ (sform if s_code > 0 else qform)
    if s_code <= 0 or q_code <= 0:
        return affine, {}
    ends = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * [
        *(np.array(image.shape[:3]) - 1),
        1,
    ]
    apart = float(np.abs(ends @ (scale @ (sform - qform)).T).max())
    return affine, {"sform_and_qform_differ_mm": round(apart, 3)} if apart > _FORMS_DIFFER_MM else {}


def _whole_numbers(voxels: NDArray[Any]) -> NDArray[np.int64]:
    if voxels.dtype.kind not in "buif" or not np.isfinite(voxels).all() or voxels.min() < 0:
        raise LabelRefusedError(LabelFault.NOT_A_MASK)
    whole = voxels if voxels.dtype.kind != "f" else np.rint(voxels)
    if (whole != voxels).any() or whole.max() >= 1 << 31:
        raise LabelRefusedError(LabelFault.NOT_A_MASK)
    return whole.astype(np.int64)


def _segments(values: NDArray[np.int64]) -> list[Segment]:
    """Return the segment of each value of (slices, rows, columns)."""
    numbers = np.unique(values)
    numbers = numbers[numbers > 0]
    if numbers.size > MOST_VALUES:
        raise LabelRefusedError(LabelFault.TOO_MANY, values=numbers.size)
    from scipy.ndimage import find_objects

    order = np.searchsorted(numbers, values) + 1
    order[values == 0] = 0
    boxes = find_objects(order.astype(np.int32), max_label=int(numbers.size))
    return [
        Segment(int(number), Mask((box[0].start, box[1].start, box[2].start), values[box] == number))
        for number, box in zip(numbers, boxes, strict=True)
    ]
