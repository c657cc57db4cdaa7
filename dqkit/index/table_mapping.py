"""What the columns of a table mean: which attribute each holds, in which unit and form."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dqkit.catalog.schema import ATTRIBUTES, INT, PER_INSTANCE, SERIES, Schema

SERIES_LEVEL, INSTANCE_LEVEL, STUDY_LEVEL = "series", "instance", "study"
LEVELS = (SERIES_LEVEL, INSTANCE_LEVEL, STUDY_LEVEL)
"""What one row of a table stands for."""

COUNTS = ("n_instances", "n_frames", "size")
"""Columns of dqkit's own that a table may give: images, frames and bytes of a series."""

MEASURES = ("ctdi_vol_mgy", "tube_current_ma", "exposure_mas", "b_values")
"""What a series has of attributes that differ from image to image."""

_OF_AN_INSTANCE = ("SOPInstanceUID",)

OF_A_STUDY = ("n_series",)
"""What a table may count of a study, for those who compare: the catalog counts for itself."""

TARGETS: Schema = (
    {
        name: kind
        for name, kind in SERIES.items()
        if name in (*COUNTS, *MEASURES, "TransferSyntaxUID") or (name in ATTRIBUTES and name not in PER_INSTANCE)
    }
    | {name: ATTRIBUTES[name] for name in _OF_AN_INSTANCE}
    | dict.fromkeys(OF_A_STUDY, INT)
)
"""What a column of a table can be mapped to, with the type it is kept in."""

IDS = (
    "PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyID", "StudyInstanceUID", "SeriesInstanceUID",
    "SOPInstanceUID", "FrameOfReferenceUID", "SOPClassUID", "TransferSyntaxUID", "DeviceSerialNumber",
)  # fmt: skip
"""Text that spreadsheets take for numbers: zeros in front are lost, long ones are rounded."""

UIDS = tuple(name for name in IDS if name.endswith("UID"))


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Attributes
    ----------
    header
        Its header in the table.
    to
        A key of TARGETS.
    unit
        Unit of the numbers (``cm``); empty = that of the attribute, or what stands behind each number.
    split
        What separates the values of a multi-valued attribute; empty = found out.
    format
        Of dates, in the words of strptime (``%d/%m/%Y``); empty = found out.
    decimal
        ``.`` or ``,``; empty = found out.
    varies
        What separates the values where a cell lists all that the instances of a series have (``1.5,3``): the attribute
        then varies in the series. Empty = a cell holds the one value.
    how
        How the meaning was found: ``told``, ``keyword``, ``name``, ``tag`` or ``near``.
    """

    header: str
    to: str
    unit: str = ""
    split: str = ""
    format: str = ""
    decimal: str = ""
    varies: str = ""
    how: str = "told"


@dataclass(frozen=True)
class TableMapping:
    """How a table becomes a catalog of series.

    Attributes
    ----------
    name
        Of the mapping.
    level
        What a row stands for: ``series``, ``instance`` or ``study``.
    columns
        Those that mean something.
    constants
        Attributes that are the same in all rows, as text.
    site
        The site of all rows, where it is known.
    site_column
        Header of the column that names the site, where there is one.
    sheet
        Name of the sheet of a workbook; empty = the first that is shown.
    package, file
        Python package and file name of the table, for tables that a package brings.
    """

    name: str
    columns: tuple[Column, ...]
    level: str = SERIES_LEVEL
    constants: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    site_column: str = ""
    sheet: str = ""
    package: str = ""
    file: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers that the table must have."""
        own = tuple(column.header for column in self.columns)
        return (*own, self.site_column) if self.site_column else own

    def to_json(self) -> str:
        """Return the mapping as the catalog keeps it, so that the table can be read again."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "TableMapping":
        """Return the mapping that the catalog keeps as `text`."""
        kept: dict[str, Any] = json.loads(text)
        return cls(**kept | {"columns": tuple(Column(**column) for column in kept["columns"])})

    def to_yaml(self) -> str:
        """Return the mapping as a file that a person reviews and gives to ``--mapping``."""
        import yaml

        columns: dict[str, Any] = {}
        for column in self.columns:
            more = {key: value for key in _SAID if (value := getattr(column, key))}
            columns[column.header] = {"keyword": column.to, **more} if more else column.to
        kept: dict[str, Any] = {"name": self.name, "level": self.level, "columns": columns}
        if self.constants:
            kept["constants"] = dict(self.constants)
        if self.site or self.site_column:
            kept["site"] = self.site or {"column": self.site_column}
        if self.sheet:
            kept["sheet"] = self.sheet
        return str(yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=120))


_SAID = ("unit", "split", "format", "decimal", "varies")
