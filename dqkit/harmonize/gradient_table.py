"""Tables of diffusion gradients beside a NIfTI file, as FSL wants them: ``<stem>.bval`` and ``<stem>.bvec``.

A vector stands along the voxel axes of the very file that is written. FSL turns the first axis over where the affine
has a positive determinant, and vectors with it (FSL, "What conventions do the bvecs use?"; BIDS specification, pull
request 1811).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.diffusion import LOW_B, Gradient, gradient_of
from dqkit.harmonize.files import write_whole
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.nifti import is_orthogonal
from dqkit.harmonize.source import SourceSlice
from dqkit.harmonize.volume import Matrix

_DECIMALS = 8
"""Of a component: 1e-6 degrees."""


@dataclass(frozen=True)
class GradientTable:
    """The weighting of each volume of an image.

    Attributes
    ----------
    b
        s/mm2, one a volume.
    vectors
        Shape (3, volumes), as FSL wants them, 0 where a volume is not weighted; None where one that is has no known
        direction.
    """

    b: tuple[float, ...]
    vectors: NDArray[np.float64] | None


def gradient_table(image: HarmonizedImage, warn: Callable[[str], None]) -> GradientTable | None:
    """Return the table of an image; None where no volume is weighted, or where it cannot be told which is how.

    Parameters
    ----------
    warn
        Takes sentences for the manifest.

    Raises
    ------
    OSError
        A file cannot be read, which says nothing about the data.
    """
    volumes = [[one for one in image.sources if one.time == t] for t in range(max(1, len(image.times)))]
    found = [gradient_of(slices[0]) for slices in volumes]
    gradients = [one for one in found if one]
    if not any(one.b > LOW_B for one in gradients):
        return None
    if not _is_certain(image.times, volumes, found, warn):
        return None
    b = tuple(one.b for one in gradients)
    if any(one.b > LOW_B and one.direction is None for one in gradients):
        warn("b-values without gradient directions: a volume is weighted in no single known direction")
        return GradientTable(b, None)
    if not is_orthogonal(image.volume):
        warn("b-values without gradient directions: the axes of the image are sheared")
        return GradientTable(b, None)
    directions = np.array([one.direction or (0.0, 0.0, 0.0) for one in gradients])
    return GradientTable(b, along_axes(directions, image.volume.affine))


def along_axes(directions: NDArray[np.float64], affine: Matrix) -> NDArray[np.float64]:
    """Return vectors in the patient (n, 3) as FSL wants them (3, n), of an image of perpendicular axes.

    Vectors and affine are in the same space: LPS and RAS have the same handedness.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    vectors: NDArray[np.float64] = axes.T @ directions.T
    if np.linalg.det(axes) > 0:
        vectors[0] *= -1
    return vectors


def write_gradient_table(table: GradientTable, image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write a table below `folder`; return the paths of its files.

    Raises
    ------
    OSError
        The disk is full or fails.
    """
    lines = {"bval": [table.b], "bvec": [] if table.vectors is None else table.vectors.tolist()}
    return [_written(folder / f"{image.stem}.{ending}", rows) for ending, rows in lines.items() if rows]


def _written(path: Path, rows: Iterable[Sequence[float]]) -> Path:
    text = "".join(" ".join(_plain(number) for number in row) + "\n" for row in rows)
    return write_whole(path, lambda file: file.write(text.encode()))


def _plain(number: float) -> str:
    return np.format_float_positional(round(number, _DECIMALS) + 0.0, trim="-")


def _is_certain(
    times: Sequence[Mapping[str, str]],
    volumes: Sequence[Sequence[SourceSlice]],
    found: Sequence[Gradient | None],
    warn: Callable[[str], None],
) -> bool:
    """Tell whether the volumes were weighted as `found` says and differ in nothing else."""
    if any(len({time.get(name) for time in times}) > 1 for name in ("EchoTime", "EchoNumbers")):
        warn("no table of diffusion gradients: volumes differ in their echo too")
    elif not all(one is not None for one in found):
        warn("no table of diffusion gradients: a volume does not say how it was weighted")
    elif not all(_agree(slices) for slices in volumes):
        warn("no table of diffusion gradients: slices of one volume say different b-values or directions")
    else:
        return True
    return False


def _agree(slices: Sequence[SourceSlice]) -> bool:
    """Tell whether all slices of a volume were weighted alike; those of one mosaic are asked once."""
    asked = {(one.path, one.frame): one for one in slices}
    first, *others = (gradient_of(one) for one in asked.values())
    return first is not None and all(other is not None and first.is_like(other) for other in others)
