import dataclasses

import polars as pl
import pytest

from dqkit.audit.result import AuditResult, TableShare
from dqkit.errors import DqkitError, ExitCode
from dqkit.model import Severity, Verdict
from dqkit.report.scope import only_site
from dqkit.report.summary import deciding, failing_rules, site_rows, verdict_key
from dqkit.report.verdict_view import because
from tests.report.sample import SITES, sample_result


def judged(result: AuditResult, **changes: object) -> AuditResult:
    return dataclasses.replace(result, judgement=dataclasses.replace(result.judgement, **changes))


def test_keeps_one_site_in_every_frame(result: AuditResult) -> None:
    here = only_site(result, SITES[0])
    frames = [here.outcomes, here.findings, here.problems, *vars(here.glance).values()]
    assert {site for frame in frames for site in frame.get_column("site").to_list()} == {SITES[0]}
    assert here.findings.height == result.findings.filter(site=SITES[0]).height


def test_site_passes_where_only_others_fail(result: AuditResult) -> None:
    failing = (("GEO-003", SITES[0]), ("FMT-007", SITES[1]))
    other = judged(result, failing=failing)
    assert only_site(other, SITES[0]).judgement.verdict == Verdict.FAIL
    assert only_site(other, SITES[1]).judgement.verdict == Verdict.PASS  # FMT-007 is a warning
    assert only_site(other, SITES[1]).judgement.exit_code == ExitCode.OK


def test_site_of_an_incomplete_run_never_passes_and_gives_no_reason_away(result: AuditResult) -> None:
    part = judged(result, failing=(), complete=False, incomplete_because=(f"3 files at {SITES[1]} were denied",))
    here = only_site(part, SITES[0])
    assert here.judgement.verdict == Verdict.ERROR
    assert here.judgement.incomplete_because == ()
    assert verdict_key(here) == "incomplete"


def test_unknown_site_is_refused(result: AuditResult) -> None:
    with pytest.raises(DqkitError, match="Nowhere"):
        only_site(result, "Nowhere")


def test_what_decides_follows_fail_on(result: AuditResult) -> None:
    failing = (("GEO-003", SITES[0]), ("FMT-007", SITES[1]), ("ACQ-010", None))
    for fail_on, n in ((Severity.CRITICAL, 1), (Severity.WARNING, 2), (Severity.INFO, 3), (None, 0)):
        assert len(deciding(judged(result, failing=failing, fail_on=fail_on))) == n


def test_archive_outcomes_have_a_row_of_their_own(result: AuditResult) -> None:
    whole = result.outcomes.head(1).with_columns(pl.lit(None, dtype=pl.String).alias("site"), verdict=pl.lit("fail"))
    rows = site_rows(dataclasses.replace(result, outcomes=pl.concat([result.outcomes, whole])))
    assert [row.site for row in rows] == [*SITES, None]
    assert (rows[-1].passed, rows[-1].judged) == (0, 1)


def test_failing_rules_count_a_rule_once_however_many_sites(result: AuditResult) -> None:
    failed = result.outcomes.filter(verdict="fail", severity="critical")
    assert failing_rules(result)["critical"] == failed.get_column("rule_id").n_unique() < failed.height


@pytest.mark.parametrize(
    ("verdict", "complete", "code", "key"),
    [
        (Verdict.FAIL, False, ExitCode.FAILED, "fail"),
        (Verdict.ERROR, False, ExitCode.INCOMPLETE, "incomplete"),
        (Verdict.PASS, False, ExitCode.INCOMPLETE, "incomplete"),
        (Verdict.PASS, True, ExitCode.OK, "pass"),
        (Verdict.UNKNOWN, True, ExitCode.NOTHING, "nothing"),
    ],
)
def test_incomplete_is_never_green(verdict: Verdict, complete: bool, code: ExitCode, key: str) -> None:
    result = judged(sample_result(0, problems=0), verdict=verdict, complete=complete, exit_code=code)
    assert verdict_key(result) == key


def test_tables_of_other_sites_are_not_named(result: AuditResult) -> None:
    shares = tuple(TableShare(f"table of {site}", 5, frozenset({site}), 3, 9) for site in SITES[:2])
    here = only_site(dataclasses.replace(result, tables=shares), SITES[0])
    assert [share.name for share in here.tables] == [f"table of {SITES[0]}"]
    (sentence,) = (text for text in because(here) if "is a table" in text["en"])
    assert "3 of 9 rules could be asked of its 5 series" in sentence["en"]
    assert "9 条规则中仅能回答 3 条" in sentence["zh"]
