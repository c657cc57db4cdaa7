"""How images become files, and how labels follow: literal dicts, a format and a kind of label an entry.

A writer gets the image and the folder of the run, writes ``folder / image.stem`` with a suffix (or as a folder of
files), each file atomically (`files.write_whole`), and returns what it wrote. The same image gives the same bytes. A
follower gets all label files of one kind of the image's study after the image was written, and the formats that this
was written in; it leaves those alone that do not point at the image's sources.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from dqkit.harmonize.image import FollowedLabel, HarmonizedImage, LabelFile

Writer = Callable[[HarmonizedImage, Path], Sequence[Path]]
Follower = Callable[[Sequence[LabelFile], HarmonizedImage, Path, Sequence[str]], Sequence[FollowedLabel]]


def write_nifti(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write ``<stem>.nii.gz`` (or ``.nii``): RAS, mm and seconds, sform and qform alike."""
    from dqkit.harmonize.nifti import write

    return write(image, folder)


def write_dicom(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write ``<stem>/0001.dcm`` …: a derived series of the SOP class of its sources (docs/derived-dicom.md)."""
    from dqkit.harmonize.derived.write import write

    return write(image, folder)


def write_png(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write ``<stem>.png``: one slice, grey of 8 or 16 bits, or RGB."""
    from dqkit.harmonize.png import write

    return write(image, folder)


WRITERS: dict[str, Writer] = {"nifti": write_nifti, "png": write_png, "dicom": write_dicom}


def follow(
    labels: Sequence[LabelFile], image: HarmonizedImage, folder: Path, formats: Sequence[str]
) -> Sequence[FollowedLabel]:
    """Bring labels that point at the image to its grid: label maps, a table and SEGs (docs/labels.md)."""
    from dqkit.harmonize.following.follow import follow

    return follow(labels, image, folder, formats)


FOLLOWERS: dict[str, Follower] = {"SEG": follow, "RTSTRUCT": follow, "NIFTI": follow}
"""SEG | RTSTRUCT | NIFTI -> what brings such labels to the grid of an image."""
