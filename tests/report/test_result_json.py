import json

import pytest

from dqkit.audit.result import AuditResult
from dqkit.report.result_json import glance_from_json, judgement_from_json, result_to_json
from tests.report.sample import sample_result


def test_always_says_whether_it_is_complete() -> None:
    for complete in (True, False):
        data = result_to_json(sample_result(0, problems=0, complete=complete))
        assert data["complete"] is complete
        assert data["exit_code"] == (0 if complete else 3)
        assert data["verdict"] == ("pass" if complete else "error")


@pytest.mark.parametrize("secret", ["secret", "DOE^JANE", "f0000", '"example"', "2024-11-11"])
def test_holds_no_identifying_value(result: AuditResult, secret: str) -> None:
    assert secret not in json.dumps(result_to_json(result))


def test_counts_agree_with_the_tables(result: AuditResult) -> None:
    data = result_to_json(result)
    assert sum(data["counts"]["findings"].values()) == result.findings.height
    assert sum(data["counts"]["problems"].values()) == result.problems.height == len(data["problems"])
    assert sum(n for by_verdict in data["counts"]["rules"].values() for n in by_verdict.values()) == len(result.rules)
    assert len(data["outcomes"]) == result.outcomes.height


def test_is_strict_json_and_reads_back(result: AuditResult) -> None:
    data = json.loads(json.dumps(result_to_json(result), allow_nan=False))
    assert judgement_from_json(data) == result.judgement
    assert glance_from_json(data).sites.height == result.glance.sites.height


def test_months_are_cut_to_years(result: AuditResult) -> None:
    problem = result_to_json(result)["problems"][0]
    assert 2000 < problem["first_year"] <= problem["last_year"] < 2030
    assert "first_period" not in problem
