"""What changed since the last audit, and the trend: on the page, in the terminal and as JSON."""

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from dqkit.report.diff_json import diff_to_json, history_from_json, history_to_json
from dqkit.report.diff_view import site_changes, total
from dqkit.report.history_view import history_view
from dqkit.report.html import render_html
from dqkit.report.terminal_diff import print_diff
from dqkit.report.trend_charts import MOST_SITES, SEVERITY_COLOURS, sites_left_out, trend_charts
from tests.report.conftest import Open
from tests.report.sample import sample_result, sample_rules
from tests.report.sample_history import sample_diff, sample_history, sample_trend
from tests.report.test_palette import THEMES, contrast

SITES = ("North", "西山医院")


def printed(lang: str, width: int = 100) -> str:
    screen = io.StringIO()
    print_diff(sample_diff(SITES), sample_rules(), Console(file=screen, width=width), lang)
    return screen.getvalue()


def test_the_terminal_tells_data_findings_and_problems_apart() -> None:
    told = " ".join(printed("en").split())
    for text in (
        "From run 4 (audit, 2024-11-04 09:30) to run 7 (audit, 2024-11-07 09:30)",
        "! the audit of run 4 was not complete",
        "Verdict: does not pass → does not pass",
        "Fails now: GEO-003 · North; GEO-003 · 西山医院",
        "1 rule is new; 1 rule has another text.",
        "North ~1 ~1",
        "North +6 ■2 +3 ■1 +12 ■4 −15 ■5 −9 ■3 −3 ■1 147 → 141",
        "total +12 ■4 +6 ■2 +24 ■8 −30 ■10 −18 ■6 −6 ■2 294 → 282",
        "24 rules changed",
        "North · GE Revolution EVO · 3 → 5 · Broke 2",
    ):
        assert text in told


def test_the_terminal_speaks_chinese() -> None:
    told = printed("zh")
    assert "自第 4 次运行（audit，2024-11-04 09:30）至第 7 次运行" in told
    assert "第 4 次运行的检查不完整" in told
    assert "现未通过：GEO-003 · North；GEO-003 · 西山医院" in told


def test_a_narrow_terminal_keeps_the_names_of_sites() -> None:
    lines = printed("en", 80).splitlines()
    assert [line for line in lines if line.startswith("North") and line.rstrip().endswith("147 → 141")]
    assert max(map(len, lines)) <= 80


def test_sums_are_those_of_the_sites() -> None:
    rows = site_changes(sample_diff(SITES))
    assert [row.site for row in rows] == list(SITES)
    whole = total(rows)
    assert whole.findings["broke"] == (12, 4)
    assert whole.data["files"] == (3, 1, 2)
    assert whole.findings["now"][0] - whole.findings["then"][0] == 42 - 54


def test_a_history_is_the_same_after_json() -> None:
    history = sample_history(SITES)
    told = json.loads(json.dumps(history_to_json(history)))
    again = history_from_json(told)
    assert again is not None
    assert history_to_json(again) == told
    assert history_from_json(None) is None


def test_json_holds_no_single_finding() -> None:
    assert "changes" not in diff_to_json(sample_diff(SITES))


def test_the_page_has_the_chapter_in_both_languages() -> None:
    result = replace(sample_result(findings=20), history=sample_history(SITES))
    page = render_html(result)
    for text in (
        "Since the last audit",
        "与上次检查相比",
        "Trend over the audits",
        "历次检查趋势",
        "Audits that judged by other packs",
    ):
        assert text in page
    assert 'href="#history"' in page
    assert 'href="#history"' not in render_html(replace(result, history=None))


def test_a_page_for_one_site_has_the_history_of_that_site_alone() -> None:
    result = sample_result(findings=200)
    sites = tuple(result.glance.sites["site"].to_list())
    page = render_html(replace(result, history=sample_history(sites)), site=sites[0])
    assert "Since the last audit" in page
    assert not [site for site in sites[1:] if site in page]


def test_charts_stand_out_in_both_themes() -> None:
    for colours in THEMES.values():
        assert all(contrast(colour, colours["panel"]) >= 3 for colour in SEVERITY_COLOURS.values())


def test_every_row_of_bars_fills_its_own_scale() -> None:
    (_, chart, _) = trend_charts(sample_trend(SITES))
    highest = {
        severity: max(row["high"] - row["low"] for row in chart.views["site"].rows if row["severity"] == severity)
        for severity in SEVERITY_COLOURS
    }
    assert list(highest.values()) == pytest.approx([0.66] * 3)
    assert chart.about["en"].startswith("西山医院: findings by audit, from the first to the last: critical 11, 21, 31;")


def test_many_sites_and_audits_stay_readable() -> None:
    trend = sample_trend(tuple(f"site {i:02}" for i in range(30)), audits=20)
    charts = trend_charts(trend)
    assert len(charts) == 1 + MOST_SITES
    assert sites_left_out(trend) == 30 - MOST_SITES
    assert charts[1].title["en"] == "site 29"
    assert not re.search("mark_text|'text'", str(charts[0].views["site"].spec["en"]))


def test_one_audit_is_no_trend_and_one_site_needs_no_sum() -> None:
    assert trend_charts(sample_trend(SITES, audits=1)) == []
    assert [chart.title["en"] for chart in trend_charts(sample_trend(("North",)))] == ["North"]
    assert history_view(None, {}, 0) is None


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_browser_draws_the_trend(open_report: Open, lang: str) -> None:
    result = replace(sample_result(findings=50), history=sample_history(SITES))
    watched = open_report(result, lang=lang)
    drawn = watched.page.eval_on_selector_all("#history [data-chart] svg", "nodes => nodes.length")
    assert drawn == 3
    numbers = watched.page.eval_on_selector_all(
        "#history [data-chart] svg text", "nodes => nodes.map(n => n.textContent)"
    )
    assert {"10", "20", "30"} <= set(numbers)
    assert watched.said == []
