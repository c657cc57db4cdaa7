"""Stored colour -> RGB of eight bits a sample."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.pixels.frame import Frame, quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Colour = NDArray[np.uint8]

SAMPLES = 3
_BITS = 8


def rgb(frame: Frame, header: "Dataset") -> tuple[Colour, dict[str, Any]]:
    """Return a frame as RGB, shape (rows, columns, 3), and how it came about.

    Grey frames become grey RGB. ICC profiles are not applied; the record says whether there is one.

    Raises
    ------
    Refused
        The colour space has no conversion here (PS3.3 C.7.6.3.1.2 retired it, or a palette is damaged).
    """
    space = frame.decoded_as or frame.photometric
    record = {"stored_as": frame.photometric, "decoded_as": space, "icc_profile": "ICCProfile" in header}
    if space == "PALETTE COLOR":
        return _by_palette(frame, header), record
    if frame.pixels.ndim != SAMPLES or frame.pixels.shape[2] != SAMPLES:
        raise Refused(Reason.COLOUR, f"Photometric Interpretation {_term(space)} with samples that do not fit it")
    if space == "RGB":
        return _eight_bits(frame.pixels, frame.bits_stored), record
    if space in {"YBR_FULL", "YBR_FULL_422"} and frame.pixels.dtype == np.uint8:
        from pydicom.pixels import convert_color_space

        return np.asarray(convert_color_space(frame.pixels, space, "RGB"), np.uint8), record
    raise Refused(Reason.COLOUR, f"Photometric Interpretation {_term(space)}")


def _by_palette(frame: Frame, header: "Dataset") -> Colour:
    from pydicom.pixels import apply_color_lut

    try:
        with quiet():
            coloured = np.asarray(apply_color_lut(frame.pixels, header))
    except Exception as error:
        raise Refused(Reason.COLOUR, "the palette is damaged") from error
    bits = header.get("RedPaletteColorLookupTableDescriptor", [0, 0, 16])[2]
    return _eight_bits(coloured[..., :SAMPLES], int(bits))


def _eight_bits(pixels: NDArray[Any], bits_stored: int | None) -> Colour:
    """Return samples cut to their eight highest bits."""
    bits = bits_stored or 8 * pixels.dtype.itemsize
    if pixels.dtype.kind != "u":
        raise Refused(Reason.COLOUR, "signed samples")
    return np.asarray(pixels >> max(0, bits - _BITS), np.uint8)


def _term(space: str) -> str:
    return space if space.replace("_", "").replace(" ", "").isalnum() else "is no defined term"
