import json

import polars as pl

from dqkit.audit.result import AuditResult
from dqkit.report.page_data import MOST_EXAMPLES, MOST_OUTCOMES, page_data
from dqkit.report.pictures import MOST_BYTES, PER_RULE_AND_SITE, pictures_for_page
from tests.report.sample import sample_result


def problems_of(data: dict) -> list[dict]:
    return [dict(zip(data["problems"]["columns"], row, strict=True)) for row in data["problems"]["rows"]]


def test_small_result_has_every_finding(result: AuditResult) -> None:
    data = page_data(result, [], [])
    assert len(data["examples"]["rows"]) == result.findings.height == 3000
    assert data["totals"] == {"problems": 40, "findings": 3000}


def test_large_result_has_examples_of_every_problem() -> None:
    result = sample_result(findings=200_000, problems=900)
    rows = page_data(result, [], [])["examples"]["rows"]
    assert len(rows) <= MOST_EXAMPLES
    assert {row[0] for row in rows} == set(range(900))


def test_problems_come_worst_first(result: AuditResult) -> None:
    data = page_data(result, [], [])
    severities = [data["strings"][row["severity"]] for row in problems_of(data)]
    assert severities == sorted(severities, key=["critical", "warning", "info"].index)


def test_texts_stand_once(result: AuditResult) -> None:
    strings = page_data(result, [], [])["strings"]
    assert len(strings) == len(set(strings))


def test_rule_that_left_the_book_is_shown_by_its_id(result: AuditResult) -> None:
    without = AuditResult(**{**vars(result), "rules": ()})
    rules = page_data(without, [], [])["rules"]
    assert {rule["title"]["zh"] for rule in rules} == {rule["id"] for rule in rules}
    assert "GEO" in {rule["family"] for rule in rules}


def test_tool_faults_go_to_whoever_runs_dqkit(result: AuditResult) -> None:
    data = page_data(result, [], [])
    who = {row["problem_id"]: data["strings"][row["who"]] for row in problems_of(data)}
    tool = result.problems.filter(origin="tool").get_column("problem_id").to_list()
    named = {data["strings"][key]: value for key, value in who.items()}
    assert tool
    assert {named[problem] for problem in tool} == {"operator"}
    assert {"site", "dqkit"} <= set(named.values())


def test_too_many_outcomes_keep_those_that_failed() -> None:
    result = sample_result(sites=tuple(f"site {i}" for i in range(300)), problems=400)
    data = page_data(result, [], [])
    verdict = data["outcomes"]["columns"].index("verdict")
    words = [data["strings"][row[verdict]] for row in data["outcomes"]["rows"]]
    assert len(words) == MOST_OUTCOMES
    assert words.count("fail") == result.outcomes.filter(verdict="fail").height


def test_nulls_everywhere_are_no_trouble(result: AuditResult) -> None:
    keep = {"problem_id", "rule_id", "severity", "finding_id"}
    blank = [
        frame.with_columns(
            pl.lit(None, dtype=kind).alias(name) for name, kind in frame.schema.items() if name not in keep
        )
        for frame in (result.problems, result.findings)
    ]
    blank[1] = blank[1].with_columns(result.findings.get_column("problem_id"))
    bare = AuditResult(**{**vars(result), "problems": blank[0], "findings": blank[1]})
    assert json.dumps(page_data(bare, [], []))


def test_pictures_keep_to_three_a_rule_and_site_and_to_two_megabytes() -> None:
    result = sample_result(findings=5000, pictures=400)
    shown = pictures_for_page(result)
    about = {row["problem_id"]: (row["rule_id"], row["site"]) for row in result.problems.to_dicts()}
    places = [about[picture["problem_id"]] for picture in shown]
    assert shown
    assert max(places.count(place) for place in places) == PER_RULE_AND_SITE
    big = tuple(type(p)(p.finding_id, p.mime, b"x" * 900_000, p.caption, 1, 1) for p in result.pictures)
    heavy = pictures_for_page(AuditResult(**{**vars(result), "pictures": big}))
    assert sum(len(picture["src"]) for picture in heavy) <= MOST_BYTES + 100


def test_a_picture_of_another_kind_is_left_out(result: AuditResult) -> None:
    odd = tuple(type(p)(p.finding_id, "image/svg+xml", b"<svg onload=x>", p.caption, 1, 1) for p in result.pictures)
    assert pictures_for_page(AuditResult(**{**vars(result), "pictures": odd})) == []
