"""Every format of a gate says the same verdict, is read by who reads such files, and identifies nobody."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from junitparser import JUnitXml, TestSuite

from dqkit.catalog.store import Catalog
from dqkit.dataset import content, provenance
from dqkit.dataset import tracing as tracing_of_files
from dqkit.errors import ExitCode
from dqkit.gate import trace
from dqkit.gate.baseline import Baseline
from dqkit.gate.result import GateResult
from dqkit.gate.run import baseline_of
from dqkit.gate.waivers import Waiver, WaiverFile
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.report import gate_sarif
from dqkit.report.gate_chinese import gate_localized
from dqkit.report.gate_folder import FORMATS, SUMMARY, write_gate
from dqkit.report.gate_gitlab import VERDICT
from tests.gate.conftest import PLANTED, Archive, judge, make_archive
from tests.gate.sarif_schema import sarif_schema

OPEN = "allow: [{rules: GEO, at_most: any}]\n"
TODAY = datetime.now(UTC).date()


def waiver(expires: date = TODAY + timedelta(days=99), rule: str = "GEO-003", **scope: str) -> Waiver:
    return Waiver(rule, "", scope, "Ada Example", "agreed | with <b>all</b>", expires)


@pytest.fixture(scope="session")
def results(indexed: Archive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, GateResult]:
    """Return a gate of every kind of verdict."""
    folder = tmp_path_factory.mktemp("verdicts")
    catalog = Catalog(Path(shutil.copytree(indexed.catalog, folder / "catalog")))
    closed = judge(catalog)
    baseline = baseline_of(closed)
    file = WaiverFile((waiver(site="south"), waiver(TODAY - timedelta(days=1), "GEO-025", site="south"),
                       waiver(site="west")), "text", "sha")  # fmt: skip
    return {
        "closed": closed,
        "open": judge(catalog, OPEN),
        "waived": judge(catalog, waivers=file),
        "known": judge(catalog, "required_sites: [west]\n", baseline=baseline),
        "unknown": judge(catalog, "max_unknown: {reasons: [not_looked_at]}\nscope: {select: PIX-001}\n"),
        "nothing": judge(catalog, "scope: {select: FMT-045}\n"),
        "incomplete": _incomplete(folder),
    }


def _incomplete(folder: Path) -> GateResult:
    """Return a gate of a catalog whose source is away."""
    root = make_archive(folder / "archive")
    catalog = Catalog.create(folder / "away", load_key().fingerprint, "test")
    index(catalog, [root])
    root.rename(folder / "elsewhere")
    root.mkdir()
    index(catalog, [root])
    return judge(catalog, OPEN)


CODES = {"closed": 1, "open": 0, "waived": 0, "known": 1, "unknown": 1, "nothing": 4, "incomplete": 3}
KINDS = list(CODES)


def rendered(result: GateResult, name: str, lang: str = "en") -> bytes:
    return FORMATS[name][1](result, lang)


def junit_of(result: GateResult) -> JUnitXml:
    return JUnitXml.fromstring(rendered(result, "junit"))


def sarif_of(result: GateResult) -> dict[str, Any]:
    (run,) = json.loads(rendered(result, "sarif"))["runs"]
    return dict(run)


def said_by(name: str, result: GateResult) -> int:
    """Return the exit code that a format tells to who reads it."""
    return _SAID[name](rendered(result, name).decode())


def _by_gitlab(text: str) -> int:
    told = [one["description"] for one in json.loads(text) if one["check_name"] == VERDICT]
    return int(re.findall(r"exit (\d)", told[0])[0]) if told else 0


def _by_junit(text: str) -> int:
    suites = JUnitXml.fromstring(text.encode())
    return int({one.name: one.value for suite in suites for one in suite.properties()}["exit_code"])


def _in_words(text: str) -> int:
    return int(re.findall(r"exit code (\d)", text)[0])


_SAID: dict[str, Callable[[str], int]] = {
    "text": _in_words,
    "markdown": _in_words,
    "github": lambda text: _in_words(text.splitlines()[0]),
    "json": lambda text: int(json.loads(text)["exit_code"]),
    "sarif": lambda text: int(json.loads(text)["runs"][0]["invocations"][0]["exitCode"]),
    "gitlab": _by_gitlab,
    "junit": _by_junit,
}


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("kind", KINDS)
def test_every_format_says_the_same_verdict(kind: str, name: str, results: dict[str, GateResult]) -> None:
    result = results[kind]
    assert result.judgement.exit_code == CODES[kind]
    assert said_by(name, result) == CODES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_reader_does_with_each_format_agrees(kind: str, results: dict[str, GateResult]) -> None:
    """Fails, breaks and passes mean the same to a CI server, to code scanning and to GitLab."""
    result = results[kind]
    code = result.judgement.exit_code
    junit, sarif = junit_of(result), sarif_of(result)
    assert (junit.failures > 0) is (code == ExitCode.FAILED)
    assert (junit.errors > 0) is (code in {ExitCode.INCOMPLETE, ExitCode.NOTHING})
    assert sarif["invocations"][0]["executionSuccessful"] is result.judgement.complete
    assert any(one["level"] == "error" for one in sarif["results"]) is bool(result.deciding)
    github = rendered(result, "github").decode()
    assert github.startswith("::notice " if code == ExitCode.OK else "::error ")
    severities = {one["severity"] for one in json.loads(rendered(result, "gitlab"))}
    assert ("blocker" in severities) is (code != ExitCode.OK)


@pytest.mark.parametrize("kind", KINDS)
def test_sarif_is_valid(kind: str, results: dict[str, GateResult]) -> None:
    log = json.loads(rendered(results[kind], "sarif"))
    jsonschema.Draft7Validator(sarif_schema()).validate(log)
    broken = log | {"version": "2.0.0"}
    assert list(jsonschema.Draft7Validator(sarif_schema()).iter_errors(broken)), "the schema binds"


def test_sarif_has_one_result_a_rule_and_series(results: dict[str, GateResult]) -> None:
    run = sarif_of(results["closed"])
    keys = [
        (one["ruleId"], one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for one in run["results"]
    ]
    assert len(keys) == len(set(keys))
    assert {rule for rule, _ in keys} == {"GEO-003", "GEO-025"}
    assert all(re.fullmatch(r"south/series-[0-9a-f]{12}", place) for _, place in keys)
    assert run["results"][0]["level"] == "error", "what keeps the gate closed comes first"


def test_many_slices_of_a_series_are_one_result(results: dict[str, GateResult]) -> None:
    result = results["closed"]
    one = result.findings.filter(rule_id="GEO-003")
    slices = [one.with_columns(finding_id=pl.lit(f"{n:020d}"), finding=pl.lit(f"{n:012d}")) for n in range(50)]
    many = replace(result, findings=pl.concat(slices))
    (only,) = sarif_of(many)["results"]
    assert only["properties"]["findings"] == 50
    assert "(x 50)" in only["message"]["text"]


def test_at_most_so_many_results_and_the_worst_first(
    results: dict[str, GateResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = results["closed"]
    mild = result.findings.filter(rule_id="GEO-025")
    places = [mild.with_columns(place=pl.lit(f"series {n:012d}")) for n in range(40)]
    many = replace(result, findings=pl.concat([*places, result.findings.filter(rule_id="GEO-003")]))
    monkeypatch.setattr(gate_sarif, "MOST_RESULTS", 25)
    run = sarif_of(many)
    assert [one["level"] for one in run["results"]] == ["error"] + ["warning"] * 24
    assert run["properties"]["resultsInAll"] == 41


def fingerprints(result: GateResult) -> list[str]:
    return [one["partialFingerprints"]["dqkit/v1"] for one in sarif_of(result)["results"]]


def test_fingerprints_stay_from_run_to_run(archive: Archive, results: dict[str, GateResult]) -> None:
    again = judge(archive.opened())
    assert fingerprints(again) == fingerprints(results["closed"])
    gitlab = [json.loads(rendered(result, "gitlab")) for result in (again, results["closed"])]
    assert [one["fingerprint"] for one in gitlab[0]] == [one["fingerprint"] for one in gitlab[1]]
    assert len(set(fingerprints(again))) == len(fingerprints(again))


def test_what_is_waived_or_known_is_suppressed_and_still_there(results: dict[str, GateResult]) -> None:
    waived = {one["ruleId"]: one for one in sarif_of(results["waived"])["results"]}
    assert waived["GEO-003"]["suppressions"][0]["status"] == "accepted"
    assert waived["GEO-003"]["level"] == "note"
    assert "suppressions" not in waived["GEO-025"]
    known = {one["ruleId"]: one["baselineState"] for one in sarif_of(results["known"])["results"]}
    assert known["GEO-003"] == "unchanged"
    assert {state for rule, state in known.items() if rule.startswith("GATE-005")} == {"new"}
    assert not [one for one in json.loads(rendered(results["waived"], "gitlab")) if one["check_name"] == "GEO-003"]


@pytest.mark.parametrize("name", list(FORMATS))
def test_waivers_that_ended_or_fit_nothing_are_told_in_every_format(name: str, results: dict[str, GateResult]) -> None:
    text = rendered(results["waived"], name).decode()
    if name == "json":
        data = json.loads(text)["waivers"]
        assert [one["owner"] for one in data["expired"]] == ["Ada Example"]
        assert [one["scope"] for one in data["unmatched"]] == [{"site": "west"}]
        return
    plain = text.replace("\\", "").replace("\n", " ")
    assert "GEO-025 (site south)" in plain.replace("  ", " ")
    assert "GEO-003 (site west)" in plain.replace("  ", " ")
    assert "Ada Example" in plain


def test_junit_has_a_case_a_rule_and_site(results: dict[str, GateResult]) -> None:
    suites: dict[str, TestSuite] = {suite.name: suite for suite in junit_of(results["closed"])}
    assert set(suites) == {"dqkit gate", "north", "south", "Whole archive"}
    cases = {case.name: case for case in suites["south"]}
    (failing,) = [case for case in cases.values() if case.is_failure]
    assert failing.name.startswith("GEO-003 ")
    assert failing.result[0].message == "1 of 2 fail, 0 allowed"
    assert "series " in failing.result[0].text
    north = {case.name.split()[0] for case in suites["north"]}
    assert north == {"FMT-001", "GEO-003", "GEO-025"}
    total = junit_of(results["closed"])
    assert total.tests == sum(suite.tests for suite in suites.values())


def test_junit_skips_what_was_not_judged(results: dict[str, GateResult]) -> None:
    assert junit_of(results["nothing"]).skipped > 0


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_identified(kind: str, name: str, lang: str, results: dict[str, GateResult]) -> None:
    result = results[kind]
    text = rendered(result, name, lang).decode()
    assert not [planted for planted in PLANTED if planted.lower() in text.lower()]
    plain = {*result.findings["finding_id"], *result.findings["entity"].drop_nulls()}
    uids = {*result.findings["StudyInstanceUID"].drop_nulls(), *result.findings["SeriesInstanceUID"].drop_nulls()}
    assert not [one for one in (plain | uids) - {"south", "north", "archive", ""} if one in text]
    assert ".dcm" not in text


HOSTILE = "a::error title=x::b\n::warning::c\r%0A|<img src=x>@team[l](javascript:1)\x1b[31m,d:"


@pytest.fixture
def hostile(results: dict[str, GateResult]) -> GateResult:
    """Return a gate whose site has a name that would be obeyed, were it not escaped."""
    result = results["closed"]
    named = pl.col("site").replace("south", HOSTILE).alias("site")
    judgement = replace(
        result.judgement,
        failing=tuple((rule, HOSTILE if site == "south" else site) for rule, site in result.judgement.failing),
    )
    return replace(
        result,
        outcomes=result.outcomes.with_columns(named),
        findings=result.findings.with_columns(named),
        deciding=tuple((rule, variant, HOSTILE) for rule, variant, _ in result.deciding),
        judgement=judgement,
    )


def test_a_hostile_name_gives_github_no_command(hostile: GateResult) -> None:
    lines = rendered(hostile, "github").decode().splitlines()
    assert all(re.match(r"::(error|warning|notice) title=[^:,]*::", line) for line in lines)
    assert not [line for line in lines if line.startswith("::warning::")]
    assert "\x1b" not in "".join(lines)
    assert any("%250A" in line for line in lines), "a percent sign is no escape of its own"


def test_a_hostile_name_makes_no_link_table_or_picture(hostile: GateResult) -> None:
    text = rendered(hostile, "markdown").decode()
    assert not re.search(r"(?<!\\)(<img|\[l\]|@team)", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_a_hostile_name_stays_a_name_elsewhere(hostile: GateResult) -> None:
    assert [suite for suite in junit_of(hostile) if "::error" in suite.name]
    jsonschema.Draft7Validator(sarif_schema()).validate(json.loads(rendered(hostile, "sarif")))
    uris = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in sarif_of(hostile)["results"]]
    assert all(re.fullmatch(r"[\w%.~-]+/[\w%.~-]+", uri) for uri in uris)
    assert "\x1b" not in rendered(hostile, "text").decode()


def test_the_folder_holds_the_verdict_and_what_was_asked_for(results: dict[str, GateResult], tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_gate(results["closed"], out, ["text", "sarif"])
    assert {path.name for path in out.iterdir()} == {"verdict.json", "gate.txt", "gate.sarif"}
    assert out.stat().st_mode & 0o777 == 0o700


def test_a_job_gets_its_summary(
    results: dict[str, GateResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv(SUMMARY, str(summary))
    write_gate(results["closed"], tmp_path / "out", ["github"])
    assert summary.read_text(encoding="utf-8").startswith("before\n## ❌ The gate is closed")
    write_gate(results["closed"], tmp_path / "out", ["text"])
    assert summary.read_text(encoding="utf-8").count("\n## ") == 1


def test_the_other_language(results: dict[str, GateResult]) -> None:
    text = rendered(results["closed"], "text", "zh").decode()
    assert text.startswith("✗ 不予放行：test")
    assert "体数据缺失层面" in text
    assert "退出码 1" in text
    assert not re.search(r"\b(fail|allowed|closed|waived)\b", text.split("verdict.json")[0].split("dqkit ")[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_conditions_say_is_said_in_chinese(kind: str, results: dict[str, GateResult]) -> None:
    own = results[kind].findings.filter(pl.col("rule_id").str.starts_with("GATE-") & (pl.col("rule_id") != "GATE-006"))
    for text in {*own["observed"], *own["expected"]}:
        assert not re.search("[a-z]{3}", gate_localized(text, "zh")), text


def test_a_baseline_is_named(results: dict[str, GateResult]) -> None:
    used = results["known"].baseline
    assert used is not None
    assert isinstance(used.baseline, Baseline)
    text = rendered(results["known"], "text").decode()
    assert f"{used.known} of its {used.known} findings are still there" in " ".join(text.split())


def test_what_tracing_says_is_said_in_chinese() -> None:
    """Every text in quotes that tracing gives as a detail, and every expectation of its conditions, is known."""
    tracing = [Path(one.__file__) for one in (content, provenance, tracing_of_files)]
    source = "\n".join(path.read_text(encoding="utf-8") for path in tracing if path)
    said = {text for text in re.findall(r'pl\.lit\("([^"]+)"\)', source) if " " in text} | {tracing_of_files.SILENTLY}
    said |= {expected for *_, expected in trace._OF_STATE}
    assert len(said) > 15
    assert not [
        text for text in said if re.search("[a-z]{3}", gate_localized(text, "zh").replace("SOPInstanceUID", ""))
    ]
