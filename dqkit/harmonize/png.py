"""PNG files of images of one plane: grey of 8 or 16 bits, or RGB, with the size of a pixel; always the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dqkit.harmonize.files import write_whole
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.plane.pack import as_samples
from dqkit.harmonize.refusal import Reason, Refused

_MM_PER_INCH = 25.4
_LEVEL = 6


def write(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write an image of one plane as one file below `folder`; return its path.

    Raises
    ------
    Refused
        It has several slices, or values that PNG does not hold.
    OSError
        The disk is full or fails.
    """
    voxels = image.volume.voxels
    if voxels.ndim != 3 or len(voxels) != 1:  # noqa: PLR2004
        raise Refused(Reason.FORMAT, "PNG holds one slice")
    plane = as_samples(voxels)[0]
    if plane.dtype not in (np.uint8, np.uint16):
        raise Refused(Reason.FORMAT, f"PNG holds uint8 and uint16, not {plane.dtype.name}: set bit_depth")
    mm = image.volume.spacing_mm
    inches = (_MM_PER_INCH / float(mm[0]), _MM_PER_INCH / float(mm[1]))
    path = folder / f"{image.stem}.png"
    return [write_whole(path, lambda file: _fill(file, plane, inches))]


def _fill(file: BinaryIO, plane: np.ndarray[Any, Any], dots_per_inch: tuple[float, float]) -> None:
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(plane)).save(file, "PNG", compress_level=_LEVEL, dpi=dots_per_inch)
