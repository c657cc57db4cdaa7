"""What checks say of values is said in Chinese too; keywords and values stay."""

import re

import pytest

from dqkit.report.chinese import in_chinese
from dqkit.report.chinese_words import FLAGS_ZH, PHRASES_ZH
from dqkit.rulebook.book import load_book
from dqkit.rulebook.column_words import FLAGS, PHRASES, VALUES

_ENGLISH = re.compile(
    r"\b(?:the|of|at|least|most|within|value|values|slices?|missing|each|every|nothing|with|than|has|is)\b"
)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("missing: tube current (mA), KVP", "缺失：管电流（mA）、KVP"),
        ("KVP at least 40 and at most 150", "KVP 不小于 40 且不大于 150"),
        ("ImagingFrequency 128176000, field strength 3 T", "ImagingFrequency 128176000，场强 3 T"),
        (
            "ImagingFrequency == field strength (T) x 42.577 within 10 %",
            "ImagingFrequency = 场强（T） × 42.577（允许偏差 10 %）",
        ),
        ("declared 0 bytes, needed 524288 bytes", "声明 0 字节，需要 524288 字节"),
        ("6 mm between slices, usually 3 mm; gap after slice 5", "层间距 6 mm，通常 3 mm；缺口在第 5 层之后"),
        (
            "9 mm between slices, usually 3 mm; 2 gaps, the first after slice 5",
            "层间距 9 mm，通常 3 mm；共 2 处缺口，第一处在第 5 层之后",
        ),
        (
            "steps of 5 mm to 6.5 mm, usually 5 mm; first odd one after slice 13",
            "层间距 5 mm 至 6.5 mm，通常 5 mm；首个异常在第 13 层之后",
        ),
        ("1 slice lies where another one does, first after slice 8", "1 个层面与其他层面位置相同，第一个在第 8 层之后"),
        ("InstanceNumber 1 occurs more than once", "InstanceNumber 1 出现不止一次"),
        ("study date (not shown), birth date (not shown)", "检查日期（不显示），出生日期（不显示）"),
        ("measured tilt 15.5°", "实测倾角 15.5°"),
        ("2 sites", "2 家机构"),
        ("no preamble", "无文件前导"),
        ("file not DICOM", "文件：非 DICOM"),
        ("file is none of not permitted, input/output error", "文件 不属于：权限不足、读写错误"),
        ("SOPClassUID is one of the 207 known (sop-classes)", "SOPClassUID 属于：207 个已知值（sop-classes）"),
        ("SliceThickness: 2 values", "SliceThickness：2 个取值"),
        ("LossyImageCompression absent", "LossyImageCompression 缺失"),
        ("SOPClassUID, StudyDate, PatientID and 21 more", "SOPClassUID, StudyDate，PatientID 等（另有 21 项）"),
        ("2 files of one UID, not all alike", "同一 UID 的 2 个文件内容不同"),
        ("Manufacturer FUJI Co., Ltd., preferred FUJIFILM", "Manufacturer FUJI Co., Ltd.，首选写法 FUJIFILM"),
        ("views without R-CC, L-CC", "体位缺少 R-CC, L-CC"),
        ("kinds of series without dce or t1-3d-post, dwi", "序列类型缺少 dce 或 t1-3d-post, dwi"),
        ("b-values from 50 to 100, at least 1400", "b 值 在 50 至 100、不小于 1400 各有取值"),
        ("b-values 0, 800; none from 50 to 100", "b 值 0, 800；缺少 50 至 100"),
    ],
)
def test_sentences(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


@pytest.mark.parametrize("text", ["", "SliceThickness 5", "RepetitionTime 4000", "\u202e<b>x</b>", "KVP", "no", ", ; "])
def test_what_is_no_sentence_keeps_its_values(text: str) -> None:
    assert set(re.findall(r"\w+", text)) <= set(re.findall(r"\w+", in_chinese(text)))


def test_phrases_are_those_of_the_rule_book_with_a_place_for_the_value_where_it_has_one() -> None:
    assert set(PHRASES_ZH) == set(PHRASES), "say it in dqkit/report/chinese_words.py"
    assert set(FLAGS_ZH) == set(FLAGS)
    crooked = [name for name, phrase in PHRASES_ZH.items() if phrase.count("{}") > 1]
    assert not crooked


def test_terms_of_our_own_are_translated() -> None:
    for column, names in VALUES.items():
        for word in names.values():
            assert word not in in_chinese(f"{PHRASES[column].format(word)}")


def test_what_every_shipped_rule_expects_is_said_in_chinese() -> None:
    left = {}
    for rule in load_book([]).rules:
        expected = rule.check.expected()
        said = re.sub(r"(?:匹配|表) .*", "", in_chinese(expected))
        said = re.sub(r"（[^）]*）|属于：.*|包含 .*", "", said)
        if _ENGLISH.search(said):
            left[rule.id] = (expected, said)
    assert not left
