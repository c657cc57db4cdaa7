"""Attributes that depend on others are there when they must be, and gone when they must not."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sr import _concepts_dict

from dqkit.harmonize.derived.allowed import COMPUTED_TOMOGRAPHY, MAGNETIC_RESONANCE, POSITRON_EMISSION
from dqkit.harmonize.derived.conditions import _ENTERING, _LYING, _RECUMBENT, NOT_TOLD, put_conditional
from tests.dicom_exam import item


def conditioned(sop_class: str = COMPUTED_TOMOGRAPHY, source: Dataset | None = None, **attributes) -> Dataset:
    made = item(**attributes)
    put_conditional(made, sop_class, source or Dataset())
    return made


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, True), ({"BodyPartExamined": "KNEE"}, True), ({"BodyPartExamined": "CHEST"}, False),
        ({"BodyPartExamined": "KNEE", "ImageLaterality": "L"}, False),
    ],
)  # fmt: skip
def test_a_side_is_asked_of_paired_parts_and_of_unknown_ones(attributes, told):
    assert ("Laterality" in conditioned(**attributes)) == told
    assert conditioned(BodyPartExamined="KNEE", Laterality="L").Laterality == "L"


def test_an_image_without_a_frame_of_reference_gets_one_of_its_series():
    frames = [conditioned(source=item(SeriesInstanceUID=uid)).FrameOfReferenceUID for uid in ("1.2", "1.2", "1.3")]
    assert frames[0] == frames[1] != frames[2]
    assert conditioned(FrameOfReferenceUID="1.9").FrameOfReferenceUID == "1.9"


def test_who_hid_an_identity_and_not_how_is_told_so():
    assert conditioned(PatientIdentityRemoved="YES").DeidentificationMethod == NOT_TOLD
    assert conditioned(PatientIdentityRemoved="YES", DeidentificationMethod="CTP").DeidentificationMethod == "CTP"
    assert "DeidentificationMethod" not in conditioned(PatientIdentityRemoved="NO")


def test_animals_have_a_breed_even_if_nobody_says_which():
    made = conditioned(PatientSpeciesDescription="Rattus")
    assert "PatientBreedDescription" in made
    assert "PatientBreedDescription" not in conditioned()


@pytest.mark.parametrize(
    ("sequence", "options", "inversion", "trigger", "repetition"),
    [
        (["GR", "IR"], "", True, False, True),
        (["GR"], "CG", False, True, True),
        (["EP"], "PPG", False, True, False),
    ],
)
def test_times_stand_where_the_sequence_has_them(sequence, options, inversion, trigger, repetition):
    made = conditioned(MAGNETIC_RESONANCE, ScanningSequence=sequence, ScanOptions=options, InversionTime="900",
                       TriggerTime="12")  # fmt: skip
    assert ("InversionTime" in made, "TriggerTime" in made, "RepetitionTime" in made) == (
        inversion,
        trigger,
        repetition,
    )


def test_pet_says_by_codes_how_the_patient_lies():
    made = conditioned(POSITRON_EMISSION, PatientPosition="FFP", SeriesType=["WHOLE BODY", "IMAGE"], TriggerTime="1",
                       NumberOfTimeSlices=1)  # fmt: skip
    lying = made.PatientOrientationCodeSequence[0]
    assert (lying.CodeMeaning, lying.PatientOrientationModifierCodeSequence[0].CodeMeaning) == ("recumbent", "prone")
    assert made.PatientGantryRelationshipCodeSequence[0].CodeMeaning == "feet-first"
    assert not {"PatientPosition", "TriggerTime", "NumberOfTimeSlices"} & set(made.dir())


def test_codes_of_lying_are_those_of_the_standard():
    for value, scheme, meaning in (*_LYING.values(), *_ENTERING.values(), _RECUMBENT):
        meanings = [
            m for codes in _concepts_dict.concepts[scheme].values() for v, (m, _) in codes.items() if v == value
        ]
        assert meaning in meanings
