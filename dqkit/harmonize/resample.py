"""Resampling by SimpleITK: from any grid to any other in one interpolation, smoothed first where it gets coarser.

The Gaussian is sampled and applied by SciPy: SimpleITK's discrete one follows scale-space theory and leaves three
times as much of the finest stripes at the widths that are asked for here, its recursive one is made for wider ones,
and both take longer (docs/adr/0015-one-interpolation.md).

The image is handed over in index space, without spacing and direction, and one affine transform leads from the voxels
of the output to those of the image: a tilted stack needs no shear before it, whose directions SimpleITK cannot hold
(docs/adr/0015-one-interpolation.md).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.grid import Grid
from dqkit.harmonize.volume import Matrix, Volume

_FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian of standard deviation 1."""

_COARSER = 1.001
"""An axis whose step grows by less is not smoothed."""

_REACH = 4.0
"""Standard deviations at which the Gaussian is cut off."""


def resample(
    volume: Volume, grid: Grid, interpolator: str = "linear", *, antialias: bool = True, scratch: bool = False
) -> Volume:
    """Return a volume on another grid; what lies outside the image is its background.

    Parameters
    ----------
    volume
        Of three or four axes, its affine tilted or not.
    interpolator
        ``linear``, ``bspline`` or ``nearest``.
    antialias
        Smooth the axes that get coarser: a Gaussian whose width makes up the difference of the steps, taken as full
        widths at half maximum (Cardoso et al. 2015, doi:10.1007/978-3-319-24571-3_81).
    scratch
        The voxels of `volume` are not needed any more, and may be overwritten: a volume less in memory.
    """
    sigma = smoothing(Grid.of(volume), grid) if antialias and interpolator != "nearest" else (0.0, 0.0, 0.0)
    to_source = np.linalg.inv(volume.affine) @ grid.affine
    columns, rows, slices = grid.size
    frames = volume.voxels.reshape(-1, *volume.voxels.shape[-3:])
    out = np.empty((len(frames), slices, rows, columns), volume.voxels.dtype)
    for i, frame in enumerate(frames):
        smooth = _smoothed(frame, sigma, scratch=scratch)
        _fill(out[i], smooth, to_source, interpolator, volume.background)
    done = {
        "interpolator": interpolator,
        "sigma_voxels": [round(value, 6) for value in sigma],
        "size": list(grid.size),
        "background": volume.background,
    }
    voxels = out.reshape(*volume.voxels.shape[:-3], slices, rows, columns)
    return volume.after("resample", voxels=voxels, affine=grid.affine, parameters=done)


def smoothing(source: Grid, target: Grid) -> tuple[float, float, float]:
    """Return the standard deviations, in voxels of the source, that its axes are smoothed with before.

    An axis of one voxel is not smoothed. Of a tilted stack, steps along the slice normal count as such.
    """
    straight = source.affine[:3, :3].copy()
    normal = np.cross(straight[:, 0], straight[:, 1])
    normal /= np.linalg.norm(normal)
    straight[:, 2] = normal * (normal @ straight[:, 2])
    # How far the source is travelled along each of its axes by one step along each axis of the target
    steps = np.linalg.norm(np.linalg.inv(straight) @ target.affine[:3, :3], axis=1)
    sigma = [
        math.sqrt(step**2 - 1) / _FWHM if step > _COARSER and count > 1 else 0.0
        for step, count in zip(steps.tolist(), source.size, strict=True)
    ]
    return sigma[0], sigma[1], sigma[2]


def _fill(out: NDArray[Any], frame: NDArray[Any], to_source: Matrix, interpolator: str, background: float) -> None:
    import SimpleITK as sitk  # noqa: N813 - its own documentation's name

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # workers are processes
    image = sitk.GetImageFromArray(frame)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_source[:3, :3].ravel().tolist())
    transform.SetTranslation(to_source[:3, 3].tolist())
    kinds = {"linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline, "nearest": sitk.sitkNearestNeighbor}
    moved = sitk.Resample(
        image, list(out.shape[::-1]), transform, kinds[interpolator], (0.0, 0.0, 0.0), (1.0, 1.0, 1.0),
        np.eye(3).ravel().tolist(), background, image.GetPixelID(),
    )  # fmt: skip
    del image  # before the pages of `out` are touched: a volume less at the peak
    out[...] = sitk.GetArrayViewFromImage(moved)


def _smoothed(frame: NDArray[Any], sigma: tuple[float, float, float], *, scratch: bool) -> NDArray[Any]:
    """Return a volume (slices, rows, columns) smoothed by standard deviations along columns, rows and slices."""
    from scipy.ndimage import gaussian_filter1d

    smooth = frame
    for axis, width in zip((2, 1, 0), sigma, strict=True):
        if width:
            into = np.empty_like(frame) if smooth is frame and not scratch else smooth
            # Lines are read before they are written: SciPy's own filters of several axes rest on it, too
            gaussian_filter1d(smooth, width, axis=axis, mode="nearest", truncate=_REACH, output=into)
            smooth = into
    return smooth
