"""Contours to pixels: a pixel is inside when its centre is, an odd number of times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from dqkit.labels import contours as under_test
from dqkit.labels.contours import area_of, distinct, filled, overlapping_pixels

SHAPE = (40, 50)


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)


def circle(x: float, y: float, radius: float, corners: int = 100) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def test_a_pixel_counts_when_its_centre_is_inside() -> None:
    inside = filled([rectangle(2.6, 3.4, 7.4, 9.6)], SHAPE)
    assert np.argwhere(inside).min(axis=0).tolist() == [4, 3]
    assert np.argwhere(inside).max(axis=0).tolist() == [9, 7]


def test_edges_through_centres_belong_to_one_side() -> None:
    left, right = rectangle(2, 2, 7, 9), rectangle(7, 2, 12, 9)
    assert filled([left], SHAPE).sum() == 35
    assert not (filled([left], SHAPE) & filled([right], SHAPE)).any()
    assert (filled([left], SHAPE) | filled([right], SHAPE) == filled([rectangle(2, 2, 12, 9)], SHAPE)).all()


@given(st.lists(st.tuples(st.floats(-20, 70), st.floats(-20, 60)), min_size=3, max_size=12), st.integers(0, 11))
def test_where_a_contour_begins_and_which_way_it_goes_makes_no_difference(points, start):
    polygon = np.array(points)
    inside = filled([polygon], SHAPE)
    assert (inside == filled([np.roll(polygon, start, axis=0)], SHAPE)).all()
    assert (inside == filled([polygon[::-1]], SHAPE)).all()


@given(st.lists(st.tuples(st.integers(-300, 900), st.integers(-300, 700)), min_size=3, max_size=3, unique=True))
def test_agrees_with_scikit_image_off_the_edges(points):
    polygon = np.array(points) / 16 + 0.013
    ours, theirs = filled([polygon], SHAPE), polygon2mask(SHAPE, polygon[:, ::-1])
    rows, columns = np.nonzero(ours != theirs)
    for row, column in zip(rows, columns, strict=True):  # scikit-image takes both sides of an edge
        assert _distance(polygon, np.array([column, row])) < 1e-9


def _distance(polygon: np.ndarray, point: np.ndarray) -> float:
    ends = np.roll(polygon, -1, axis=0)
    along = ends - polygon
    length = np.maximum((along**2).sum(axis=1), 1e-30)
    t = np.clip(((point - polygon) * along).sum(axis=1) / length, 0, 1)
    return float(np.linalg.norm(polygon + t[:, None] * along - point, axis=1).min())


@given(st.floats(12, 28), st.floats(12, 28), st.floats(3, 11))
def test_the_area_of_a_circle_is_right_within_its_rim(x, y, radius):
    # Gauss' circle problem: the error is bounded by the perimeter times half a pixel's diagonal, in practice far less
    pixels = filled([circle(x, y, radius)], SHAPE).sum()
    assert abs(pixels - np.pi * radius**2) <= 2 * np.sqrt(2) * np.pi * radius / 2
    assert area_of(circle(x, y, radius, 1000)) == pytest.approx(np.pi * radius**2, rel=1e-4)


def test_areas_have_no_bias() -> None:
    places = np.random.default_rng(3).uniform(15, 25, (400, 2))
    mean = np.mean([filled([circle(x, y, 8)], SHAPE).sum() for x, y in places])
    assert mean == pytest.approx(np.pi * 64, rel=2e-3)


def test_a_contour_within_another_cuts_a_hole_and_one_within_that_an_island() -> None:
    outer, hole, island = circle(20.3, 20.1, 15), circle(20.3, 20.1, 10), circle(20.3, 20.1, 5)
    ring = filled([outer, hole, island], SHAPE)
    apart = [filled([part], SHAPE) for part in (outer, hole, island)]
    assert (ring == apart[0] & ~apart[1] | apart[2]).all()
    assert ring.sum() == pytest.approx(np.pi * (225 - 100 + 25), rel=0.02)


@given(st.floats(0, 2 * np.pi), st.floats(10, 30), st.floats(10, 30))
def test_a_keyhole_is_a_ring_and_its_bridge_leaves_no_trace(angle, x, y):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outer = circle(0, 0, 9) @ turn.T + [x, y]
    inner = circle(0, 0, 4) @ turn.T + [x, y]
    keyhole = np.concatenate([outer, outer[:1], inner[:1], inner[::-1], inner[:1], outer[:1]])
    assert (filled([keyhole], SHAPE) == filled([outer, inner], SHAPE)).all()


def test_contours_that_lie_apart_are_both_filled() -> None:
    both = filled([circle(10, 20, 6), circle(35, 20, 6)], SHAPE)
    assert both.sum() == filled([circle(10, 20, 6)], SHAPE).sum() + filled([circle(35, 20, 6)], SHAPE).sum()


def test_what_lies_outside_the_image_is_cut_off() -> None:
    assert filled([rectangle(-1e4, -1e4, 1e4, 1e4)], SHAPE).all()
    assert not filled([rectangle(60, 2, 80, 9)], SHAPE).any()
    assert not filled([rectangle(-30, 2, -2, 9)], SHAPE).any()
    assert filled([rectangle(-30, -30, 4.5, 4.5)], SHAPE).sum() == 25


def test_many_edges_are_worked_out_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    polygon = np.random.default_rng(1).uniform(0, 40, (300, 2))
    at_once = filled([polygon], SHAPE)
    monkeypatch.setattr(under_test, "MOST_CROSSINGS", 100)
    assert (filled([polygon], SHAPE) == at_once).all()


def test_a_contour_that_was_stored_twice_counts_once() -> None:
    one = circle(20, 20, 8)
    assert len(distinct([one, np.roll(one, 7, axis=0), one[::-1], circle(20, 20, 7)])) == 2


def test_pixels_are_counted_where_contours_cross_and_not_where_they_nest() -> None:
    assert overlapping_pixels([circle(20, 20, 10), circle(20, 20, 5)], SHAPE) == 0
    assert overlapping_pixels([circle(20, 20, 10), circle(40, 20, 5)], SHAPE) == 0
    assert overlapping_pixels([rectangle(2, 2, 12, 12), rectangle(7, 7, 17, 17)], SHAPE) == 25
