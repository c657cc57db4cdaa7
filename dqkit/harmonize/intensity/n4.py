"""``n4``: a smooth bias field is estimated on a coarse copy and taken out of the image at full resolution.

Tustison et al. 2010, IEEE Trans. Med. Imaging 29:1310-1320, as ITK carries it out.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.intensity.foreground import Mask, mask_of, read_mask, time_mean
from dqkit.harmonize.intensity.meaning import read_on_hu, refuse_hu
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

    from dqkit.harmonize.steps import StepContext

ITERATIONS = (30, 20, 10, 5)
"""On phantoms closer to the truth than ITK's 50 on each of four levels, in a third of the time (docs/intensity.md)."""

_LEAST_SIDE = 8
"""Voxels along an axis of the coarse copy. House style."""


def read(section: Section) -> Mapping[str, Any]:
    """Read ``shrink``, ``iterations`` (a number for each level), ``convergence``, ``control_points`` and ``mask``."""
    params = {
        "shrink": _whole(section, "shrink", 4, 1, 16),
        "iterations": _iterations(section),
        "convergence": section.number("convergence", 0.001),
        "control_points": _whole(section, "control_points", 4, 4, 32),
        "mask": read_mask(section),
        "on_hu": read_on_hu(section),
    }
    section.finish()
    return params


def _whole(section: Section, key: str, default: int, least: int, most: int) -> int:
    number = section.number(key, default)
    if number is None or number != int(number) or not least <= number <= most:
        raise section.error(f"asks for a whole number {key!r} from {least} to {most}")
    return int(number)


def _iterations(section: Section) -> list[int]:
    node = section.take("iterations")
    items = list(ITERATIONS) if node is None else node.plain()
    whole = isinstance(items, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in items)
    if not whole or not 1 <= len(items) <= 8 or not all(1 <= one <= 1000 for one in items):  # noqa: PLR2004
        raise section.error("asks for 'iterations' as a list of 1 to 8 whole numbers", "a number for each level")
    return list(items)


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:
    """Divide by the bias field; of 4-D images it is estimated on the mean over time.

    Raises
    ------
    Refused
        The image is in Hounsfield units and the recipe does not say that they may go, or holds no positive signal.
    """
    refuse_hu(volume, "n4", params)
    mask = mask_of(volume, params["mask"], context)
    seen = time_mean(volume)
    inside = mask.voxels & np.isfinite(seen) & (seen > 0)
    if np.count_nonzero(inside) < np.count_nonzero(mask.voxels) / 2:
        raise Refused(Reason.INTENSITY, "half of the mask or more is not above zero: n4 works on the logarithm")
    bias, factors = bias_field(seen, inside, volume.spacing_mm, params)
    inner = bias[inside]
    record = {
        **params,
        "mask": mask.record,
        "shrink_factors": list(factors),
        "bias_min": float(inner.min()),
        "bias_max": float(inner.max()),
        "variation_before": _variation(seen, mask),
        "variation_after": _variation(seen / bias, mask),
    }
    return volume.after("n4", voxels=np.asarray(volume.voxels / bias, np.float32), parameters=record)


def _variation(values: NDArray[np.float32], mask: Mask) -> float:
    """Return the standard deviation over the mean inside a mask."""
    inner = values[mask.voxels]
    mean = float(inner.mean(dtype=np.float64))
    return float(inner.std(dtype=np.float64)) / mean if mean else float("inf")


def bias_field(
    values: NDArray[np.float32], inside: NDArray[np.bool_], spacing_mm: NDArray[np.float64], params: Mapping[str, Any]
) -> tuple[NDArray[np.float32], Sequence[int]]:
    """Estimate the bias field of an image.

    Parameters
    ----------
    values, inside
        Shape (slices, rows, columns), or (rows, columns); where `inside` is true the values are above zero.
    spacing_mm
        Of columns, rows and slices, shape (3,).

    Returns
    -------
    tuple
        The field, shape and grid of the image, geometric mean 1 where `inside`; and by how much each axis of the coarse
        copy was shrunk.
    """
    import SimpleITK as sitk  # noqa: N813

    if len(values) == 1:  # the spline of a single slice is one of two dimensions
        plane, factors = bias_field(values[0], inside[0], spacing_mm[:2], params)
        return plane[None], [*factors, 1]
    whole = _image(sitk, values.astype(np.float32), spacing_mm)
    factors = shrink_factors(params["shrink"], spacing_mm, whole.GetSize())
    coarse = sitk.BinShrink(whole, list(factors))
    # A coarse voxel counts where most of the voxels that it is the mean of do
    share = sitk.BinShrink(_image(sitk, inside.astype(np.float32), spacing_mm), list(factors))
    mask = sitk.Cast(sitk.And(share > 0.5, coarse > 0), sitk.sitkUInt8)  # noqa: PLR2004
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetNumberOfThreads(1)  # sums over threads differ in their last digits from machine to machine
    corrector.SetMaximumNumberOfIterations(params["iterations"])
    corrector.SetConvergenceThreshold(params["convergence"])
    corrector.SetNumberOfControlPoints(params["control_points"])
    try:
        corrector.Execute(coarse, mask)
    except RuntimeError as error:
        raise Refused(Reason.INTENSITY, "n4 cannot fit a field to an image so small") from error
    log_bias = sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(whole))
    # n4 leaves the level of the field open: with a geometric mean of 1 the image stays as bright as it was
    log_bias -= np.float32(log_bias[inside].mean(dtype=np.float64))
    return np.exp(log_bias, dtype=np.float32), factors


def shrink_factors(shrink: int, spacing_mm: Sequence[float] | NDArray[np.float64], size: Sequence[int]) -> list[int]:
    """Return how many voxels become one along each axis: `shrink` along the finest, fewer along coarser ones."""
    finest = min(spacing_mm)
    wanted = [max(1, round(shrink * finest / step)) for step in spacing_mm]
    return [min(factor, max(1, count // _LEAST_SIDE)) for factor, count in zip(wanted, size, strict=True)]


def _image(sitk: Any, values: NDArray[np.float32], spacing_mm: NDArray[np.float64]) -> "sitk.Image":
    """Return an image whose axes are those of the array: where it lies in the patient does not matter here."""
    image = sitk.GetImageFromArray(values)
    image.SetSpacing([float(step) for step in spacing_mm])
    return image
