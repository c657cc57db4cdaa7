"""Directions are made exact or refused, and origins give the affine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.harmonize.placed import affine_of, directions, drift_mm, is_tilted, tilt_deg
from dqkit.harmonize.refusal import Reason, Refused
from tests.harmonize.solids import rotation

UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ANGLES = st.tuples(*[st.floats(-180, 180)] * 3)


@given(ANGLES, st.floats(-4e-4, 4e-4), st.floats(-4e-4, 4e-4))
def test_rounded_cosines_become_the_nearest_rotation(angles, a: float, b: float) -> None:
    turn = rotation(angles)
    told = turn[:, :2].T.ravel() + np.array([a, -b, 0, b, 0, a]) / 2
    axes = directions([told.tolist()])
    assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert np.abs(axes - turn).max() < 1e-3


@pytest.mark.parametrize(
    "cosines", [(1.0, 0.0, 0.0, 0.01, 1.0, 0.0), (1.1, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0,) * 6, (1, 0, 0, 1, 0, 0)]
)
def test_what_is_no_pair_of_perpendicular_unit_vectors_is_refused(cosines: tuple[float, ...]) -> None:
    with pytest.raises(Refused) as refused:
        directions([UPRIGHT, cosines])
    assert refused.value.reason is Reason.NOT_ORTHONORMAL


def test_cosines_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        directions([(np.nan,) * 6])
    assert refused.value.reason is Reason.NO_ORIENTATION


def test_row_spacing_goes_with_rows() -> None:
    """PixelSpacing is row spacing, then column spacing (PS3.3 10.7.1.3)."""
    affine = affine_of(np.eye(3), (0.5, 0.8), np.array([[1.0, 2, 3], [1, 2, 8]]), np.arange(2.0), 1.0)
    assert affine[:3, 0].tolist() == [0.8, 0, 0]
    assert affine[:3, 1].tolist() == [0, 0.5, 0]
    assert affine[:3, 2].tolist() == [0, 0, 5]
    assert affine[:3, 3].tolist() == [1, 2, 3]


def test_rounding_of_single_positions_does_not_add_up() -> None:
    exact = np.arange(200) * 0.7003
    origins = np.column_stack([np.zeros(200), np.zeros(200), exact.round(1)])
    affine = affine_of(np.eye(3), (1, 1), origins, np.arange(200.0), 1.0)
    last = affine @ [0, 0, 199, 1]
    assert abs(last[2] - exact[-1]) < 0.02


def test_missing_slices_do_not_widen_the_step() -> None:
    index = np.array([0.0, 1, 2, 6, 7])
    affine = affine_of(np.eye(3), (1, 1), np.column_stack([index * 0, index * 0, index * 2.5]), index, 1.0)
    assert affine[2, 2] == pytest.approx(2.5)


def test_a_lean_that_moves_no_corner_is_put_upright_and_a_larger_one_is_kept() -> None:
    for aside, tilted in ((0.04, False), (0.2, True)):
        origins = np.column_stack([np.zeros(11), np.linspace(-aside, aside, 11), np.arange(11) * 3.0])
        affine = affine_of(np.eye(3), (1, 1), origins, np.arange(11.0), 1.0)
        assert is_tilted(affine) is tilted
        if tilted:
            assert drift_mm(tilt_deg(affine), (0.0, 30.0)) == pytest.approx(aside)


def test_a_single_slice_is_as_thick_as_told() -> None:
    affine = affine_of(np.eye(3), (1, 1), np.array([[0.0, 0, 9]]), np.zeros(1), 4.5)
    assert affine[2].tolist() == [0, 0, 4.5, 9]
