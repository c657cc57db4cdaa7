"""A harmonized image on its way to disk: the volume, and which slices of which files it was made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dqkit.harmonize.grid import Grid
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.source import Contribution, SourceSlice
from dqkit.harmonize.volume import Matrix, Volume


@dataclass(frozen=True)
class HarmonizedImage:
    """What a writer gets.

    Attributes
    ----------
    volume
        Its voxels have the type that is written.
    sources
        The source slices, of 4-D images time after time, each in the order of their positions.
    made_of
        For every slice of the output, of 4-D images time after time, the source slices that gave to it, nearest first.
    before
        The grid of the source slices where they form one (perhaps tilted); None where they do not.
    recipe
        What was done.
    stem
        Path below the output folder without a suffix: made of safe fields alone.
    series
        Row of the series in the series frame; identifying, for in-house use.
    times
        What tells the volumes of a 4-D image apart, one mapping a volume, such as ``{"EchoTime": "4.9"}``.
    """

    volume: Volume
    sources: tuple[SourceSlice, ...]
    made_of: tuple[tuple[Contribution, ...], ...]
    before: Grid | None
    recipe: Recipe
    stem: str
    series: Mapping[str, Any] = field(default_factory=dict)
    times: tuple[Mapping[str, str], ...] = ()

    @property
    def in_space_of_sources(self) -> Matrix:
        """Index (column, row, slice) to the space in which the sources have their positions, shape (4, 4).

        LPS for stacks; of an image of one plane mm in the plane of its file, as it was before step ``place`` gave it
        directions in the patient.
        """
        steps = self.volume.steps
        placed = [i for i, step in enumerate(steps) if step.name == "place"]
        return steps[placed[0] - 1].affine if placed and placed[0] else self.volume.affine


@dataclass(frozen=True)
class LabelFile:
    """A file of labels of the study that an image was made from: it may or may not point at the image's sources.

    `kind` is SEG, RTSTRUCT or NIFTI. A NIfTI file holds no reference: `points_at` is the key of the series that a table
    gave for it, else empty.
    """

    file_id: str
    path: bytes
    kind: str
    sop_instance_uid: str = ""
    points_at: str = ""


@dataclass(frozen=True)
class FollowedLabel:
    """A label that was brought to the grid of an image, or why it was not.

    Attributes
    ----------
    name
        Segment or ROI number and nothing of its text (``segment-1``, ``roi-3``); ``table`` for the table of its names;
        empty for a file that was refused as a whole.
    path
        What was written; None where the label was refused.
    reason
        Why it was refused, else empty.
    volume_before_mm3, volume_after_mm3
        Of the label in its own file, and on the grid of the image.
    warnings
        Sentences for the manifest, free of values of files.
    """

    label: LabelFile
    name: str
    path: Path | None
    reason: str = ""
    volume_before_mm3: float | None = None
    volume_after_mm3: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
