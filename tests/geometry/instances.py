"""INSTANCES rows for tests: of made-up slices, and of real files."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dqkit.archive.paths import escape
from dqkit.catalog.schema import INSTANCES
from dqkit.index.keys import with_keys
from dqkit.index.read import read_files

Floats = NDArray[np.float64]

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(INSTANCES) | row for row in rows], schema=INSTANCES, strict=False)


def slice_row(number: int, position: Iterable[float], series: str = "s", **values: Any) -> dict[str, Any]:
    """One CT slice; `number` makes its file and UID."""
    return {
        "file_id": f"{series}-{number:06d}",
        "status": "dicom",
        "site": "north",
        "bucket": 3,
        "source_id": "disk",
        "series_key": series,
        "study_key": "study",
        "StudyInstanceUID": "1.2",
        "SeriesInstanceUID": f"1.2.{series}",
        "SOPInstanceUID": f"1.2.{series}.{number}",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "Modality": "CT",
        "Rows": 512,
        "Columns": 512,
        "PixelSpacing": [0.7, 0.7],
        "FrameOfReferenceUID": "1.2.3",
        "InstanceNumber": number,
        "SliceThickness": 3.0,
        "ImagePositionPatient": [float(x) for x in position],
        "ImageOrientationPatient": list(AXIAL),
    } | values


def axial(positions: Iterable[float], series: str = "s", **values: Any) -> list[dict[str, Any]]:
    return [slice_row(i, (-180.0, -180.0, z), series, **values) for i, z in enumerate(positions, 1)]


def changed(rows: list[dict[str, Any]], at: int, **values: Any) -> list[dict[str, Any]]:
    return [row | values if i == at else row for i, row in enumerate(rows)]


def renumbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every row a file, UID and number of its own."""
    return [
        row | {"file_id": f"f{i:06d}", "SOPInstanceUID": f"1.9.{i}", "InstanceNumber": i}
        for i, row in enumerate(rows, 1)
    ]


def read(root: Path) -> pl.DataFrame:
    """Read every file under `root`; its first folder is the site."""
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    files = [
        (escape(os.fsencode(path.relative_to(root))), path.stat().st_size, path.stat().st_mtime_ns) for path in paths
    ]
    rows = read_files(os.fsencode(root), "corpus", files)
    return with_keys(rows.with_columns(pl.col("path").str.split("/").list.first().alias("site")))
