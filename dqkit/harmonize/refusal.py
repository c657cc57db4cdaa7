"""Why a stack is not written: a closed list of reasons, each with a sentence in every language."""

from enum import StrEnum


class Reason(StrEnum):
    """Why; docs/harmonize.md lists them."""

    OUT_OF_SCOPE = "out_of_scope"
    SCOUT = "scout"
    SINGLE = "single"
    GAP = "gap"
    IRREGULAR = "irregular"
    NOT_COLLINEAR = "not_collinear"
    AMBIGUOUS = "ambiguous"
    DUPLICATES_DIFFER = "duplicates_differ"
    ORDER_INFERRED = "order_inferred"
    NO_SPACING = "no_spacing"
    NO_ORIENTATION = "no_orientation"
    NOT_ORTHONORMAL = "not_orthonormal"
    POSITIONS_UNKNOWN = "positions_unknown"
    COLOUR = "colour"
    MODALITY_LUT = "modality_lut"
    RESCALE = "rescale"
    UNITS_DIFFER = "units_differ"
    SIZES_DIFFER = "sizes_differ"
    PIXELS = "pixels"
    CHANGED = "changed"
    OFFLINE = "offline"
    NO_FILES = "no_files"
    OVERFLOW = "overflow"
    TOO_LARGE = "too_large"
    INTENSITY = "intensity"
    DICOM_CLASS = "dicom_class"
    BURNED_IN = "burned_in"
    SECONDARY = "secondary"
    FORMAT = "format"


PASSING = frozenset({Reason.CHANGED, Reason.OFFLINE, Reason.NO_FILES})
"""They say how the archive was at that hour: the next run looks again, though no file and no plan is another."""


class Refused(Exception):  # noqa: N818 - it is no error: refusing is an answer
    """The stack is not written.

    Parameters
    ----------
    reason
        Why.
    detail
        What was seen, free of identifying values (``"2 of 40 steps are wider than 1.5 steps"``).
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
