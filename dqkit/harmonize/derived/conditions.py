"""Attributes that must be there, or must not, depending on others (types 1C and 2C of PS3.3)."""

from typing import TYPE_CHECKING

from dqkit.harmonize.derived.allowed import CLASSES, MAGNETIC_RESONANCE, POSITRON_EMISSION
from dqkit.harmonize.derived.derivation import coded
from dqkit.harmonize.derived.uids import uid_of
from dqkit.rulebook.vocabulary import load_table

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_OF_ANIMALS = (
    "PatientBreedDescription", "PatientBreedCodeSequence", "BreedRegistrationSequence", "PatientSexNeutered",
    "ResponsiblePerson", "ResponsibleOrganization",
)  # fmt: skip
_GATED = frozenset({"CG", "PPG", "RCG", "RPPG", "RESP_GATED", "RG"})
"""Scan Options of images that were acquired by a trigger (C.8.3.1.1.4)."""

NOT_TOLD = "not told by the source"


def put_conditional(made: "Dataset", sop_class: str, first: "Dataset") -> None:
    """Add and remove what depends on other attributes.

    Parameters
    ----------
    first
        Flat header of the first source.
    """
    _of_the_patient(made)
    _of_the_side(made)
    if CLASSES[sop_class].in_space:
        _of_the_place(made, first)
    if sop_class == MAGNETIC_RESONANCE:
        _of_the_sequence(made)
    if sop_class == POSITRON_EMISSION:
        _of_positrons(made)


def _of_the_patient(made: "Dataset") -> None:
    if "PatientSpeciesDescription" in made:
        _empty_where_missing(made, *_OF_ANIMALS)
    hidden = made.get("PatientIdentityRemoved") == "YES"  # then the method must be told
    if hidden and not (made.get("DeidentificationMethod") or made.get("DeidentificationMethodCodeSequence")):
        made.DeidentificationMethod = NOT_TOLD


def _of_the_side(made: "Dataset") -> None:
    """Laterality is required of paired parts, and where nothing says which part it is (C.7.3.1)."""
    if "Laterality" in made or "ImageLaterality" in made:
        return
    part = str(made.get("BodyPartExamined", "") or "")
    if not part or load_table("body-part-terms").get(part, {}).get("paired"):
        made.Laterality = None


def _of_the_place(made: "Dataset", first: "Dataset") -> None:
    if "FrameOfReferenceUID" not in made:  # a source without one: its series is a frame of its own
        made.FrameOfReferenceUID = uid_of("frame of reference", str(first.get("SeriesInstanceUID", "")))
    if not made.get("PatientOrientationCodeSequence"):
        _empty_where_missing(made, "PatientPosition")


def _of_the_sequence(made: "Dataset") -> None:
    """MR (C.8.3.1): some times mean something for some sequences alone."""
    sequence, variant, options = (_terms(made, name) for name in ("ScanningSequence", "SequenceVariant", "ScanOptions"))
    if sequence and "IR" not in sequence:
        _without(made, "InversionTime")
    if not options & _GATED:
        _without(made, "TriggerTime")
    if not ("EP" in sequence and "SK" not in variant):
        _empty_where_missing(made, "RepetitionTime")


_LYING = {
    "S": ("40199007", "SCT", "supine"),
    "P": ("1240000", "SCT", "prone"),
    "DR": ("102535000", "SCT", "right lateral decubitus"),
    "DL": ("102536004", "SCT", "left lateral decubitus"),
}
_ENTERING = {"HF": ("102540008", "SCT", "headfirst"), "FF": ("102541007", "SCT", "feet-first")}
_RECUMBENT = ("102538003", "SCT", "recumbent")
"""PS3.16 CID 19, 20 and 21."""


def _of_positrons(made: "Dataset") -> None:
    """PET says how the patient lies by codes, and by PatientPosition only where it has none (C.8.9.5, C.7.3.1.1.2)."""
    position = str(made.get("PatientPosition", "") or "")
    entering, lying = _ENTERING.get(position[:2]), _LYING.get(position[2:])
    if not made.get("PatientOrientationCodeSequence") and entering and lying:
        made.PatientOrientationCodeSequence = coded([_RECUMBENT])
        made.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = coded([lying])
        made.PatientGantryRelationshipCodeSequence = coded([entering])
    _without(made, "PatientPosition")
    kind = _terms(made, "SeriesType")
    if "GATED" not in kind:
        _without(made, "TriggerTime")
    if "DYNAMIC" not in kind:
        _without(made, "NumberOfTimeSlices")


def _terms(made: "Dataset", keyword: str) -> set[str]:
    value = made.get(keyword)
    return {str(value)} if isinstance(value, str) else {str(one) for one in value or ()}


def _without(made: "Dataset", *keywords: str) -> None:
    for keyword in keywords:
        if keyword in made:
            delattr(made, keyword)


def _empty_where_missing(made: "Dataset", *keywords: str) -> None:
    for keyword in keywords:
        if keyword not in made:
            setattr(made, keyword, [] if keyword.endswith("Sequence") else None)
