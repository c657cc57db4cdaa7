"""The profile on the page: its tables, its timeline, its way through result.json, and in a real Chromium."""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dqkit.audit.result import AuditResult
from dqkit.profile.glance import glance_of
from dqkit.profile.profile import Profile, profile_of
from dqkit.report.html import render_html
from dqkit.report.outfolder import read_out, write_out
from dqkit.report.profile_html import ProfilePage, render_profile
from dqkit.report.profile_view import crosstabs, heats, missing_rows, percent, profile_view
from dqkit.report.scope import only_site
from tests.audit.conftest import HandMade
from tests.report.conftest import Watched, wait_for_charts
from tests.report.sample import HOSTILE, SITES, sample_result


def tables(sites: tuple[str, ...] = SITES, kernel: str = "B30f") -> HandMade:
    """Return series of CT and MR at each site; the software changes, and one site lacks KVP."""
    rows: list[dict[str, Any]] = []
    for s, site in enumerate(sites):
        for k in range(24):
            late, ct = k >= 12, k % 2 == 0
            rows.append(
                {
                    "series_key": f"{s}-{k}", "study_key": f"{s}-{k}", "patient_key": f"{s}-{k}", "site": site,
                    "Modality": "CT" if ct else "MR", "Manufacturer": "SIEMENS",
                    "ManufacturerModelName": "X" if ct else "Y",
                    "SoftwareVersions": ["VB" if late else "VA"], "study_date": date(2020 + late, 3 + k % 6, 1),
                    "SliceThickness": 1.0 + s, "ConvolutionKernel": [kernel] if ct else None,
                    "KVP": 120.0 if ct and s else None, "PatientSex": "F" if k % 3 else "M",
                    "patient_age_years": 40.0 + k,
                    "varying": [], "partly_missing": [],
                }
            )  # fmt: skip
    return HandMade({"series": rows})


@pytest.fixture(scope="module")
def profile() -> Profile:
    return profile_of(tables())


def page_of(source: HandMade) -> ProfilePage:
    return ProfilePage("Archive", "0.2.0", datetime(2024, 11, 22, tzinfo=UTC), glance_of(source), profile_of(source))


def test_a_row_of_a_table_adds_up_to_its_total(profile: Profile) -> None:
    modality = next(table for table in crosstabs(profile) if table.title["en"] == "Modality")
    assert [[text for text, _ in cells] for _, cells, _ in modality.rows] == [["12", "12"]] * len(SITES)
    assert {total for _, _, total in modality.rows} == {"24"}


def test_cells_are_darker_the_larger_their_share(profile: Profile) -> None:
    for table in crosstabs(profile):
        for _, cells, _ in table.rows:
            counts = [(int(text.replace(",", "")), shade) for text, shade in cells if text.isdigit()]
            assert sorted(counts) == sorted(counts, key=lambda cell: (cell[1], cell[0]))


def test_few_patients_are_not_counted_out(profile: Profile) -> None:
    ages = next(table for table in crosstabs(profile) if table.title["en"].startswith("Age"))
    assert ages.has_few
    assert {text for _, cells, _ in ages.rows for text, _ in cells} == {"< 5", "10"}


def test_what_is_complete_is_named_and_what_is_not_is_drawn(profile: Profile) -> None:
    ct = next(heat for heat in heats(profile) if heat.modality == "CT")
    kvp = dict(ct.rows)["KVP"]
    assert sorted(cell[0] for cell in kvp if cell) == ["0", "100", "100", "100"]
    assert "SliceThickness" in ct.complete


def test_where_most_is_missing_comes_with_its_kind(profile: Profile) -> None:
    rows = missing_rows(profile)
    row = rows[0]
    assert (row["attribute"], row["modality"], row["usable"], row["absent"], row["empty"]) == (
        "BodyPartExamined", "CT", "0 %", "12", "–",
    )  # fmt: skip
    assert max(Counter((row["attribute"], row["modality"]) for row in rows).values()) == 3


def test_percent_never_flatters() -> None:
    assert [percent(part, 10_000) for part in (0, 1, 9_999, 10_000)] == ["0", "1", "99", "100"]


