"""Values to 16 bits and back: whole numbers are the same again, others within half a step."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dqkit.harmonize.derived.stored import decimal, storage_of, unsigned_storage_of
from dqkit.harmonize.refusal import Reason, Refused


def back(stored, values: np.ndarray) -> np.ndarray:
    """What a reader of the file gets: slope and intercept as decimal strings."""
    return stored.of(values).astype(np.float64) * float(decimal(stored.slope)) + float(decimal(stored.intercept))


@given(st.integers(-(2**31), 2**31), st.integers(0, 65535))
@example(-1024, 4095)
@example(0, 65535)
def test_whole_numbers_that_span_16_bits_come_back(low, span):
    values = np.array([low, low + span, low + span // 2, low + span // 3], dtype=np.int64)
    stored = storage_of(values)
    assert stored.is_exact
    assert (back(stored, values) == values).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.booleans())
def test_fractions_come_back_within_half_a_step(low, span, without_intercept):
    values = low + span * np.random.default_rng(0).random(200)
    stored = storage_of(values, without_intercept=without_intercept)
    rounding = 1e-15 * np.abs(values).max()
    assert np.abs(back(stored, values) - values).max() <= stored.slope * 0.5000001 + rounding
    assert stored.slope <= 1.001 * (values.max() - values.min()) / 65535 + rounding or without_intercept
    if without_intercept:
        assert stored.intercept == 0
    assert len(decimal(stored.slope)) <= 16
    assert len(decimal(stored.intercept)) <= 16


def test_the_range_of_16_bits_is_used():
    values = np.array([-0.3, 1.7], dtype=np.float32)
    assert storage_of(values).slope == pytest.approx(2 / 65535, rel=1e-6)
    assert storage_of(values, without_intercept=True).slope == pytest.approx(1.7 / 32767, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.25, -3.5])
def test_one_value_alone_comes_back(value):
    values = np.full(5, value)
    assert back(storage_of(values), values) == pytest.approx(values, rel=1e-8)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(Refused) as caught:
        storage_of(np.array([0.0, value]))
    assert caught.value.reason == Reason.OVERFLOW


@pytest.mark.parametrize("values", [[-1, 5], [0.5, 1], [0, 65536]])
def test_projections_hold_whole_numbers_from_0_on_alone(values):
    with pytest.raises(Refused) as caught:
        unsigned_storage_of(np.array(values))
    assert caught.value.reason == Reason.DICOM_CLASS
    assert "bit_depth" in caught.value.detail


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e8, max_value=1e8))
def test_decimal_strings_fit_and_are_close(value):
    assert len(decimal(value)) <= 16
    assert float(decimal(value)) == pytest.approx(value, rel=1e-8, abs=1e-12)
    assert decimal(value) != "-0.0"
