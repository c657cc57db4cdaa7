"""Stored grey values -> what they mean: modality LUT, VOI LUT, polarity, in the order of PS3.4 N.2."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.plane.attributes import items, numbers, term
from dqkit.harmonize.plane.decide import RAW
from dqkit.harmonize.plane.lookup import lookup_table
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.pixels.bits import within_bits
from dqkit.pixels.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

P_VALUE = "P-value"
"""What a value is after the VOI LUT: from 0 for the darkest to 1 for the brightest that is shown (PS3.14)."""

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Grey:
    """Grey values.

    Attributes
    ----------
    values
        Shape (rows, columns); larger is brighter.
    unit
        `P_VALUE` after a VOI LUT, else what Rescale Type says; empty where nothing does.
    record
        How they came about, as plain JSON.
    is_whole
        All values are whole numbers.
    """

    values: Values
    unit: str
    background: float
    record: dict[str, Any]
    is_whole: bool


def grey_values(frame: Frame, header: "Dataset", voi: str, warn: "Callable[[str], None]") -> Grey:
    """Return the values of a grey frame.

    Parameters
    ----------
    voi
        ``window``: as the image asks to be shown, from 0 to 1; ``none``: as rescaled.

    Raises
    ------
    Refused
        The frame is in colour, a lookup table is damaged, or raw detector values are to be shown.
    """
    if frame.photometric not in {"MONOCHROME1", "MONOCHROME2"} or frame.pixels.ndim != 2:  # noqa: PLR2004
        raise Refused(Reason.COLOUR)
    stored = within_bits(frame.pixels, frame.bits_stored)
    modality = _Modality(frame, header)
    values, record = modality.apply(stored)
    low, high = modality.range
    padding = _padding(frame, stored)
    unit, is_whole = modality.unit, modality.is_whole
    if voi == "window":
        if term(header, "PresentationIntentType") == "FOR PROCESSING":
            raise Refused(Reason.RESCALE, RAW)
        seen = values if padding is None else values[~padding]
        values, shown = _shown(values, header, (low, high), seen, warn)
        record |= shown
        low, high, unit, is_whole = 0.0, 1.0, P_VALUE, False
    if frame.photometric == "MONOCHROME1":
        values = np.float32(low + high) - values
    record |= {"monochrome1_inverted": frame.photometric == "MONOCHROME1"}
    _warn_of_contradiction(frame, header, warn)
    background = low
    if padding is not None:
        values[padding] = background
        record["padding_pixels"] = int(np.count_nonzero(padding))
    return Grey(values, unit, background, record, is_whole)


class _Modality:
    """The modality LUT of an image (PS3.3 C.11.1): a table, or slope and intercept."""

    def __init__(self, frame: Frame, header: "Dataset") -> None:
        self._frame = frame
        found = items(header, "ModalityLUTSequence")
        self.table = (
            lookup_table(found[0], signed=frame.signed, little_endian=_is_little_endian(header)) if found else None
        )
        if self.table is None and frame.slope == 0:
            raise Refused(Reason.RESCALE, "Rescale Slope is 0")
        told = term(found[0], "ModalityLUTType") if found else term(header, "RescaleType")
        self.unit = "" if told in {"", "US"} else told

    @property
    def is_whole(self) -> bool:
        """Whether whole stored values stay whole."""
        rescaled = float(self._frame.slope).is_integer() and float(self._frame.intercept).is_integer()
        return self._frame.pixels.dtype.kind in "iu" and (self.table is not None or rescaled)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value that can come out."""
        if self.table is not None:
            return 0.0, self.table.highest
        bits = self._frame.bits_stored or 8 * self._frame.pixels.dtype.itemsize
        ends = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if self._frame.signed else (0.0, 2.0**bits - 1)
        low, high = sorted(end * self._frame.slope + self._frame.intercept for end in ends)
        return low, high

    def apply(self, stored: NDArray[Any]) -> tuple[Values, dict[str, Any]]:
        """Return the values, and how they came about."""
        if self.table is not None:
            record = {"modality_lut": "table", "entries": len(self.table.entries), "bits": self.table.bits}
            return self.table.apply(stored), record
        slope, intercept = self._frame.slope, self._frame.intercept
        record = {"modality_lut": "rescale", "slope": slope, "intercept": intercept}
        return np.asarray(stored * np.float64(slope) + intercept, np.float32), record


def _padding(frame: Frame, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which pixels stand for no measurement (PS3.3 C.7.5.1.1.2); None where none are declared."""
    if frame.padding is None:
        return None
    low, high = sorted((frame.padding, frame.padding if frame.padding_limit is None else frame.padding_limit))
    return np.asarray((stored >= low) & (stored <= high) | (frame.pixels == frame.padding))


def _shown(
    values: Values, header: "Dataset", span: tuple[float, float], seen: Values, warn: "Callable[[str], None]"
) -> tuple[Values, dict[str, Any]]:
    """Return values as they ask to be shown, 0 to 1: by the first VOI LUT, else the first window (C.11.2.1.1)."""
    tables = items(header, "VOILUTSequence")
    if tables:
        table = lookup_table(tables[0], signed=span[0] < 0, little_endian=_is_little_endian(header))
        record = {"voi": "table", "entries": len(table.entries), "bits": table.bits, "choices": len(tables)}
        return table.apply(values) / np.float32(table.highest), record
    centres, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    function = term(header, "VOILUTFunction") or "LINEAR"
    if not centres or not widths or not _is_window(widths[0], function):
        low, high = (float(seen.min()), float(seen.max())) if seen.size else span
        warn("the image has no window and no VOI LUT: the range of its values was taken")
        function, centre, width = "LINEAR_EXACT", (low + high) / 2, max(high - low, 1e-6)
        record = {"voi": "range", "choices": 0}
    else:
        centre, width = centres[0], widths[0]
        record = {"voi": "window", "choices": min(len(centres), len(widths))}
    return windowed(values, centre, width, function), record | {"function": function, "center": centre, "width": width}


def _is_window(width: float, function: str) -> bool:
    return function in _FUNCTIONS and (width >= 1 if function == "LINEAR" else width > 0)


_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def windowed(values: Values, centre: float, width: float, function: str) -> Values:
    """Return values after a window, 0 to 1 (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2)."""
    exact = values.astype(np.float64)
    if function == "SIGMOID":
        shown = 1 / (1 + np.exp(np.clip(-4 * (exact - centre) / width, -700, 700)))
    elif function == "LINEAR_EXACT":
        shown = (exact - centre) / width + 0.5
    elif width == 1:
        shown = np.where(exact <= centre - 0.5, 0.0, 1.0)
    else:
        shown = (exact - (centre - 0.5)) / (width - 1) + 0.5
    return np.clip(shown, 0, 1).astype(np.float32)


def _is_little_endian(header: "Dataset") -> bool:
    try:
        return bool(header.original_encoding[1])
    except (AttributeError, TypeError, IndexError):
        return True


def _warn_of_contradiction(frame: Frame, header: "Dataset", warn: "Callable[[str], None]") -> None:
    """Warn where Presentation LUT Shape says another polarity than Photometric Interpretation (C.8.11.3.1.2)."""
    shape = term(header, "PresentationLUTShape")
    told = {"INVERSE": "MONOCHROME1", "IDENTITY": "MONOCHROME2"}.get(shape)
    if told and told != frame.photometric:
        warn(f"Presentation LUT Shape {shape} contradicts {frame.photometric}, which was believed")