def test_changes_are_newest_first(profile: Profile) -> None:
    months = [row["month"] for row in profile_view(profile)["changes"]]
    assert months == sorted(months, reverse=True)
    assert len(months) == 2 * len(SITES)


def test_profile_comes_back_from_the_folder_of_an_audit(tmp_path: Path, profile: Profile) -> None:
    write_out(dataclasses.replace(sample_result(), profile=profile), tmp_path / "out")
    again = read_out(tmp_path / "out", sample_result().rules).profile
    assert again is not None
    for name in ("groups", "composition", "completeness", "changes"):
        columns = getattr(again, name).columns
        assert_frame_equal(getattr(again, name), getattr(profile, name).select(columns), check_dtypes=False)


def test_the_report_of_one_site_names_no_other(profile: Profile) -> None:
    shown = only_site(dataclasses.replace(sample_result(), profile=profile), SITES[1]).profile
    assert shown is not None
    for frame in (shown.groups, shown.composition, shown.completeness, shown.changes):
        assert frame["site"].unique().to_list() == [SITES[1]]


def test_a_site_that_the_profile_does_not_hold_has_no_chapter(profile: Profile) -> None:
    others = dataclasses.replace(profile, groups=profile.groups.filter(pl.col("site") != SITES[1]))
    assert only_site(dataclasses.replace(sample_result(), profile=others), SITES[1]).profile is None


def test_an_audit_of_before_profiles_is_shown_without_the_chapter() -> None:
    assert 'id="profile"' not in render_html(sample_result())


def test_a_hundred_sites_and_more_stay_a_small_page() -> None:
    page = page_of(tables(tuple(f"Hospital {i:03d}" for i in range(130))))
    assert page.profile.more_groups == 30
    html = render_profile(page)
    assert "90 more rows" in html
    assert len(html) < 2_000_000


def test_an_empty_archive_has_a_page() -> None:
    html = render_profile(page_of(HandMade()))
    assert "No scanner changed" in html


def test_both_languages_stand_on_the_page() -> None:
    html = render_profile(page_of(tables()), "zh")
    assert re.search(r'<span data-en="Slice thickness \(mm\)" data-zh="层厚（mm）">层厚（mm）</span>', html)


@pytest.fixture
def open_profile(browser: Any, tmp_path: Path) -> Callable[..., Watched]:
    def open_it(page: ProfilePage, lang: str = "en", width: int = 1280) -> Watched:
        path = tmp_path / "profile.html"
        path.write_text(render_profile(page, lang), encoding="utf-8")
        watched = Watched(browser.new_context(viewport={"width": width, "height": 900}).new_page())
        watched.page.goto(path.as_uri())
        wait_for_charts(watched.page)
        return watched

    return open_it


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_opens_silently_and_changes_its_language(open_profile: Callable[..., Watched], lang: str) -> None:
    watched = open_profile(page_of(tables()), lang)
    page = watched.page
    page.click(f"[data-lang={'zh' if lang == 'en' else 'en'}]")
    wait_for_charts(page)
    assert watched.said == []
    assert watched.requests_outside(page.url) == []
    assert ("厂商" if lang == "en" else "Manufacturer") in page.locator("#profile").inner_text()
    assert page.locator("#profile [data-chart] svg").count() == 1


@pytest.mark.browser
def test_hostile_values_run_nothing(open_profile: Callable[..., Watched]) -> None:
    watched = open_profile(page_of(tables(HOSTILE[:6], HOSTILE[1])))
    assert watched.page.evaluate("window.pwned") is None
    assert watched.said == []
    assert HOSTILE[0] in watched.page.locator("#profile").inner_text()


@pytest.mark.browser
def test_a_narrow_screen_scrolls_tables_and_not_the_page(open_profile: Callable[..., Watched]) -> None:
    page = open_profile(page_of(tables()), width=380).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


@pytest.mark.browser
def test_the_report_of_an_audit_draws_the_timeline(open_report: Any, result: AuditResult, profile: Profile) -> None:
    watched = open_report(dataclasses.replace(result, profile=profile))
    assert watched.said == []
    assert watched.page.locator("#profile [data-chart] svg").count() == 1
    assert isinstance(profile.changes, pl.DataFrame)
