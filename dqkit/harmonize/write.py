"""How images become files, and how labels follow: literal dicts, a format and a kind of label an entry.

A writer gets the image and the folder of the run, writes ``folder / image.stem`` with a suffix (or as a folder of
files), each file atomically (`files.write_whole`), and returns what it wrote. The same image gives the same bytes. A
follower gets all label files of one kind of the image's study after the image was written; it leaves those alone that
do not point at the image's sources.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from dqkit.harmonize.image import FollowedLabel, HarmonizedImage, LabelFile

Writer = Callable[[HarmonizedImage, Path], Sequence[Path]]
Follower = Callable[[Sequence[LabelFile], HarmonizedImage, Path], Sequence[FollowedLabel]]


def write_nifti(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write ``<stem>.nii.gz`` (or ``.nii``): RAS, mm and seconds, sform and qform alike."""
    from dqkit.harmonize.nifti import write

    return write(image, folder)


def write_png(image: HarmonizedImage, folder: Path) -> Sequence[Path]:
    """Write ``<stem>.png``: one slice, grey of 8 or 16 bits, or RGB."""
    from dqkit.harmonize.png import write

    return write(image, folder)


WRITERS: dict[str, Writer] = {"nifti": write_nifti, "png": write_png}

FOLLOWERS: dict[str, Follower] = {}
"""SEG | RTSTRUCT | NIFTI -> what brings such labels to the grid of an image."""
