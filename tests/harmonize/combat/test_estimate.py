"""The empirical Bayes of ComBat: simulated effects are found, and neuroHarmonize agrees."""

import json
from typing import Any

import numpy as np
import pytest

from dqkit.harmonize.combat.estimate import adjust, estimate
from dqkit.harmonize.combat.fit import share_of_site
from tests.harmonize.combat.reference import HERE
from tests.harmonize.combat.samples import Values, sample

REFERENCE = json.loads(HERE.read_text())


@pytest.mark.parametrize(
    ("name", "options", "within"),
    [
        ("converged", {}, 1e-9),
        ("alone", {"pool": False}, 1e-9),
        ("pooled", {}, 1e-5),  # neuroHarmonize ends its iteration at a change of 1e-4
        ("reference", {"reference": 1}, 1e-5),
    ],
)
def test_agrees_with_neuroharmonize(name: str, options: dict[str, Any], within: float) -> None:
    made = sample(rows=60, features=4)
    train = np.arange(60) < 42
    found = estimate(made.seen[train], made.site[train], made.design[train], **options)
    differ = adjust(made.seen, made.site, made.design, found) - np.array(REFERENCE[name])
    assert np.abs(differ / made.seen.std(0)).max() < within


def test_sites_of_a_simulated_effect_come_together_in_mean_and_spread() -> None:
    made = sample(rows=600)
    found = estimate(made.seen, made.site, made.design)
    adjusted = adjust(made.seen, made.site, made.design, found)
    own = np.linalg.lstsq(np.c_[np.ones(600), made.design], made.truth, rcond=None)[0]
    before, after = (values - np.c_[np.ones(600), made.design] @ own for values in (made.seen, adjusted))
    assert share_of_site(before, made.site) > 0.3
    assert share_of_site(after, made.site) < 0.01
    spreads = np.array([after[made.site == s].std(0) for s in range(3)])
    assert spreads.max(0) / spreads.min(0) == pytest.approx(np.ones(8), abs=0.1)


def test_the_effect_of_age_is_kept_though_one_site_has_older_patients() -> None:
    made = sample(rows=600)

    def slopes(values: Values) -> Values:
        return np.linalg.lstsq(np.c_[np.eye(3)[made.site], made.design], values, rcond=None)[0][3]

    kept = adjust(made.seen, made.site, made.design, estimate(made.seen, made.site, made.design))
    blind = adjust(made.seen, made.site, made.design[:, :0], estimate(made.seen, made.site, made.design[:, :0]))
    whole = np.linalg.lstsq(np.c_[np.ones(600), made.design], kept, rcond=None)[0][1]
    lost = np.linalg.lstsq(np.c_[np.ones(600), made.design], blind, rcond=None)[0][1]
    assert np.abs(whole - slopes(made.truth)).max() < np.abs(lost - slopes(made.truth)).max()
    assert np.median(np.abs(whole / slopes(made.truth) - 1)) < 0.1


def test_the_reference_site_stays_as_it_is() -> None:
    made = sample()
    found = estimate(made.seen, made.site, made.design, reference=1)
    kept = adjust(made.seen, made.site, made.design, found)[made.site == 1]
    assert kept == pytest.approx(made.seen[made.site == 1], rel=1e-12)


def test_pooling_draws_a_small_site_towards_its_other_features() -> None:
    made = sample(rows=240)
    few = (made.site != 2) | (np.cumsum(made.site == 2) <= 4)
    seen, site, design = made.seen[few], made.site[few], made.design[few]
    pooled, alone = (estimate(seen, site, design, pool=pool) for pool in (True, False))
    assert pooled.shift[2].std() < alone.shift[2].std()
    assert pooled.stretch[2].std() < alone.stretch[2].std()


def test_constant_features_are_left_alone_and_do_no_harm() -> None:
    made = sample()
    constant = np.full((len(made.site), 1), 7.3)
    seen = np.hstack([made.seen, constant])
    with np.errstate(all="raise"):
        adjusted = adjust(seen, made.site, made.design, found := estimate(seen, made.site, made.design))
    assert found.variance[-1] == 0
    assert (adjusted[:, -1] == 7.3).all()
    alone = adjust(made.seen, made.site, made.design, estimate(made.seen, made.site, made.design))
    assert adjusted[:, :-1] == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("pool", [True, False])
def test_a_feature_that_one_site_does_not_vary_in_stays_finite(pool: bool) -> None:
    made = sample()
    seen = made.seen.copy()
    seen[made.site == 0, 0] = 5.0
    with np.errstate(divide="raise", invalid="raise"):
        adjusted = adjust(seen, made.site, made.design[:, :0], estimate(seen, made.site, made.design[:, :0], pool=pool))
    assert np.isfinite(adjusted).all()


def test_a_covariate_that_repeats_the_sites_is_refused() -> None:
    made = sample()
    with pytest.raises(ValueError, match="say the same"):
        estimate(made.seen, made.site, np.c_[made.age, made.site == 1])
