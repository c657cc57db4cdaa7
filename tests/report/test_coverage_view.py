"""The chapter of the page on what was recognised and judged."""

import dataclasses
import io

import pytest
from rich.console import Console

from dqkit.audit.coverage import Coverage
from dqkit.audit.result import AuditResult
from dqkit.report.coverage_view import coverage_view
from dqkit.report.html import render_html
from dqkit.report.scope import only_site
from dqkit.report.terminal_packs import print_coverage
from tests.report.sample import HOSTILE, SITES, sample_result


def test_packs_stand_with_what_they_speak_of_and_judged(result: AuditResult):
    view = coverage_view(result.coverage)
    assert view is not None
    rows = [(pack["name"], pack["version"], pack["series"], pack["judged"]) for pack in view["packs"]]
    assert rows == [("general", "1.0.0", 16 * len(SITES), 16 * len(SITES)), ("prostate-mr", "1.0.0", 9, 8)]
    assert view["packs"][1]["extends"]["en"] == "extends parent 1.0.0"
    assert f"{7 * len(SITES):,}" in view["unjudged"]["text"]["en"]


def test_roles_stand_by_site_and_what_was_not_recognised_comes_last(result: AuditResult):
    view = coverage_view(result.coverage)
    assert view is not None
    assert [role["name"] for role in view["roles"]] == ["t2", "dwi", ""]
    t2 = view["roles"][0]
    assert (t2["attributes"], t2["description"], t2["series"]) == (7 * len(SITES), 2 * len(SITES), 9 * len(SITES))
    assert sum(t2["cells"]) + t2["others"] == t2["series"]
    assert view["share"]["en"].startswith(f"{13 * len(SITES):,} of {16 * len(SITES):,}")


def test_many_sites_share_a_column():
    result = sample_result(findings=10, sites=tuple(f"site {i}" for i in range(30)))
    view = coverage_view(result.coverage)
    assert view is not None
    assert len(view["sites"]) == 10
    assert view["roles"][0]["others"] == 9 * 20


def test_without_images_there_is_no_chapter(result: AuditResult):
    page = render_html(dataclasses.replace(result, coverage=Coverage()))
    assert 'id="packs"' not in page
    assert 'href="#packs"' not in page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_the_chapter_in_both_languages(result: AuditResult, lang: str):
    page = render_html(result, lang)
    for text in (
        'id="packs"',
        "prostate-mr",
        "What was recognised, what was judged",
        "识别结果与判定范围",
        "T2-weighted",
    ):
        assert text in page


def test_a_hostile_name_of_a_pack_stays_text():
    page = render_html(sample_result(findings=10, hostile=True))
    chapter = page[page.index('<section id="packs"') : page.index('<section id="coverage"')]
    for text in HOSTILE:
        if "<" in text:
            assert text not in chapter


def test_a_page_of_one_site_names_no_other(result: AuditResult):
    page = render_html(result, site=SITES[0])
    chapter = page[page.index('<section id="packs"') : page.index('<section id="coverage"')]
    assert SITES[0] in chapter
    assert not [site for site in SITES[1:] if site in chapter]
    assert set(only_site(result, SITES[0]).coverage.judged["site"]) == {SITES[0]}


def said(coverage: Coverage, lang: str = "en") -> str:
    console = Console(file=io.StringIO(), width=100)
    print_coverage(coverage, console, lang)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_terminal_names_packs_beside_general(result: AuditResult):
    text = said(result.coverage)
    assert "prostate-mr 1.0.0" in text
    assert "general" not in text.replace("but general", "")
    assert "no pack but general speaks of them" in text
    assert "不属于任何规则包" in said(result.coverage, "zh")


def test_the_terminal_is_silent_without_packs(result: AuditResult):
    plain = dataclasses.replace(result.coverage, packs=result.coverage.packs[:1])
    assert said(plain) == ""
