"""Masks on another grid: what was marked stays where it is, whatever the grids look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.harmonize.grid import Grid as Grid3
from dqkit.harmonize.resample import resample
from dqkit.harmonize.volume import Volume
from dqkit.labels.mask import Mask, extent_of
from dqkit.labels.planes import Planes
from dqkit.labels.resample import Target, nearest, smoothed
from tests.dicom_exam import Grid
from tests.labels.shapes import SPHERE, Ellipsoid, centres, planes_of, random_axes

AXIAL = Grid(n=30, rows=50, columns=54, spacing_mm=(1.3, 1.2), step_mm=2.5)
OBLIQUE = np.array([[0.0, 0.7, 0.3, -30], [0.8, 0.1, 0, -28], [0.1, 0.2, 1.1, -40], [0, 0, 0, 1]])


def cube(spacing: float, half: float = 34.0, axes: np.ndarray | None = None) -> Target:
    count = int(2 * half / spacing) + 1
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if axes is None else axes) * spacing
    affine[:3, 3] = -(affine[:3, :3] @ np.full(3, (count - 1) / 2))
    return Target(affine, (count, count, count))


def drawn(planes: Planes, shape: Ellipsoid = SPHERE) -> Mask:
    return Mask.of(shape.holds(centres(planes)))


def by_definition(mask: Mask, planes: Planes, target: Target) -> np.ndarray:
    """The nearest plane, then the nearest pixel of it, voxel by voxel: slow and plain."""
    whole = mask.whole((planes.count, *planes.shape))
    found = np.zeros(target.shape, dtype=bool)
    for index in np.ndindex(*target.shape):
        place = target.affine[:3] @ [*index[::-1], 1.0]
        height = place @ planes.normal
        if not planes.edges_mm[0] <= height < planes.edges_mm[-1]:
            continue
        k = int(np.searchsorted(planes.edges_mm, height, side="right")) - 1
        column, row = np.floor(planes.in_plane(place, k) + 0.5).astype(int)
        if 0 <= row < planes.shape[0] and 0 <= column < planes.shape[1]:
            found[index] = whole[k, row, column]
    return found


@pytest.mark.parametrize("tilt", [0.0, 20.0])
def test_does_what_the_definition_says(tilt):
    planes = planes_of(Grid(n=7, rows=9, columns=8, spacing_mm=(4.1, 3.7), step_mm=6.3, tilt_deg=tilt, plane="oblique"))
    voxels = np.random.default_rng(5).random((7, 9, 8)) < 0.4
    voxels[0, 0, 0] = voxels[-1, -1, -1] = True  # labels at the very edge count to the edge of their voxel
    target = Target(OBLIQUE @ np.diag([4.0, 4.0, 4.0, 1.0]) @ _centred((11, 12, 10)), (11, 12, 10))
    mask = Mask.of(voxels)
    wanted = by_definition(mask, planes, target)
    assert wanted.sum() > 50
    assert (nearest(mask, planes, target).whole(target.shape) == wanted).all()


@pytest.mark.parametrize("tilt", [0.0, 20.0])
def test_labels_take_the_way_of_their_image(tilt):
    """SimpleITK brings a volume to the grid by one affine; the mask as such a volume gives the same."""
    planes = planes_of(Grid(9, 12, 11, (4.1, 3.7), 6.3, tilt_deg=tilt, plane="oblique"))
    mask = Mask.of(np.random.default_rng(6).random((9, 12, 11)) < 0.4)
    affine = np.eye(4)
    affine[:3] = np.stack([planes.row * 3.7, planes.column * 4.1, planes.origins_mm[1] - planes.origins_mm[0],
                           planes.origins_mm[0]], axis=1)  # fmt: skip
    target = Target(OBLIQUE @ np.diag([4.0, 4.0, 4.0, 1.0]) @ _centred((11, 12, 10)), (11, 12, 10))
    image = Volume(mask.whole((9, 12, 11)).astype(np.float32), affine)
    wanted = resample(image, Grid3(target.affine, target.shape[::-1]), "nearest").voxels > 0
    assert wanted.sum() > 50
    assert (nearest(mask, planes, target).whole(target.shape) == wanted).all()


def _centred(shape: tuple[int, int, int]) -> np.ndarray:
    move = np.eye(4)
    move[:3, 3] = -(np.array(shape[::-1]) - 1) / 2 + [10.0, 12.0, 8.0]
    return move


def test_the_same_grid_changes_nothing():
    planes = planes_of(AXIAL)
    affine = np.eye(4)
    affine[:3] = np.stack([planes.row * 1.2, planes.column * 1.3, planes.normal * 2.5, planes.origins_mm[0]], axis=1)
    mask = drawn(planes)
    same = nearest(mask, planes, Target(affine, (30, 50, 54)))
    assert same.start == mask.start
    assert (same.voxels == mask.voxels).all()


def test_turned_axes_move_no_label():
    planes = planes_of(AXIAL)
    affine = np.array([[0, 0, -1.2, 0], [-1.3, 0, 0, 0], [0, 2.5, 0, 0], [0, 0, 0, 1.0]])
    affine[:3, 3] = planes.origins_mm[0] + [1.2 * 53, 1.3 * 49, 0]
    turned = nearest(drawn(planes), planes, Target(affine, (54, 30, 50)))
    assert (turned.whole((54, 30, 50))[::-1, :, ::-1].transpose(1, 2, 0) == drawn(planes).whole((30, 50, 54))).all()


@pytest.mark.parametrize("how", ["nearest", "gaussian"])
@pytest.mark.parametrize("spacing", [1.0, 3.0])
@pytest.mark.parametrize("tilt", [0.0, 18.5])
def test_a_sphere_keeps_its_volume_and_its_place(how, spacing, tilt):
    planes = planes_of(Grid(30, 50, 54, (1.3, 1.2), 2.5, tilt_deg=tilt))
    target = cube(spacing)
    mask = drawn(planes)
    moved = nearest(mask, planes, target) if how == "nearest" else smoothed([mask], planes, target)[0]
    extent = extent_of(moved, target.planes)
    # At 3 mm some 1,200 voxels are left: which of the rim count is chance, a Gaussian rounds the sphere off besides
    assert extent.volume_mm3 == pytest.approx(
        SPHERE.volume_mm3, rel=0.03 if spacing > 1 else 0.01 if how == "nearest" else 0.015
    )
    assert np.abs(np.subtract(extent.centroid_mm, SPHERE.centre_mm)).max() < spacing / 2


@settings(max_examples=20)
@given(st.integers(0, 99), st.floats(0.8, 2.5), st.floats(-25, 25), st.sampled_from(["axial", "sagittal", "oblique"]))
def test_ellipsoids_keep_volume_and_place_on_any_grid(seed, spacing, tilt, plane):
    shape = Ellipsoid((21.0, 15.0, 17.0), random_axes(seed))
    planes = planes_of(Grid(30, 50, 54, (1.3, 1.2), 2.0, tilt_deg=tilt, plane=plane))
    target = cube(spacing, axes=random_axes(seed + 1))
    extent = extent_of(nearest(drawn(planes, shape), planes, target), target.planes)
    assert extent.volume_mm3 == pytest.approx(shape.volume_mm3, rel=0.02)
    assert np.abs(np.subtract(extent.centroid_mm, shape.centre_mm)).max() < spacing / 2


def test_under_a_tilt_labels_stay_where_the_slices_show_them():
    """A voxel is found at its place in the patient, not where an upright stack would have it."""
    planes = planes_of(Grid(20, 40, 40, (1.0, 1.0), 5.0, tilt_deg=25.0))
    voxels = np.zeros((20, 40, 40), dtype=bool)
    voxels[15, 20, 20] = True
    target = cube(1.0, half=60.0)
    found = nearest(Mask.of(voxels), planes, target)
    centre = np.array(extent_of(found, target.planes).centroid_mm)
    wanted = planes.points_mm(np.array([15]), np.array([20.0]), np.array([20.0]))[0]
    assert np.abs(centre - wanted).max() < 0.6
    upright = Planes(planes.origins_mm[0] + np.outer(planes.heights_mm - planes.heights_mm[0], planes.normal),
                     planes.row, planes.column, planes.spacing_mm, planes.shape, planes.step_mm)  # fmt: skip
    assert np.linalg.norm(upright.origins_mm[15] - planes.origins_mm[15]) > 30


def test_what_lies_outside_the_target_is_gone():
    planes = planes_of(AXIAL)
    far = cube(1.0, half=5.0)
    far.affine[:3, 3] += 500
    assert nearest(drawn(planes), planes, far).count == 0
    assert smoothed([drawn(planes)], planes, far)[0].count == 0
    assert nearest(Mask.of(np.zeros((30, 50, 54), dtype=bool)), planes, cube(2.0)).count == 0


def test_smoothing_gives_each_voxel_to_the_largest_share():
    planes = planes_of(AXIAL)
    places = centres(planes)
    left, right = (Mask.of(SPHERE.holds(places) & side) for side in (places[..., 0] < 1.3, places[..., 0] >= 1.3))
    halves = smoothed([left, right], planes, cube(2.0))
    assert not halves[0].touches(halves[1])
    whole = sum(extent_of(half, cube(2.0).planes).volume_mm3 for half in halves)
    assert whole == pytest.approx(SPHERE.volume_mm3, rel=0.02)
    with pytest.raises(ValueError, match="share"):
        smoothed([left, left], planes, cube(2.0))


def test_smoothing_follows_a_slope_that_nearest_makes_stairs_of():
    """On slices of 5 mm a cone has steps; between them the smoothed label grades, the nearest one does not."""
    planes = planes_of(Grid(12, 40, 40, (1.0, 1.0), 5.0))
    shape = Ellipsoid((16.0, 16.0, 24.0), centre_mm=(0.0, 0.0, 0.0))
    target, wanted = cube(1.0), shape.holds(centres(cube(1.0).planes))
    wrong = [
        int((moved.whole(target.shape) != wanted).sum())
        for moved in (
            nearest(drawn(planes, shape), planes, target),
            smoothed([drawn(planes, shape)], planes, target)[0],
        )
    ]
    assert wrong[1] < 0.75 * wrong[0]
