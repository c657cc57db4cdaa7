import io
import re
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from dqkit.audit.result import AuditResult
from dqkit.report.terminal import print_audit
from dqkit.report.terminal_lists import print_explain, print_index_summary, print_rule, print_rules_list, print_table
from tests.report.sample import sample_result


def console(width: int = 120, **more: object) -> Console:
    return Console(file=io.StringIO(), width=width, **more)


def text_of(console: Console) -> str:
    return console.file.getvalue()


def audit(result: AuditResult, lang: str = "en", width: int = 120, **more: object) -> str:
    screen = console(width, **more)
    print_audit(result, screen, lang, Path("/data/out/report.html"))
    return text_of(screen)


def test_verdict_comes_first_and_the_next_command_last(result: AuditResult) -> None:
    lines = audit(result).splitlines()
    assert lines[0] == "✗ This archive does not pass"
    assert lines[-2] == "Report: /data/out/report.html"
    assert re.fullmatch(r"Next: dqkit explain f\d{12}", lines[-1])


def test_shows_ten_problems_with_one_action_each_and_counts_the_rest(result: AuditResult) -> None:
    text = audit(result)
    assert text.count("→") == 10
    assert "and 30 more problems in the report" in text


def test_sites_stand_beside_their_severities(result: AuditResult) -> None:
    row = next(line for line in audit(result).splitlines() if line.startswith("St Mary Hospital"))
    counts = [
        result.problems.filter(site="St Mary Hospital", severity=s).height for s in ("critical", "warning", "info")
    ]
    assert re.findall(r"\d+", row)[:3] == [str(n) for n in counts]


def test_incomplete_says_why() -> None:
    text = audit(sample_result(0, problems=0, complete=False))
    assert text.startswith("! This archive could not be checked in full")
    assert "3 files could not be opened: permission denied" in text
    assert "权限不足" in audit(sample_result(0, problems=0, complete=False), "zh")


def test_nothing_wrong_is_short() -> None:
    lines = audit(sample_result(0, problems=0)).splitlines()
    assert lines[0] == "✓ This archive passes"
    assert len(lines) < 16


def test_hostile_values_stay_literal() -> None:
    text = audit(sample_result(hostile=True, problems=60), width=200)
    assert "[bold red]Ward[/bold red]‹U+001B›[31m" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_narrow_terminals_are_kept_to(result: AuditResult, lang: str, width: int) -> None:
    from rich.cells import cell_len

    text = audit(result, lang, width)
    lines = [line.rstrip() for line in text.splitlines() if "report.html" not in line and "explain" not in line]
    assert max(cell_len(line) for line in lines) <= width


def test_no_colour_where_it_is_not_wanted(result: AuditResult, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[31m" in audit(result, force_terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", audit(result, force_terminal=True))


def test_index_summary_adds_up(result: AuditResult) -> None:
    summary = result.glance.modalities.with_columns(bytes=pl.col("instances") * 1000)
    screen = console()
    print_index_summary(summary, screen)
    last = text_of(screen).splitlines()[-1]
    assert last.split()[:3] == ["total", f"{summary['series'].sum():,}", f"{summary['instances'].sum():,}"]


def test_index_summary_of_nothing_and_of_files_that_are_no_dicom() -> None:
    rows = pl.DataFrame(
        {"site": ["A[b]"], "modality": [None], "series": [0], "instances": [3], "bytes": [10]},
        schema_overrides={"modality": pl.String},
    )
    screen = console()
    print_index_summary(rows, screen)
    print_index_summary(rows.clear(), screen)
    assert "A[b]" in text_of(screen)


def test_rules_list_has_a_line_a_rule(result: AuditResult) -> None:
    screen = console()
    print_rules_list(result.rules, screen, "zh")
    lines = text_of(screen).splitlines()
    assert len(lines) == len(result.rules) + 2
    assert "GEO-003" in text_of(screen)
    assert "层面位置存在缺口" in text_of(screen)


def test_rule_page_is_shown() -> None:
    screen = console()
    print_rule("# GEO-003\n\nA *gap*.", screen)
    assert "GEO-003" in text_of(screen)
    assert "*gap*" not in text_of(screen)


def test_table_shows_a_frame_as_it_is() -> None:
    screen = console()
    print_table(pl.DataFrame({"name": ["[b]x\x1b"], "spacing": [0.7031]}), screen)
    assert text_of(screen).split() == ["name", "spacing", "[b]x‹U+001B›", "0.703"]


def test_explain_marks_the_slices_and_names_the_files(result: AuditResult) -> None:
    finding = result.findings.filter(rule_id="GEO-003").row(0, named=True)
    rule = next(rule for rule in result.rules if rule.id == "GEO-003")
    slices = pl.DataFrame({"position_mm": [float(3 * i + 3 * (i > 50)) for i in range(100)]}).with_columns(
        at_fault=pl.int_range(100).is_in([50, 51])
    )
    screen = console()
    print_explain(finding, rule, screen, "en", slices)
    text = text_of(screen)
    assert "▸ 51" in text
    assert "156" in text
    assert "…" in text
    assert finding["paths"][0] in text
    assert "dqkit rules show GEO-003" in text


def test_explain_without_a_rule_or_slices_still_says_what_is_known() -> None:
    screen = console()
    print_explain({"rule_id": "OLD-001", "severity": "info", "observed": "[red]x\x1b", "origin": "tool"}, None, screen)
    text = text_of(screen)
    assert "[red]x‹U+001B›" in text
    assert "fault on our side" in text
