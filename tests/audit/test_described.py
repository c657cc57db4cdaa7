"""What descriptions say of a series, in five languages, and what they leave open."""

from collections.abc import Callable

import polars as pl
import pytest

from dqkit.audit import described


def told(of: Callable[[], pl.Expr], text: str | None, study: str | None = None, protocol: str | None = None) -> str:
    names = {"SeriesDescription": text, "ProtocolName": protocol, "StudyDescription": study}
    frame = pl.DataFrame({name: pl.Series([value], dtype=pl.String) for name, value in names.items()})
    return str(frame.select(of()).item())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("XR KNEE LEFT AP", "L"), ("Hand rechts", "R"), ("genou gauche", "L"), ("rodilla derecha", "R"),
        ("右手正位", "R"), ("R MLO", "R"), ("L CC Breast Tomosynthesis Image", "L"), ("left and right", ""),
        ("Knees bilateral, left marked", ""), ("Chest left anterior oblique", ""), ("right ventricle short axis", ""),
        ("left to right phase", ""), ("Chest", ""),
    ],
)  # fmt: skip
def test_sides(text: str, word: str) -> None:
    assert told(described.described_side, text) == word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("arterial 5mm", "with"), ("AX T1 +C", "with"), ("t1_tse_fs_post GAD", "with"), ("Abdomen nach KM", "with"),
        ("CT thorax avec injection", "with"), ("胸部增强", "with"), ("pre contrast", "without"),
        ("Abdomen nativ", "without"), ("Chest W/O", "without"), ("平扫", "without"), ("without and with contrast", ""),
        ("T2 without fat sat", ""), ("Brain", ""),
    ],
)  # fmt: skip
def test_contrast(text: str, word: str) -> None:
    assert told(described.described_contrast, text) == word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("t2_tse_sag_p2", "SAGITTAL"), ("Ax T1", "AXIAL"), ("5mm MPR coronal", "CORONAL"), ("矢状位", "SAGITTAL"),
        ("3-plane loc ax sag cor", ""), ("coronary CTA", ""), ("taxol", ""),
    ],
)  # fmt: skip
def test_planes(text: str, word: str) -> None:
    assert told(described.described_plane, text) == word


@pytest.mark.parametrize(
    ("text", "word"),
    [("MRI brain", "MR"), ("CT_Chest", "CT"), ("PET CT WB", ""), ("CT registered to MR", ""), ("direct", "")],
)
def test_modalities(text: str, word: str) -> None:
    assert told(described.described_modality, text) == word


def test_positions() -> None:
    assert told(described.described_lying, "SUPINE 1mm") == "supine"
    assert told(described.described_lying, "俯卧位") == "prone"
    assert told(described.described_lying, "prone and supine") == ""


def test_what_is_not_there_says_nothing() -> None:
    for of in (described.described_side, described.described_plane, described.described_contrast):
        assert told(of, None) == ""
    assert told(described.described_region, None) == ""


def test_the_series_speaks_of_its_region_before_the_study_does() -> None:
    assert told(described.described_region, "Chest 5mm", study="Head") == "chest"
    assert told(described.described_region, "recon 2", study="CT Kopf") == "brain"
    assert told(described.described_side, None, study="Knie links") == "L"


def test_many_series_of_one_text_are_told_in_their_order() -> None:
    frame = pl.DataFrame({"SeriesDescription": ["ax", None, "cor", "ax"] * 50})
    words = frame.select(described.described_plane()).to_series().to_list()
    assert words == ["AXIAL", "", "CORONAL", "AXIAL"] * 50


def test_terms_and_other_texts_of_the_body_part() -> None:
    frame = pl.DataFrame({"BodyPartExamined": ["CHEST", "Left Knee?", "WHOLE BODY", None]})
    assert frame.select(described.body_part_region()).to_series().to_list() == ["chest", "", "whole-body", ""]
