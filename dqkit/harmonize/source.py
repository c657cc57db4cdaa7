"""A slice of a source: where it lies on disk and in the patient, and its header when somebody asks for it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class SourceSlice:
    """One slice that a volume was made of.

    Attributes
    ----------
    file_id, path
        The file, in the catalog and on disk.
    frame
        Frame in its file, from 1; 1 for single-frame files.
    tile
        Place in a Siemens mosaic or a UIH VFRAME, from 0; None for a slice that is a frame.
    sop_instance_uid, sop_class_uid
        SOPInstanceUID (0008,0018) and SOPClassUID (0008,0016).
    position_mm, orientation
        Centre of its first voxel (LPS, mm), and direction cosines of a row and of a column
        (PS3.3 C.7.6.2.1.1), of this very slice: those of a tile are worked out.
    time
        Index along the first axis of a 4-D image, from 0.
    sha256
        Of the whole file.
    """

    file_id: str
    path: bytes
    frame: int
    sop_instance_uid: str
    sop_class_uid: str
    position_mm: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    tile: int | None = None
    time: int = 0
    sha256: str = ""

    def header(self) -> "Dataset":
        """Return the data set of the file without its pixels; the last one asked for is kept."""
        return _header(self.path)


@dataclass(frozen=True)
class Contribution:
    """How much a source slice gave to a slice of the output.

    Attributes
    ----------
    source
        Index into the sources of the image.
    weight
        Share, 0 to 1; those of a slice sum to 1.
    """

    source: int
    weight: float


@lru_cache(maxsize=1)
def _header(path: bytes) -> "Dataset":
    from pydicom import dcmread

    from dqkit.pixels.frame import quiet

    with quiet(), open(path, "rb") as file:  # noqa: PTH123 - the path is bytes
        return dcmread(file, stop_before_pixels=True, force=True)
