"""What series are recognised as: by attributes first, by words second."""

from pathlib import Path
from typing import Any

import pytest

from dqkit.audit.frames import frame_of
from dqkit.audit.recognise import recognised, recognisers_of
from dqkit.model import Level
from dqkit.rulebook.pack import load_pack
from tests.audit.conftest import HandMade

T2 = {"ScanningSequence": ["SE"], "MRAcquisitionType": "2D", "EchoTime": 95.0, "RepetitionTime": 5000.0}
MPRAGE = {
    "ScanningSequence": ["GR", "IR"], "SequenceVariant": ["SP", "MP"], "MRAcquisitionType": "3D", "EchoTime": 3.0,
    "RepetitionTime": 2300.0, "InversionTime": 900.0,
}  # fmt: skip
FLAIR = {"ScanningSequence": ["SE", "IR"], "EchoTime": 94.0, "RepetitionTime": 9000.0, "InversionTime": 2500.0}

TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"

ROLES: dict[str, tuple[dict[str, Any], str, str]] = {
    "T2 by its times": (T2, "t2", "attributes"),
    "times win over words": (T2 | {"SeriesDescription": "t1_se_tra"}, "t2", "attributes"),
    "MPRAGE": (MPRAGE, "t1-3d", "attributes"),
    "MPRAGE with an agent": (MPRAGE | {"ContrastBolusAgent": "Gadovist"}, "t1-3d-post", "attributes"),
    "MPRAGE whose words tell of contrast": (MPRAGE | {"SeriesDescription": "MPRAGE +C"}, "t1-3d-post", "attributes"),
    "MPRAGE whose words tell of none": (MPRAGE | {"SeriesDescription": "MPRAGE pre contrast"}, "t1-3d", "attributes"),
    "FLAIR": (FLAIR, "flair", "attributes"),
    "FLAIR in 3D": (FLAIR | {"MRAcquisitionType": "3D"}, "flair-3d", "attributes"),
    "FLAIR of unknown dimension": ({"SeriesDescription": "t2_Flair_axial"}, "flair", "description"),
    "diffusion": ({"diffusion_b_value": 800.0}, "dwi", "attributes"),
    "diffusion of several b-values": (
        {"varying": ["diffusion_b_value"], "ScanningSequence": ["EP"]}, "dwi", "attributes",
    ),
    "ADC": ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "adc", "attributes"),
    "SWI": ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "SWI"]}, "swi", "attributes"),
    "a flip angle is no map of diffusion": ({"SeriesDescription": "2D_Fiesta_FA_70"}, "", ""),
    "projection": (MPRAGE | {"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]}, "projection", "attributes"),
    "subtraction": (MPRAGE | {"SeriesDescription": "t1_fl3d_dyn_SUB"}, "subtraction", "description"),
    "German": ({"SeriesDescription": "T1 MPRAGE nach KM"}, "t1-3d-post", "description"),
    "Chinese": ({"SeriesDescription": "T1加权 增强"}, "t1-post", "description"),
    "protocol where the series says nothing": (
        {"SeriesDescription": "abc", "ProtocolName": "t2_tse_tra"}, "t2", "description",
    ),
    "phases only of the liver": (
        {"SeriesDescription": "vibe arterial", "BodyPartExamined": "LIVER"}, "mr-arterial", "description",
    ),
    "nothing at all": ({}, "", ""),
    "localizer": ({"is_localizer": True}, "localizer", "attributes"),
    "localizer by words": ({"SeriesDescription": "3-plane loc"}, "localizer", "description"),
    "a word inside a word": ({"SeriesDescription": "allocation"}, "", ""),
    "CT, thin": ({"Modality": "CT", "SliceThickness": 1.0}, "ct-thin", "attributes"),
    "CT, kernel": ({"Modality": "CT", "SliceThickness": 5.0, "ConvolutionKernel": ["B31f"]}, "ct-soft", "attributes"),
    "CT, phase": ({"Modality": "CT", "SeriesDescription": "Liver venous 5.0 B30f"}, "ct-portal", "description"),
    "CT, Chinese phase": ({"Modality": "CT", "SeriesDescription": "腹部动脉期"}, "ct-arterial", "description"),
    "PET": ({"Modality": "PT", "CorrectedImage": ["DECY", "ATTN"]}, "pet", "attributes"),
    "PET without attenuation": ({"Modality": "PT", "CorrectedImage": ["DECY"]}, "pet-uncorrected", "attributes"),
    "mammogram": ({"Modality": "MG"}, "mammogram", "attributes"),
    "tomosynthesis": ({"Modality": "MG", "SOPClassUID": TOMOSYNTHESIS}, "tomosynthesis", "attributes"),
    "fundus": ({"Modality": "OP"}, "fundus", "attributes"),
    "no modality": ({"Modality": None, "SeriesDescription": "x"}, "", ""),
}  # fmt: skip

REGIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "the standard's term": ({"BodyPartExamined": "BRAIN"}, "brain", "attributes"),
    "another way to write it": ({"BodyPartExamined": "Chest^Abd Pelvis"}, "trunk", "attributes"),
    "Chinese": ({"BodyPartExamined": "胸部"}, "chest", "attributes"),
    "modality": ({"Modality": "MG"}, "breast", "attributes"),
    "words": ({"SeriesDescription": "t2_tse_tra_Prostata"}, "prostate", "description"),
    "of the study": ({"StudyDescription": "IRM foie"}, "liver", "description"),
    "words say it more exactly": (
        {"BodyPartExamined": "PELVIS", "StudyDescription": "MR Prostate"}, "prostate", "description",
    ),
    "words do not contradict": ({"BodyPartExamined": "KNEE", "SeriesDescription": "brain"}, "extremity", "attributes"),
    "nothing": ({"BodyPartExamined": "ANNOON"}, "", ""),
}  # fmt: skip


