"""The report in a real Chromium: silent, closed to the network, usable by mouse, keyboard and in both languages."""

import dataclasses
import itertools
import time

import polars as pl
import pytest

from dqkit.audit.result import AuditResult
from tests.report.conftest import Open, wait_for_charts
from tests.report.sample import HOSTILE, sample_result

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def rows(page) -> int:
    return page.locator("#problem-list tbody tr").count()


def search(page, text: str) -> None:
    before = page.locator("#status").inner_text()
    page.fill("#q", text)
    page.wait_for_function("(before) => document.getElementById('status').textContent !== before", arg=before)


def test_opens_without_a_word_on_the_console_and_without_a_request(open_report: Open, result: AuditResult) -> None:
    watched = open_report(result)
    assert watched.said == []
    assert watched.requests_outside(watched.page.url) == []
    assert watched.page.locator("[data-chart] svg").count() == 6


def test_policy_forbids_every_request_a_script_could_try(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    refused = page.evaluate("fetch('https://example.org/').then(() => 'went out', () => 'refused')")
    assert refused == "refused"
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.pwned = 9'}))"
    )
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hostile_values_run_nothing_and_show_as_text(open_report: Open, lang: str) -> None:
    watched = open_report(sample_result(hostile=True, problems=60), lang=lang)
    page = watched.page
    page.evaluate("document.querySelectorAll('details.rule').forEach((rule) => rule.open = true)")
    page.check("[name=chart-by][value=scanner]")
    page.click(f"[data-lang={'zh' if lang == 'en' else 'en'}]")
    wait_for_charts(page)
    page.locator("[data-chart] svg path").first.hover(force=True)
    assert page.evaluate("window.pwned") is None
    assert watched.said == []
    assert watched.requests_outside(page.url) == []
    text = page.locator("main").inner_text()
    for value in (HOSTILE[0], HOSTILE[1], "{{7*7}}", "St‹U+202E›evil‹U+202C› Mary", HOSTILE[4], "‹U+001B›", "‹U+0000›"):
        assert value in text
    assert "\u202e" not in text
    assert page.locator("main img[src=x]").count() == 0


