import re
import time

import polars as pl
import pytest

from dqkit.audit.result import AuditResult
from dqkit.errors import DqkitError
from dqkit.report.html import as_script_data, render_html
from tests.report.sample import HOSTILE, SITES, sample_result

MEGABYTE = 1_000_000


def test_is_one_page_that_names_no_other_host(result: AuditResult) -> None:
    page = render_html(result)
    assert page.lower().startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert not re.search(r"<(?:script|img|iframe|source)[^>]*\ssrc=|<link|@import|url\(", page.split("<script>")[0])
    assert page.count("&#39;sha256-") == page.count("<script>") == 3


@pytest.mark.parametrize("secret", ["DOE^JANE", "secret-folder", "1.2.826.0.1.secret", "secret message", "f00000000"])
def test_holds_no_column_that_may_not_leave_the_house(result: AuditResult, secret: str) -> None:
    assert any(
        result.findings.get_column(name).cast(pl.String).str.contains(secret, literal=True).any()
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "message_en", "finding_id")
    ) or secret in str(result.findings.get_column("paths")[0][0])
    assert secret not in render_html(result)


def test_months_are_cut_to_years(result: AuditResult) -> None:
    page = render_html(result)
    body = page[page.index("<body") : page.index("<script>")]
    periods = {period for period in result.problems.get_column("first_period").to_list() if period}
    assert periods
    assert not [period for period in periods if period in body.replace("2024-11-22", "")]


def test_is_under_six_megabytes_at_200_000_findings_and_fast() -> None:
    result = sample_result(findings=200_000, problems=3000)
    render_html(sample_result(findings=10))  # the libraries' import and the bundle are not what is timed
    started = time.process_time()
    page = render_html(result)
    assert time.process_time() - started < 5
    assert len(page.encode()) < 6 * MEGABYTE


def test_is_under_six_megabytes_even_when_every_text_is_long_and_different() -> None:
    result = sample_result(findings=200_000, problems=3000, pictures=3000)
    long = pl.format("{}{}", pl.lit("层" * 300), pl.int_range(pl.len()))
    findings = result.findings.with_columns(
        observed=pl.format("{}{}", pl.int_range(pl.len()), pl.lit("厚" * 300)), location=long
    )
    problems = result.problems.with_columns(
        observed=pl.format("{}{}", pl.int_range(pl.len()), pl.lit("厚" * 300)), scanner=long, protocol=long
    )
    heavy = AuditResult(**{**vars(result), "findings": findings, "problems": problems})
    assert len(render_html(heavy).encode()) < 6 * MEGABYTE


def test_data_cannot_leave_its_script_element() -> None:
    text = as_script_data({"a": "".join(HOSTILE)})
    assert not set("<>&\u2028\u2029") & set(text)
    page = render_html(sample_result(hostile=True))
    inside = page[page.index('id="dqkit-data">') : page.index("</script>", page.index('id="dqkit-data">'))]
    assert "<" not in inside.removeprefix('id="dqkit-data">')


def test_template_text_in_values_is_not_evaluated() -> None:
    page = render_html(sample_result(hostile=True))
    assert "{{7*7}}" in page
    assert ">49<" not in page.replace(" ", "")


def test_a_page_for_one_site_names_no_other(result: AuditResult) -> None:
    page = render_html(result, site=SITES[2])
    assert SITES[2] in page
    assert not [site for site in SITES if site != SITES[2] and site in page]


def test_an_unknown_site_is_refused_with_the_known_ones(result: AuditResult) -> None:
    with pytest.raises(DqkitError) as caught:
        render_html(result, site="Nowhere")
    assert "Nowhere" in caught.value.message
    assert SITES[0] in caught.value.hint


def test_the_same_result_renders_the_same_page(result: AuditResult) -> None:
    assert render_html(result) == render_html(result)


def test_an_archive_without_anything_renders() -> None:
    empty = sample_result(0, problems=0, sites=(), scanners=())
    page = render_html(empty, lang="zh")
    assert "该影像库通过检查" in page or "没有可供判断的内容" in page
    assert "影像库中没有此类取值" in page
