"""Closed contours to pixels: a pixel belongs to a region when its centre does."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dqkit.labels.mask import Flags
from dqkit.labels.planes import Floats

MOST_CROSSINGS = 1 << 22
"""Of edges with rows, worked out at once."""
MOST_COMPARED = 64
"""Contours of a ROI on one slice that are compared with each other."""


def filled(polygons: Iterable[Floats], shape: tuple[int, int]) -> Flags:
    """Return the pixels whose centres lie inside an odd number of `polygons`, shape (rows, columns).

    All contours of a ROI on one slice are taken at once, so that a contour in another one cuts a hole
    (CLOSEDPLANAR_XOR, PS3.3 C.8.8.6.3), and the two ways along the bridge of a keyhole undo each other exactly.
    A row of pixel centres is walked from left to right: each edge that it crosses turns inside to outside. Edges hold
    their lower end and not their upper one, so that regions that share an edge share no pixel, and areas are unbiased.

    Parameters
    ----------
    polygons
        Vertices as (column, row) indices, each of shape (n, 2); the last is joined to the first.
    """
    rows, columns = shape
    turns = np.zeros(rows * (columns + 1), dtype=bool)
    for polygon in polygons:
        for edges in _edges(polygon, rows):
            row, column = _crossings(*edges, rows)
            # A pixel centre at c is right of the crossing at x when c >= x: from ceil(x) on
            at = np.clip(np.ceil(column), 0, columns).astype(np.intp)
            turns ^= np.bincount(row * (columns + 1) + at, minlength=turns.size) % 2 == 1
    return np.logical_xor.accumulate(turns.reshape(rows, columns + 1), axis=1)[:, :columns]


def _edges(polygon: Floats, rows: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield starts and ends of the edges, so many at once that their crossings fit in memory whatever was drawn."""
    ends = np.roll(polygon, -1, axis=0)
    several = max(1, MOST_CROSSINGS // rows)
    for first in range(0, len(polygon), several):
        yield polygon[first : first + several], ends[first : first + several]


def _crossings(start: Floats, end: Floats, rows: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the row and the (fractional) column of every crossing of an edge with a row of pixel centres."""
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(low), 0, rows).astype(np.intp)
    count = np.clip(np.ceil(high), 0, rows).astype(np.intp) - first
    edge = np.repeat(np.arange(len(start)), count)
    row = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    # Walked from the same end whichever way the edge was drawn: the two ways along a bridge cross at the same column
    upward = start[edge, 1] <= end[edge, 1]
    a = np.where(upward[:, None], start[edge], end[edge])
    b = np.where(upward[:, None], end[edge], start[edge])
    return row, a[:, 0] + (row - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])


def distinct(polygons: Sequence[Floats]) -> list[Floats]:
    """Return each polygon once: a contour that was stored twice would cut itself out.

    Two are the same when they run through the same points, wherever they begin and whichever way they go round.
    """
    kept: dict[bytes, Floats] = {}
    for polygon in polygons:
        kept.setdefault(_signature(polygon), polygon)
    return list(kept.values())


def _signature(polygon: Floats) -> bytes:
    points = np.round(polygon, 4) + 0.0
    order = np.lexsort(points.T)
    return bytes(points[order].tobytes())


def overlapping_pixels(polygons: Sequence[Floats], shape: tuple[int, int]) -> int:
    """Return how many pixels are lost where two contours cross instead of lying one inside the other.

    Of crossing contours XOR leaves out what both hold, which whoever drew them may not have meant.
    """
    if not 1 < len(polygons) <= MOST_COMPARED:
        return 0
    parts = [filled([polygon], shape) for polygon in polygons]
    sizes = [int(part.sum()) for part in parts]
    crossing = 0
    for i in range(len(parts)):
        for j in range(i):
            both = int((parts[i] & parts[j]).sum())
            crossing += both if 0 < both < min(sizes[i], sizes[j]) else 0
    return crossing


def area_of(polygon: Floats) -> float:
    """Return the area that a polygon (n, 2) encloses, in the unit of its coordinates squared (shoelace formula)."""
    x, y = polygon.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
