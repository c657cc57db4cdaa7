"""A small likeness of a slice, by which neighbours are compared without decoding them again."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Pixels along each side of a signature, whatever the shape of the image."""

_LEVELS = 255.0


def signature_of(plane: NDArray[Any]) -> bytes | None:
    """Return the means of 32 x 32 blocks of a plane in 8 bits, row by row; None where they are all the same."""
    blocks = _means(_means(plane.astype(np.float32), 0), 1)
    low, high = float(blocks.min()), float(blocks.max())
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return None
    return bytes(np.rint((blocks - low) * (_LEVELS / (high - low))).astype(np.uint8))


def _means(plane: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Average an axis down to SIDE; a shorter one repeats its samples."""
    length = plane.shape[axis]
    if length < SIDE:
        return np.take(plane, np.arange(SIDE) * length // SIDE, axis)
    edges = np.arange(SIDE + 1) * length // SIDE
    summed = np.add.reduceat(plane, edges[:-1], axis)
    counts = np.diff(edges).astype(np.float32)
    return np.asarray(summed / (counts[:, None] if axis == 0 else counts), np.float32)


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how alike slices are: as they are, and with the second one turned over.

    Parameters
    ----------
    one, other
        Signatures, (n, 1024).

    Returns
    -------
    numpy.ndarray
        Correlations, (n, 4): as it is, left to right, up to down, both.
    """
    a, b = _normal(one), _normal(other).reshape(-1, SIDE, SIDE)
    turned = (b, b[:, :, ::-1], b[:, ::-1], b[:, ::-1, ::-1])
    return np.stack([np.einsum("nij,nij->n", a.reshape(-1, SIDE, SIDE), t) for t in turned], axis=1)


def _normal(signatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    centred = signatures.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1), np.float32)