def test_hostile_tooltip_is_text(open_report: Open) -> None:
    watched = open_report(sample_result(sites=(HOSTILE[1],), scanners=(("GE", "CT"), (HOSTILE[0], "CT"))))
    page = watched.page
    page.locator("[data-chart='0'] svg .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert HOSTILE[1] in page.locator("#vg-tooltip-element").inner_text()
    assert page.evaluate("window.pwned") is None
    assert watched.said == []


def test_search_filters_and_reset(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    assert rows(page) == 40
    search(page, "geo-003")
    gaps = result.problems.filter(rule_id="GEO-003").height
    assert rows(page) == gaps
    assert page.locator("details.rule").count() == 1
    page.click("#reset")
    assert rows(page) == 40
    search(page, "no such thing")
    assert "No problem matches" in page.inner_text("#problem-list")
    page.click("#reset")
    page.uncheck("[name=severity][value=critical]")
    assert (
        rows(page) == result.problems.filter(severity="warning").height + result.problems.filter(severity="info").height
    )
    page.click("#reset")
    page.select_option("#f-modality", "MR")
    assert rows(page) == result.problems.filter(modality="MR").height
    page.click("#reset")
    page.select_option("#f-family", "IDN")
    identity = {row["rule_id"] for row in result.problems.to_dicts() if row["rule_id"].startswith("IDN")}
    assert page.locator("details.rule").count() == len(identity)


def test_search_finds_chinese_titles_and_locations(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    search(page, "层面位置存在缺口")
    assert rows(page) == result.problems.filter(rule_id="GEO-003").height
    search(page, str(result.findings.get_column("location")[0]))
    assert rows(page) == 1


def test_a_number_of_the_sites_table_leads_to_its_problems(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    link = page.locator("table.matrix a[data-severity=warning]").first
    site, n = link.get_attribute("data-site"), int(link.inner_text())
    link.click()
    assert rows(page) == n == result.problems.filter(site=site, severity="warning").height
    assert page.input_value("#f-site") == site
    assert page.is_checked("[name=severity][value=warning]")
    assert not page.is_checked("[name=severity][value=critical]")


def test_sorting_by_a_column_and_back(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    page.click("[data-sort=where]")
    assert page.get_attribute("th:has([data-sort=where])", "aria-sort") == "ascending"
    first = page.locator("#problem-list tbody tr").first.inner_text()
    page.click("[data-sort=where]")
    assert page.get_attribute("th:has([data-sort=where])", "aria-sort") == "descending"
    assert page.locator("#problem-list tbody tr").first.inner_text() != first
    page.click("[data-sort=extent]")
    extents = page.locator("#problem-list tbody .extent").all_inner_texts()
    numbers = [int(text.replace(",", "").split(" files")[0].split()[-1]) for text in extents]
    assert numbers == sorted(numbers, reverse=True)


def test_language_switches_everything_live(open_report: Open, result: AuditResult) -> None:
    watched = open_report(result)
    page = watched.page
    assert page.get_attribute("html", "lang") == "en"
    page.click("[data-lang=zh]")
    wait_for_charts(page)
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "该影像库未通过检查" in page.inner_text("h1")
    assert page.title().startswith("该影像库未通过检查")
    assert page.get_attribute("[data-lang=zh]", "aria-pressed") == "true"
    assert "层面位置存在缺口" in page.inner_text("#problem-list")
    assert "Verdict" not in page.inner_text("header")
    assert page.get_attribute("#q", "placeholder").startswith("规则")
    assert "层厚" in page.get_attribute("[data-chart='0']", "aria-label")
    page.click("[data-lang=en]")
    assert "This archive does not pass" in page.inner_text("h1")
    assert watched.said == []


def test_opens_in_the_language_it_was_rendered_in(open_report: Open, result: AuditResult) -> None:
    page = open_report(result, lang="zh").page
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "个问题" in page.inner_text("#status")


def test_every_control_works_from_the_keyboard(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "verdict"
    page.focus("[data-sort=where]")
    page.keyboard.press("Enter")
    assert page.get_attribute("th:has([data-sort=where])", "aria-sort") == "ascending"
    assert page.evaluate("document.activeElement.dataset.sort") == "where"
    page.focus("[name=chart-by][value=site]")
    page.keyboard.press("ArrowDown")
    assert page.is_checked("[name=chart-by][value=scanner]")
    page.locator("#problem-list tbody button").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Space")
    assert not page.evaluate("document.activeElement.parentElement.open")


def test_headings_descend_one_level_at_a_time_under_one_h1(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((node) => Number(node.tagName[1]))")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_control_and_region_has_a_name(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, [role=region], [role=img], nav, img')]
        .filter((node) => {
          const by = node.getAttribute('aria-labelledby');
          const text = node.getAttribute('aria-label') || node.getAttribute('alt') || node.textContent.trim()
            || [...(node.labels || [])].map((label) => label.textContent.trim()).join('')
            || (by && document.getElementById(by)?.textContent);
          return !text;
        }).map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    assert page.locator("main").count() == page.locator("header").count() == page.locator("nav").count() == 1


def test_findings_show_reason_remedy_examples_and_pictures(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    search(page, "GEO-003")
    page.click("details.rule > summary")
    page.wait_for_selector("details.rule .rule-body")
    text = page.inner_text("details.rule")
    assert "Resampling across a missing slice invents anatomy." in text
    assert "Fetch the series again from the PACS." in text
    assert "at most 1 % from the median step" in text
    picture = page.locator("details.rule img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('details.rule img').naturalWidth === 480")
    assert picture.get_attribute("alt") == "Between slices 3 and 4 one is missing."


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_narrow_screen_scrolls_in_one_direction(open_report: Open, result: AuditResult, lang: str) -> None:
    page = open_report(result, lang=lang, width=360).page
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_dark_and_light_follow_the_reader(open_report: Open, result: AuditResult) -> None:
    grounds = {
        scheme: open_report(result, color_scheme=scheme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert grounds == {"light": "rgb(247, 246, 243)", "dark": "rgb(17, 22, 28)"}


def test_printing_opens_the_findings_and_closes_them_again(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.rule[open] .rule-body").count() == page.locator("details.rule").count()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.rule[open]").count() == 0


def test_coverage_is_folded_by_family_and_stays_as_it_was_opened(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    blocks = page.locator("#coverage details.family")
    families = {rule.family for rule in result.rules}
    assert blocks.count() == len(families)
    assert page.locator("#coverage details[open]").count() == 0
    first = blocks.nth(0)
    first.locator("summary").click()
    judged = {(rule.id, rule.variant) for rule in result.rules if rule.family == min(families)}
    assert first.locator("tbody tr").count() == len(judged)
    assert f"{len(judged)} rule" in first.locator("summary").inner_text()
    page.click("[data-lang=zh]")
    assert page.locator("#coverage details[open]").count() == 1
    assert "条规则" in first.locator("summary").inner_text()


def test_printing_opens_the_coverage_too(open_report: Open, result: AuditResult) -> None:
    page = open_report(result).page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.family:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.family[open]").count() == 0


def test_without_scripts_the_verdict_and_the_sites_still_stand(browser, tmp_path, result: AuditResult) -> None:
    from dqkit.report.html import render_html

    path = tmp_path / "report.html"
    path.write_text(render_html(result), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    text = page.inner_text("main")
    context.close()
    assert "This archive does not pass" in text
    assert "Clínica San José" in text
    assert "JavaScript" in text


def test_two_hundred_thousand_findings_open_quickly(open_report: Open) -> None:
    started = time.monotonic()
    watched = open_report(sample_result(findings=200_000, problems=3000))
    assert time.monotonic() - started < 30
    page = watched.page
    assert rows(page) == 50
    assert "1,500 of 3,000" in page.inner_text("#problems .note")
    page.click("#problem-list .more button")
    assert rows(page) == 100
    assert watched.said == []


def test_what_checks_say_of_values_follows_the_language(open_report: Open) -> None:
    result = sample_result()
    problems = result.problems.with_columns(observed=pl.lit("missing: tube current (mA), KVP"))
    page = open_report(dataclasses.replace(result, problems=problems)).page
    first = page.locator("#problem-list tbody tr").first
    assert "missing: tube current (mA), KVP" in first.inner_text()
    page.click("[data-lang=zh]")
    assert "缺失：管电流（mA）、KVP" in first.inner_text()
    page.fill("#q", "管电流")
    page.wait_for_timeout(300)
    assert rows(page) > 0
