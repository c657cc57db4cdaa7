"""Each measure says what docs/pixels.md says of it, on images of which the answer is known."""

from typing import Any

import numpy as np
import pytest

from dqkit.pixels.frame import Frame
from dqkit.pixels.histogram import Histogram
from dqkit.pixels.hounsfield import air_and_tissue
from dqkit.pixels.measure import measures_of
from dqkit.pixels.signature import SIDE, likeness, signature_of
from dqkit.pixels.texture import byte_swap_gain, middle, neighbour_correlation, noise_deviation, sharpness
from tests import phantoms

SIZE = 128


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def chest(size: int = SIZE, *, z: float = 0.0) -> Any:
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    return np.rint(phantoms.chest_hu(np.stack([x, y, np.full_like(x, z)], axis=-1), rng())).astype(np.int16)


def ct(pixels: Any, **more: Any) -> dict[str, Any]:
    return measures_of(Frame(pixels=pixels, modality="CT", photometric="MONOCHROME2", **more))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.uint32])
def test_a_histogram_of_integers_is_exact(kind: Any) -> None:
    pixels = rng().integers(0, 100, (40, 50)).astype(kind)
    found = Histogram.of(pixels)
    values, counts = np.unique(pixels, return_counts=True)
    assert np.array_equal(found.values, values)
    assert np.array_equal(found.counts, counts)
    assert abs(found.median() - np.median(pixels)) <= 1


def test_a_histogram_of_wide_ranges_has_bins_and_leaves_out_what_is_not_finite() -> None:
    pixels = np.array([[0.0, 1e9, np.nan], [np.inf, -np.inf, 5e8]])
    found = Histogram.of(pixels)
    assert found.total == 3
    assert found.values[0] < 1e6
    assert found.values[-1] > 9.9e8


def test_nothing_but_nan_has_an_empty_histogram() -> None:
    assert Histogram.of(np.full((3, 3), np.nan)).total == 0


def test_otsu_parts_two_heaps() -> None:
    pixels = np.concatenate([rng().normal(100, 10, 900), rng().normal(500, 30, 100)]).astype(np.int16)
    assert 120 < Histogram.of(pixels).split() < 400


def test_noise_is_measured_within_ten_percent_and_edges_do_not_count() -> None:
    image = np.where(np.arange(256)[:, None] + np.arange(256) > 256, 1000.0, 0.0)
    noisy = (image + rng().normal(0, 20, image.shape)).astype(np.float32)
    assert noise_deviation(noisy, np.ones(image.shape, bool)) == pytest.approx(20, rel=0.1)


def test_neighbours_correlate_in_images_and_not_in_noise() -> None:
    assert neighbour_correlation(chest().astype(np.float32)) > 0.85
    assert abs(neighbour_correlation(rng().normal(0, 1, (128, 128)).astype(np.float32))) < 0.05
    assert neighbour_correlation(np.ones((20, 20), np.float32)) is None


def test_a_blurred_image_is_less_sharp() -> None:
    from scipy.ndimage import gaussian_filter

    image = chest().astype(np.float32)
    assert sharpness(gaussian_filter(image, 2)) < 0.2 * sharpness(image)


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_swapped_bytes_are_told_from_sound_ones_and_from_noise(kind: Any) -> None:
    image = (chest(256) + 1024).clip(0).astype(kind)
    assert byte_swap_gain(image.byteswap()) > 1.5
    assert (byte_swap_gain(image) or 1.0) <= 1.0
    assert byte_swap_gain(rng().integers(0, 1 << 15, (256, 256)).astype(kind)) == pytest.approx(1, abs=0.1)


def test_eight_bits_and_small_images_tell_nothing_of_bytes() -> None:
    assert byte_swap_gain(np.zeros((99, 99), np.uint8)) is None
    assert byte_swap_gain(rng().integers(0, 1 << 15, (16, 16)).astype(np.int16)) is None


def test_of_a_large_image_the_middle_is_looked_at() -> None:
    assert middle(np.zeros((4096, 3000))).shape == (2048, 2048)
    assert middle(np.zeros((10, 20))).shape == (10, 20)


def test_air_and_tissue_of_a_chest_lie_where_they_should() -> None:
    found = ct(chest())
    assert found["air_peak_hu"] == pytest.approx(-1000, abs=15)
    assert -120 < found["tissue_peak_hu"] < 120
    assert 0.3 < found["air_share"] < 0.8


@pytest.mark.parametrize("intercept", [-1024.0, 1024.0, 500.0])
def test_a_wrong_intercept_shifts_air_and_tissue_alike(intercept: float) -> None:
    found = ct(chest(), intercept=intercept)
    assert found.get("air_peak_hu") == pytest.approx(-1000 + intercept, abs=15)


def test_lung_without_air_around_the_body_is_no_shifted_air() -> None:
    hu = Histogram.of(np.concatenate([rng().normal(-850, 30, 600), rng().normal(40, 20, 400)]).astype(np.int16))
    assert air_and_tissue(hu) == (None, None)


