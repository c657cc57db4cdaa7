"""A recipe: how volumes are made alike. Frozen, and complete once it is loaded (read_recipe.py reads the YAML)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dqkit.rulebook.rule import Text
from dqkit.rulebook.scope import Scope

Millimetres = float | None
"""A spacing; None = that of the image."""


@dataclass(frozen=True)
class Orientation:
    """How voxels are laid out.

    Attributes
    ----------
    axes
        Where columns, rows and slices count to, a letter each: one of L and R, one of A and P, one of S and I
        (``RAS``, ``LPS``); ``keep`` = as they are. Axes are swapped and turned over, which changes no value.
    align
        ``image`` keeps the image's own (perhaps oblique) directions; ``patient`` turns the grid to the patient's axes,
        which interpolates.
    """

    axes: str = "keep"
    align: str = "image"


@dataclass(frozen=True)
class Resampling:
    """How values between voxels are found.

    Attributes
    ----------
    interpolator
        ``linear``, ``bspline`` (cubic) or ``nearest``.
    antialias
        Whether axes that get coarser are smoothed first (Cardoso et al. 2015, doi:10.1007/978-3-319-24571-3_81).
    """

    interpolator: str = "linear"
    antialias: bool = True


@dataclass(frozen=True)
class Padding:
    """What stands where nothing was measured.

    Attributes
    ----------
    background
        Modality -> value after the rescale, as pairs; of other modalities `other`.
    floor
        Values below it become it: scanners write -2000 or -3024 outside their field of view. None = nothing is cut.
    """

    background: tuple[tuple[str, float], ...] = (("CT", -1024.0),)
    other: float = 0.0
    floor: float | None = None

    def of(self, modality: str) -> float:
        """Return the background of images of `modality`."""
        return dict(self.background).get(modality, self.other)


@dataclass(frozen=True)
class Units:
    """Which convention turns stored values into what is written.

    Attributes
    ----------
    philips
        ``display``: Rescale Slope and Intercept, as DICOM says; ``precise``: the floating point value of the scanner,
        by (2005,100D) and (2005,100E), where both are there.
    pet
        ``stored``: what Units says; ``bqml``: counts become Bq/ml by Philips' factor (7053,1009), else are refused.
    """

    philips: str = "display"
    pet: str = "stored"


@dataclass(frozen=True)
class IntensityStep:
    """One entry of `intensity`: the name of a step of steps.INTENSITY, and what it is done with (plain JSON values)."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """What is written.

    Attributes
    ----------
    formats
        Keys of write.WRITERS, those that ``--format`` does not replace.
    four_d
        Stacks of a series that differ in time, echo or b-value alone and share a grid become one image of four axes;
        otherwise each becomes a file whose name says which (``echo-2``, ``b1000``).
    compression
        0 = ``.nii``; 1 to 3 = levels of isal's gzip.
    """

    formats: tuple[str, ...] = ("nifti",)
    four_d: bool = True
    compression: int = 1


@dataclass(frozen=True)
class Policy:
    """What is done with stacks that are no regular volume.

    Attributes
    ----------
    gaps
        Slices are missing: ``reject``, ``interpolate`` (between the neighbours, on record) or ``split`` (into the runs
        between gaps).
    irregular
        The step varies and nothing is missing: the same three.
    tilt
        ``correct``, or ``off``: slices stay where they are in their own columns, the affine is sheared, and a recipe
        that resamples refuses the stack.
    duplicates
        Several slices at one place: ``reject``, or ``identical``: those with the same pixels count once.
    scouts
        ``skip`` or ``keep``.
    single
        Stacks of one slice: ``reject`` or ``keep``.
    inferred
        Volumes whose order no attribute tells (docs/geometry.md): ``keep`` with a warning, or ``reject``.
    """

    gaps: str = "reject"
    irregular: str = "reject"
    tilt: str = "correct"
    duplicates: str = "identical"
    scouts: str = "skip"
    single: str = "keep"
    inferred: str = "keep"


@dataclass(frozen=True)
class Labels:
    """How labels follow their image.

    Attributes
    ----------
    follow
        Whether SEG, RTSTRUCT and NIfTI masks that point at a stack are brought to its grid.
    interpolation
        ``nearest``, or ``gaussian``: each label smoothed by itself, and the strongest wins.
    """

    follow: bool = True
    interpolation: str = "nearest"


@dataclass(frozen=True)
class Planar:
    """What is done with images of one plane that have no place in a volume: mammograms, radiographs, photographs.

    Attributes
    ----------
    orient
        Turn the image to a standard by PatientOrientation: rows of coronal images to the patient's left.
    chest_wall
        Of mammograms: at the ``left`` or ``right`` of every image, or ``hanging``: at the right of right breasts, at
        the left of left ones. The outer half of the breast is above in cranio-caudal views.
    down, lateral
        Where columns run to (``F``, or ``H`` for hands with their fingers above), and rows of lateral images
        (``P``: the face at the left, or ``A``).
    mirror_to
        ``R`` or ``L``: images of the other side are mirrored, so that all look like one side; or ``none``.
    voi
        ``none``, or ``window``: the VOI LUT or window of the image is applied.
    crop
        ``none``; ``collimation``: what the collimator or shutter covers is cut away; ``foreground``: what is not the
        breast or limb; ``circle``: the square around the circle of a fundus camera.
    size
        Columns and rows of the output: the image as large as fits, with background beside it; None = as it is.
    magnification
        ``correct``: spacing at the detector is divided by EstimatedRadiographicMagnificationFactor where there is one;
        or ``ignore``.
    burned_in, secondary
        What becomes of images with BurnedInAnnotation YES, and of secondary captures: ``refuse`` or ``keep``.
    """

    orient: bool = True
    chest_wall: str = "left"
    down: str = "F"
    lateral: str = "P"
    mirror_to: str = "none"
    voi: str = "none"
    crop: str = "none"
    size: tuple[int, int] | None = None
    magnification: str = "correct"
    burned_in: str = "refuse"
    secondary: str = "refuse"


@dataclass(frozen=True)
class Recipe:
    """How to harmonize.

    Attributes
    ----------
    takes
        ``stacks`` (volumes) or ``images`` (2-D: mammograms, radiographs, fundus photographs).
    scope
        Which series it is for: conditions on columns of the series frame.
    spacing_mm
        Of columns, rows and slices after `orientation`, each a number or None = as it is; all None = keep.
    intensity
        Steps in their order, done after resampling.
    bit_depth
        ``auto`` (int16 where nothing is lost, else float32), ``int16``, ``uint16``, ``uint8``, ``int32``, ``float32``.
    naming
        Path of an output below the folder, without its suffix, made of `naming.FIELDS` alone.
    plain
        The recipe as plain data with every default filled in: what `sha256` covers and plans carry.
    folder
        Where files that it names (landmarks) are looked for; None for a recipe out of a plan.
    """

    name: str
    version: str
    title: Text
    why: Text
    takes: str = "stacks"
    scope: Scope = field(default_factory=Scope)
    orientation: Orientation = field(default_factory=Orientation)
    spacing_mm: tuple[Millimetres, Millimetres, Millimetres] = (None, None, None)
    resampling: Resampling = field(default_factory=Resampling)
    padding: Padding = field(default_factory=Padding)
    units: Units = field(default_factory=Units)
    intensity: tuple[IntensityStep, ...] = ()
    bit_depth: str = "auto"
    naming: str = "{patient}/{study}/{modality}-{stack}"
    output: Output = field(default_factory=Output)
    policy: Policy = field(default_factory=Policy)
    labels: Labels = field(default_factory=Labels)
    planar: Planar = field(default_factory=Planar)
    scope_plain: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def resamples(self) -> bool:
        """Whether the grid of the output is another than that of the image, turns of axes aside."""
        return self.orientation.align == "patient" or any(step is not None for step in self.spacing_mm)

    @property
    def plain(self) -> dict[str, Any]:
        """The recipe as plain data, defaults filled in; `read_recipe.recipe_of` reads it back."""
        parts = asdict(self)
        for name in ("scope", "scope_plain", "folder", "intensity", "spacing_mm", "padding"):
            parts.pop(name)
        background = dict(self.padding.background) | {"other": self.padding.other}
        return parts | {
            "scope": dict(self.scope_plain),
            "spacing": {"mm": ["keep" if step is None else step for step in self.spacing_mm]},
            "padding": {"background": background}
            | ({} if self.padding.floor is None else {"floor": self.padding.floor}),
            "intensity": [{step.name: dict(step.params)} for step in self.intensity],
            "output": {**asdict(self.output), "formats": list(self.output.formats)},
            "title": dict(self.title),
            "why": dict(self.why),
        }

    @property
    def sha256(self) -> str:
        """Hash of everything that it says but its texts: equal recipes make equal outputs."""
        said = {key: value for key, value in self.plain.items() if key not in {"title", "why"}}
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
