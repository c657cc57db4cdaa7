"""The shipped book as a whole, and how parts of it are named."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.model import Level, RuleStatus, Severity
from dqkit.privacy.identifying import is_identifying
from dqkit.rulebook.book import Book, load_book, make_book
from dqkit.rulebook.cases import run_cases
from dqkit.rulebook.rule import FAMILIES, Allow, Rule
from tests.rulebook.conftest import changed

CJK = re.compile(r"[\u4e00-\u9fff]")


def ids(book: Book) -> list[str]:
    return [rule.id for rule in book]


def test_there_are_enough_rules_of_each_family(book: Book):
    assert len(book) >= 50
    assert {"FMT", "IDN", "GEO"} <= {rule.family for rule in book} <= set(FAMILIES)


def test_a_file_is_named_for_its_rule_and_stands_in_its_family(book: Book):
    for rule in book:
        assert rule.path.name == f"{rule.id}-{rule.name}.yaml"
        assert rule.path.parent.name == rule.family.lower()


def test_texts_are_whole_in_both_languages(book: Book):
    for rule in book:
        for text in (rule.title, rule.why, rule.remedy.manual or rule.title):
            assert CJK.search(text["zh"]), rule.id
            assert not CJK.search(text["en"]), rule.id
        assert rule.why["en"].endswith("."), rule.id
        assert not rule.title["en"].endswith("."), rule.id


def test_every_rule_cites_the_standard(book: Book):
    form = re.compile(r"(PS3\.\d+ [0-9A-Z.]+(; )?)+|NIfTI-1 .+")
    assert [rule.id for rule in book if not form.fullmatch(rule.standard)] == []


def test_every_threshold_has_a_source_or_says_house_style(book: Book):
    assert [rule.id for rule in book if rule.params and not rule.cite and not rule.is_open] == []


def test_titles_are_distinct(book: Book):
    for lang in ("en", "zh"):
        titles = [rule.title[lang] for rule in book]
        assert len(titles) == len(set(titles))


def test_no_identifying_value_is_observed(book: Book):
    for rule in book:
        secrets = {
            str(value)
            for case in rule.cases
            for row in case.given
            for name, value in row.items()
            if is_identifying(name) and isinstance(value, str) and len(value) > 2
        }
        for result in run_cases(rule):
            assert not [secret for secret in secrets if secret in result.observed], rule.id


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (["GEO-003"], ["GEO-003"]),
        (["geo-003"], ["GEO-003"]),
        (["slice-gap"], ["GEO-003"]),
        (["GEO-00*"], [f"GEO-00{i}" for i in range(1, 10)]),
        (["duplicate-*"], ["GEO-005", "IDN-001", "IDN-002", "IDN-030"]),
        (["PIX-00[12]*"], ["PIX-001", "PIX-002"]),
    ],
)
def test_rules_are_selected_by_id_name_family_or_pattern(book: Book, selector: list[str], expected: list[str]):
    assert ids(book.select(selector)) == expected


def test_ignore_wins_over_select(book: Book):
    assert ids(book.select(["PIX-00[12]*"], ["PIX-001"])) == ["PIX-002"]
    assert "GEO-003" not in ids(book.select([], ["GEO"]))


def test_an_unknown_selector_names_close_ones(book: Book):
    with pytest.raises(DqkitError) as caught:
        book.select(["slice-gaps"])
    assert "slice-gap" in caught.value.hint
    with pytest.raises(DqkitError, match="no rule 'QQQ'"):
        book.select([], ["QQQ"])


def test_nothing_left_is_nothing_to_check(book: Book):
    with pytest.raises(NothingToCheckError):
        book.select(["PIX"], ["PIX"])


def test_get_finds_by_id_and_name(book: Book):
    assert book.get("geo-003") is book.get("slice-gap")
    with pytest.raises(DqkitError) as caught:
        book.get("slicegap")
    assert "slice-gap" in caught.value.hint


def test_a_folder_of_ones_own_rules_joins_the_book(tmp_path: Path, plain: str):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "any-name.yml").write_text(plain)
    assert load_book([tmp_path]).get("GEO-903").name == "house-step"
    assert load_book([tmp_path / "deep" / "any-name.yml"]).get("house-step").id == "GEO-903"


@pytest.mark.parametrize("line", ["id: GEO-003", "name: slice-gap"])
def test_ids_and_names_are_never_reused(tmp_path: Path, line: str):
    path = tmp_path / "mine.yaml"
    path.write_text(changed(**{line.split(":", maxsplit=1)[0]: line}))
    with pytest.raises(DqkitError, match=r"mine\.yaml:\d: .* stands in .*GEO-003") as caught:
        load_book([path])
    assert "never reused" in caught.value.hint


def test_deprecated_rules_run_only_when_named(rule_with: Callable[..., Rule]):
    old = replace(rule_with(), status=RuleStatus.DEPRECATED)
    other = replace(rule_with(), id="GEO-904", name="other")
    assert ids(make_book([old, other]).select()) == ["GEO-904"]
    assert ids(make_book([old, other]).select(["GEO-903"])) == ["GEO-903"]


def implied(rule: Rule, cause: Rule) -> Book:
    return make_book([replace(rule, implied_by=(cause.id,)), cause])


def test_a_cause_may_stand_on_the_same_entity_or_above(rule_with: Callable[..., Rule]):
    rule = rule_with()
    for level in (Level.STACK, Level.SERIES, Level.STUDY, Level.PATIENT, Level.SITE):
        assert len(implied(rule, replace(rule, id="GEO-001", name="cause", level=level))) == 2
    instance = replace(rule, level=Level.INSTANCE)
    assert len(implied(rule, replace(instance, id="GEO-001", name="cause"))) == 2  # a bad slice, of its volume
    assert len(implied(instance, replace(rule, id="GEO-001", name="cause", level=Level.FILE))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": Level.LABEL}, "speaks of a label"),
        ({"severity": Severity.INFO}, "milder"),
        ({"status": RuleStatus.PREVIEW}, "preview"),
        ({"allow": Allow(share=0.5)}, "allows more failures"),
        ({"allow": Allow(count=5)}, "allows more failures"),
    ],
)
def test_a_cause_that_would_hide_its_consequence_is_refused(rule_with, change, message: str):
    rule = rule_with()
    with pytest.raises(DqkitError, match=message):
        implied(rule, replace(rule, id="GEO-001", name="cause", **change))


def test_an_unknown_cause_is_refused(rule_with: Callable[..., Rule]):
    with pytest.raises(DqkitError, match="no such rule"):
        make_book([replace(rule_with(), implied_by=("GEO-999",))])


def test_a_circle_of_causes_is_refused(rule_with: Callable[..., Rule]):
    one = replace(rule_with(), implied_by=("GEO-904",))
    two = replace(one, id="GEO-904", name="two", implied_by=("GEO-905",))
    three = replace(one, id="GEO-905", name="three", implied_by=("GEO-903",))
    with pytest.raises(DqkitError, match="back to itself"):
        make_book([one, two, three])
