"""The checkpoint's result makes the verdict: what is allowed, waived, known, unknown, a preview or incomplete."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from dqkit.audit import verdict
from dqkit.audit.notice import Failing
from dqkit.catalog.schema import FINDINGS, INT, OUTCOMES, conform, empty
from dqkit.errors import DqkitError, ExitCode
from dqkit.gate.baseline import Baseline
from dqkit.gate.condition import Condition, one_finding
from dqkit.gate.decide import Accepted, Decision, Found, decide
from dqkit.gate.kinds import TOO_FEW
from dqkit.gate.waivers import Waiver, WaiverFile
from dqkit.model import RuleStatus, Severity, Verdict
from dqkit.rulebook.book import Book, load_book
from tests.gate.conftest import policy_of

GAP, STEP = (load_book().get(name) for name in ("GEO-003", "GEO-025"))
BOOK = Book((replace(GAP, per="site"), STEP))
TODAY = date(2026, 11, 28)
UNKNOWN = {"unknown_missing": 0, "unknown_varying": 0, "unknown_not_looked_at": 0}


def outcome(rule: str = "GEO-003", site: str | None = "north", failed: int = 0, passed: int = 10, **more: Any) -> Any:
    severity = {"GEO-003": "critical", "GEO-025": "warning"}[rule]
    zero = dict.fromkeys((name for name, kind in OUTCOMES.items() if kind == INT), 0)
    row = zero | {
        "rule_id": rule, "variant": "", "severity": severity, "site": site, "evaluated": passed + failed,
        "passed": passed, "failed": failed, "verdict": "pass" if passed + failed else "not_applicable", **more,
    }  # fmt: skip
    return row | {"unknown": sum(row[name] for name in UNKNOWN)}


def finding(number: int, rule: str = "GEO-003", site: str = "north", **more: Any) -> Any:
    return {
        "finding_id": f"{number:020d}", "rule_id": rule, "variant": "", "severity": "critical", "level": "stack",
        "site": site, "patient_hash": f"patient{number}", "origin": "data", "problem_id": f"problem-{site}",
        "entity": f"stack{number}", "observed": "6 mm", "expected": "3 mm", **more,
    }  # fmt: skip


def placed(findings: pl.DataFrame) -> pl.DataFrame:
    """Name findings by the last digits of their ids."""
    return findings.with_columns(
        pl.col("finding_id").str.slice(-12).alias("finding"),
        pl.format("series{}", pl.col("entity")).alias("series"),
        pl.col("entity").alias("place"),
    )


def decided(
    outcomes: list[Any], findings: list[Any] | None = None, policy: str = "", book: Book = BOOK, **found: Any
) -> Decision:
    accepted = found.pop("accepted", Accepted())
    notices = found.pop("notices", lambda _: ())
    rows = conform(pl.DataFrame(outcomes, schema_overrides={"site": pl.String}), OUTCOMES)
    told = conform(pl.DataFrame(findings), FINDINGS) if findings else empty(FINDINGS)
    return decide(policy_of(policy), book, Found(rows, told, **found), accepted, TODAY, placed, notices)


def code_of(*args: Any, **options: Any) -> ExitCode:
    return decided(*args, **options).judgement.exit_code


def verdict_of(decision: Decision, rule: str, site: str | None = "north") -> str:
    here = pl.col("site").eq_missing(pl.lit(site, dtype=pl.String))
    return str(decision.outcomes.filter(here & (pl.col("rule_id") == rule))["verdict"].item())


def test_a_rule_that_fails_closes_the_gate() -> None:
    decision = decided([outcome(failed=1), outcome("GEO-025")], [finding(1)])
    assert decision.judgement.verdict is Verdict.FAIL
    assert decision.judgement.exit_code == 1
    assert decision.deciding == (("GEO-003", "", "north"),)
    assert verdict_of(decision, "GEO-003") == "fail"


def test_a_milder_rule_does_not_unless_the_policy_says_so() -> None:
    rows = [outcome(), outcome("GEO-025", failed=3)]
    assert code_of(rows) == 0
    assert verdict_of(decided(rows), "GEO-025") == "fail"
    assert code_of(rows, policy="fail_on: warning\n") == 1


def test_a_preview_never_closes_it() -> None:
    book = Book((replace(GAP, status=RuleStatus.PREVIEW), STEP))
    decision = decided([outcome(failed=5)], policy="fail_on: info\n", book=book)
    assert decision.judgement.exit_code == 0
    assert decision.judgement.failing == (("GEO-003", "north"),)
    assert decision.deciding == ()


@pytest.mark.parametrize(
    ("allow", "code"),
    [
        ("{rules: GEO-003, at_most: 2}", 0),
        ("{rules: GEO-003, at_most: 1}", 1),
        ("{rules: GEO, at_most: 20%}", 0),
        ("{rules: GEO, at_most: 10%}", 1),
        ("{rules: GEO-003, at_most: any}", 0),
        ("{rules: GEO-003, at_most: 2, site: north}", 0),
        ("{rules: GEO-003, at_most: 2, site: south}", 1),
    ],
)
def test_the_policy_allows_in_the_place_of_the_rule(allow: str, code: int) -> None:
    assert code_of([outcome(failed=2, passed=8)], policy=f"allow:\n  - {allow}\n") == code


def test_the_policy_may_allow_less_than_the_rule() -> None:
    rows = [outcome(failed=2, allowed=5)]
    assert code_of(rows) == 0
    assert code_of(rows, policy="allow:\n  - {rules: slice-gap, at_most: 0}\n") == 1


def test_the_last_allowance_that_fits_holds() -> None:
    text = "allow:\n  - {rules: GEO, at_most: any}\n  - {rules: GEO-003, at_most: 0, site: south}\n"
    decision = decided([outcome(failed=1), outcome(site="south", failed=1)], policy=text)
    assert decision.deciding == (("GEO-003", "", "south"),)


def test_an_allowance_for_a_rule_that_is_not_judged_is_told() -> None:
    with pytest.raises(DqkitError, match=r"gate.yaml:5: no rule that the policy judges goes by 'GEO-099'"):
        decided([outcome()], policy="allow:\n  - {rules: GEO-099, at_most: 1}\n")


def test_an_allowance_at_a_site_for_a_rule_of_the_archive_is_told() -> None:
    book = Book((replace(GAP, per="archive"), STEP))
    with pytest.raises(DqkitError, match="judged for the archive as a whole"):
        decided([outcome(site=None)], policy="allow:\n  - {rules: GEO-003, at_most: 1, site: north}\n", book=book)


UNKNOWN_POLICIES = [
    ("", {"unknown_missing": 1}, 1),
    ("", {"unknown_varying": 1}, 1),
    ("", {"unknown_not_looked_at": 9}, 0),
    ("max_unknown: {reasons: [not_looked_at]}\n", {"unknown_not_looked_at": 1}, 1),
    ("max_unknown: {reasons: [not_looked_at]}\n", {"unknown_missing": 1}, 0),
    ("max_unknown: 1\n", {"unknown_missing": 1}, 0),
    ("max_unknown: any\n", {"unknown_missing": 9}, 0),
    ("max_unknown: {critical: 10%}\n", {"unknown_missing": 1}, 0),
    ("max_unknown: {critical: 5%}\n", {"unknown_missing": 1}, 1),
    ("max_unknown: {rules: [{rules: GEO-003, at_most: 3}]}\n", {"unknown_missing": 3}, 0),
    ("max_unknown: {rules: [{rules: GEO-003, at_most: 3, site: south}]}\n", {"unknown_missing": 3}, 1),
    ("max_unknown: {critical: any, rules: [{rules: GEO-003, at_most: 0}]}\n", {"unknown_missing": 1}, 1),
]


@pytest.mark.parametrize(("policy", "unknown", "code"), UNKNOWN_POLICIES)
def test_what_is_unknown_is_limited(policy: str, unknown: dict[str, int], code: int) -> None:
    decision = decided([outcome(**unknown)], policy=policy)
    assert decision.judgement.exit_code == code
    if code:
        assert decision.deciding == (("GATE-002", "GEO-003", "north"),)
        told = decision.findings.filter(rule_id="GATE-002")
        assert "unknown" in told["observed"].item()


def test_the_unknowns_of_milder_rules_are_not_limited_unless_the_policy_says_so() -> None:
    rows = [outcome("GEO-025", unknown_missing=4)]
    assert code_of(rows) == 0
    assert code_of(rows, policy="fail_on: warning\nmax_unknown: {warning: 3}\n") == 1
    assert code_of(rows, policy="max_unknown: {warning: 3}\n") == 0, "as severe as its rule"


def waiver(expires: date = TODAY, rule: str = "GEO-003", **scope: str) -> Waiver:
    return Waiver(rule, "", scope, "Ada", "agreed", expires)


def accepting(*waivers: Waiver) -> Accepted:
    return Accepted(WaiverFile(waivers, "text", "sha"))


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ({"site": "north"}, 0),
        ({"site": "south"}, 1),
        ({"finding": f"{1:012d}"}, 0),
        ({"finding": f"{1:020d}"}, 0),
        ({"finding": f"{2:012d}"}, 1),
        ({"patient": "patient1"}, 0),
        ({"series": "seriesstack1"}, 0),
        ({"problem": "problem-north"}, 0),
        ({"site": "north", "patient": "patient2"}, 1),
    ],
)
def test_a_waived_finding_does_not_fail_and_does_not_disappear(scope: dict[str, str], code: int) -> None:
    decision = decided([outcome(failed=1)], [finding(1)], accepted=accepting(waiver(**scope)))
    assert decision.judgement.exit_code == code
    assert decision.findings.filter(rule_id="GEO-003").height == 1
    assert (decision.findings["waived_by"].item() != "") is (code == 0)
    assert decision.outcomes.filter(rule_id="GEO-003")["waived"].item() == 1 - code
    assert (decision.waivers.unmatched == ()) is (code == 0)


def test_a_waiver_holds_until_its_last_day() -> None:
    rows, found = [outcome(failed=1)], [finding(1)]
    held = decided(rows, found, accepted=accepting(waiver(TODAY, site="north")))
    assert (held.judgement.exit_code, held.waivers.expired) == (0, ())
    ended = decided(rows, found, accepted=accepting(waiver(date(2026, 11, 27), site="north")))
    assert ended.judgement.exit_code == 1
    assert [(one.owner, n) for one, n in ended.waivers.expired] == [("Ada", 1)]
    assert ended.waivers.unmatched == ()


def test_a_waiver_of_another_rule_or_variant_accepts_nothing() -> None:
    other = replace(waiver(site="north"), variant="pack/x")
    decision = decided(
        [outcome(failed=1)], [finding(1)], accepted=accepting(waiver(rule="GEO-004", site="north"), other)
    )
    assert decision.judgement.exit_code == 1
    assert len(decision.waivers.unmatched) == 2


def test_of_two_waivers_the_first_is_named_and_both_are_used() -> None:
    both = accepting(waiver(site="north"), replace(waiver(patient="patient1"), owner="Bo"))
    decision = decided([outcome(failed=1)], [finding(1)], accepted=both)
    assert decision.findings["waived_by"].item().endswith(" Ada")
    assert [n for _, n in decision.waivers.used] == [1, 1]


def test_waivers_of_a_rule_of_the_archive_count_there() -> None:
    book = Book((replace(GAP, per="archive"), STEP))
    found = [finding(1), finding(2, site="south")]
    rows = [outcome(site=None, failed=2)]
    assert code_of(rows, found, book=book, accepted=accepting(waiver(site="north"))) == 1
    assert code_of(rows, found, book=book, accepted=accepting(waiver(site="north"), waiver(site="south"))) == 0


def known(*numbers: int, digest: str = "") -> Accepted:
    names = frozenset(f"{number:012d}" for number in numbers)
    return Accepted(baseline=Baseline(datetime(2026, 1, 1, tzinfo=UTC), "0.1.0", "key", digest, names))


def test_only_findings_that_the_baseline_does_not_know_fail() -> None:
    rows = [outcome(failed=2)]
    both = decided(rows, [finding(1), finding(2)], accepted=known(1, 2, 9))
    assert both.judgement.exit_code == 0
    assert both.outcomes.filter(rule_id="GEO-003")["baseline"].item() == 2
    assert both.baseline is not None
    assert (both.baseline.known, both.baseline.gone, both.baseline.same_rules) == (2, 1, True)
    assert code_of(rows, [finding(1), finding(3)], accepted=known(1, 2)) == 1


def test_a_baseline_of_other_rules_says_so() -> None:
    decision = decided([outcome()], accepted=known(digest="else"))
    assert decision.baseline is not None
    assert not decision.baseline.same_rules


def test_what_is_waived_and_known_counts_once() -> None:
    accepted = replace(known(1), waivers=WaiverFile((waiver(site="north"),), "t", "s"))
    decision = decided([outcome(failed=2)], [finding(1), finding(2, site="south")], accepted=accepted)
    row = decision.outcomes.filter(rule_id="GEO-003").row(0, named=True)
    assert (row["waived"], row["baseline"]) == (1, 0)
    assert decision.judgement.exit_code == 1


def short_of_data(site: str = "north") -> Condition:
    found = one_finding("3 patients", "at least 5")
    return Condition(TOO_FEW, Severity.CRITICAL, site, "patients", failed=1, findings=found)


def test_a_condition_closes_it_and_takes_waivers_but_no_baseline() -> None:
    decision = decided([outcome()], conditions=(short_of_data(),))
    assert decision.judgement.exit_code == 1
    told = decision.findings.row(0, named=True)
    assert (told["rule_id"], told["variant"], told["observed"]) == ("GATE-003", "patients", "3 patients")
    name = int(told["finding_id"][-12:], 16)
    assert name, "it has an id of its own"
    accepted = known()
    assert accepted.baseline is not None
    frozen = replace(accepted, baseline=replace(accepted.baseline, findings=frozenset({told["finding_id"][-12:]})))
    assert code_of([outcome()], conditions=(short_of_data(),), accepted=frozen) == 1
    allowed = accepting(replace(waiver(rule="GATE-003", site="north"), variant="patients"))
    assert code_of([outcome()], conditions=(short_of_data(),), accepted=allowed) == 0


WHY = ({"en": "3 files could not be read: permission denied", "zh": "3 个文件无法读取：权限不足"},)


def test_incomplete_is_never_green() -> None:
    decision = decided([outcome()], incomplete=WHY)
    judgement = decision.judgement
    assert (judgement.exit_code, judgement.verdict, judgement.complete) == (3, Verdict.ERROR, False)
    assert judgement.incomplete_because == WHY
    assert verdict_of(decision, "GATE-006", None) == "error"


def test_a_failing_rule_comes_before_incomplete() -> None:
    judgement = decided([outcome(failed=1)], [finding(1)], incomplete=WHY).judgement
    assert (judgement.exit_code, judgement.complete) == (1, False)


def test_incomplete_can_neither_be_waived_nor_known() -> None:
    told = decided([outcome()], incomplete=WHY).findings.row(0, named=True)
    name = told["finding_id"]
    waived = decided([outcome()], incomplete=WHY, accepted=accepting(waiver(rule="GATE-006", finding=name)))
    assert waived.judgement.exit_code == 3
    assert len(waived.waivers.unmatched) == 1
    accepted = known()
    assert accepted.baseline is not None
    frozen = replace(accepted, baseline=replace(accepted.baseline, findings=frozenset({name[-12:]})))
    assert code_of([outcome()], incomplete=WHY, accepted=frozen) == 3


def test_where_nothing_was_judged_nothing_is_green() -> None:
    judgement = decided([outcome(passed=0)]).judgement
    assert (judgement.exit_code, judgement.verdict) == (4, Verdict.UNKNOWN)
    assert code_of([outcome(passed=0)], incomplete=WHY) == 3


@pytest.mark.parametrize("said", [[], [("GEO-003", "", "north")], [("GATE-006", "", None)]])
def test_the_checkpoint_alone_says_what_fails(said: list[Failing], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "failing", lambda rows, notices: said)
    decision = decided([outcome(failed=1, passed=1)], [finding(1)], incomplete=WHY)
    codes = {(): 0, ("GEO-003",): 1, ("GATE-006",): 3}
    assert decision.judgement.exit_code == codes[tuple(rule for rule, _, _ in said)]


def test_severities_of_the_checkpoint_are_those_of_the_rules_and_a_preview_is_information(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[pl.DataFrame] = []

    def nothing_fails(rows: pl.DataFrame, notices: Any) -> list[Failing]:
        seen.append(rows)
        return []

    monkeypatch.setattr(verdict, "failing", nothing_fails)
    book = Book((replace(GAP, status=RuleStatus.PREVIEW), STEP))
    decided([outcome(failed=1), outcome("GEO-025"), outcome(site="south", passed=0)], book=book)
    rules = seen[0].filter(~pl.col("rule_id").str.starts_with("GATE"))
    assert rules.select("rule_id", "site", "severity").rows() == [
        ("GEO-003", "north", "info"), ("GEO-025", "north", "warning"),
    ]  # fmt: skip
