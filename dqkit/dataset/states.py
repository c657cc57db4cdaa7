"""What tracing says of a file of a dataset."""

from enum import StrEnum

from dqkit.catalog.schema import INT, TEXT, Schema


class State(StrEnum):
    """Where the bytes that training would read come from."""

    TRACED = "traced"
    """From an audited series."""
    CHANGED = "changed"
    """They are not those that were audited under this path or SOPInstanceUID."""
    UNTRACEABLE = "untraceable"
    """Nothing that was audited has them."""
    MISSING = "missing"
    UNREAD = "unread"
    """Permission, the disk or a source that is not there kept them from us: nobody knows."""
    OUTSIDE = "outside"
    """From a series that is not among those that are judged: a cohort, ``--only``."""
    UNFIT = "unfit"
    """From a series with findings that fail."""


class How(StrEnum):
    """By what a file was traced; the checksum decides in every case."""

    PATH = "path"
    """It lies in a source."""
    CONTENT = "content"
    """It is a copy of a file of a source."""
    PROVENANCE = "provenance"
    """It was made of files of a source."""


KEYS: Schema = {"site": TEXT, "patient_key": TEXT, "study_key": TEXT, "series_key": TEXT}

TRACED: Schema = {
    "place": TEXT,  # absolute path, escaped
    "size": INT,
    "mtime_ns": INT,
    "sha256": TEXT,  # null where it could not be read
    "state": TEXT,  # State
    "how": TEXT,  # How; null where it was not traced
    "detail": TEXT,  # why, in words free of values; null where there is nothing to say
    "file_id": TEXT,  # of the audited file, the first where there are several
    **KEYS,
    "row": INT,  # of the dataset file: the first that leads here
    "times": INT,  # rows of the dataset file that lead here
    "splits": INT,  # splits in which they stand
    "same_as": TEXT,  # the first other place of the dataset with the same bytes
    "name": TEXT,  # what findings call it outside ("file 3f9a2c…"); null where there is none
}
"""One row a distinct file that a dataset leads to."""
