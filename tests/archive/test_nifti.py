"""NIfTI headers."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from dqkit.archive.nifti import is_nifti, read_nifti


def save(path: Path, *, known: bool = True) -> bytes:
    affine = np.diag([-2.0, 2.0, 3.0, 1.0])
    image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), affine if known else None)
    if not known:
        image.header.set_sform(None, 0)
        image.header.set_qform(None, 0)
    nibabel.save(image, path)
    return bytes(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_shape_affine_and_type_are_read(tmp_path: Path, suffix: str) -> None:
    header = read_nifti(save(tmp_path / f"a{suffix}"))
    assert header is not None
    assert header.shape == [4, 5, 6]
    assert header.affine == [-2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1]
    assert header.dtype == "int16"
    assert header.orientation_known


def test_an_affine_that_nobody_set_is_a_guess(tmp_path: Path) -> None:
    header = read_nifti(save(tmp_path / "a.nii", known=False))
    assert header is not None
    assert not header.orientation_known


@pytest.mark.parametrize("content", [b"\x1f\x8b", b"not a volume", bytes(400)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_what_nibabel_cannot_read_is_none(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    assert read_nifti(bytes(path)) is None


def test_an_absent_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        read_nifti(bytes(tmp_path / "absent.nii"))


def test_the_name_tells() -> None:
    assert is_nifti(b"a/B.NII.GZ")
    assert is_nifti(b"b.nii")
    assert not is_nifti(b"nii.dcm")
