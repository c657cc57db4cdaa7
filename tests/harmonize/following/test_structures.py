"""What outputs call a segment: words of the vocabulary and codes of the standard, never what somebody typed."""

import pytest
from pydicom.sr import _concepts_dict

from dqkit.harmonize.following.structures import CATEGORIES, SIDES, UNKNOWN, named, verified
from dqkit.labels.segments import Code, Said
from dqkit.rulebook.vocabulary import load_table

SCT = {value for values in _concepts_dict.concepts["SCT"].values() for value in values}


def test_every_code_of_the_vocabulary_is_one_that_pydicom_knows():
    for key, row in load_table("structures").items():
        assert set(row) == {"en", "zh", "sct", "category", "words"}, key
        assert row["sct"] in SCT, key
        assert row["category"] in CATEGORIES, key


def test_codes_of_ours_have_the_meaning_of_the_standard():
    for code in (*CATEGORIES.values(), *SIDES.values(), UNKNOWN):
        assert verified(code) == code


def test_no_word_means_two_things():
    words = [str(word) for row in load_table("structures").values() for word in row["words"]]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Liver", "liver"), ("LIVER", "liver"), ("Lt Lung", "lung-left"), ("Lung_L", "lung-left"),
        ("lung right", "lung-right"), ("SpinalCord", "spinal-cord"), ("Kidney_R", "kidney-right"),
        ("GTVp1", "gtv-1"), ("PTV 60", "ptv-60"), ("CTV", "ctv"), ("左肺", "lung-left"), ("右侧肾", ""),
        ("肝脏", "liver"),
        ("Ventricle Left", "left-ventricle"), ("GTV_02", "gtv-2"), ("Glnd_Submand_L", "submandibular-gland-left"),
        ("BODY", "body"), ("V_Venacava_I", "inferior-vena-cava"),
    ],
)  # fmt: skip
def test_names_are_known_by_their_words(text, name):
    assert named(Said(text=text)).name == name


@pytest.mark.parametrize(
    "text",
    ["GTV Smith", "Liver 19610704", "Liver_Morgan", "MRN 100001", "GTV 1 2 3", "L", "7", "", "左", "王小明", "ROI-1",
     "Liver\x00Smith", "liver;drop", "=HYPERLINK(1)", "Left right lung"],
)  # fmt: skip
def test_a_name_that_holds_anything_else_is_left_out(text):
    found = named(Said(text=text))
    assert (found.name, found.kind, found.category) == ("", None, None)


def test_a_known_name_brings_its_code_and_category():
    found = named(Said(text="Lung_L"))
    assert found.kind == Code("39607008", "SCT", "Lung")
    assert found.category == CATEGORIES["anatomy"]
    assert found.side == SIDES["left"]


def test_a_code_names_a_segment_whose_text_does_not():
    found = named(Said(text="Mr Morgan's", kind=Code("10200004", "SCT", "of Mr Morgan")))
    assert (found.name, found.kind) == ("liver", Code("10200004", "SCT", "Liver"))


def test_old_snomed_codes_become_those_of_snomed_ct():
    assert verified(Code("T-62000", "SRT", "x")) == Code("10200004", "SCT", "Liver")


def test_sides_come_from_modifiers_too():
    assert named(Said(kind=Code("64033007", "SCT"), modifier=SIDES["right"])).name == "kidney-right"


@pytest.mark.parametrize(
    "code", [Code("Morgan^Alex", "SCT"), Code("1", "99MINE"), Code("", "SCT"), Code("x" * 40, "SCT"), None]
)
def test_codes_of_nobody_else_are_left_out(code):
    assert verified(code) is None


def test_a_code_that_no_dictionary_has_keeps_no_meaning():
    assert verified(Code("999999999", "SCT", "Alex Morgan")) == Code("999999999", "SCT", "")


def test_terms_are_kept_where_the_standard_defines_them():
    found = named(Said(interpreted="ORGAN", algorithm="MANUAL"))
    assert (found.interpreted, found.algorithm) == ("ORGAN", "MANUAL")
    found = named(Said(interpreted="MORGAN", algorithm="BY ALEX"))
    assert (found.interpreted, found.algorithm) == ("", "")
