"""A volume: what it refuses, and that it keeps what was done to it."""

import numpy as np
import pytest

from dqkit.harmonize.volume import Volume

AFFINE = np.array([[0.0, 0.7, 0, -100], [0.5, 0, 0, 20], [0, 0, 3, -40], [0, 0, 0, 1]])


def volume() -> Volume:
    return Volume(np.zeros((4, 5, 6), np.float32), AFFINE, unit="HU", background=-1024)


def test_spacing_and_grid_follow_the_columns_of_the_affine() -> None:
    assert volume().spacing_mm == pytest.approx([0.5, 0.7, 3])
    assert volume().grid == (6, 5, 4)


def test_nifti_turns_two_axes() -> None:
    assert volume().affine_ras[:3, 3] == pytest.approx([100, -20, -40])


def test_steps_are_kept_with_the_affine_after_each() -> None:
    moved = AFFINE + np.eye(4)
    done = volume().after("rescale", parameters={"slope": 2}).after("shift", affine=moved, unit="")
    assert [step.name for step in done.steps] == ["rescale", "shift"]
    assert done.steps[0].affine == pytest.approx(AFFINE)
    assert done.steps[1].affine == pytest.approx(moved)
    assert (done.unit, done.background) == ("", -1024)


@pytest.mark.parametrize(
    ("shape", "affine"),
    [((4, 5), AFFINE), ((4, 5, 6), np.zeros((4, 4))), ((4, 5, 6), AFFINE * np.nan), ((4, 5, 6), np.eye(3))],
)
def test_what_has_no_place_is_no_volume(shape: tuple[int, ...], affine: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"volume|affine"):
        Volume(np.zeros(shape), affine)
