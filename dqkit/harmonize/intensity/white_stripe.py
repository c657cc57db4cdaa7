"""``white_stripe``: normal-appearing white matter becomes 0, its spread 1.

Shinohara et al. 2014, NeuroImage Clin. 6:9-19, by the library intensity-normalization.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit.harmonize.intensity.foreground import mask_of, masked, read_mask
from dqkit.harmonize.intensity.linear import read_outside, shifted_and_scaled
from dqkit.harmonize.intensity.meaning import read_on_hu, refuse_hu
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.section import Section

if TYPE_CHECKING:
    from dqkit.harmonize.steps import StepContext

CONTRASTS = ("t1", "t2", "flair", "pd")
_OF_ROLE = {"t1": "t1", "t1-3d": "t1", "t2": "t2", "t2-3d": "t2", "flair": "flair", "flair-3d": "flair", "pd": "pd"}
"""Role of a series -> where white matter stands among the tissues: in T1 the brightest peak, in T2 the highest."""

_MOST_SAMPLES = 200_000
"""Voxels that the kernel density estimate looks at, evenly spaced: its time grows with them."""


def read(section: Section) -> Mapping[str, Any]:
    """Read ``contrast`` (``auto``: by the role of the series), ``width``, ``mask``, ``outside`` and ``on_hu``."""
    width = section.number("width", 0.05)
    if width is None or not 0 < width < 0.5:  # noqa: PLR2004
        raise section.error("asks for a 'width' between 0 and 0.5", "the share of voxels on either side of the peak")
    params = {
        "contrast": section.choice("contrast", ("auto", *CONTRASTS), "auto"),
        "width": width,
        "mask": read_mask(section),
        "outside": read_outside(section),
        "on_hu": read_on_hu(section),
    }
    section.finish()
    return params


def apply(volume: Volume, params: Mapping[str, Any], context: "StepContext") -> Volume:
    """Shift and scale by the mean and standard deviation of the stripe around the peak of white matter.

    Raises
    ------
    Refused
        The image is no MR of a contrast where that peak is known, or has none.
    """
    refuse_hu(volume, "white_stripe", params)
    contrast = _contrast(params, context)
    mask = mask_of(volume, params["mask"], context)
    if params["mask"] == "foreground":
        context.warn(
            "white_stripe looked at the whole head: without a mask of the brain, fat can pass for white matter"
        )
    values = masked(volume, mask)
    stride = -(-len(values) // _MOST_SAMPLES)
    mean, deviation, voxels = _stripe(values[::stride], contrast, params["width"])
    record = {
        **params, "contrast": contrast, "mask": mask.record, "samples": len(values[::stride]),
        "stripe_samples": voxels, "mean": mean, "std": deviation,
    }  # fmt: skip
    keep = mask if params["outside"] == "zero" else None
    return shifted_and_scaled(volume, "white_stripe", mean, deviation, record, keep=keep)


def _contrast(params: Mapping[str, Any], context: "StepContext") -> str:
    if params["contrast"] != "auto":
        return str(params["contrast"])
    role = str(context.series.get("role") or "")
    if role not in _OF_ROLE:
        raise Refused(
            Reason.INTENSITY,
            f"white_stripe knows t1, t2, flair and pd; the series is {role or 'of no recognised role'}",
        )
    return _OF_ROLE[role]


def _stripe(samples: np.ndarray[Any, Any], contrast: str, width: float) -> tuple[float, float, int]:
    """Return mean, standard deviation and number of the samples of the stripe."""
    from intensity_normalization.adapters.images import NumpyImageAdapter
    from intensity_normalization.domain.exceptions import IntensityNormalizationError
    from intensity_normalization.domain.models import Modality
    from intensity_normalization.normalizers.individual.whitestripe import WhiteStripeNormalizer

    everywhere = NumpyImageAdapter(np.ones(len(samples), np.float32))
    stripe = WhiteStripeNormalizer(width=width, modality=Modality(contrast))
    try:
        stripe.fit(NumpyImageAdapter(samples), everywhere)
    except IntensityNormalizationError as error:
        raise Refused(Reason.INTENSITY, "no stripe of white matter was found") from error
    return float(stripe.mean), float(stripe.std), int(np.count_nonzero(stripe.whitestripe_mask))
