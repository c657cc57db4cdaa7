"""Stored values become what they mean: slope, sign, unused bits, padding, polarity, units of Philips and of PET."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.values import dtype_for, rescale_into, scale_of
from dqkit.pixels.frame import Frame
from tests.harmonize.solids import recipe

STORED = np.array([[0, 10, 20], [30, 40, 50]], np.uint16)


def frame(pixels: np.ndarray = STORED, **told: Any) -> Frame:
    told = {
        "modality": "CT",
        "photometric": "MONOCHROME2",
        "bits_stored": 12,
        "slope": 1.0,
        "intercept": -1024.0,
    } | told
    return Frame(pixels=pixels, **told)


def values(one: Frame, background: float = -1024.0, **changed: Any) -> np.ndarray:
    out = np.empty(one.pixels.shape, dtype_for(one))
    rescale_into(out, one, scale_of(one, recipe(**changed)), background)
    return out


def test_slope_and_intercept_are_applied_in_floating_point() -> None:
    assert values(frame(slope=0.3, intercept=-7.25)) == pytest.approx(STORED * 0.3 - 7.25)


@pytest.mark.parametrize(("bits", "signed", "raw", "meant"), [(12, True, 0x0FFF, -1), (12, False, 0x0FFF, 4095)])
def test_the_sign_is_that_of_the_stored_bits(bits: int, signed: bool, raw: int, meant: int) -> None:
    kind = np.int16 if signed else np.uint16
    one = frame(np.full((2, 2), raw, np.uint16).view(kind), bits_stored=bits, signed=signed, intercept=0.0)
    assert (values(one) == meant).all()


def test_overlays_in_unused_bits_are_ignored() -> None:
    assert values(frame(STORED | 0x8000)) == pytest.approx(STORED - 1024.0)


def test_padding_becomes_background() -> None:
    assert values(frame(padding=0.0))[0].tolist() == [-1024, -1014, -1004]
    assert values(frame(padding=0.0), background=-2000.0)[0].tolist() == [-2000, -1014, -1004]


def test_a_range_of_padding_becomes_background_from_either_end() -> None:
    for ends in ((10.0, 30.0), (30.0, 10.0)):
        one = frame(padding=ends[0], padding_limit=ends[1])
        assert values(one, background=7.0).tolist() == [[-1024, 7, 7], [7, -984, -974]]


def test_padding_that_is_written_across_unused_bits_is_found() -> None:
    """GE writes -2000 in 16 bits where BitsStored says 12 or 13."""
    pixels = np.array([[-2000, 5]], np.int16)
    assert values(frame(pixels, signed=True, intercept=0.0, padding=-2000.0)).tolist() == [[-1024, 5]]


def test_monochrome1_is_turned_over_after_the_rescale_where_values_measure_nothing() -> None:
    plain = frame(modality="MR", intercept=5.0, slope=2.0)
    turned = replace(plain, photometric="MONOCHROME1")
    assert values(turned) == pytest.approx(2.0 * (4095 - STORED) + 5.0)
    assert values(turned).min() >= values(frame(np.zeros((1, 1), np.uint16), modality="MR", intercept=5.0)).min()


@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_monochrome1_changes_no_quantity(modality: str) -> None:
    plain = frame(modality=modality, units="BQML")
    assert np.array_equal(values(replace(plain, photometric="MONOCHROME1")), values(plain))


def test_units_are_hounsfield_in_ct_and_what_rescale_type_says() -> None:
    told = {(modality, kind): scale_of(frame(modality=modality, rescale_type=kind), recipe()).unit
            for modality, kind in (("CT", ""), ("CT", "HU"), ("CT", "US"), ("MR", ""), ("MR", "T1"))}  # fmt: skip
    assert list(told.values()) == ["HU", "HU", "", "", "T1"]


def test_a_ct_that_lost_its_intercept_is_in_no_unit() -> None:
    assert scale_of(frame(intercept=0.0, has_intercept=False), recipe()).unit == ""
    assert scale_of(frame(has_intercept=False, rescale_type="HU"), recipe()).unit == "HU"


def test_philips_convention_is_chosen_and_on_record() -> None:
    """Chenevert et al. 2014: precise = (stored x slope + intercept) / (slope x scale slope)."""
    one = frame(modality="MR", slope=1.29, intercept=3.0, scale_slope=0.0043)
    display, precise = (scale_of(one, recipe(units={"philips": how})) for how in ("display", "precise"))
    assert values(one, units={"philips": "display"}) == pytest.approx(STORED * 1.29 + 3.0)
    assert values(one, units={"philips": "precise"}) == pytest.approx((STORED * 1.29 + 3.0) / (1.29 * 0.0043))
    assert "display" in display.convention
    assert "(2005,100E)" in precise.convention


def test_counts_of_a_pet_become_activity_where_the_factor_is_there() -> None:
    one = frame(modality="PT", units="CNTS", slope=2.0, intercept=0.0, activity_factor=1.5)
    assert values(one, units={"pet": "bqml"}) == pytest.approx(STORED * 3.0)
    assert scale_of(one, recipe(units={"pet": "bqml"})).unit == "BQML"
    assert scale_of(one, recipe()).unit == "CNTS"


REFUSED = {
    "colour": (frame(photometric="RGB"), Reason.COLOUR),
    "palette": (frame(photometric="PALETTE COLOR"), Reason.COLOUR),
    "three samples": (frame(np.zeros((2, 2, 3), np.uint8)), Reason.COLOUR),
    "modality LUT": (frame(modality_lut=True), Reason.MODALITY_LUT),
    "slope of nothing": (frame(slope=0.0), Reason.RESCALE),
    "bits that stand elsewhere": (frame(high_bit=15), Reason.RESCALE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_says_no_value_is_refused(case: str) -> None:
    one, reason = REFUSED[case]
    with pytest.raises(Refused) as refused:
        scale_of(one, recipe())
    assert refused.value.reason is reason


def test_counts_without_a_factor_are_no_activity() -> None:
    with pytest.raises(Refused, match="CNTS cannot be turned into"):
        scale_of(frame(modality="PT", units="CNTS"), recipe(units={"pet": "bqml"}))


def test_wide_integers_keep_every_bit() -> None:
    one = frame(np.array([[2**31 + 1]], np.uint32), bits_stored=32, intercept=0.0, modality="MR")
    assert values(one).tolist() == [[2**31 + 1]]


def test_hostile_text_does_not_become_a_unit() -> None:
    assert scale_of(frame(rescale_type="<script>"), recipe()).unit == ""
