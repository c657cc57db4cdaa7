"""A policy that makes no sense is refused with the line, the key and what is allowed."""

from pathlib import Path

import pytest

from dqkit.cohort.example import example_policy
from dqkit.cohort.policy import load_policy
from dqkit.errors import DqkitError
from tests.cohort.hand import policy

HAND = "owner: O, date: 2025-03-01, reason: R"

WRONG = {
    "unknown key": ("stepz: []", 3, "the policy has no key 'stepz'", "did you mean steps?"),
    "unknown key of a step": ("steps:\n  - {name: s, wher: {Modality: CT}}", 4, "no key 'wher'", "where"),
    "no kind": ("steps: [{name: s}]", 3, "asks for nothing", "where, exclude"),
    "key beside": ("steps:\n  - {name: s, where: {Modality: CT}, levle: study}", 4, "no key 'levle'", "level"),
    "two kinds": ("steps: [{name: s, where: {Modality: CT}, at_least: {slices: 2}}]", 3, "and at_least", "several"),
    "unknown column": ("steps: [{name: s, where: {Modalty: CT}}]", 3, "no column 'Modalty'", "Modality"),
    "column of another level": ("steps: [{name: s, level: patient, where: {n_slices: {min: 3}}}]", 3, "n_slices", ""),
    "unknown level": ("steps: [{name: s, level: stack, where: {Modality: CT}}]", 3, "cannot be 'stack'", "series"),
    "no condition": ("steps: [{name: s, where: {}}]", 3, "no condition", ""),
    "nothing to exclude": ("steps: [{name: s, exclude: []}]", 3, "exclude names no condition", ""),
    "wrong kind": ("steps: [{name: s, where: {n_slices: many}}]", 3, "cannot stand in n_slices", ""),
    "date wanted": ("steps: [{name: s, where: {study_date: {min: 2020}}}]", 3, "must be a date", ""),
    "unknown role": ("steps: [{name: s, level: study, roles: [t2w]}]", 3, "no role 't2w'", "t2"),
    "roles of a series": ("steps: [{name: s, roles: [t2]}]", 3, "of a study or patient", "where: {role: t2}"),
    "unknown count": ("steps: [{name: s, at_least: {studies: 2}}]", 3, "cannot count 'studies'", "images, frames"),
    "half a count": ("steps: [{name: s, at_least: {slices: 2.5}}]", 3, "a whole number", ""),
    "no count": ("steps: [{name: s, at_least: {}}]", 3, "counts nothing", ""),
    "unknown severity": ("steps: [{name: s, exclude_failing: {severity: bad}}]", 3, "'bad'", "critical, warning, info"),
    "failing nothing": ("steps: [{name: s, exclude_failing: {}}]", 3, "names nothing", "severity: critical"),
    "unknown pack": ("packs: [prostata-mr]", 1, "there is no pack 'prostata-mr'", "prostate-mr"),
    "one language": ("steps: [{name: {en: s}, where: {Modality: CT}}]", 3, "lacks the key 'zh'", ""),
    "no step": ("steps: []", 1, "has no step", ""),
    "steps no list": ("steps: {a: 1}", 3, "steps is a list", ""),
    "no owner": ("manual: [{exclude: {series: '1'}, date: 2025-03-01, reason: R}]", 3, "lacks the key 'owner'", ""),
    "no reason": ("manual: [{exclude: {series: '1'}, date: 2025-03-01, owner: O}]", 3, "lacks the key 'reason'", ""),
    "no date": ("manual: [{exclude: {series: '1'}, owner: O, reason: R}]", 3, "lacks the key 'date'", ""),
    "date no date": ("manual: [{exclude: {series: '1'}, owner: O, reason: R, date: May}]", 3, "must be a date", ""),
    "both": (f"manual: [{{exclude: {{series: '1'}}, include: {{series: '1'}}, {HAND}}}]", 3, "either", ""),
    "two entities": (f"manual: [{{exclude: {{series: '1', study: '1'}}, {HAND}}}]", 3, "one entity", ""),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said", "hint"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(DqkitError) as error:
        policy(tmp_path, text)
    assert said in error.value.message
    assert hint in error.value.hint
    if said != WRONG["unknown pack"][2]:  # a pack is looked for by its name alone
        assert f"select.yaml:{line}:" in error.value.message


def test_a_number_that_may_be_a_patient_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(DqkitError) as error:
        policy(tmp_path, f"manual: [{{exclude: {{patient: 1002003}}, {HAND}}}]")
    assert "put it in quotes" in error.value.hint
    assert "1002003" not in error.value.message + error.value.hint


@pytest.mark.parametrize("content", [b"", b"- a\n", b"a: [\n", b"\xff\xfe\x00"])
def test_what_is_no_policy_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(content)
    with pytest.raises(DqkitError, match=r"p\.yaml"):
        load_policy(tmp_path / "p.yaml")


def test_the_example_is_a_policy_and_stands_in_the_document(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(example_policy(), encoding="utf-8")
    assert [step.kind for step in load_policy(tmp_path / "p.yaml").steps] == [
        "where", "exclude", "where", "exclude_failing", "at_least",
    ]  # fmt: skip
    shown = Path(__file__).parents[2] / "docs" / "select.md"
    assert example_policy() in shown.read_text(encoding="utf-8")


def test_a_pack_beside_the_policy_is_found(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "name: own\nversion: 1.0.0\ntitle: {en: a, zh: b}\nwhy: {en: a, zh: b}\nextends: prostate-mr\n",
        encoding="utf-8",
    )
    assert policy(tmp_path, "packs: [./own.yaml]\nsteps: [{name: s, where: {Modality: MR}}]").packs[0].name == "own"
