"""What of an image is cut away: outside the collimator or shutter, around the breast, around the circle of a fundus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.plane.attributes import numbers, texts
from dqkit.harmonize.volume import Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_LEAST_SHARE = 0.05
"""Part of the image that a crop leaves at least; less is a mistake of the header. House style."""

_EVEN = 0.05
"""Part of the image's range within which a line of a collimated border stays. House style."""

_MOST_BORDER = 0.45
"""Part of the image that a border found in the pixels takes at most, from one side. House style."""


@dataclass(frozen=True)
class Box:
    """Rows and columns of an image, the last ones not included; those outside the image are padding."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def plain(self) -> list[int]:
        """First row, last row + 1, first column, last column + 1."""
        return [self.top, self.bottom, self.left, self.right]

    def within(self, rows: int, columns: int) -> "Box":
        """Return the part that lies in an image."""
        return Box(max(0, self.top), min(rows, self.bottom), max(0, self.left), min(columns, self.right))

    @property
    def area(self) -> int:
        """Pixels in it."""
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)


def cut(volume: Volume, box: Box, told: dict[str, Any]) -> Volume:
    """Return the part of an image in a box, with background where the box reaches beyond it."""
    rows, columns = volume.voxels.shape[-2:]
    inner = box.within(rows, columns)
    shape = (*volume.voxels.shape[:-2], box.bottom - box.top, box.right - box.left)
    voxels = np.full(shape, volume.background, volume.voxels.dtype)
    place = (
        slice(inner.top - box.top, inner.bottom - box.top),
        slice(inner.left - box.left, inner.right - box.left),
    )
    voxels[(..., *place)] = volume.voxels[..., inner.top : inner.bottom, inner.left : inner.right]
    shift = np.eye(4)
    shift[:2, 3] = box.left, box.top
    return volume.after("crop", voxels=voxels, affine=volume.affine @ shift, parameters={**told, "box": box.plain})


def collimation(header: "Dataset", volume: Volume, warn: Callable[[str], None]) -> tuple[Box, dict[str, Any]]:
    """Return the box that the shutter or collimator leaves open (PS3.3 C.7.6.11, C.8.7.3), else as the pixels show."""
    rows, columns = volume.voxels.shape[-2:]
    whole = Box(0, rows, 0, columns)
    for kind in ("Shutter", "Collimator"):
        box = _told(header, kind)
        if box is None:
            continue
        open_ = box.within(rows, columns)
        if open_.area >= _LEAST_SHARE * whole.area:
            return open_, {"kind": "collimation", "by": f"{kind}Shape"}
        warn(f"the {kind.lower()} would cover the image: it was not believed")
    return _without_even_borders(_grey(volume)), {"kind": "collimation", "by": "pixels"}


def _told(header: "Dataset", kind: str) -> Box | None:
    """Return the box around all shapes of a shutter or collimator; edges are counted from 1."""
    boxes = [box for shape in texts(header, f"{kind}Shape") if (box := _of_shape(header, kind, shape.upper()))]
    if not boxes:
        return None
    return Box(
        max(box.top for box in boxes), min(box.bottom for box in boxes),
        max(box.left for box in boxes), min(box.right for box in boxes),
    )  # fmt: skip


def _of_shape(header: "Dataset", kind: str, shape: str) -> Box | None:
    if shape == "RECTANGULAR":
        names = ("UpperHorizontalEdge", "LowerHorizontalEdge", "LeftVerticalEdge", "RightVerticalEdge")
        edges = [numbers(header, f"{kind}{name}") for name in names]
        if all(edges):
            top, bottom, left, right = (round(edge[0]) for edge in edges)
            return Box(top - 1, bottom, left - 1, right)
    if shape == "CIRCULAR":
        centre, radius = numbers(header, f"CenterOfCircular{kind}"), numbers(header, f"RadiusOfCircular{kind}")
        if len(centre) == 2 and radius and radius[0] > 0:  # noqa: PLR2004 - row, column
            row, column = (round(one) - 1 for one in centre)
            reach = round(radius[0])
            return Box(row - reach, row + reach + 1, column - reach, column + reach + 1)
    if shape == "POLYGONAL":
        points = numbers(header, f"VerticesOfThePolygonal{kind}")
        if len(points) >= 6 and len(points) % 2 == 0:  # noqa: PLR2004 - three corners or more
            down, across = points[::2], points[1::2]
            return Box(round(min(down)) - 1, round(max(down)), round(min(across)) - 1, round(max(across)))
    return None


def _grey(volume: Volume) -> NDArray[np.float32]:
    """Return an image as one plane, shape (rows, columns): of colour the brightest sample."""
    return np.asarray(volume.voxels.reshape(-1, *volume.voxels.shape[-2:]).max(0), np.float32)


def _without_even_borders(values: NDArray[np.float32]) -> Box:
    """Return the box inside borders whose lines are of one brightness: what a collimator covers holds no structure."""
    low, high = np.percentile(values, [1, 99])
    even = _EVEN * float(high - low)
    rows, columns = values.shape
    spread_down = np.subtract(*np.percentile(values, [98, 2], axis=1))
    spread_across = np.subtract(*np.percentile(values, [98, 2], axis=0))
    top, bottom = _border(spread_down, even), _border(spread_down[::-1], even)
    left, right = _border(spread_across, even), _border(spread_across[::-1], even)
    return Box(top, rows - bottom, left, columns - right)


def _border(spreads: NDArray[Any], even: float) -> int:
    """Return how many lines from the edge on are even; none where they would take most of the image."""
    uneven = np.flatnonzero(spreads > even)
    found = int(uneven[0]) if uneven.size else 0
    return found if found <= _MOST_BORDER * len(spreads) else 0


def around(mask: NDArray[np.bool_]) -> Box | None:
    """Return the box around the true pixels of a mask; None where there are none."""
    down, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not down.size:
        return None
    return Box(int(down[0]), int(down[-1]) + 1, int(across[0]), int(across[-1]) + 1)
