"""A harmonized image -> a folder of DICOM files, one a slice, the same bytes for the same image."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dqkit import __version__
from dqkit.archive.quiet import quiet_pydicom
from dqkit.harmonize.derived.dataset import derived_series
from dqkit.harmonize.derived.uids import uid_of
from dqkit.harmonize.files import write_whole
from dqkit.harmonize.image import HarmonizedImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_FEWEST_DIGITS = 4


def write(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write an image as a derived series into ``folder / image.stem``; return the files in the order of the slices.

    Raises
    ------
    Refused
        Its SOP class has no derived form here, or cannot hold its values.
    OSError
        The disk is full or fails, or a header cannot be read again.
    """
    with quiet_pydicom():
        series = derived_series(image)
        digits = max(_FEWEST_DIGITS, len(str(series.count)))
        paths = []
        for i, header in enumerate(series.headers()):
            header.PixelData = series.pixels(i).tobytes()
            header["PixelData"].VR = "OW" if header.BitsAllocated > 8 else "OB"  # noqa: PLR2004
            paths.append(save(header, folder / image.stem / f"{i + 1:0{digits}d}.dcm"))
        return paths


def save(dataset: "Dataset", path: Path) -> Path:
    """Write a data set as a DICOM file (PS3.10) in Explicit VR Little Endian, whole or not at all."""
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid_of("implementation")
    meta.ImplementationVersionName = f"DQKIT {__version__}"[:16]
    dataset.file_meta = meta

    def fill(file: BinaryIO) -> None:
        dcmwrite(file, dataset, enforce_file_format=True)

    return write_whole(path, fill)
