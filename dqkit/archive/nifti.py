"""Headers of NIfTI-1 and -2 files, read with nibabel."""

import os
from dataclasses import dataclass

SUFFIXES = (b".nii", b".nii.gz")


@dataclass(frozen=True)
class NiftiHeader:
    """What a NIfTI file says of its image.

    Attributes
    ----------
    shape
        In the order of the file: i, j, k, then time and the like.
    affine
        4 x 4, row-major; voxel indices (i, j, k, 1) to mm in RAS+.
    orientation_known
        Whether sform_code or qform_code is above 0; else the affine is a guess.
    """

    shape: list[int]
    affine: list[float]
    dtype: str
    orientation_known: bool


def is_nifti(path: bytes) -> bool:
    """Tell from its name whether a file may be NIfTI."""
    return path.lower().endswith(SUFFIXES)


def read_nifti(path: bytes) -> NiftiHeader | None:
    """Read the header of a NIfTI file; None where nibabel cannot.

    Raises
    ------
    OSError
        The operating system could not read the file.
    """
    import nibabel

    try:
        image = nibabel.load(os.fsdecode(path))
        header = image.header
        codes = int(header["sform_code"]), int(header["qform_code"])
        return NiftiHeader(
            [int(n) for n in image.shape],
            [float(x) for x in image.affine.ravel()],
            str(header.get_data_dtype()),
            max(codes) > 0,
        )
    except FileNotFoundError:  # nibabel 5.4 raises one without errno
        raise
    except OSError as error:
        if error.errno is not None:
            raise
    except Exception:  # noqa: BLE001, S110  # whatever nibabel raises at damaged data
        pass
    return None