def tables(*rows: dict[str, Any]) -> HandMade:
    made = [
        {"series_key": f"s{i}", "study_key": f"e{i}", "Modality": "MR", "is_localizer": False, "is_survey": False} | row
        for i, row in enumerate(rows)
    ]
    return HandMade({"series": [dict.fromkeys({key for one in made for key in one}) | row for row in made]})


@pytest.mark.parametrize("name", ROLES)
def test_role(name: str):
    row, role, by = ROLES[name]
    found = recognised(tables(row)).row(0, named=True)
    assert (found["role"], found["role_by"]) == (role, by)


@pytest.mark.parametrize("name", REGIONS)
def test_region(name: str):
    row, region, by = REGIONS[name]
    found = recognised(tables(row)).row(0, named=True)
    assert (found["region"], found["region_by"]) == (region, by)


def regions(*rows: dict[str, Any]) -> list[str]:
    shared = [{"study_key": "e"} | row for row in rows]
    return recognised(tables(*shared)).sort("series_key")["region"].to_list()


def test_a_study_names_the_region_of_series_that_do_not():
    assert regions({"SeriesDescription": "t2"}, {"BodyPartExamined": "BRAIN"}) == ["brain", "brain"]
    two = ({"SeriesDescription": "t2"}, {"BodyPartExamined": "BRAIN"}, {"BodyPartExamined": "SPINE"})
    assert regions(*two) == ["", "brain", "spine"]


def test_whoever_is_examined_for_the_prostate_is_not_examined_for_the_pelvis_besides():
    assert regions({"BodyPartExamined": "PELVIS"}, {"BodyPartExamined": "PROSTATE"}) == ["prostate", "prostate"]
    assert regions({"BodyPartExamined": "HEAD"}, {"BodyPartExamined": "EYE"}) == ["head-neck", "eye"]


def test_columns_are_never_null_and_reach_series_stacks_and_studies():
    made = tables({"study_key": "e"}, T2 | {"study_key": "e", "BodyPartExamined": "PROSTATE"})
    series = frame_of(Level.SERIES, made).select("role", "role_by", "region", "region_by").collect()
    assert series.null_count().row(0) == (0, 0, 0, 0)
    study = frame_of(Level.STUDY, made).select("roles", "regions").collect()
    assert study.rows() == [(["t2"], ["prostate"])]
    made.rows["stacks"] = [{"stack_id": "k", "series_key": "s1"}]
    assert frame_of(Level.STACK, made).select("role", "region").collect().rows() == [("t2", "prostate")]


def test_an_empty_catalog_has_nothing_to_recognise():
    assert recognised(HandMade()).is_empty()
    assert frame_of(Level.STUDY, HandMade()).collect().is_empty()


def test_a_pack_brings_recognisers_that_are_tried_first(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nversion: 1.0.0\ntitle: {en: a, zh: 甲}\nwhy: {en: a., zh: 甲。}\n"
        "roles:\n  - {as: dwi, where: {Modality: MR}, words: [zoomit]}\n"
    )
    using = recognisers_of([load_pack(str(path))])
    row = T2 | {"SeriesDescription": "ZOOMit tra"}
    assert recognised(tables(row))["role"].to_list() == ["t2"]
    assert recognised(tables(row), using)["role"].to_list() == ["dwi"]
