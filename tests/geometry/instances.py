"""INSTANCES rows for tests: of made-up slices, and of DICOM files by plain pydicom."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pydicom
from numpy.typing import NDArray

from dqkit import identity
from dqkit.catalog.schema import ATTRIBUTES, INSTANCES

Floats = NDArray[np.float64]

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
LOCALIZER = "LOCALIZER"


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(INSTANCES) | row for row in rows], schema=INSTANCES)


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
    """Read every DICOM file under `root` into INSTANCES rows; the first folder is the site."""
    return frame(row for path in sorted(root.rglob("*")) if path.is_file() and (row := _row(path, root)))


def _row(path: Path, root: Path) -> dict[str, Any] | None:
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if "SOPClassUID" not in dataset:
            return None
        values = {name: _typed(dataset, name) for name in ATTRIBUTES}
    except Exception:  # noqa: BLE001 - the files are hostile, and other tests look at them
        return None
    relative = path.relative_to(root)
    site, folder = relative.parts[0], str(relative.parent)
    image_type = values["ImageType"] or []
    return values | {
        "file_id": str(relative),
        "path": str(relative),
        "folder": folder,
        "status": "dicom",
        "site": site,
        "source_id": "corpus",
        "bucket": 0,
        "series_key": identity.series_key(site, values["StudyInstanceUID"], values["SeriesInstanceUID"], folder),
        "diffusion_b_value": values["DiffusionBValue"],
        "is_localizer": LOCALIZER in image_type,
        "is_derived": image_type[:1] == ["DERIVED"],
        "is_mosaic": "MOSAIC" in image_type,
        "is_vframe": "VFRAME" in image_type,
    } | _functional_groups(dataset)


def _typed(dataset: pydicom.Dataset, name: str) -> Any:
    try:
        value = dataset.get(name)
        kind = ATTRIBUTES[name]
        if value is None or value == "":
            return None
        if isinstance(kind, pl.List):
            several = value if isinstance(value, pydicom.multival.MultiValue | list) else [value]
            return [_scalar(v, kind.inner) for v in several]
        return _scalar(value, kind)
    except Exception:  # noqa: BLE001 - a value that cannot be typed is null here
        return None


def _scalar(value: Any, kind: Any) -> Any:
    return {pl.String: str, pl.Int64: int, pl.Float64: float}[type(kind) if not isinstance(kind, type) else kind](value)


def _functional_groups(dataset: pydicom.Dataset) -> dict[str, Any]:
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        return {}
    try:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        places = [(_of(g, shared, "PlanePositionSequence")).ImagePositionPatient for g in groups]
        angles = [(_of(g, shared, "PlaneOrientationSequence")).ImageOrientationPatient for g in groups]
    except (AttributeError, KeyError):
        return {}
    return {
        "frame_positions_mm": [float(x) for place in places for x in place],
        "frame_orientations": [float(x) for angle in angles for x in angle],
        "frame_groups": ["\\".join(str(i) for i in _indices(g)) for g in groups],
    }


def _of(group: pydicom.Dataset, shared: pydicom.Dataset, name: str) -> pydicom.Dataset:
    return (group.get(name) or shared[name].value)[0]


def _indices(group: pydicom.Dataset) -> list[Any]:
    content = group.get("FrameContentSequence")
    return [content[0].get("TemporalPositionIndex")] if content else []
