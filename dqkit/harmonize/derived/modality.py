"""What differs from one SOP class to the next: a literal dict, a class an entry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dqkit.harmonize.derived.allowed import (
    COMPUTED_RADIOGRAPHY,
    COMPUTED_TOMOGRAPHY,
    DIGITAL_XRAY,
    MAGNETIC_RESONANCE,
    MAMMOGRAPHY,
    OPHTHALMIC_PHOTOGRAPHY,
    POSITRON_EMISSION,
)
from dqkit.harmonize.derived.derivation import is_reformatted
from dqkit.harmonize.derived.projection import finish_digital, finish_photograph, finish_radiograph
from dqkit.harmonize.derived.stored import Stored, decimal, photograph_storage_of, storage_of, unsigned_storage_of
from dqkit.harmonize.image import HarmonizedImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class ClassRules:
    """What a SOP class asks for.

    Attributes
    ----------
    storage
        Voxels -> how they are stored; refuses values that the class cannot hold.
    put_rescale
        Writes the modality transformation for a unit.
    finish
        Writes what only this class has: data set, image, header of the first source, index of the slice.
    """

    storage: Callable[[NDArray[Any]], Stored]
    put_rescale: Callable[["Dataset", Stored, str], None]
    finish: Callable[["Dataset", HarmonizedImage, "Dataset", int], None]


def rules_of(sop_class: str) -> ClassRules:
    """Return the rules of a SOP class of `allowed.CLASSES`."""
    return RULES[sop_class]


def _rescale(made: "Dataset", stored: Stored, unit: str) -> None:
    """CT (PS3.3 C.8.2.1): slope and intercept always, HU or unspecified."""
    made.RescaleIntercept, made.RescaleSlope = decimal(stored.intercept), decimal(stored.slope)
    made.RescaleType = "HU" if unit == "HU" else "US"


def _rescale_if_needed(made: "Dataset", stored: Stored, unit: str) -> None:
    """MR and CR: a Modality LUT module only where stored values are not the values."""
    if stored.slope != 1 or stored.intercept != 0:
        _rescale(made, stored, unit)


_PET_UNITS = frozenset(
    {
        "CNTS", "NONE", "CM2", "CM2ML", "PCNT", "CPS", "BQML", "MGMINML", "UMOLMINML", "MLMING", "MLG", "1CM", "UMOLML",
        "PROPCNTS", "PROPCPS", "MLMINML", "MLML", "GML", "STDDEV",
    }
)  # fmt: skip
"""Defined terms of Units (0054,1001), PS3.3 C.8.9.1.1.3."""


def _rescale_pet(made: "Dataset", stored: Stored, unit: str) -> None:
    """PET (C.8.9.4): the intercept is 0, and Units says what values are."""
    made.RescaleIntercept, made.RescaleSlope = "0", decimal(stored.slope)
    if unit != str(made.get("Units", "")):
        made.Units = unit if unit in _PET_UNITS else "NONE"
        if "SUVType" in made:
            del made.SUVType


def _no_rescale(made: "Dataset", _: Stored, __: str) -> None:
    """DX and mammography (C.8.11.3.1.2): slope 1, intercept 0, unit unspecified."""
    made.RescaleIntercept, made.RescaleSlope, made.RescaleType = "0", "1", "US"


def _nothing(_: "Dataset", __: Stored, ___: str) -> None:
    """Photographs: samples are what is shown."""


def _finish_ct(made: "Dataset", image: HarmonizedImage, first: "Dataset", i: int) -> None:  # noqa: ARG001
    made.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]


_MR_TERMS = frozenset(
    {
        "DENSITY MAP", "DIFFUSION MAP", "IMAGE ADDITION", "MODULUS SUBTRACT", "MPR", "OTHER", "PHASE MAP",
        "PHASE SUBTRACT", "PROJECTION IMAGE", "T1 MAP", "T2 MAP", "VELOCITY MAP",
    }
)  # fmt: skip
"""Value 3 of ImageType (PS3.3 C.8.3.1.1.1)."""


def _finish_mr(made: "Dataset", image: HarmonizedImage, first: "Dataset", i: int) -> None:  # noqa: ARG001
    kind = [str(value) for value in first.get("ImageType") or ()][2:3]
    third = kind[0] if kind and kind[0] in _MR_TERMS else "OTHER"
    made.ImageType = ["DERIVED", "SECONDARY", "MPR" if third == "OTHER" and is_reformatted(image) else third]


def _finish_pt(made: "Dataset", image: HarmonizedImage, first: "Dataset", i: int) -> None:  # noqa: ARG001
    made.ImageType = ["DERIVED", "PRIMARY"]  # the only second value that PET images may have (PS3.3 C.8.9.4.1.1)
    made.NumberOfSlices = image.volume.voxels.shape[-3]
    made.ImageIndex = i + 1


RULES: dict[str, ClassRules] = {
    COMPUTED_TOMOGRAPHY: ClassRules(storage_of, _rescale, _finish_ct),
    MAGNETIC_RESONANCE: ClassRules(storage_of, _rescale_if_needed, _finish_mr),
    POSITRON_EMISSION: ClassRules(partial(storage_of, without_intercept=True), _rescale_pet, _finish_pt),
    COMPUTED_RADIOGRAPHY: ClassRules(storage_of, _rescale_if_needed, finish_radiograph),
    **dict.fromkeys((*DIGITAL_XRAY, *MAMMOGRAPHY), ClassRules(unsigned_storage_of, _no_rescale, finish_digital)),
    **dict.fromkeys(OPHTHALMIC_PHOTOGRAPHY, ClassRules(photograph_storage_of, _nothing, finish_photograph)),
}
"""SOP class -> its rules: the keys of `allowed.CLASSES`."""
