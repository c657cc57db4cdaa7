"""Landmarks of histograms: learnt on a set of images, kept as JSON with where they come from, applied to new ones."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.errors import DqkitError

KIND, VERSION = "dqkit-landmarks", 1

Values = NDArray[np.float64]

STANDARD = (0.0, 100.0)
"""Where the first and the last landmark of the standard histogram stand."""


@dataclass(frozen=True)
class Standard:
    """The standard histogram of one modality and role.

    Attributes
    ----------
    landmarks
        Value at each percentile, ascending, from 0 to 100.
    images
        Pseudonyms of the stacks that it was learnt on, sorted.
    """

    modality: str
    role: str
    landmarks: tuple[float, ...]
    images: tuple[str, ...]


@dataclass(frozen=True)
class Landmarks:
    """What `dqkit landmarks` writes.

    Attributes
    ----------
    percentiles
        At which the landmarks stand.
    standards
        One for each modality and role.
    recipe, recipe_sha256
        The recipe whose earlier steps the images had gone through.
    before
        Those steps of `intensity`, as plain JSON: landmarks hold for images that went through the same.
    training
        Which part of a cohort it was (``split = train``), in words of the user.
    """

    percentiles: tuple[float, ...]
    standards: tuple[Standard, ...]
    recipe: str = ""
    recipe_sha256: str = ""
    before: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    training: str = ""
    dqkit_version: str = ""

    def of(self, modality: str, role: str) -> Standard | None:
        """Return the standard histogram of a modality and role."""
        return next((one for one in self.standards if (one.modality, one.role) == (modality, role)), None)


def percentiles_of(values: NDArray[Any], percentiles: Sequence[float]) -> Values:
    """Return the values at percentiles, shape (percentiles,)."""
    return np.asarray(np.percentile(np.asarray(values, np.float64), percentiles), np.float64)


def learn(images: Sequence[Values]) -> tuple[float, ...]:
    """Learn the standard histogram: the mean of all images' landmarks after each was brought to 0 to 100.

    Nyul and Udupa 1999, Magn. Reson. Med. 42:1072-1081; Nyul, Udupa and Zhang 2000, IEEE Trans. Med. Imaging
    19:143-150.

    Parameters
    ----------
    images
        Values at the percentiles of each image, ascending, shape (percentiles,).

    Raises
    ------
    ValueError
        There is none, or the first and last landmark of one are equal.
    """
    if not images:
        raise ValueError("no image to learn from")
    scaled = np.zeros(len(images[0]))
    low, high = STANDARD
    for found in images:
        if not found[0] < found[-1]:
            raise ValueError("an image whose landmarks are all one value")
        scaled += low + (found - found[0]) / (found[-1] - found[0]) * (high - low)
    return tuple((scaled / len(images)).tolist())


def to_standard(values: NDArray[Any], found: Values, standard: Sequence[float]) -> NDArray[np.float32]:
    """Map values piecewise linearly so that the landmarks `found` come to `standard`.

    Beyond the first and last landmark the outermost piece goes on. Landmarks that coincide, as in images of few
    distinct values, count once.
    """
    apart = np.concatenate([[True], np.diff(found) > 0])
    x, y = found[apart], np.asarray(standard, np.float64)[apart]
    y[-1] = standard[-1]
    mapped = np.empty(values.shape, np.float32)
    for k, part in enumerate(values):  # a slice at a time: all in float64 would take twice the memory of the image
        mapped[k] = _piecewise(np.asarray(part, np.float64), x, y)
    return mapped


def _piecewise(values: Values, x: Values, y: Values) -> Values:
    mapped = np.asarray(np.interp(values, x, y), np.float64)
    for end, inner, beyond in ((0, 1, values < x[0]), (-1, -2, values > x[-1])):
        slope = (y[inner] - y[end]) / (x[inner] - x[end])
        mapped = np.where(beyond, y[end] + (values - x[end]) * slope, mapped)
    return mapped


def to_json(landmarks: Landmarks) -> dict[str, Any]:
    """Return landmarks as JSON values."""
    return {
        "kind": KIND,
        "version": VERSION,
        "step": "nyul",
        "dqkit": landmarks.dqkit_version,
        "percentiles": list(landmarks.percentiles),
        "standards": [
            {
                "modality": one.modality,
                "role": one.role,
                "landmarks": list(one.landmarks),
                "learnt_on": len(one.images),
                "images": list(one.images),
            }
            for one in landmarks.standards
        ],
        "training": landmarks.training,
        "recipe": landmarks.recipe,
        "recipe_sha256": landmarks.recipe_sha256,
        "before": [dict(step) for step in landmarks.before],
    }


def from_json(data: Any) -> Landmarks:
    """Return what `to_json` wrote.

    Raises
    ------
    ValueError
        It is no file of landmarks, or its numbers do not ascend.
    """
    if not isinstance(data, dict) or data.get("kind") != KIND or data.get("version") != VERSION:
        raise ValueError("no file of landmarks of this version")
    try:
        percentiles = _ascending(data["percentiles"])
        standards = tuple(
            Standard(
                str(one["modality"]), str(one["role"]), _ascending(one["landmarks"]), tuple(map(str, one["images"]))
            )
            for one in data["standards"]
        )
        words = tuple(str(data[key]) for key in ("recipe", "recipe_sha256", "training", "dqkit"))
        before = tuple(dict(step) for step in data["before"])
    except (KeyError, TypeError) as error:
        raise ValueError("a file of landmarks that lacks a part") from error
    if any(len(one.landmarks) != len(percentiles) for one in standards) or not standards:
        raise ValueError("landmarks and percentiles differ in number")
    recipe, sha256, training, version = words
    return Landmarks(percentiles, standards, recipe, sha256, before, training, version)


def _ascending(numbers: Any) -> tuple[float, ...]:
    found = tuple(float(number) for number in numbers)
    if len(found) < 2 or not np.isfinite(found).all() or any(a > b for a, b in pairwise(found)):  # noqa: PLR2004
        raise ValueError("numbers that do not ascend")
    return found


def load_landmarks(path: Path) -> tuple[Landmarks, str]:
    """Read landmarks; return them and the sha256 of their file.

    Raises
    ------
    DqkitError
        The file is not there or no file of landmarks.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DqkitError(
            f"the landmarks {path.name} cannot be read: {error.strerror}",
            "learn them on the training part: dqkit landmarks --help",
        ) from error
    try:
        return _parsed(data), hashlib.sha256(data).hexdigest()
    except (ValueError, RecursionError) as error:
        raise DqkitError(
            f"{path.name} is no file of landmarks of this version of dqkit", "learn them: dqkit landmarks --help"
        ) from error


@lru_cache(maxsize=4)  # a run asks for the same file for every stack
def _parsed(data: bytes) -> Landmarks:
    return from_json(json.loads(data))
