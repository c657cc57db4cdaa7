"""Rows of STACKS for generated series, as geometry would write them."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from tests.dicom_factory import write


def stack_of(series: list[Dataset], folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Write `series` and return its row, gaps from 1.5 steps on, and the path of each file_id."""
    paths = write(series, folder)
    axes = np.array(series[0].ImageOrientationPatient, float)
    normal = np.cross(axes[:3], axes[3:])
    places = [float(np.array(image.ImagePositionPatient, float) @ normal) for image in series]
    order = [int(i) for i in np.argsort(places, kind="stable")]
    positions = [places[i] for i in order]
    steps = np.diff(positions)
    step = float(np.median(steps)) if len(steps) else None
    return {
        "Modality": series[0].Modality,
        "file_ids": [f"f{i}" for i in order],
        "frame_numbers": [1] * len(order),
        "slice_positions_mm": positions,
        "slice_step_mm": step,
        "gap_after": [i for i, found in enumerate(steps) if step and found > 1.4 * step],
        "duplicates_at": [i + 1 for i, found in enumerate(steps) if found < 1e-3],
    }, {f"f{i}": bytes(path) for i, path in enumerate(paths)}
