"""``nyul``: the histogram of the body is matched to a standard one, landmark by landmark (landmarks.py)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit.harmonize.intensity.foreground import Mask, mask_of, masked, read_mask
from dqkit.harmonize.intensity.landmarks import Landmarks, Values, load_landmarks, percentiles_of, to_standard
from dqkit.harmonize.intensity.meaning import DIMENSIONLESS, read_on_hu, refuse_hu
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext

PERCENTILES = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)
"""As Shah et al. 2011 (Med. Image Anal. 15:267-282) take them."""


def read(section: Section) -> Mapping[str, Any]:
    """Read ``landmarks`` (a file beside the recipe), ``percentiles``, ``mask`` and ``on_hu``."""
    params = {
        "landmarks": section.text("landmarks"),
        "percentiles": _percentiles(section),
        "mask": read_mask(section),
        "on_hu": read_on_hu(section),
    }
    section.finish()
    return params


def _percentiles(section: Section) -> list[float]:
    node = section.take("percentiles")
    items: Any = list(PERCENTILES) if node is None else node.plain()
    numbers = isinstance(items, list) and all(isinstance(p, int | float) and not isinstance(p, bool) for p in items)
    rising = numbers and len(items) > 1 and all(a < b for a, b in pairwise(items))
    if not rising or not 0 <= items[0] < items[-1] <= 100:  # noqa: PLR2004
        raise section.error("asks for 'percentiles' as a list that rises from 0 or more to 100 or less")
    return [float(p) for p in items]


def measure(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> tuple[Values, Mask]:
    """Return the values at the percentiles inside the mask of an image, which is what landmarks are learnt from.

    Raises
    ------
    Refused
        The image is in Hounsfield units and the recipe does not say that they may go, or it holds one value alone.
    """
    refuse_hu(volume, "nyul", params)
    mask = mask_of(volume, params["mask"], context)
    found = percentiles_of(masked(volume, mask), params["percentiles"])
    if not found[0] < found[-1]:
        raise Refused(Reason.INTENSITY, "the histogram of the mask is a single value")
    return found, mask


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:
    """Match the histogram of an image to the standard one of its modality and role.

    Raises
    ------
    Refused
        The landmarks were learnt on images of another modality or role, at other percentiles or after other steps.
    DqkitError
        There is no such file of landmarks.
    """
    path = landmarks_path(params, context.folder)
    landmarks, sha256 = load_landmarks(path)
    if list(landmarks.percentiles) != list(params["percentiles"]):
        raise Refused(Reason.INTENSITY, "the landmarks stand at other percentiles than the recipe asks for")
    _refuse_other_steps(volume, landmarks)
    role = str(context.series.get("role") or "")
    standard = landmarks.of(context.modality, role)
    if standard is None:
        known = _words([f"{one.modality} {one.role or 'of no role'}" for one in landmarks.standards])
        here = f"{context.modality or 'of no modality'} {role or 'of no recognised role'}"
        raise Refused(Reason.INTENSITY, f"the landmarks were learnt on {known}; this is {here}")
    found, mask = measure(volume, params, context)
    record = {
        **params,
        "mask": mask.record,
        "landmarks_sha256": sha256,
        "learnt_on": len(standard.images),
        "role": role,
        "found": found.tolist(),
        "standard": list(standard.landmarks),
    }
    background = float(to_standard(np.array([volume.background]), found, standard.landmarks)[0])
    voxels = to_standard(volume.voxels, found, standard.landmarks)
    return volume.after("nyul", voxels=voxels, parameters=record, background=background, unit=DIMENSIONLESS)


def rests_on(params: Mapping[str, Any], folder: Path | None) -> tuple[str, ...]:
    """Return the hash of the landmarks.

    Raises
    ------
    DqkitError
        There is no such file of landmarks.
    """
    return (load_landmarks(landmarks_path(params, folder))[1],)


def _refuse_other_steps(volume: Volume, landmarks: Landmarks) -> None:
    """Refuse an image that went through other steps on values than those that the landmarks were learnt on."""
    from dqkit.harmonize.steps import INTENSITY

    learnt_after = [name for step in landmarks.before for name in step]
    went_through = [step.name for step in volume.steps if step.name in INTENSITY]
    if went_through != learnt_after:
        told, here = (", ".join(names) or "no step" for names in (learnt_after, went_through))
        raise Refused(Reason.INTENSITY, f"the landmarks were learnt after {told}; the image went through {here}")


def landmarks_path(params: Mapping[str, Any], folder: Path | None) -> Path:
    """Return the file that ``landmarks`` names: beside the recipe unless it says where."""
    path = Path(params["landmarks"]).expanduser()
    return path if path.is_absolute() or folder is None else folder / path


def _words(names: Sequence[str]) -> str:
    return ", ".join(sorted(set(names)))