def test_a_body_that_fills_the_image_shows_no_air() -> None:
    hu = Histogram.of(np.concatenate([rng().normal(-100, 20, 300), rng().normal(40, 20, 700)]).astype(np.int16))
    assert air_and_tissue(hu) == (None, None)


def test_what_padding_marks_is_left_out() -> None:
    image = chest()
    image[:20] = -2000
    bare, declared = ct(image), ct(image, padding=-2000.0)
    assert bare["rescaled_min"] == -2000
    assert declared["rescaled_min"] > -1200
    assert bare["pixel_min"] == declared["pixel_min"] == -2000
    assert ct(image, padding=-2000.0, padding_limit=-1500.0)["rescaled_min"] > -1200


def test_an_image_of_padding_alone_is_blank() -> None:
    assert ct(np.full((32, 32), -2000, np.int16), padding=-2000.0)["commonest_share"] == 1.0


def test_a_plateau_is_clipped_and_a_tail_is_not() -> None:
    image = chest()
    assert ct(image)["clipped_share"] == 0
    assert ct(np.minimum(image, 30))["clipped_share"] > 0.01


def test_values_in_unused_bits_are_counted_and_left_out() -> None:
    image = (chest() + 1024).clip(0, 4095).astype(np.uint16)
    sound = ct(image, bits_stored=12)
    assert sound["outside_bits_share"] == 0
    image[:32] |= 0x4000
    found = ct(image, bits_stored=12)
    assert found["outside_bits_share"] == 0.25
    assert found["pixel_max"] == sound["pixel_max"]
    assert "outside_bits_share" not in ct(image, bits_stored=12, holds_overlay=True)
    assert "outside_bits_share" not in ct(image, bits_stored=16)


def test_signed_values_extended_over_the_unused_bits_are_inside() -> None:
    assert ct(np.array([[-5, 7], [-2048, 2047]], np.int16), bits_stored=12)["outside_bits_share"] == 0


@pytest.mark.parametrize(
    ("pixels", "photometric"),
    [
        (np.zeros((8, 8), np.uint8), "MONOCHROME2"),
        (np.ones((1, 1), np.uint16), "MONOCHROME2"),
        (np.arange(6, dtype=np.uint8).reshape(1, 6), "MONOCHROME2"),
        (np.full((40, 40), np.nan, np.float32), "MONOCHROME2"),
        (np.full((40, 40), np.inf), "MONOCHROME2"),
        (np.where(np.eye(40) > 0, 1e308, -1e308), "MONOCHROME2"),
        (np.full((40, 40), 1e30, np.float32) * np.eye(40, dtype=np.float32), "MONOCHROME2"),
        (np.arange(4800, dtype=np.uint8).reshape(40, 40, 3), "RGB"),
        (np.arange(4800, dtype=np.uint8).reshape(40, 40, 3), "YBR_FULL"),
        (np.arange(1600, dtype=np.uint8).reshape(40, 40), "PALETTE COLOR"),
        (np.arange(1600, dtype=np.uint8).reshape(40, 40, 1), "MONOCHROME2"),
        (np.arange(6400, dtype=np.uint32).reshape(40, 40, 4) * 671000, "ARGB"),
        (np.eye(40, dtype=np.uint8), "MONOCHROME2"),
        (np.full((40, 40), -(1 << 63), np.int64), "MONOCHROME2"),
    ],
)
def test_odd_images_have_measures_that_are_finite(pixels: Any, photometric: str) -> None:
    found = measures_of(Frame(pixels=pixels, modality="CT", photometric=photometric))
    assert len(found["pixel_sha256"]) == 64
    numbers = [value for value in found.values() if isinstance(value, int | float)]
    assert np.isfinite(np.array(numbers, float)).all()


def test_colour_is_measured_by_its_green() -> None:
    grey = chest(64).clip(0, 255).astype(np.uint8)
    colour = np.stack([np.zeros_like(grey), grey, np.zeros_like(grey)], axis=-1)
    found = measures_of(Frame(pixels=colour, photometric="RGB"))
    assert found["signature"] == signature_of(grey)


@pytest.mark.parametrize("shape", [(512, 512), (33, 700), (7, 5), (1, 1), (32, 32)])
def test_a_signature_has_one_size_whatever_the_image(shape: tuple[int, int]) -> None:
    found = signature_of(np.arange(shape[0] * shape[1]).reshape(shape))
    assert found is None if shape == (1, 1) else len(found or b"") == SIDE * SIDE


def test_likeness_tells_which_way_a_slice_is_turned() -> None:
    one, other = chest(z=0.0), chest(z=0.01)
    first = np.frombuffer(signature_of(one) or b"", np.uint8)[None]
    for way, turned in enumerate((other, other[:, ::-1], other[::-1], other[::-1, ::-1])):
        second = np.frombuffer(signature_of(turned) or b"", np.uint8)[None]
        assert likeness(first, second)[0].argmax() == way
