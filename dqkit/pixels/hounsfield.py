"""Where air and soft tissue lie in the histogram of a CT image: by definition at -1000 HU and near 0."""

import numpy as np

from dqkit.pixels.histogram import Histogram

_LOWEST, _HIGHEST, _BIN = -3500.0, 3500.0, 20.0
"""Above lies metal."""

_NO_AIR = -1100.0
_NEAR = 60.0

_LEAST_SHARE = 0.03
_APART = 600.0
"""A peak of tissue lies so far above that of air; lung (about -850) does not."""

_AIR = (-1100.0, -900.0)
_TISSUE = (-200.0, 200.0)
_AIR_TO_TISSUE = (850.0, 1250.0)
"""From air to fat (-100) and to enhanced tissue (+200), with some slack."""


def air_and_tissue(hu: Histogram) -> tuple[float | None, float | None]:
    """Return the peaks of air and of soft tissue in Hounsfield units (PS3.3 C.11.1.1.2).

    Air is the lowest peak, if it lies where air should, or lies off together with the tissue that is as far above it as
    tissue is above air. The lowest peak of an image inside the body is lung or fat: then there is no air.

    Returns
    -------
    tuple
        Air, tissue; None where there is no such peak.
    """
    seen = _without_fill(hu).between(_LOWEST, _HIGHEST)
    if not len(seen.values):
        return None, None
    peaks = _peaks(seen)
    if not peaks:
        return None, None
    low = peaks[0][0]
    above = [peak for peak in peaks if peak[0] >= low + _APART]
    tissue = max(above, key=lambda peak: peak[1])[0] if above else None
    if _AIR[0] <= low <= _AIR[1]:
        return low, tissue
    off_together = (
        tissue is not None
        and not _TISSUE[0] <= tissue <= _TISSUE[1]
        and _AIR_TO_TISSUE[0] <= tissue - low <= _AIR_TO_TISSUE[1]
    )
    return (low, tissue) if off_together else (None, None)


def _without_fill(hu: Histogram) -> Histogram:
    """Leave out what a scanner writes outside its field of view (-2000, -3024): one value, far below air."""
    if not len(hu.values) or hu.values[0] >= _NO_AIR:
        return hu
    lowest = hu.values[0]
    is_fill = 2 * hu.counts[0] >= hu.between(lowest, lowest + _NEAR).total
    return hu.without(lowest, lowest) if is_fill else hu


def _peaks(hu: Histogram) -> list[tuple[float, float]]:
    """Return (HU, share) of the local maxima that hold at least 3 % of the samples within 30 HU."""
    edges = np.arange(_LOWEST, _HIGHEST + _BIN, _BIN)
    counts, _ = np.histogram(hu.values, edges, weights=hu.counts)
    smooth = np.convolve(counts, np.ones(3), "same") / hu.total
    rises = smooth >= np.concatenate([[0.0], smooth[:-1]])
    falls = smooth > np.concatenate([smooth[1:], [0.0]])
    found = []
    for at in np.flatnonzero(rises & falls & (smooth >= _LEAST_SHARE)):
        near = hu.between(edges[at] - _BIN, edges[at] + 2 * _BIN)
        found.append((near.median(), float(smooth[at])))
    return found
