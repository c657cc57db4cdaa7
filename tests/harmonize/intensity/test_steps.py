"""Steps on values: phantoms of known tissues come out as the step promises, and what makes no sense is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqkit.errors import DqkitError
from dqkit.harmonize.intensity.foreground import foreground
from dqkit.harmonize.intensity.n4 import shrink_factors
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.steps import INTENSITY
from dqkit.harmonize.volume import Volume
from tests.harmonize.intensity.heads import AFFINE, bias, context, head, step, tissue_map, volume

BODY = tissue_map() > 0
EXAMPLES: dict[str, dict[str, Any]] = {
    "window": {"low": -1000, "high": 400},
    "nyul": {"landmarks": "landmarks.json"},
}


def hu() -> Volume:
    """A body of soft tissue with a lung-like hole, in air, in a gantry that writes -2000 outside its field of view."""
    values = np.full(BODY.shape, -1000.0)
    values[BODY] = 40
    values[tissue_map() == 4] = -850
    values[:, :3] = -2000
    return volume(values + np.random.default_rng(2).normal(0, 10, values.shape), "HU", -1024)


# --- the mask ---


def test_the_foreground_of_a_head_is_its_outline_with_dark_parts_inside() -> None:
    mask, threshold = foreground(volume(head()))
    assert 20 < threshold < 300
    assert np.mean(mask != BODY) < 0.002


def test_the_field_of_a_coil_takes_nothing_from_the_foreground() -> None:
    assert np.mean(foreground(volume(head() * bias(0.8)))[0] != BODY) < 0.01


def test_the_foreground_of_a_ct_holds_the_lungs_and_not_what_lies_outside_the_field_of_view() -> None:
    mask, threshold = foreground(hu())
    assert -900 < threshold < -100
    assert np.mean(mask != BODY) < 0.002


def test_lungs_that_the_first_and_last_slice_cut_open_are_filled() -> None:
    middle = slice(14, 34)
    cut = Volume(hu().voxels[middle], AFFINE, "HU", -1024)
    assert np.mean(foreground(cut)[0] != BODY[middle]) < 0.002


def test_a_table_is_not_of_the_body_and_a_second_leg_is() -> None:
    legs = np.zeros((20, 60, 60))
    y, x = np.mgrid[:60, :60]
    for middle, radius in ((17, 11), (43, 9)):
        legs[:, (x - middle) ** 2 + (y - 25) ** 2 < radius**2] = 100
    table = np.zeros_like(legs, bool)
    table[:, 52:54, 5:55] = True
    mask, _ = foreground(volume(np.where(table, 100, legs)))
    assert (mask == (legs > 0)).all()


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_image_without_a_body_is_refused(value: float) -> None:
    with pytest.raises(Refused) as refused:
        step("z_score", volume(np.full((9, 9, 9), value)))
    assert refused.value.reason is Reason.INTENSITY


def test_a_structure_that_labels_mark_can_be_the_mask() -> None:
    white = tissue_map() == 4
    about = replace(context(), structure={"white-matter": white}.get)
    done = step("z_score", volume(head()), about, mask="white-matter")
    assert done.voxels[white].mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert done.steps[-1].parameters["mask"]["structure"] == "white-matter"
    assert done.steps[-1].parameters["mask"]["voxels"] == white.sum()
    with pytest.raises(Refused, match="no label marks brain on the image"):
        step("z_score", volume(head()), about, mask="brain")


def test_a_white_stripe_in_a_mask_of_the_brain_warns_of_nothing() -> None:
    warned: list[str] = []
    about = replace(context(warned=warned), structure={"brain": tissue_map() >= 2}.get)
    done = step("white_stripe", volume(head()), about, contrast="t1", mask="brain")
    assert done.steps[-1].parameters["mean"] == pytest.approx(600, rel=0.01)
    assert warned == []


# --- each step ---


def test_a_window_clips_and_scales_hounsfield_units() -> None:
    done = step("window", hu(), low=-1000, high=400, scale=True)
    assert (done.voxels.min(), done.voxels.max()) == (0, pytest.approx((hu().voxels.max() + 1000) / 1400, rel=1e-6))
    assert (done.unit, done.background) == ("1", 0)
    assert done.steps[-1].parameters["share_below"] == pytest.approx(np.mean(hu().voxels < -1000), abs=1e-6)
    kept = step("window", hu(), low=-160, high=240)
    assert (kept.unit, kept.background, kept.voxels.min()) == ("HU", -160, -160)


def test_a_window_is_in_a_unit() -> None:
    with pytest.raises(Refused, match="the window is in HU, the image in no known unit"):
        step("window", volume(head()), low=0, high=400)
    assert step("window", volume(head(), "BQML"), low=0, high=400, unit="BQML").voxels.max() == 400


def test_percentiles_clip_to_those_of_the_body() -> None:
    done = step("clip_percentiles", volume(head()), low=5, high=95)
    low, high = np.percentile(head()[foreground(volume(head()))[0]], [5, 95])
    assert (done.voxels.min(), done.voxels.max()) == (pytest.approx(low), pytest.approx(high))
    assert done.steps[-1].parameters["to"] == pytest.approx(high)
    assert done.background == pytest.approx(low)


def test_a_z_score_has_mean_nought_and_deviation_one_in_its_mask() -> None:
    done = step("z_score", volume(head(scale=3, offset=30_000)))
    inner = done.voxels[foreground(volume(head(scale=3, offset=30_000)))[0]].astype(np.float64)
    assert inner.mean() == pytest.approx(0, abs=1e-6)
    assert inner.std() == pytest.approx(1, abs=1e-6)
    assert done.steps[-1].parameters["mean"] == pytest.approx(30_000 + 3 * head()[BODY].mean(), rel=1e-3)
    assert done.background == pytest.approx(-done.steps[-1].parameters["mean"] / done.steps[-1].parameters["std"])


def test_a_z_score_can_leave_nought_outside() -> None:
    done = step("z_score", volume(head()), outside="zero")
    assert (done.voxels[~foreground(volume(head()))[0]] == 0).all()
    assert done.background == 0


def test_two_scales_of_one_head_have_one_z_score() -> None:
    one, other = (step("z_score", volume(head(scale, offset))).voxels for scale, offset in ((1, 0), (7.5, 200)))
    assert np.abs(one - other).max() < 1e-3


def test_min_max_brings_the_whole_image_to_nought_and_one() -> None:
    done = step("min_max", volume(head()))
    assert (done.voxels.min(), done.voxels.max(), done.unit) == (0, 1, "1")


def test_n4_takes_a_known_bias_field_out() -> None:
    biased = head() * bias()
    done = step("n4", volume(biased), shrink=2)
    white = tissue_map() == 4
    before, after, truth = (v[white].std() / v[white].mean() for v in (biased, done.voxels, head()))
    assert before > 0.1
    assert after < 0.4 * before
    assert after > 0.9 * truth
    found = biased / done.voxels
    ratio = (found / bias())[BODY]
    assert ratio.std() / ratio.mean() < 0.06
    record = done.steps[-1].parameters
    assert record["variation_after"] < record["variation_before"]
    assert record["bias_min"] < 0.8
    assert record["bias_max"] > 1.2
    assert record["shrink_factors"] == [2, 2, 2]


def test_n4_gives_the_same_bytes_twice() -> None:
    one, other = (step("n4", volume(head() * bias()), iterations=[10, 10]).voxels for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_n4_leaves_an_even_head_nearly_as_it_is() -> None:
    done = step("n4", volume(head()), iterations=[20, 20])
    ratio = (done.voxels / head())[tissue_map() == 4]
    assert ratio.std() < 0.03


def test_n4_shrinks_thick_slices_less() -> None:
    assert shrink_factors(4, [1.0, 1.0, 1.0], [256, 256, 180]) == [4, 4, 4]
    assert shrink_factors(4, [0.5, 0.5, 3.0], [512, 512, 24]) == [4, 4, 1]
    assert shrink_factors(4, [1.0, 1.0, 1.0], [256, 256, 20]) == [4, 4, 2]


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_n4_treats_images_of_few_slices(slices: int) -> None:
    few = slice(20, 20 + slices)
    done = step("n4", volume((head() * bias())[few]), shrink=2)
    white = tissue_map()[few] == 4
    before, after = (v[white].std() / v[white].mean() for v in ((head() * bias())[few], done.voxels))
    assert after < 0.8 * before
    assert done.steps[-1].parameters["shrink_factors"][2] == 1


def test_n4_works_on_the_logarithm() -> None:
    with pytest.raises(Refused, match="not above zero"):
        step("n4", volume(head() - 1000))


@pytest.mark.parametrize("contrast", ["t1", "auto"])
def test_a_white_stripe_puts_white_matter_at_nought(contrast: str) -> None:
    brain = np.where(tissue_map() >= 2, head(), 0)
    warned: list[str] = []
    done = step("white_stripe", volume(brain), context(warned=warned), contrast=contrast)
    white = done.voxels[tissue_map() == 4]
    record = done.steps[-1].parameters
    assert record["mean"] == pytest.approx(600, rel=0.01)
    assert np.median(white) == pytest.approx((600 - record["mean"]) / record["std"], abs=0.1)
    assert warned == [
        "white_stripe looked at the whole head: without a mask of the brain, fat can pass for white matter"
    ]


def test_a_white_stripe_is_the_same_at_every_scale() -> None:
    one, other = (step("white_stripe", volume(head(scale)), contrast="t1").voxels for scale in (1, 12))
    assert np.abs(one - other).max() < 0.01


def test_a_white_stripe_needs_a_contrast_that_it_knows() -> None:
    with pytest.raises(Refused, match="the series is dwi"):
        step("white_stripe", volume(head()), context(role="dwi"))
    with pytest.raises(Refused, match="of no recognised role"):
        step("white_stripe", volume(head()), context(role=""))


# --- what all have in common ---


@pytest.mark.parametrize("name", [n for n in INTENSITY if n not in {"window", "nyul"}])
def test_the_scale_of_hounsfield_units_is_given_up_only_where_the_recipe_says_so(name: str) -> None:
    with pytest.raises(Refused, match="on_hu: true"):
        step(name, hu(), context(modality="CT"), **EXAMPLES.get(name, {}))
    soft = volume(head(1 / 4), "HU", -1024)
    assert step(name, soft, context(modality="CT"), on_hu=True, **EXAMPLES.get(name, {})).steps[-1].name == name


@pytest.mark.parametrize("name", [n for n in INTENSITY if n != "nyul"])
def test_a_step_is_on_record_as_plain_json_and_keeps_the_grid(name: str) -> None:
    given = volume(head(), "HU" if name == "window" else "")
    done = step(name, given, **EXAMPLES.get(name, {}))
    assert done.steps[-1].name == name
    assert json.loads(json.dumps(done.steps[-1].parameters)) == done.steps[-1].parameters
    assert done.voxels.shape == given.voxels.shape
    assert done.voxels.dtype == np.float32
    assert (done.affine == given.affine).all()


@pytest.mark.parametrize("name", [n for n in INTENSITY if n not in {"nyul", "white_stripe"}])
def test_times_of_a_4d_image_share_one_scale(name: str) -> None:
    two = Volume(np.stack([head(), 2 * head()]), AFFINE, "HU" if name == "window" else "")
    params = {"iterations": [5, 5]} if name == "n4" else {"low": -1000, "high": 4000} if name == "window" else {}
    if name == "clip_percentiles":
        params = {"low": 0, "high": 100, "mask": "all"}
    done = step(name, two, **params)
    assert done.voxels.shape == two.voxels.shape
    inner = done.voxels[:, tissue_map() == 4].astype(np.float64).mean(1)
    whole = done.voxels[:, tissue_map() == 1].astype(np.float64).mean(1)
    assert (inner[1] - whole[1]) / (inner[0] - whole[0]) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("window", {}, "asks for 'low' and 'high'"),
        ("window", {"low": 4, "high": 4}, "below its 'high'"),
        ("window", {"low": 0, "high": 1, "hight": 2}, "no key 'hight'"),
        ("clip_percentiles", {"low": 60, "high": 40}, "0 <= low < high <= 100"),
        ("clip_percentiles", {"high": 101}, "0 <= low < high <= 100"),
        ("z_score", {"mask": "brian"}, "did you mean brain"),
        ("z_score", {"mask": "nonsense"}, "or a structure"),
        ("z_score", {"on_hu": "yes"}, "must be true or false"),
        ("n4", {"shrink": 0}, "whole number 'shrink'"),
        ("n4", {"shrink": 2.5}, "whole number 'shrink'"),
        ("n4", {"iterations": 50}, "as a list"),
        ("n4", {"iterations": [50, 0]}, "as a list"),
        ("white_stripe", {"width": 0.5}, "between 0 and 0.5"),
        ("white_stripe", {"contrast": "t3"}, "allowed: auto, t1"),
        ("nyul", {}, "lacks the key 'landmarks'"),
        ("nyul", {"landmarks": "l.json", "percentiles": [50, 10]}, "a list that rises"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_their_line(name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(DqkitError) as refused:
        step(name, volume(head()), **params)
    assert said in refused.value.message + " " + refused.value.hint
    assert refused.value.message.startswith("recipe.yaml:1")


def test_defaults_are_filled_in_so_that_a_plan_holds_them(tmp_path: Path) -> None:
    done = step("n4", volume(head()), iterations=[2])
    assert {"shrink": 4, "convergence": 0.001, "control_points": 4}.items() <= done.steps[-1].parameters.items()
