"""Grids, resampling, labels and depth: places stay, nothing is aliased, nothing wraps around."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.harmonize.depth import to_depth
from dqkit.harmonize.grid import Grid
from dqkit.harmonize.load import check_room
from dqkit.harmonize.made_of import contributions
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.resample import resample, smoothing
from dqkit.harmonize.target import at_spacing, straight, target_grid, turned
from dqkit.harmonize.volume import Matrix, Volume
from tests.harmonize.solids import recipe, rotation

FEW = settings(max_examples=25)
ANGLES = st.tuples(*[st.floats(-180, 180)] * 3)
AXES = st.permutations(["LR", "AP", "SI"]).flatmap(
    lambda pairs: st.tuples(*(st.sampled_from(list(pair)) for pair in pairs)).map("".join)
)


def affine(angles=(0, 0, 0), spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)) -> Matrix:
    made = np.eye(4)
    made[:3, :3] = rotation(angles) * spacing
    made[:3, 3] = origin
    return made


def ramp(shape=(6, 7, 8), at: Matrix | None = None) -> Volume:
    """Return a volume whose values are a linear function of the place, which any linear interpolation keeps."""
    at = affine(spacing=(2, 3, 4)) if at is None else at
    k, j, i = np.indices(shape)
    place = np.stack([i, j, k, np.ones_like(i)], -1) @ at.T
    return Volume((place[..., :3] @ [1.0, 2.0, 3.0]).astype(np.float32), at, background=-999.0)


@FEW
@given(ANGLES, AXES)
def test_turning_axes_moves_no_voxel(angles, axes: str) -> None:
    volume = ramp(at=affine(angles, (2, 3, 4), (5, 6, 7)))
    done = turned(volume, axes)
    assert sorted(done.grid) == sorted(volume.grid)
    for index in [(0, 0, 0), (3, 2, 1), (5, 4, 3)]:
        column, row, slice_ = np.minimum(index, np.array(done.grid) - 1)
        place = done.affine @ [column, row, slice_, 1]
        assert done.voxels[slice_, row, column] == pytest.approx(place[:3] @ [1.0, 2.0, 3.0], abs=1e-3)


@FEW
@given(AXES)
def test_axes_count_to_where_the_recipe_says(axes: str) -> None:
    done = turned(ramp(), axes)
    signs = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
    for j, letter in enumerate(axes):
        patient, sign = signs[letter]
        assert done.affine[patient, j] * sign > 0


@FEW
@given(ANGLES, st.tuples(*[st.floats(0.4, 6)] * 3))
def test_another_spacing_keeps_the_middle_and_covers_the_field(angles, spacing) -> None:
    before = Grid(affine(angles, (2, 3, 4), (5, 6, 7)), (20, 15, 9))
    after = at_spacing(before, spacing)
    assert after.spacing_mm == pytest.approx(spacing)
    assert after.corners_mm.mean(axis=0) == pytest.approx(before.corners_mm.mean(axis=0), abs=1e-9)
    fields = np.array(after.size) * after.spacing_mm, np.array(before.size) * before.spacing_mm
    assert (fields[0] >= fields[1] - 0.01).all()
    assert (fields[0] < fields[1] + after.spacing_mm).all()


def test_a_single_slice_stays_single() -> None:
    assert at_spacing(Grid(affine(spacing=(2, 2, 5)), (10, 10, 1)), (1, 1, 1)).size == (20, 20, 1)


@FEW
@given(st.floats(-40, 40), ANGLES)
def test_a_straight_grid_holds_every_voxel_of_a_tilted_one(tilt: float, angles) -> None:
    leaning = affine(angles, (0.9, 0.8, 4))
    leaning[:3, 2] += leaning[:3, 1] / 0.8 * 4 * np.tan(np.radians(tilt))
    before = Grid(leaning, (20, 16, 10))
    after = straight(before)
    index = np.column_stack([before.corners_mm, np.ones(8)]) @ np.linalg.inv(after.affine).T
    assert (index[:, :3] >= -0.01).all()
    assert (index[:, :3] <= np.array(after.size) - 0.99).all()
    assert abs(np.linalg.det(after.affine)) == pytest.approx(abs(np.linalg.det(before.affine)))
    assert after.size[1] < 16 + abs(np.tan(np.radians(tilt))) * 4 * 9 / 0.8 + 2


@FEW
@given(ANGLES, st.floats(-15, 15))
def test_the_grid_of_the_patient_holds_every_voxel(angles, shift: float) -> None:
    before = Grid(affine(angles, (1, 2, 3), (shift, 0, 0)), (12, 9, 7))
    after = target_grid(before, recipe(orientation={"align": "patient"}))
    axes = after.affine[:3, :3] / after.spacing_mm
    assert sorted(np.abs(axes).ravel().tolist()) == pytest.approx([0] * 6 + [1] * 3)
    index = np.column_stack([before.corners_mm, np.ones(8)]) @ np.linalg.inv(after.affine).T
    assert (index[:, :3] >= -0.51).all()
    assert (index[:, :3] <= np.array(after.size) - 0.49).all()


@FEW
@given(ANGLES)
def test_linear_interpolation_keeps_a_linear_image(angles) -> None:
    volume = ramp((10, 11, 12), affine(angles, (2, 3, 4)))
    grid = at_spacing(Grid.of(volume), (1.3, 1.3, 1.3))
    moved = resample(volume, grid)
    k, j, i = 11, 9, 7
    place = grid.affine @ [i, j, k, 1]
    assert moved.voxels[k, j, i] == pytest.approx(place[:3] @ [1.0, 2.0, 3.0], abs=0.02)


def test_what_lies_outside_is_background() -> None:
    volume = ramp((4, 4, 4), affine())
    moved = resample(volume, Grid(affine(origin=(-3, 0, 0)), (10, 4, 4)))
    assert (moved.voxels[..., :2] == -999).all()
    assert (moved.voxels[..., 3:7] != -999).all()


def test_only_axes_that_get_coarser_are_smoothed() -> None:
    """Cardoso et al. 2015: the variance is (k^2 - 1) / (8 ln 2), k = new / old spacing."""
    sigma = smoothing(Grid(affine(spacing=(1, 1, 5)), (50, 50, 20)), Grid(affine(spacing=(2, 1, 2)), (25, 50, 50)))
    assert sigma == pytest.approx((np.sqrt(3 / (8 * np.log(2))), 0, 0))


def test_the_lean_of_a_tilted_stack_is_no_reason_to_smooth() -> None:
    leaning = affine(spacing=(0.5, 0.5, 5))
    leaning[1, 2] = 5 * np.tan(np.radians(20))
    grid = Grid(leaning, (50, 50, 20))
    assert smoothing(grid, straight(grid)) == (0, 0, 0)


def test_fine_stripes_do_not_come_out_as_coarse_ones() -> None:
    stripes = np.tile(np.array([0, 100], np.float32), 60)
    volume = Volume(np.broadcast_to(stripes, (4, 8, 120)).copy(), affine())
    grid = at_spacing(Grid.of(volume), (2.1, 1, 1))
    smooth, raw = (resample(volume, grid, antialias=on).voxels[2, 4, 3:-3] for on in (True, False))
    assert np.ptp(smooth) < 10
    assert np.ptp(raw) > 60


def test_overwriting_the_source_changes_no_result() -> None:
    volume = Volume(np.random.default_rng(3).normal(size=(9, 10, 11)).astype(np.float32), affine())
    grid = at_spacing(Grid.of(volume), (2.5, 2, 3))
    kept = resample(volume, grid).voxels
    assert np.array_equal(resample(volume, grid, scratch=True).voxels, kept)


def test_each_slice_says_what_it_was_made_of() -> None:
    before = Grid(affine(spacing=(1, 1, 3)), (8, 8, 5))
    told = contributions(before, Grid(affine(spacing=(1, 1, 1.5)), (8, 8, 9)), 0.0, np.eye(5))
    assert [[(one.source, one.weight) for one in slice_] for slice_ in told[:3]] == [
        [(0, 1.0)],
        [(0, 0.5), (1, 0.5)],
        [(1, 1.0)],
    ]
    assert all(sum(one.weight for one in slice_) == pytest.approx(1, abs=1e-3) for slice_ in told)


def test_an_oblique_slice_is_made_of_all_that_it_crosses() -> None:
    before = Grid(affine(), (20, 20, 20))
    across = Grid(affine((90, 0, 0), origin=(0, 10, 0)), (20, 20, 1))
    (told,) = contributions(before, across, 0.0, np.eye(20))
    assert len(told) >= 15


def test_a_slice_outside_is_made_of_nothing() -> None:
    before = Grid(affine(), (4, 4, 4))
    assert contributions(before, Grid(affine(origin=(0, 0, 50)), (4, 4, 1)), 0.0, np.eye(4)) == ((),)


def depth(values: list[float], name: str, *, is_whole: bool = False) -> Volume:
    return to_depth(Volume(np.array(values, np.float32).reshape(1, 1, -1), affine()), name, is_whole=is_whole)


def test_values_are_rounded_not_cut() -> None:
    assert depth([-1.6, -0.4, 0.6, 2.5], "int16").voxels.ravel().tolist() == [-2, 0, 1, 2]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([40000.0], "int16"),
        ([-0.6], "uint16"),
        ([255.6], "uint8"),
        ([float("nan")], "int16"),
        ([float("inf")], "int32"),
    ],
)
def test_what_does_not_fit_is_refused(values: list[float], name: str) -> None:
    with pytest.raises(Refused) as refused:
        depth(values, name)
    assert refused.value.reason is Reason.OVERFLOW


@pytest.mark.parametrize(
    ("values", "is_whole", "name"),
    [
        ([-5, 32767], True, "int16"),
        ([0, 65535], True, "uint16"),
        ([-1, 65535], True, "int32"),
        ([0.5], False, "float32"),
        ([1e12], True, "float32"),
    ],
)
def test_auto_is_the_smallest_type_that_loses_nothing(values: list[float], is_whole: bool, name: str) -> None:
    assert depth(values, "auto", is_whole=is_whole).voxels.dtype == name


def test_an_image_that_no_memory_holds_is_not_begun() -> None:
    with pytest.raises(Refused) as refused:
        check_room(2.0**40)
    assert refused.value.reason is Reason.TOO_LARGE


def test_an_image_that_this_memory_does_not_hold_is_our_problem_not_the_datas(monkeypatch) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__)
    with pytest.raises(MemoryError):
        check_room(2_000_000)
    check_room(1_000_000)
