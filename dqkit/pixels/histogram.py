"""How often each value of an image occurs; most of what is measured comes from it, in a fraction of the time."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_MOST_VALUES = 1 << 18
"""Wider ranges, and floating point, are cut into as many bins as `_BINS`."""

_BINS = 4096
_LARGEST = 1e300
"""Float Pixel Data may hold anything: differences of such values are still finite."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Histogram:
    """Values in ascending order, and how many samples have each.

    Attributes
    ----------
    values
        Distinct values, or centres of bins where there would be too many.
    counts
        Samples of each, at least 1.
    """

    values: Values
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, samples: NDArray[Any]) -> Self:
        """Count the finite `samples` of an array of any shape."""
        flat = samples.ravel()
        if flat.dtype.kind == "f":
            flat = flat[np.isfinite(flat)]
        if not flat.size:
            return cls(np.empty(0), np.empty(0, np.int64))
        low, high = flat.min(), flat.max()
        if flat.dtype.kind != "f" and int(high) - int(low) < _MOST_VALUES:
            counts = np.bincount((flat.astype(np.int64) - int(low)).view(np.int64))
            values = np.arange(len(counts), dtype=np.float64) + np.float64(low)
        else:
            values, counts = _binned(np.clip(flat.astype(np.float64), -_LARGEST, _LARGEST))
        there = counts > 0
        return cls(values[there], counts[there].astype(np.int64))

    @property
    def total(self) -> int:
        """Samples counted."""
        return int(self.counts.sum())

    def without(self, low: float, high: float) -> "Histogram":
        """Leave out the values from `low` to `high`."""
        keep = (self.values < low) | (self.values > high)
        return self if keep.all() else Histogram(self.values[keep], self.counts[keep])

    def between(self, low: float, high: float) -> "Histogram":
        """Keep the values from `low` to `high`."""
        keep = (self.values >= low) & (self.values <= high)
        return Histogram(self.values[keep], self.counts[keep])

    def rescaled(self, slope: float, intercept: float) -> "Histogram":
        """Return the histogram after Rescale Slope and Intercept (PS3.3 C.11.1.1)."""
        values = self.values * slope + intercept
        return Histogram(values, self.counts) if slope >= 0 else Histogram(values[::-1], self.counts[::-1])

    def share(self, low: float, high: float) -> float:
        """Return the share of samples from `low` to `high`; 0 where there are none at all."""
        return self.between(low, high).total / self.total if len(self.values) else 0.0

    def median(self) -> float:
        """Return the lower median."""
        return float(self.values[np.searchsorted(np.cumsum(self.counts), self.total / 2)])

    def split(self) -> float:
        """Return the value that best parts the samples into two classes (Otsu 1979, IEEE Trans. SMC 9:62-66).

        Samples above it are the bright class.
        """
        weight = np.cumsum(self.counts)[:-1].astype(np.float64)
        summed = np.cumsum(self.counts * self.values)
        low = summed[:-1] / weight
        high = (summed[-1] - summed[:-1]) / (self.total - weight)
        between = weight * (self.total - weight) * (high - low) ** 2
        return float(self.values[int(between.argmax())])


def _binned(flat: Values) -> tuple[Values, NDArray[np.int64]]:
    """Count values in bins of one width; np.histogram raises where the bins would be finer than floating point."""
    low, width = flat.min(), (flat.max() - flat.min()) / _BINS
    at = ((flat - low) / width).astype(np.int64) if width > 0 else np.zeros(flat.size, np.int64)
    counts = np.bincount(np.minimum(at, _BINS - 1), minlength=_BINS)
    return np.asarray(low + (np.arange(_BINS) + 0.5) * width, np.float64), counts
