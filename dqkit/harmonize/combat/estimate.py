"""The empirical Bayes of ComBat: Johnson, Li and Rabinovic 2007, Biostatistics 8:118-127, section 3.2.

A feature y of row i at site j is taken for ``y = alpha + X_i beta + gamma_j + delta_j sigma eps``: gamma_j and delta_j
are what the site adds and by what it stretches. Both are estimated per feature and drawn towards what that site does to
all features, the more so the fewer rows a site has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_CONVERGED = 1e-10
"""Largest change, relative to the estimates' size, at which the iteration ends. 2007's own program stops at 1e-4."""

_MOST_ROUNDS = 1000

_CONSTANT = 1e-20
"""Share of a feature's mean square that its residual variance has at least; below, rounding is all that varies."""


@dataclass(frozen=True)
class Estimates:
    """What was estimated, for features f, sites s and columns c of the design.

    Attributes
    ----------
    beta
        Coefficients of the covariates, shape (c, f).
    grand_mean, variance
        alpha and sigma squared, shape (f,); the variance of a constant feature is 0.
    shift, stretch
        gamma and delta squared, in units of sigma and its square, shape (s, f).
    """

    beta: Values
    grand_mean: Values
    variance: Values
    shift: Values
    stretch: Values


def estimate(
    features: Values, site: NDArray[np.intp], design: Values, *, pool: bool = True, reference: int | None = None
) -> Estimates:
    """Estimate what sites do to features.

    Parameters
    ----------
    features
        Shape (rows, features), finite.
    site
        Site of each row, 0 up to the number of sites, each with two rows or more.
    design
        Covariates whose effect is kept, shape (rows, columns); none of them a sum of sites and others.
    pool
        Draw the estimates of a site towards those of its other features (needs two features that vary); else they are
        means and variances.
    reference
        A site that stays as it is: its mean and variance are what the others are brought to.

    Raises
    ------
    ValueError
        The design does not tell the covariates from the sites.
    """
    indicators = np.eye(int(site.max()) + 1)[site]
    whole = np.hstack([indicators, design])
    if np.linalg.matrix_rank(whole) < whole.shape[1]:
        raise ValueError("covariates and sites say the same")
    coefficients = np.asarray(np.linalg.lstsq(whole, features, rcond=None)[0], np.float64)
    of_sites, beta = coefficients[: indicators.shape[1]], coefficients[indicators.shape[1] :]
    residual = features - whole @ coefficients
    if reference is None:
        grand_mean, variance = indicators.mean(0) @ of_sites, (residual**2).mean(0)
    else:
        grand_mean, variance = of_sites[reference], (residual[site == reference] ** 2).mean(0)
    variance = np.where(variance > _CONSTANT * (features**2).mean(0), variance, 0.0)
    varies = variance > 0
    standard = (features - grand_mean - design @ beta)[:, varies] / np.sqrt(variance[varies])
    shift, stretch = np.zeros((indicators.shape[1], len(varies))), np.ones((indicators.shape[1], len(varies)))
    for j in range(len(shift)):
        if j != reference:
            shift[j, varies], stretch[j, varies] = _of_site(standard[site == j], pool=pool)
    return Estimates(beta, grand_mean, variance, shift, stretch)


def _of_site(standard: Values, *, pool: bool) -> tuple[Values, Values]:
    """Return what one site adds and by what it stretches, each of shape (features,)."""
    shift, stretch = standard.mean(0), standard.var(0, ddof=1)
    if not pool or standard.shape[1] < 2:  # noqa: PLR2004
        return shift, np.where(stretch > 0, stretch, 1.0)
    return _pooled(standard, shift, stretch)


def _pooled(standard: Values, shift: Values, stretch: Values) -> tuple[Values, Values]:
    """Draw the estimates towards a normal prior of the shift and an inverse gamma one of the stretch.

    The priors' parameters are the moments over features (Johnson 2007, section 3.2.2); the conditional posterior means
    of section 3.2.3 are taken in turn until they stand still.
    """
    n = len(standard)
    mean, spread = shift.mean(), shift.var(ddof=1)
    centre, width = stretch.mean(), stretch.var(ddof=1)
    if spread <= 0 or width <= 0:  # features that are copies of one another
        return shift, np.where(stretch > 0, stretch, 1.0)
    shape, scale = 2 + centre**2 / width, centre + centre**3 / width
    raw, gamma, delta = shift, shift, stretch
    squares, sums = (standard**2).sum(0), standard.sum(0)
    for _ in range(_MOST_ROUNDS):
        new_gamma = (n * spread * raw + delta * mean) / (n * spread + delta)
        new_delta = (scale + 0.5 * (squares - 2 * new_gamma * sums + n * new_gamma**2)) / (n / 2 + shape - 1)
        change = max(np.abs(new_gamma - gamma).max(), np.abs(new_delta - delta).max())
        gamma, delta = new_gamma, new_delta
        if change <= _CONVERGED * max(1.0, np.abs(gamma).max(), delta.max()):
            break
    return gamma, delta


def adjust(features: Values, site: NDArray[np.intp], design: Values, estimates: Estimates) -> Values:
    """Take the effect of sites out of `features`, shape (rows, features); those that were constant stay as they are."""
    varies = estimates.variance > 0
    sigma = np.sqrt(estimates.variance[varies])
    expected = estimates.grand_mean[varies] + design @ estimates.beta[:, varies]
    standard = (features[:, varies] - expected) / sigma
    adjusted = features.copy()
    moved = (standard - estimates.shift[site][:, varies]) / np.sqrt(estimates.stretch[site][:, varies])
    adjusted[:, varies] = moved * sigma + expected
    return adjusted
