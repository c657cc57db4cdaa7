"""Which voxels a step measures: the body, found in the image itself, a structure that labels mark, or all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.pixels.histogram import Histogram
from dqkit.rulebook.section import Section, close_to
from dqkit.rulebook.vocabulary import load_table

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext

MASKS = ("foreground", "all")

_SIDE = re.compile(r"(-(left|right))?(-\d+)?$")
"""What a structure's name may end with."""

LEAST_VOXELS = 100
"""Voxels of a mask that can be measured. House style."""

_HU_RANGE = (-1024.0, 300.0)
"""Bone and metal, and what a scanner writes outside its field of view, would draw the threshold away from the skin."""

_ENDS = (0.1, 99.5)
"""Percentiles beyond which MR values count as equal: vessels and fat near a coil would draw the threshold away."""

_ROOT = 0.25
"""Power of MR values that is looked at: tissue is spread over decades, as is the field of a coil, and air lies close
together. Of the values themselves, the threshold parts bright tissue from dark (docs/intensity.md shows it)."""

_LEAST_OF_LARGEST = 0.5
"""Size of a part, as a share of the largest, that belongs to the body too: the other leg, the other breast."""


@dataclass(frozen=True)
class Mask:
    """Voxels that are measured.

    Attributes
    ----------
    voxels
        Shape (slices, rows, columns).
    record
        How it came about, as plain JSON.
    """

    voxels: NDArray[np.bool_]
    record: Mapping[str, Any]


def read_mask(section: Section, default: str = "foreground") -> str:
    """Take the parameter ``mask`` of a step: one of `MASKS`, or a structure of the vocabulary (``lung-left``)."""
    name = section.text("mask", default)
    known = load_table("structures")
    if name not in MASKS and _SIDE.sub("", name) not in known:
        raise section.need("mask").mark.error(
            f"'mask' cannot be {name!r}", close_to(name, known, "") or f"{', '.join(MASKS)}, or a structure: brain"
        )
    return name


def mask_of(volume: Volume, kind: str, context: "StepContext") -> Mask:
    """Return the mask of one of `MASKS`, or of a structure.

    Raises
    ------
    Refused
        It holds too few voxels to measure anything, or no label marks the structure.
    """
    if kind == "all":
        voxels = np.ones(volume.voxels.shape[-3:], bool)
        return Mask(voxels, {"kind": kind, "voxels": voxels.size})
    if kind == "foreground":
        voxels, threshold = foreground(volume)
        return _of_enough(voxels, {"kind": kind, "threshold": threshold}, "no body was found in the image")
    marked = context.structure(kind)
    if marked is None:
        raise Refused(Reason.INTENSITY, f"no label marks {kind} on the image")
    return _of_enough(marked, {"kind": "label", "structure": kind}, f"the label of {kind} is too small")


def _of_enough(voxels: NDArray[np.bool_], record: dict[str, Any], refusal: str) -> Mask:
    count = int(np.count_nonzero(voxels))
    if count < LEAST_VOXELS:
        raise Refused(Reason.INTENSITY, f"{refusal}: {count} voxels")
    return Mask(voxels, record | {"voxels": count, "share": round(count / voxels.size, 6)})


def masked(volume: Volume, mask: Mask) -> NDArray[np.float32]:
    """Return the finite values inside a mask, of all times, shape (values,).

    Raises
    ------
    Refused
        There are too few.
    """
    values = np.asarray(volume.voxels[..., mask.voxels], np.float32).ravel()
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    if len(values) < LEAST_VOXELS:
        raise Refused(Reason.INTENSITY, f"{len(values)} voxels can be measured")
    return values


def foreground(volume: Volume) -> tuple[NDArray[np.bool_], float]:
    """Find the body: above Otsu's threshold (1979, IEEE Trans. SMC 9:62-66), its largest parts, with holes filled.

    The threshold is that of the fourth root of MR values, and of Hounsfield units as they are. Holes are filled
    slice by slice: lungs and airways are open at the first and last slice. Of 4-D images the mean over
    time is looked at.

    Returns
    -------
    tuple
        Mask of shape (slices, rows, columns), and the threshold in the unit of the image.
    """
    values = time_mean(volume)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(values.shape, bool), float("nan")
    low, high = _HU_RANGE if volume.unit == "HU" else (float(end) for end in np.percentile(finite, _ENDS))
    power = 1.0 if volume.unit == "HU" else _ROOT
    looked_at = (np.clip(finite, low, high) - np.float32(low)) ** np.float32(power)
    if looked_at.min() == looked_at.max():
        return np.zeros(values.shape, bool), float("nan")
    threshold = low + Histogram.of(looked_at).split() ** (1 / power)
    return _largest_filled(values > threshold), threshold


def time_mean(volume: Volume) -> NDArray[np.float32]:
    """Return the mean over time of a 4-D image, else its voxels; shape (slices, rows, columns)."""
    voxels = volume.voxels
    return np.asarray(voxels if voxels.ndim == 3 else voxels.mean(0, dtype=np.float64), np.float32)  # noqa: PLR2004


def _largest_filled(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import SimpleITK as sitk  # noqa: N813 - as its own documentation calls it

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # workers are processes
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(bright.astype(np.uint8))))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return _filled((sizes >= max(1.0, _LEAST_OF_LARGEST * float(sizes.max())))[parts])


def _filled(body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill what the body encloses in each slice, which is all that it encloses in space too."""
    from scipy.ndimage import label

    beside = np.zeros((3, 3, 3), bool)
    beside[1, 1, :] = beside[1, :, 1] = True  # neighbours in the slice alone
    parts, count = label(~body, structure=beside)
    is_outside = np.zeros(count + 1, bool)
    for edge in (parts[:, 0], parts[:, -1], parts[..., 0], parts[..., -1]):
        is_outside[edge.ravel()] = True
    return np.asarray(body | ~is_outside[parts])
