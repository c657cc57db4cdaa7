"""Volumes that come as one image: Siemens mosaics and UIH VFRAMEs, cut into slices with their place in the patient."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.refusal import Reason, Refused
from dqkit.pixels.frame import quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_UIH = (0x0065, "Image Private Header")
_UIH_FRAMES = 0x51
"""Sequence with an item a slice, each with its Image Position (Patient); read from files of a uMR 790."""


@dataclass(frozen=True)
class Tiles:
    """The slices of one image.

    Attributes
    ----------
    count
        How many; the tiles behind them are empty.
    across, down
        Tiles in a row and in a column of the image.
    origins_mm
        Centre of the first voxel of each slice, shape (count, 3), LPS.
    orientation
        Direction cosines of a row and of a column, shared by all.
    """

    count: int
    across: int
    down: int
    origins_mm: NDArray[np.float64]
    orientation: tuple[float, ...]

    def cut(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the slices of an image (rows, columns) as (count, rows, columns)."""
        rows, columns = pixels.shape[0] // self.down, pixels.shape[1] // self.across
        grid = pixels[: rows * self.down, : columns * self.across].reshape(self.down, rows, self.across, columns)
        slices: NDArray[Any] = grid.swapaxes(1, 2).reshape(-1, rows, columns)[: self.count]
        return slices


def mosaic_tiles(header: "Dataset", count: int | None) -> Tiles:
    """Return the slices of a Siemens mosaic.

    Image Position (Patient) of a mosaic is that of an image as large as the mosaic around the centre of the first
    slice; the order of the slices follows SliceNormalVector of Siemens' own header ("DICOM conformance statement, MR
    syngo": CSA Image Header Info, (0029,xx10)).

    Raises
    ------
    Refused
        Siemens' header, the number of slices or their distance is missing.
    """
    said = csa(header)
    count = count or _whole(said.get("NumberOfImagesInMosaic"))
    normal = [float(part) for part in said.get("SliceNormalVector") or ()]
    step = _number(header.get("SpacingBetweenSlices")) or _number(header.get("SliceThickness"))
    position, cosines, spacing = (
        _reals(header, name) for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    )
    if not count or len(normal) != 3 or not step or (len(position), len(cosines), len(spacing)) != (3, 6, 2):  # noqa: PLR2004
        raise Refused(Reason.POSITIONS_UNKNOWN, "Siemens' own header of the mosaic lacks what places its slices")
    across = math.ceil(math.sqrt(count))
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    rows, columns = int(header.Rows) / across, int(header.Columns) / across
    first = (
        np.array(position)
        + row * spacing[1] * (int(header.Columns) - columns) / 2
        + column * spacing[0] * (int(header.Rows) - rows) / 2
    )
    along = np.cross(row, column)
    along *= math.copysign(1.0, float(along @ np.array(normal)))
    return Tiles(count, across, across, first + np.arange(count)[:, None] * step * along, tuple(cosines))


def vframe_tiles(header: "Dataset", count: int | None) -> Tiles:
    """Return the slices of a UIH VFRAME: each has an item with its Image Position (Patient).

    Raises
    ------
    Refused
        The items are missing, or fewer than the slices.
    """
    try:
        with quiet():
            items = header.private_block(*_UIH)[_UIH_FRAMES].value
            origins = np.array([_reals(item, "ImagePositionPatient") for item in items], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        origins = np.empty((0, 3))
    cosines = _reals(header, "ImageOrientationPatient")
    count = count or len(origins)
    if origins.shape != (count, 3) or len(cosines) != 6 or not count:  # noqa: PLR2004
        raise Refused(Reason.POSITIONS_UNKNOWN, "UIH's own items of the image do not place every slice")
    across = _across(header, count)
    return Tiles(count, across, math.ceil(count / across), origins, tuple(cosines))


def _across(header: "Dataset", count: int) -> int:
    """Return how many tiles stand side by side: by the acquisition matrix, else as in a square."""
    matrix = [int(number) for number in header.get("AcquisitionMatrix") or () if int(number)]
    for size in matrix:
        across = int(header.Columns) // size
        if across and int(header.Columns) % size == 0 and across * (int(header.Rows) // size) >= count:
            return across
    return math.ceil(math.sqrt(count))


def csa(header: "Dataset") -> dict[str, list[Any]]:
    """Return the values of Siemens' CSA Image Header; empty where it is absent or damaged."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nibabel calls its readers experimental
        from nibabel.nicom import csareader

        try:
            with quiet():
                found = csareader.get_csa_header(header, "image")
        except Exception:  # noqa: BLE001 - a damaged header makes nibabel raise nearly anything
            return {}
    return {name: tag["items"] for name, tag in (found or {"tags": {}})["tags"].items()}


def _whole(items: list[Any] | None) -> int | None:
    return int(items[0]) if items else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _reals(header: "Dataset", keyword: str) -> list[float]:
    try:
        return [float(number) for number in header.get(keyword) or ()]
    except (TypeError, ValueError):
        return []
