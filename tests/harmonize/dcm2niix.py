"""dcm2niix as an oracle: what it makes of a folder, brought to the closest patient axes, volume by volume."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

CORNERS_MM = 0.05
"""How close the corners of the same volume lie together."""


@dataclass(frozen=True)
class Placed:
    """One volume: values along the patient's axes as closely as turning allows, and its affine (RAS, mm)."""

    name: str
    values: NDArray[np.float64]
    affine: NDArray[np.float64]

    @property
    def corners(self) -> NDArray[np.float64]:
        ends = [(0, n - 1) for n in self.values.shape]
        index = np.array([(i, j, k, 1) for i in ends[0] for j in ends[1] for k in ends[2]], float)
        return (index @ self.affine.T)[:, :3]


@dataclass(frozen=True)
class Answer:
    """How close another volume comes: infinite where the number of voxels differs."""

    name: str
    corners_mm: float
    values: float

    @property
    def is_same_place(self) -> bool:
        return self.corners_mm <= CORNERS_MM

    @property
    def is_same(self) -> bool:
        return self.is_same_place and self.values <= 1e-6


def program() -> Path:
    """Return the binary that the package dcm2niix puts beside the interpreter."""
    return Path(sys.executable).with_name("dcm2niix")


def convert(files: Sequence[Path], work: Path) -> list[Placed]:
    """Convert the files of one series, by themselves: 1.0.20260724 mixes slices of what it converts in one run."""
    (work / "in").mkdir(parents=True)
    (work / "out").mkdir()
    for i, file in enumerate(files):
        (work / "in" / f"{i:05}").symlink_to(file.resolve())
    # -p n: Philips' display values, as keep-geometry has them; -g i: no defaults of whoever runs this
    line = [program(), "-g", "i", "-z", "n", "-b", "n", "-p", "n", "-f", "%j", "-o", work / "out", work / "in"]
    subprocess.run(line, capture_output=True, check=False, timeout=300)
    return [volume for path in sorted((work / "out").glob("*.nii")) for volume in volumes(path)]


def volumes(path: Path) -> Iterator[Placed]:
    """Yield the volumes of a NIfTI file."""
    loaded = nibabel.load(path)
    if loaded.get_data_dtype().names or len(loaded.shape) < 3:  # colour, or a plane
        return
    image = nibabel.as_closest_canonical(loaded)
    values = np.asarray(image.dataobj, np.float64)
    for t in range(int(np.prod(values.shape[3:], dtype=int))):
        one = values.reshape(*values.shape[:3], -1)[..., t]
        yield Placed(f"{path.name}#{t}", one, np.asarray(image.affine, np.float64))


def closest(one: Placed, others: Sequence[Placed]) -> Answer:
    """Return how close the closest of `others` comes to a volume."""
    return min((_compared(one, other) for other in others), key=lambda a: (a.corners_mm, a.values),
               default=Answer("", np.inf, np.inf))  # fmt: skip


def _compared(one: Placed, other: Placed) -> Answer:
    if one.values.shape != other.values.shape:
        return Answer(other.name, np.inf, np.inf)
    away = float(np.abs(one.corners - other.corners).max())
    span = max(1.0, float(np.abs(other.values).max()))
    return Answer(other.name, away, float(np.abs(one.values - other.values).max()) / span)


def manifest_volumes(rows: Sequence[Mapping[str, Any]], images: Path) -> list[Placed]:
    """Return the volumes that rows of a manifest speak of."""
    paths = {row["path"] for row in rows if row["status"] == "written" and row["kind"] == "image"}
    return [placed for path in sorted(paths) for placed in volumes(images / path)]
