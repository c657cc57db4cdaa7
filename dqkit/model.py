"""The words that every stage shares, as enums and small frozen dataclasses.

DICOM attributes keep their PS3.6 keyword everywhere; what stands here is dqkit's own vocabulary.
"""

from enum import IntEnum, StrEnum


class Level(StrEnum):
    """What one row of a frame stands for, and so what a rule can speak about."""

    FILE = "file"
    INSTANCE = "instance"
    STACK = "stack"
    SERIES = "series"
    STUDY = "study"
    PATIENT = "patient"
    LABEL = "label"
    SITE = "site"
    ARCHIVE = "archive"


class Severity(StrEnum):
    """How bad a failed rule is; the words of Great Expectations."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the mildest: ``info < warning < critical``."""
        return {"info": 0, "warning": 1, "critical": 2}[self.value]


class RuleStatus(StrEnum):
    """Life of a rule; a preview never fails a gate."""

    PREVIEW = "preview"
    STABLE = "stable"
    DEPRECATED = "deprecated"


class Outcome(IntEnum):
    """What a rule says of one entity, as the Int8 code that frames carry.

    The three unknowns differ in their reason: the attribute is missing, it varies where one value is
    needed, or nothing has looked at it yet (pixels that were not decoded).
    """

    PASS = 0
    FAIL = 1
    NOT_APPLICABLE = 2
    MISSING = 3
    VARYING = 4
    NOT_LOOKED_AT = 5

    @property
    def word(self) -> str:
        """``pass``, ``fail``, ``unknown`` or ``not_applicable``, as rule files and reports say it."""
        return "unknown" if self >= Outcome.MISSING else self.name.lower()


class Verdict(StrEnum):
    """What a rule says of a site (or of the archive)."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


class Origin(StrEnum):
    """Whose fault a finding is: the data's, or something on our side (permission, I/O, a crash)."""

    DATA = "data"
    TOOL = "tool"


class ProblemState(StrEnum):
    """How far a problem has come between the archive and the hospital (docs/adr/0013-states-of-problems.md)."""

    OPEN = "open"
    SENT = "sent"
    """It stands in a worklist that was handed back."""
    FIXED = "fixed"
    """The hospital says so; the next audit looks whether it is."""
    CANNOT_FIX = "cannot-fix"
    DISPUTED = "disputed"
    QUESTION = "question"
    REOPENED = "reopened"
    """An audit finds it although it was said to be fixed, or after it was found no more."""
    MENDED = "mended"
    """An audit looked: what failed passes now."""
    GONE = "gone"
    """An audit looked and finds it no more, and nothing that failed is there to pass."""


class FileStatus(StrEnum):
    """What became of one file of a source."""

    DICOM = "dicom"
    NIFTI = "nifti"
    NOT_DICOM = "not_dicom"
    EMPTY = "empty"
    DAMAGED = "damaged"
    """Starts like DICOM, and nothing in it can be read."""
    SYSTEM = "system"
    """A folder of an exported disk that holds no images (one row a folder)."""
    WRITTEN = "written"
    """Not DICOM, and meant to be so: dqkit wrote it beside images (only in what rules see)."""
    DENIED = "denied"
    VANISHED = "vanished"
    IO_ERROR = "io_error"
    CRASHED = "crashed"
    """A reader of ours failed on it; our fault until shown otherwise."""


TOOL_STATUSES = (FileStatus.DENIED, FileStatus.IO_ERROR, FileStatus.CRASHED)
"""Statuses that make a run incomplete: they say nothing about the data."""


class StackVerdict(StrEnum):
    """Whether the slices of a stack form one regular volume (docs/geometry.md has the definitions)."""

    OK = "OK"
    SHEARED = "SHEARED"
    MISSING = "MISSING"
    VARIABLE = "VARIABLE"
    NOT_COLLINEAR = "NOT_COLLINEAR"
    AMBIGUOUS = "AMBIGUOUS"
    SINGLE = "SINGLE"
