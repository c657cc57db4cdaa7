"""A gate as JUnit XML: a suite a site, a test case a rule, as CI servers read it."""

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl

from dqkit.errors import ExitCode
from dqkit.gate.result import GateResult
from dqkit.model import Verdict
from dqkit.report.gate_chinese import gate_localized
from dqkit.report.gate_view import GateView, count_text, gate_view, site_text
from dqkit.report.visible import visible
from dqkit.report.words import say

_MOST_SHOWN = 5
"""Findings of a failing case that its text spells out."""


def render_junit(result: GateResult, lang: str = "en") -> bytes:
    """Return the XML.

    A case is a failure where it keeps the gate closed, an error where it keeps it from being complete, skipped where
    nothing was judged, and passes otherwise; what fails without deciding, and what is waived, stands in its output.
    """
    view = gate_view(result, lang)
    suites = [_verdict_suite(result, view, lang), *_site_suites(result, lang)]
    root = ET.Element("testsuites", name="dqkit gate")
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.extend(suites)
    ET.indent(root, " ")
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _verdict_suite(result: GateResult, view: GateView, lang: str) -> ET.Element:
    """Return the suite of the verdict itself, and of waivers that somebody should look at."""
    judgement = result.judgement
    verdict = ET.Element("testcase", classname="dqkit.gate", name="verdict")
    if judgement.exit_code is not ExitCode.OK:
        kind = "failure" if judgement.exit_code is ExitCode.FAILED else "error"
        told = ET.SubElement(verdict, kind, message=view.headline, type=judgement.verdict.value)
        told.text = "\n".join(view.because)
    cases = [verdict]
    for number, line in enumerate((*view.attention, *view.accepted), 1):
        case = ET.Element("testcase", classname="dqkit.gate", name=f"{say('gate.waivers', lang)} {number}")
        ET.SubElement(case, "system-out").text = line
        cases.append(case)
    suite = _suite("dqkit gate", cases, result)
    properties = ET.Element("properties")
    for name, value in {
        "verdict": judgement.verdict.value,
        "exit_code": int(judgement.exit_code),
        "complete": str(judgement.complete).lower(),
        "policy": visible(result.policy.name),
        "policy_sha256": result.policy.sha256,
        "run_id": result.run_id,
        "audit_run_id": result.audit_run_id,
    }.items():
        ET.SubElement(properties, "property", name=name, value=str(value))
    suite.insert(0, properties)
    return suite


def _site_suites(result: GateResult, lang: str) -> Iterable[ET.Element]:
    sites = result.outcomes["site"].unique().sort(nulls_last=True).to_list()
    shown = _examples(result)
    deciding = set(result.deciding)
    titles = result.titles
    for site in sites:
        rows = result.outcomes.filter(pl.col("site").eq_missing(pl.lit(site, dtype=pl.String)))
        cases = [_case(row, titles, deciding, shown, lang) for row in rows.iter_rows(named=True)]
        yield _suite(site_text(site, lang), cases, result)


def _case(row: dict[str, Any], titles: Any, deciding: Any, shown: Any, lang: str) -> ET.Element:
    key = row["rule_id"], row["variant"]
    label = f"{key[0]} {key[1]}".strip()
    title = titles.get(key, {}).get(lang, "")
    case = ET.Element("testcase", classname=f"dqkit.{key[0].partition('-')[0]}", name=visible(f"{label} {title}", 300))
    said = count_text(row, lang)
    if (*key, row["site"]) in deciding:
        kind = "error" if row["verdict"] == Verdict.ERROR.value else "failure"
        told = ET.SubElement(case, kind, message=said, type=row["severity"])
        told.text = "\n".join(shown.get((*key, row["site"]), []))
    elif row["verdict"] in {Verdict.NOT_APPLICABLE.value, Verdict.UNKNOWN.value}:
        ET.SubElement(case, "skipped", message=say(row["verdict"], lang))
    elif row["failed"] or row["errors"]:
        ET.SubElement(case, "system-out").text = said
    return case


def _examples(result: GateResult) -> dict[tuple[str, str, str | None], list[str]]:
    """Return a few findings of each outcome, as place and what was observed; those that count first."""
    wanted = result.findings.with_columns(pl.col("waived_by") != "").sort("waived_by", "known", maintain_order=True)
    wanted = wanted.filter(pl.int_range(pl.len()).over("rule_id", "variant", "site") < _MOST_SHOWN)
    found: dict[tuple[str, str, str | None], list[str]] = {}
    columns = ["rule_id", "variant", "site", "place", "observed", "expected"]
    for rule_id, variant, site, place, observed, expected in wanted.select(columns).iter_rows():
        line = f"{place}: {visible(gate_localized(observed, 'en'))} ({visible(expected or '')})"
        for where in {site, None}:
            found.setdefault((rule_id, variant, where), []).append(line)
    return found


def _suite(name: str, cases: list[ET.Element], result: GateResult) -> ET.Element:
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")}
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        timestamp=f"{result.decided_at:%Y-%m-%dT%H:%M:%S}",
        time="0",
    )
    suite.extend(cases)
    return suite
