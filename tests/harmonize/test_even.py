"""Copies, gaps and uneven steps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.harmonize.even import even_runs, even_volume, is_even, without_copies
from dqkit.harmonize.load import Slices, load_stack
from dqkit.harmonize.refusal import Reason, Refused
from tests.harmonize.solids import Scan, recipe, scanned, sphere


def slices(folder: Path, *places: float) -> Slices:
    """Return slices whose values are their positions, so that linear interpolation shows."""
    stack = scanned(folder, lambda points: points[..., 2] / 1000, Scan((4, 4), places=places))
    return load_stack(stack, recipe())


def test_an_even_stack_is_as_it_is(tmp_path: Path) -> None:
    even = even_volume(slices(tmp_path, 0, 3, 6, 9), interpolate=False)
    assert np.array_equal(even.weights, np.eye(4))
    assert even.volume.affine[2, 2] == pytest.approx(3)


def test_an_uneven_stack_is_refused_unless_it_may_be_interpolated(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        even_volume(slices(tmp_path, 0, 3, 6, 12), interpolate=False)
    assert refused.value.reason is Reason.IRREGULAR


def test_what_lies_on_the_even_grid_is_not_touched(tmp_path: Path) -> None:
    found = slices(tmp_path, 0, 3, 6, 12, 15)
    even = even_volume(found, interpolate=True)
    assert [int(row.max()) for row in even.weights] == [1, 1, 1, 0, 1, 1]
    assert even.weights[3].tolist() == [0, 0, 0.5, 0.5, 0]
    assert np.array_equal(even.volume.voxels[4], found.voxels[3])
    assert even.volume.voxels[3] == pytest.approx((found.voxels[2] + found.voxels[3]) / 2)


def test_the_smallest_step_leads_so_that_no_slice_is_lost(tmp_path: Path) -> None:
    even = even_volume(slices(tmp_path, 0, 1, 2, 3, 5, 7, 9), interpolate=True)
    assert even.volume.voxels.shape[0] == 10
    assert even.volume.affine[2, 2] == pytest.approx(1)


def test_one_slip_does_not_multiply_the_slices(tmp_path: Path) -> None:
    even = even_volume(slices(tmp_path, 0, 3, 3.2, 6, 9, 12), interpolate=True)
    assert even.volume.voxels.shape[0] == 5


@given(st.lists(st.floats(0.8, 4.0), min_size=1, max_size=12))
def test_weights_sum_to_one_and_runs_cover_every_slice_once(steps: list[float]) -> None:
    places = np.cumsum([0.0, *steps])
    runs = even_runs(places.tolist())
    assert [i for low, high in runs for i in range(low, high)] == list(range(places.size))
    assert all(is_even(places[low:high]) for low, high in runs)


def test_copies_count_once(tmp_path: Path) -> None:
    found = slices(tmp_path, 0, 3, 6)
    doubled = found.take([0, 1, 1, 2])
    assert without_copies(doubled).voxels.shape[0] == 3
    assert without_copies(found) is found


def test_a_copy_that_differs_in_one_value_is_refused(tmp_path: Path) -> None:
    doubled = slices(tmp_path, 0, 3, 6).take([0, 1, 1, 2])
    doubled.voxels[2, 1, 1] += 1
    with pytest.raises(Refused) as refused:
        without_copies(doubled)
    assert refused.value.reason is Reason.DUPLICATES_DIFFER


def test_slices_are_ordered_by_place_whatever_the_order_of_their_files(tmp_path: Path) -> None:
    stack = scanned(tmp_path, sphere((0, 0, 0), 5), Scan((4, 4), places=(0, 3, 6, 9)))
    backwards = replace(stack, files=stack.files[::-1])
    found = load_stack(backwards, recipe())
    assert [source.path for source in found.sources] == [file.path for file in stack.files]
