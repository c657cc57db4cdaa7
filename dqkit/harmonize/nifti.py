"""NIfTI-1 files: RAS, mm (and s, where a time is known), sform and qform alike, the same bytes for the same image.

The header is laid out by nibabel; the voxels go to isal's gzip in one piece (docs/benchmarks.md: zlib takes longer
than all the rest together).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dqkit.harmonize.files import write_whole
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.series_of_volumes import time_step_s
from dqkit.harmonize.volume import Volume

_SCANNER = 1
"""NIFTI_XFORM_SCANNER_ANAT: the affine leads to the scanner's coordinates."""

_MOST_VOXELS = 32_767
"""Along an axis: NIfTI-1 counts them in 16 bits."""

_XYZ = 3

_OFFSET = 352
"""Header, and four bytes that say that no extension follows."""

ORTHOGONAL = 1e-4
"""Largest cosine between two axes that a quaternion still holds: 0.006 degrees, 3 um over 30 mm. House style."""


def write(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write an image as one file below `folder`; return its path.

    Raises
    ------
    Refused
        It has more voxels along an axis than NIfTI-1 can count.
    OSError
        The disk is full or fails.
    """
    level = image.recipe.output.compression
    path = folder / f"{image.stem}.nii{'.gz' if level else ''}"
    head = header_of(image.volume, time_step_s(image.series, image.times))
    return [write_whole(path, lambda file: _fill(file, head, image.volume, level))]


def header_of(volume: Volume, step_s: float | None = None) -> bytes:
    """Return the 352 bytes in front of the voxels; `step_s` is the time from one volume to the next."""
    import nibabel

    header = nibabel.Nifti1Header(endianness="<")
    shape = (*volume.grid, *volume.voxels.shape[:-3])
    if max(shape) > _MOST_VOXELS:
        raise Refused(Reason.TOO_LARGE, f"NIfTI-1 counts {_MOST_VOXELS} voxels along an axis, here are {max(shape)}")
    header.set_data_dtype(volume.voxels.dtype)
    header.set_data_shape(shape)
    # Of a step that is not known 1 stands there, for readers stumble over 0; but not 1 s
    header.set_xyzt_units("mm", "sec" if step_s or len(shape) == _XYZ else "unknown")
    header.set_sform(volume.affine_ras, _SCANNER)
    header.set_qform(volume.affine_ras, _SCANNER if is_orthogonal(volume) else 0, strip_shears=True)
    header.set_slope_inter(1, 0)
    if step_s:
        header["pixdim"][4] = step_s
    header["vox_offset"] = _OFFSET
    header["descrip"] = b"dqkit"
    return bytes(header.binaryblock) + b"\0\0\0\0"


def is_orthogonal(volume: Volume) -> bool:
    """Tell whether the axes of the affine are perpendicular, so that a quaternion can hold them."""
    axes = volume.affine[:3, :3] / volume.spacing_mm
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() <= ORTHOGONAL)


def _fill(file: BinaryIO, head: bytes, volume: Volume, level: int) -> None:
    # Index (slice, row, column) in C order is (column, row, slice) in NIfTI's Fortran order
    voxels = np.ascontiguousarray(volume.voxels, volume.voxels.dtype.newbyteorder("<"))
    data: Any = voxels.view(np.uint8).data.cast("B")  # as bytes first: voxels of colour have no format of one letter
    if not level:
        file.write(head)
        file.write(data)
        return
    from isal import igzip

    # No time and no name in the header of the stream: the same image gives the same bytes
    with igzip.IGzipFile(filename="", mode="wb", compresslevel=level, fileobj=file, mtime=0) as packed:
        packed.write(head)
        packed.write(data)
