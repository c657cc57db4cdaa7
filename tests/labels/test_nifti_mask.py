"""NIfTI masks: RAS on disk, LPS here; values are segments; what is no mask, or lies nowhere, is refused."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.labels.mask import extent_of
from dqkit.labels.nifti_mask import MOST_VALUES, read_nifti_mask
from dqkit.labels.refusal import LabelFault, LabelRefusedError
from dqkit.labels.resample import Target, nearest
from tests.labels.shapes import SPHERE, Ellipsoid, random_axes

AFFINE = np.array([[-1.0, 0, 0, 36], [0, -1.1, 0, 40], [0, 0, 1.5, -33], [0, 0, 0, 1.0]])


def written(folder: Path, voxels: Any, affine: np.ndarray = AFFINE, **forms: Any) -> bytes:
    image = nibabel.Nifti1Image(voxels, None)
    image.header.set_sform(affine, forms.get("s_code", 1))
    if "qform" in forms:
        image.header.set_qform(forms["qform"], 1)
    image.header.set_xyzt_units(forms.get("units", "mm"))
    path = folder / "mask.nii.gz"
    nibabel.save(image, path)
    return bytes(path)


def places(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """LPS places of the voxels (i, j, k)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    return np.asarray((index @ affine[:3, :3].T + affine[:3, 3]) * [-1, -1, 1])


@settings(max_examples=12)
@given(st.integers(0, 99), st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([-1, 1])] * 3))
def test_a_shape_is_where_it_was_drawn_whatever_the_axes(tmp_path_factory, seed, order, signs):
    shape = Ellipsoid((19.0, 15.0, 22.0), random_axes(seed))
    linear = (random_axes(seed + 7) @ np.diag([1.2, 1.3, 1.4]))[:, order] * signs
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = linear, -linear @ [23, 24, 22]
    voxels = (shape.holds(places((47, 49, 45), affine)) * 3).astype(np.uint8)
    masks = read_nifti_mask(written(tmp_path_factory.mktemp("n"), voxels, affine))
    assert [segment.number for segment in masks.segments] == [3]
    extent = extent_of(masks.segments[0].mask, masks.planes)
    assert extent.volume_mm3 == pytest.approx(shape.volume_mm3, rel=0.01)
    assert extent.centroid_mm == pytest.approx(shape.centre_mm, abs=0.15)


def test_on_the_grid_of_the_image_it_comes_back_voxel_by_voxel(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 4, (12, 13, 14), dtype=np.uint8)
    masks = read_nifti_mask(written(tmp_path, voxels))
    target = Target(np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE, (14, 13, 12))
    for segment in masks.segments:
        found = nearest(segment.mask, masks.planes, target).whole((14, 13, 12))
        assert (found == (voxels.transpose(2, 1, 0) == segment.number)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_each_value_is_a_segment(tmp_path, dtype):
    voxels = np.zeros((8, 9, 10), dtype=dtype)
    voxels[1:3, 2, 3], voxels[5, 5, 5:9] = 2, 120
    masks = read_nifti_mask(written(tmp_path, voxels))
    assert [(segment.number, segment.mask.count) for segment in masks.segments] == [(2, 2), (120, 4)]


def test_a_mask_of_one_slice_and_one_volume_of_four_axes_are_read(tmp_path):
    for shape in ((8, 9), (8, 9, 1), (8, 9, 5, 1)):
        assert read_nifti_mask(written(tmp_path, np.ones(shape, dtype=np.uint8))).segments[0].mask.count == np.prod(
            shape
        )


def test_metres_are_metres(tmp_path):
    metres = AFFINE.copy()
    metres[:3] /= 1000
    voxels = SPHERE.holds(places((72, 72, 46), AFFINE)).astype(np.uint8)
    masks = read_nifti_mask(written(tmp_path, voxels, metres, units="meter"))
    assert extent_of(masks.segments[0].mask, masks.planes).centroid_mm == pytest.approx(SPHERE.centre_mm, abs=0.1)


def test_two_transforms_that_disagree_are_told(tmp_path):
    other = AFFINE.copy()
    other[0, 3] += 5
    voxels = np.ones((8, 9, 10), dtype=np.uint8)
    assert read_nifti_mask(written(tmp_path, voxels, qform=other)).notes == {"sform_and_qform_differ_mm": 5.0}
    assert read_nifti_mask(written(tmp_path, voxels, qform=AFFINE)).notes == {}


@pytest.mark.parametrize(
    ("voxels", "fault"),
    [
        (np.full((4, 4, 4), 0.3, np.float32), LabelFault.NOT_A_MASK),
        (np.full((4, 4, 4), -1, np.int16), LabelFault.NOT_A_MASK),
        (np.full((4, 4, 4), np.nan, np.float32), LabelFault.NOT_A_MASK),
        (np.ones((4, 4, 4, 2), np.uint8), LabelFault.NOT_A_MASK),
        (np.zeros((4, 4, 4), np.uint8), LabelFault.EMPTY),
        (np.arange(2 * MOST_VALUES, dtype=np.int32).reshape(16, 16, -1), LabelFault.TOO_MANY),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path, voxels, fault):
    with pytest.raises(LabelRefusedError) as caught:
        read_nifti_mask(written(tmp_path, voxels))
    assert caught.value.fault == fault


def test_a_mask_that_says_not_where_it_lies_is_refused(tmp_path):
    with pytest.raises(LabelRefusedError) as caught:
        read_nifti_mask(written(tmp_path, np.ones((4, 4, 4), np.uint8), s_code=0))
    assert caught.value.fault == LabelFault.NO_GEOMETRY


def test_axes_that_are_not_at_right_angles_in_the_plane_are_refused(tmp_path):
    skewed = AFFINE.copy()
    skewed[1, 0] = 0.3
    with pytest.raises(LabelRefusedError) as caught:
        read_nifti_mask(written(tmp_path, np.ones((4, 4, 4), np.uint8), skewed))
    assert caught.value.fault == LabelFault.NOT_ORTHOGONAL


def test_a_broken_file_is_refused_and_a_missing_one_is_not_its_fault(tmp_path):
    (tmp_path / "broken.nii.gz").write_bytes(b"\x1f\x8b no gzip")
    with pytest.raises(LabelRefusedError) as caught:
        read_nifti_mask(bytes(tmp_path / "broken.nii.gz"))
    assert caught.value.fault == LabelFault.UNREADABLE
    with pytest.raises(FileNotFoundError):
        read_nifti_mask(bytes(tmp_path / "none.nii"))
