"""The slices of a stack, decoded and fit to be shown: Hounsfield units, counts, or whatever the modality gives."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.pixels.frame import Frame, PixelFault
from dqkit.pixels.isolated import decode_isolated

SHOWN = frozenset({"CT", "MR", "PT", "MG"})
"""Modalities whose images show no face in a photograph and seldom text."""

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_COLOUR = 3
_SECONDS = 20.0
"""For the slices of one picture: a share that answers slowly must not hold up a report."""

Values = NDArray[np.float64]
OpenFile = Callable[[str], bytes]
"""file_id -> path."""


@dataclass(frozen=True)
class Slice:
    """One slice in patient coordinates.

    Attributes
    ----------
    values
        (rows, columns), after Rescale Slope and Intercept; NaN in rows that the file does not hold.
    spacing_mm
        Between rows, between columns.
    row, column
        Unit vectors along a row and along a column (LPS); None where the file does not tell.
    origin_mm
        Image Position (Patient).
    """

    values: Values
    spacing_mm: tuple[float, float]
    modality: str
    inverted: bool
    window: tuple[float, float] | None
    row: Values | None = None
    column: Values | None = None
    origin_mm: Values | None = None
    lost_from_row: int | None = None

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width."""
        return self.values.shape[0] * self.spacing_mm[0], self.values.shape[1] * self.spacing_mm[1]


def may_be_shown(frame: Frame) -> bool:
    """Tell whether an image may leave the house: its modality is safe and nothing says that text is burned in."""
    return (
        frame.modality in SHOWN
        and frame.burned_in.strip().upper() != "YES"
        and not frame.sop_class.startswith(_SECONDARY_CAPTURE)
        and frame.pixels.ndim < _COLOUR
    )


def read_slices(
    stack: Mapping[str, Any], open_file: OpenFile, indices: Iterable[int], needed: Iterable[int] | None = None
) -> dict[int, Slice] | None:
    """Decode the slices of a stack at `indices` (0-based, in order of position).

    Returns
    -------
    dict or None
        Slices by index, without those that cannot be decoded; None where one of `needed` (all, unless told) cannot be
        decoded, any must not be shown, or it all takes too long.
    """
    indices = sorted(set(indices))
    must = set(indices if needed is None else needed)
    slices = {}
    deadline = time.monotonic() + _SECONDS
    for i in indices:
        if time.monotonic() > deadline:
            return None
        one = read_slice(open_file(stack["file_ids"][i]), frame_of(stack, i))
        if one is None or (isinstance(one, PixelFault) and i in must):
            return None
        if not isinstance(one, PixelFault):
            slices[i] = one
    return slices


def frame_of(stack: Mapping[str, Any], i: int) -> int:
    """Return the frame, from 0, that slice `i` of a stack is in its file."""
    numbers = stack.get("frame_numbers") or []
    return (numbers[i] or 1) - 1 if i < len(numbers) else 0


def read_slice(path: bytes, k: int = 0) -> Slice | PixelFault | None:
    """Decode one frame, with NaN for rows that the file does not hold; None where it must not be shown."""
    frame = decode_isolated(path, k, partial=True)
    if isinstance(frame, PixelFault):
        return frame
    if not may_be_shown(frame):
        return None
    row, column = _axes(frame.orientation)
    values = frame.pixels.astype(np.float64) * frame.slope + frame.intercept
    if frame.lost_from_row is not None:
        values[frame.lost_from_row :] = np.nan
    return Slice(
        values=values,
        spacing_mm=_spacing(frame.spacing_mm),
        modality=frame.modality,
        inverted=frame.photometric == "MONOCHROME1",
        window=frame.window,
        row=row,
        column=column,
        origin_mm=_vector(frame.position_mm),
        lost_from_row=frame.lost_from_row,
    )


def _spacing(spacing_mm: tuple[float, float] | None) -> tuple[float, float]:
    """Return a spacing that can be drawn; square pixels where the file tells none."""
    if spacing_mm is None or not all(1e-3 < step < 1e3 for step in spacing_mm):  # noqa: PLR2004
        return 1.0, 1.0
    return spacing_mm


def _vector(numbers: Sequence[float] | None) -> Values | None:
    if numbers is None or len(numbers) != 3 or max(map(abs, numbers)) > 1e6:  # noqa: PLR2004
        return None
    return np.array(numbers, dtype=np.float64)


def _axes(orientation: Sequence[float] | None) -> tuple[Values | None, Values | None]:
    if orientation is None or len(orientation) != 6:  # noqa: PLR2004
        return None, None
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    if min(np.linalg.norm(row), np.linalg.norm(column), np.linalg.norm(np.cross(row, column))) < 0.5:  # noqa: PLR2004
        return None, None
    return row / np.linalg.norm(row), column / np.linalg.norm(column)


def grey(slices: Sequence[Slice]) -> Callable[[Values], NDArray[np.uint8]]:
    """Return the grey scale that all of `slices` are shown in, so that they can be compared.

    CT in Hounsfield units gets a window that tells lung from air and bone from tissue (C -200, W 1500: house style);
    anything else the range from the 0.5th to the 99.5th percentile of what is not background.
    """
    import SimpleITK as sitk  # noqa: N813 - its own documentation's name

    low, high = _range(slices)
    inverted = slices[0].inverted

    def apply(values: Values) -> NDArray[np.uint8]:
        image = sitk.GetImageFromArray(np.nan_to_num(values, nan=low))
        shown = sitk.IntensityWindowing(image, low, high, *((255.0, 0.0) if inverted else (0.0, 255.0)))
        return np.asarray(sitk.GetArrayFromImage(shown)).astype(np.uint8)

    return apply


def _range(slices: Sequence[Slice]) -> tuple[float, float]:
    sample = np.concatenate([one.values[::4, ::4].ravel() for one in slices])
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    if slices[0].modality == "CT" and sample.min() < -500 and 0 < sample.max() < 10_000:  # noqa: PLR2004
        return -950.0, 550.0
    foreground = sample[sample > sample.min()]
    low, high = np.percentile(foreground if foreground.size else sample, (0.5, 99.5))
    return float(min(low, sample.min())) if low > 0 else float(low), float(max(high, low + 1e-6))
