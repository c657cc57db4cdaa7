"""Slices of a harmonized image as data sets: what their sources keep, and what is written anew."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.archive.fallback import private_elements
from dqkit.archive.private import b_value
from dqkit.harmonize.derived.allowed import (
    CLASSES,
    MAGNETIC_RESONANCE,
    OPHTHALMIC_PHOTOGRAPHY,
    POSITRON_EMISSION,
    SINGLE_FRAME,
    ImageClass,
)
from dqkit.harmonize.derived.conditions import put_conditional
from dqkit.harmonize.derived.derivation import (
    changes_values,
    coded,
    derivation_codes,
    derivation_text,
    equipment,
    source_images,
)
from dqkit.harmonize.derived.kept import Kept, kept_of
from dqkit.harmonize.derived.modality import rules_of
from dqkit.harmonize.derived.stored import Stored, decimal
from dqkit.harmonize.derived.uids import uid_of
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.plane.pack import RGB
from dqkit.harmonize.refusal import Reason, Refused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES_NUMBERS_FROM = 5000
"""Added to SeriesNumber, so that a derived series does not stand among those of the scanner under one number."""

_LONGEST_DESCRIPTION = 64
"""Characters of a long string (PS3.5 6.2, LO)."""


@dataclass(frozen=True)
class DerivedSeries:
    """A series that is to be written: everything but the pixels of each slice is the same for all.

    Attributes
    ----------
    image
        What it is made from.
    sop_class
        Of the output.
    stored
        How values become stored values, one way for the whole series.
    """

    image: HarmonizedImage
    sop_class: str
    stored: Stored
    kept: tuple[Kept, ...]
    window: tuple[float, float] | None

    @property
    def count(self) -> int:
        """Number of slices, of all volumes."""
        return int(np.prod(self.image.volume.voxels.shape[:-2]))

    def pixels(self, i: int) -> NDArray[Any]:
        """Return the stored values of slice `i`, (rows, columns)."""
        voxels = self.image.volume.voxels
        return self.stored.of(voxels.reshape(-1, *voxels.shape[-2:])[i])

    def headers(self) -> Iterator["Dataset"]:
        """Yield the data set of each slice without its pixels, volume after volume."""
        slices = self.image.volume.voxels.shape[-3]
        uid = _series_uid(self)
        for time in range(self.count // slices):
            kept = self.kept[min(time, len(self.kept) - 1)]
            same = _of_volume(self, kept, time)
            for k in range(slices):
                yield _of_slice(self, _copied(same), uid, (k, time * slices + k))


def derived_series(image: HarmonizedImage) -> DerivedSeries:
    """Return the series that a harmonized image becomes.

    Raises
    ------
    Refused
        Its sources are of a class that has no derived form here, or its values cannot be those of that class.
    OSError
        A header cannot be read again.
    """
    sop_class = _class_of(image)
    rules = rules_of(sop_class)
    wanted = CLASSES[sop_class]
    times = sorted({source.time for source in image.sources})
    kept = tuple(kept_of([source for source in image.sources if source.time == time], wanted) for time in times)
    stored = rules.storage(image.volume.voxels)
    return DerivedSeries(image, sop_class, stored, kept, _window_of(image.volume.voxels))


def _class_of(image: HarmonizedImage) -> str:
    classes = {SINGLE_FRAME.get(source.sop_class_uid, source.sop_class_uid) for source in image.sources}
    if len(classes) != 1:
        raise Refused(Reason.DICOM_CLASS, "its sources are of several SOP classes")
    found = classes.pop()
    if found not in CLASSES:
        raise Refused(Reason.DICOM_CLASS, "no derived form of its SOP class is known here")
    if found in OPHTHALMIC_PHOTOGRAPHY:  # a class for 8 bits, and one for 16
        return OPHTHALMIC_PHOTOGRAPHY[image.volume.voxels.dtype not in (RGB, np.uint8)]
    return found


def _of_volume(series: DerivedSeries, kept: Kept, time: int) -> "Dataset":
    """Return what all slices of a volume have in common."""
    from pydicom.dataset import Dataset

    made = Dataset()
    for keyword, element in kept.common.items():
        if keyword not in CLASSES[series.sop_class].own_to_each:
            made.add(deepcopy(element))
    if changes_values(series.image) or series.sop_class == POSITRON_EMISSION or not _shows(made):
        _without_window(made)
    _put_derivation(made, series, kept)
    _put_grid(made, series, kept)
    _put_pixels(made, series)
    _put_time(made, series, kept, time)
    return made


def _copied(same: "Dataset") -> "Dataset":
    """Return a data set of the same elements; `copy.copy` would share the very dictionary of them."""
    from pydicom.dataset import Dataset

    made = Dataset()
    made.update(same)
    return made


def _of_slice(series: DerivedSeries, made: "Dataset", uid: str, place: tuple[int, int]) -> "Dataset":
    """Return the data set of a slice: `made` with what is its own.

    Parameters
    ----------
    place
        Its index in its volume, and in the series.
    """
    (k, i), image, wanted = place, series.image, CLASSES[series.sop_class]
    given = image.made_of[i] if i < len(image.made_of) else ()
    if given:
        made.SourceImageSequence = source_images(given, image.sources)
        for element in _own(series, given[0].source).values():
            made.add(deepcopy(element))
    made.SOPClassUID, made.SeriesInstanceUID = series.sop_class, uid
    made.SOPInstanceUID = uid_of("instance", uid, str(i))
    made.InstanceNumber = i + 1
    if wanted.in_space:
        affine = image.volume.affine
        made.ImagePositionPatient = [decimal(value) for value in affine[:3, 3] + k * affine[:3, 2]]
    rules_of(series.sop_class).finish(made, image, series.kept[0].first, i)
    put_conditional(made, series.sop_class, series.kept[0].first)
    _put_what_is_missing(made, wanted)
    return made


def _series_uid(series: DerivedSeries) -> str:
    image = series.image
    sources = [f"{one.sop_instance_uid or one.sha256} {one.frame} {one.tile}" for one in image.sources]
    return uid_of("series", series.sop_class, image.recipe.sha256, *sorted(sources))


def _own(series: DerivedSeries, nearest: int) -> Mapping[str, Any]:
    """Return what the nearest source slice has to itself; sources are counted over all volumes."""
    place = nearest
    for kept in series.kept:
        if place < len(kept.of_source):
            return kept.of_source[place]
        place -= len(kept.of_source)
    return {}


def _put_derivation(made: "Dataset", series: DerivedSeries, kept: Kept) -> None:
    image = series.image
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.DerivationDescription = derivation_text(image)
    codes = derivation_codes(image)
    if codes:
        made.DerivationCodeSequence = coded(codes)
    made.ContributingEquipmentSequence = equipment(made.get("ContributingEquipmentSequence"))
    told = f"dqkit {image.recipe.name}"
    described = str(kept.first.get("SeriesDescription", "") or "")[: _LONGEST_DESCRIPTION - len(told) - 1]
    made.SeriesDescription = f"{described} {told}".strip()
    made.SeriesNumber = SERIES_NUMBERS_FROM + _number(kept.first.get("SeriesNumber"))
    if "01" in kept.told["LossyImageCompression"]:
        made.LossyImageCompression = "01"
    if "YES" in kept.told["BurnedInAnnotation"]:
        made.BurnedInAnnotation = "YES"


def _number(value: Any) -> int:
    try:
        return int(value) % 100_000
    except (TypeError, ValueError):
        return 0


def _put_grid(made: "Dataset", series: DerivedSeries, kept: Kept) -> None:
    """Write the Image Plane module (PS3.3 C.7.6.2) but for the position, of images that have a place in the patient."""
    image, volume = series.image, series.image.volume
    columns, rows, _ = volume.spacing_mm
    made.Rows, made.Columns = volume.voxels.shape[-2:]
    if not CLASSES[series.sop_class].in_space:
        return
    made.PixelSpacing = [decimal(rows), decimal(columns)]
    axes = volume.affine[:3, :2] / [columns, rows]
    made.ImageOrientationPatient = [decimal(value) for value in axes.T.ravel()]
    step = _step_mm(image)
    made.SliceThickness = decimal(max(step, _depth_mm(image, kept)))
    if volume.voxels.shape[-3] > 1:
        made.SpacingBetweenSlices = decimal(step)


def _put_time(made: "Dataset", series: DerivedSeries, kept: Kept, time: int) -> None:
    """Write what tells one volume from the other, and the b-value that stood in a private element."""
    times = series.image.times
    for keyword, value in (times[time] if time < len(times) else {}).items():
        setattr(made, keyword, float(value) if keyword == "DiffusionBValue" else value)
    if series.sop_class == MAGNETIC_RESONANCE and "DiffusionBValue" not in made:
        found = b_value(private_elements(kept.first))
        if found is not None:
            made.DiffusionBValue = found


def _step_mm(image: HarmonizedImage) -> float:
    """Return the distance of the slices along their normal."""
    affine = image.volume.affine
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return float(abs(affine[:3, 2] @ normal) / np.linalg.norm(normal))


def _depth_mm(image: HarmonizedImage, kept: Kept) -> float:
    """Return how far what a voxel was measured over reaches across the slices of the output.

    Slices that were interpolated between thick ones are not thin: what they show was averaged over the thickness that
    the scanner was set to.
    """
    if image.before is None:
        return 0.0
    try:
        thickness = float(kept.first.get("SliceThickness") or 0)
    except (TypeError, ValueError):
        thickness = 0.0
    columns, rows, step = image.before.spacing_mm
    axes = image.before.affine[:3, :3] / image.before.spacing_mm
    normal = np.cross(image.volume.affine[:3, 0], image.volume.affine[:3, 1])
    normal /= np.linalg.norm(normal)
    return float(np.linalg.norm(normal @ axes * [columns, rows, thickness or step]))


def _put_pixels(made: "Dataset", series: DerivedSeries) -> None:
    """Write the Image Pixel module (PS3.3 C.7.6.3) without its pixels, the rescale and the window."""
    stored, is_colour = series.stored, series.image.volume.voxels.dtype == RGB
    made.SamplesPerPixel, made.PhotometricInterpretation = (3, "RGB") if is_colour else (1, "MONOCHROME2")
    made.BitsAllocated = made.BitsStored = stored.bits
    made.HighBit, made.PixelRepresentation = stored.bits - 1, int(stored.signed)
    if is_colour:
        made.PlanarConfiguration = 0
    rules_of(series.sop_class).put_rescale(made, stored, series.image.volume.unit)
    if series.window is None:
        _without_window(made)
    elif "WindowCenter" not in made:
        centre, width = series.window
        made.WindowCenter, made.WindowWidth = decimal(centre), decimal(width)
        if width < 1:  # the linear function is defined from 1 on (PS3.3 C.11.2.1.2.1)
            made.VOILUTFunction = "LINEAR_EXACT"


def _window_of(voxels: NDArray[Any]) -> tuple[float, float] | None:
    """Return a window that shows all but the outermost half per cent of the values; None for colour."""
    if voxels.dtype == RGB:
        return None
    some = voxels.ravel()[:: max(1, voxels.size // 200_000)]
    low, high = np.percentile(some, [0.5, 99.5])
    if high <= low:
        low, high = float(some.min()), float(some.max())
    width = float(high - low) or 1.0
    return round(float(low + high) / 2, 6), max(round(width, 6), 1e-6)


def _shows(made: "Dataset") -> bool:
    """Tell whether the window of the sources is one (PS3.3 C.11.2.1.2)."""
    width = made.get("WindowWidth")
    widths = [float(one) for one in (width if isinstance(width, Iterable) else [width])] if width is not None else []
    least = 1.0 if str(made.get("VOILUTFunction", "LINEAR")) == "LINEAR" else 0.0
    return bool(widths) and all(one > 0 and one >= least for one in widths)


def _without_window(made: "Dataset") -> None:
    for keyword in ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction"):
        if keyword in made:
            delattr(made, keyword)


def _put_what_is_missing(made: "Dataset", wanted: ImageClass) -> None:
    for keyword, value in wanted.else_value:
        if keyword not in made:
            setattr(made, keyword, value)
    for keyword in wanted.may_be_empty:
        if keyword not in made:
            setattr(made, keyword, [] if keyword.endswith("Sequence") else None)
