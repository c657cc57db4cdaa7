"""The checkpoint's result alone makes the verdict; what is allowed, what is a preview, what leaves a run incomplete."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from dqkit.audit import verdict
from dqkit.audit.engine import evaluate
from dqkit.audit.outcomes import allowed, outcomes_of
from dqkit.audit.result import Judgement
from dqkit.audit.run import audit, judged
from dqkit.catalog.schema import OUTCOMES
from dqkit.catalog.store import Catalog
from dqkit.errors import ExitCode, NothingToCheckError
from dqkit.identity import load_key
from dqkit.model import Origin, RuleStatus, Severity, Verdict
from dqkit.rulebook.book import load_book
from dqkit.rulebook.rule import Allow, Rule
from tests.audit.conftest import HandMade

BOOK = load_book()
MATRIX = BOOK.get("GEO-008")
THICKNESS = BOOK.get("GEO-026")
NO_IMPLIED = pl.DataFrame(schema={"rule_id": pl.String, "variant": pl.String, "site": pl.String, "implied": pl.Int64})


def series(site: str, n: int, faulty: int, varies: str = "Rows") -> list[dict[str, Any]]:
    """Return CT series of one site, of which some have several matrices."""
    return [
        {
            "series_key": f"{site}{i}",
            "site": site,
            "Modality": "CT",
            "Rows": 512,
            "n_localizers": 0,
            "varying": [varies] if i < faulty else [],
            "varying_values": ["2"] if i < faulty else [],
        }
        for i in range(n)
    ]


def outcomes(rule: Rule, *rows: dict[str, Any]) -> pl.DataFrame:
    return outcomes_of([rule], evaluate([rule], HandMade({"series": list(rows)})), NO_IMPLIED)


def judge(rule: Rule, table: pl.DataFrame, fail_on: Severity | None = Severity.CRITICAL, *why: str) -> Judgement:
    return judged(table, [rule], fail_on, why)[1]


@pytest.mark.parametrize(
    ("allow", "faulty", "fails"),
    [
        (Allow(share=0.0), 0, False),
        (Allow(share=0.0), 1, True),
        (Allow(share=0.2), 2, False),
        (Allow(share=0.2), 3, True),
        (Allow(share=0.29), 2, False),
        (Allow(count=3), 3, False),
        (Allow(count=3), 4, True),
        (Allow(share=1.0), 10, False),
    ],
)
def test_what_exceeds_the_allowance_fails(allow: Allow, faulty: int, fails: bool) -> None:
    rule = replace(MATRIX, allow=allow)
    table = outcomes(rule, *series("north", 10, faulty))
    assert table.select("passed", "failed").rows() == [(10 - faulty, faulty)]
    result = judge(rule, table)
    assert result.failing == ((("GEO-008", "north"),) if fails else ())
    assert result.verdict is (Verdict.FAIL if fails else Verdict.PASS)
    assert result.exit_code is (ExitCode.FAILED if fails else ExitCode.OK)


def test_a_share_is_no_victim_of_binary_fractions() -> None:
    assert [allowed(Allow(share=0.07), 100), allowed(Allow(share=0.29), 100), allowed(Allow(share=0.1), 9)] == [
        7,
        29,
        0,
    ]


def test_each_site_is_judged_by_itself_and_the_archive_as_a_whole() -> None:
    rows = [*series("north", 8, 2), *series("south", 12, 0)]
    each, whole = replace(MATRIX, allow=Allow(share=0.2)), replace(MATRIX, allow=Allow(share=0.2), per="archive")
    assert judge(each, outcomes(each, *rows)).failing == (("GEO-008", "north"),)
    table = outcomes(whole, *rows)
    assert table.select("site", "passed", "failed", "allowed").rows() == [(None, 18, 2, 4)]
    assert judge(whole, table).failing == ()
    strict = replace(whole, allow=Allow())
    assert judge(strict, outcomes(strict, *rows)).failing == (("GEO-008", None),)


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [(Severity.CRITICAL, 0), (Severity.WARNING, 1), (Severity.INFO, 1), (None, 0)],
)
def test_milder_failures_fail_the_run_where_asked(fail_on: Severity | None, code: int) -> None:
    table = outcomes(THICKNESS, *series("north", 2, 1, "SliceThickness"))
    result = judge(THICKNESS, table, fail_on)
    assert (result.failing, int(result.exit_code)) == ((("GEO-026", "north"),), code)


def test_a_preview_fails_and_fails_no_run() -> None:
    rule = replace(MATRIX, status=RuleStatus.PREVIEW)
    result = judge(rule, outcomes(rule, *series("north", 2, 2)), Severity.INFO)
    assert (result.failing, result.exit_code) == ((("GEO-008", "north"),), ExitCode.OK)


def test_incomplete_is_never_green_and_never_hides_a_failure() -> None:
    good, bad = outcomes(MATRIX, *series("north", 2, 0)), outcomes(MATRIX, *series("north", 2, 1))
    half = judge(MATRIX, good, Severity.CRITICAL, "1 files could not be read: permission denied")
    assert (half.verdict, half.exit_code, half.complete) == (Verdict.ERROR, ExitCode.INCOMPLETE, False)
    failed = judge(MATRIX, bad, Severity.CRITICAL, "1 files could not be read: permission denied")
    assert (failed.verdict, failed.exit_code, failed.complete) == (Verdict.FAIL, ExitCode.FAILED, False)
    assert judge(MATRIX, good, None, "the source x is offline").exit_code is ExitCode.INCOMPLETE


@pytest.mark.parametrize(
    ("told", "code", "word"),
    [([("GEO-008", "", "north")], ExitCode.FAILED, "fail"), ([], ExitCode.OK, "pass")],
)
def test_the_checkpoint_alone_decides(
    monkeypatch: pytest.MonkeyPatch, told: list[Any], code: ExitCode, word: str
) -> None:
    table = outcomes(MATRIX, *series("north", 4, 0 if told else 4))
    monkeypatch.setattr(verdict, "failing", lambda _: told)
    marked, result = judged(table, [MATRIX], Severity.CRITICAL, ())
    assert (result.exit_code, marked["verdict"].to_list()) == (code, [word])


def test_an_expectation_of_zero_rows_is_no_pass() -> None:
    seen = outcomes(MATRIX, {"series_key": "a", "site": "north", "Modality": "US", "Rows": 480})
    unseen = outcomes(MATRIX, {"series_key": "a", "site": "north", "Rows": 512})
    assert (seen["verdict"].item(), seen["not_applicable"].item()) == ("not_applicable", 1)
    assert (unseen["verdict"].item(), unseen["unknown_missing"].item()) == ("unknown", 1)
    assert judge(MATRIX, seen).exit_code is ExitCode.OK


def test_a_fault_of_the_tool_is_an_error_and_no_failure() -> None:
    rule = replace(MATRIX, origin=Origin.TOOL)
    table = outcomes(rule, *series("north", 3, 2))
    assert table.select("failed", "errors", "verdict").rows() == [(0, 2, "error")]
    assert judge(rule, table).failing == ()


def test_waived_and_baseline_findings_do_not_count() -> None:
    table = outcomes(MATRIX, *series("north", 4, 3))
    for waived, baseline, fails in ((1, 1, True), (2, 1, False)):
        eased = table.with_columns(waived=pl.lit(waived, pl.Int64), baseline=pl.lit(baseline, pl.Int64))
        assert bool(judge(MATRIX, eased.select(list(OUTCOMES))).failing) is fails


def test_the_worst_is_named_first() -> None:
    rows = [*series("north", 1, 1), *series("south", 1, 1, "SliceThickness")]
    tables = HandMade({"series": rows})
    rules = [THICKNESS, MATRIX]
    table = outcomes_of(rules, evaluate(rules, tables), NO_IMPLIED)
    assert judged(table, rules, None, ())[1].failing == (("GEO-008", "north"), ("GEO-026", "south"))


@pytest.mark.parametrize("status", ["denied", "io_error", "crashed"])
def test_what_cannot_be_read_leaves_the_run_incomplete(
    real_files: Catalog, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    rule = BOOK.get("FMT-003")
    scan: Callable[..., pl.LazyFrame] = Catalog.scan
    from dqkit.catalog.store import Writer

    def with_one_unread(self: Any, table: str) -> pl.LazyFrame:
        frame = scan(real_files, table)
        if table != "instances":
            return frame
        one = pl.col("file_id") == pl.col("file_id").filter(pl.col("size") >= 0).min()
        return frame.with_columns(pl.when(one).then(pl.lit(status)).otherwise("status").alias("status"))

    monkeypatch.setattr(Writer, "scan", with_one_unread)
    result = audit(real_files, [rule], load_key())
    assert (result.judgement.verdict, result.judgement.exit_code) == (Verdict.ERROR, ExitCode.INCOMPLETE)
    assert result.findings.select("origin", "severity").rows() == [("tool", "critical")]
    reason = result.judgement.incomplete_because[0]
    assert reason["en"].startswith("1 file could not be read: ")
    assert reason["zh"].startswith("1 个文件无法读取：")


def test_an_empty_catalog_is_nothing_to_check(tmp_path: Any) -> None:
    catalog = Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test")
    with pytest.raises(NothingToCheckError):
        audit(catalog, [MATRIX], load_key())
