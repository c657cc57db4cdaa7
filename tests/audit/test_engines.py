"""Two engines count the same on real files; on what other tests audit, it stands beside them."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from dqkit.audit.by_expectations import ExpectationCounts, count_by_expectations, with_expectation_counts
from dqkit.audit.engine import COUNTS, evaluate
from dqkit.audit.run import AuditOptions, audit
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.model import Level
from dqkit.rulebook.check import Compiled
from dqkit.rulebook.scope import Scope
from tests.audit.both_engines import KEYS, RULES, Both, both_of, differences
from tests.audit.conftest import HandMade

SOME = tuple(rule for rule in RULES if rule.id in ("FMT-009", "FMT-023", "GEO-003", "GEO-020", "IDN-001", "IDN-024"))
"""Of several levels; one that no core expectation says."""


@pytest.fixture(scope="module")
def of_real_files(real_files: Catalog) -> Both:
    return both_of(real_files)


def test_engines_agree_on_real_files(of_real_files: Both) -> None:
    assert differences(*of_real_files) == []


def test_every_rule_with_an_expectation_is_run_and_the_others_are_named(of_real_files: Both) -> None:
    evaluation, by_gx = of_real_files
    expressible = {rule.id for rule in RULES if rule.expectation() is not None}
    assert set(by_gx.not_expressible) == {rule.id for rule in RULES} - expressible
    judged = evaluation.counts.filter(pl.col("PASS") + pl.col("FAIL") > 0)
    assert set(by_gx.counts["rule_id"]) == set(judged["rule_id"]) & expressible


def test_an_audit_by_expectations_ends_like_one_by_polars(real_files: Catalog) -> None:
    by_polars = audit(real_files, SOME, load_key())
    by_gx = audit(real_files, SOME, load_key(), AuditOptions(engine="gx"))
    assert by_gx.outcomes.equals(by_polars.outcomes)
    assert by_gx.findings.equals(by_polars.findings)
    assert by_gx.judgement == by_polars.judgement
    assert (by_polars.not_expressible, by_gx.not_expressible) == ((), ("FMT-023",))


def test_counts_of_expectations_take_the_place_of_those_of_polars(of_real_files: Both) -> None:
    counts = of_real_files[0].counts
    one = counts.row(0, named=True)
    told = pl.DataFrame(
        [{**{key: one[key] for key in KEYS}, "PASS": 7, "FAIL": 9}],
        schema={name: COUNTS[name] for name in (*KEYS, "PASS", "FAIL")},
    )
    changed = with_expectation_counts(counts, ExpectationCounts(told, ()))
    assert changed.row(0, named=True) == {**one, "PASS": 7, "FAIL": 9}
    assert changed.filter(pl.col("rule_id") != one["rule_id"]).equals(
        counts.filter(pl.col("rule_id") != one["rule_id"])
    )


def test_an_empty_catalog_counts_nothing() -> None:
    assert evaluate(SOME, HandMade()).counts.height == 0
    assert count_by_expectations(SOME, HandMade()).counts.height == 0


class Broken:
    """A check that asks for a column that no frame has."""

    def __init__(self, check: Any) -> None:
        self._check = check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._check, name)

    def compile(self, inside: pl.Expr) -> Compiled:
        return replace(self._check.compile(inside), passes=pl.col("no_such_column") == 1)


@pytest.mark.parametrize("engine", ["polars", "gx"])
def test_a_rule_that_crashes_stops_no_other_and_leaves_the_run_incomplete(real_files: Catalog, engine: str) -> None:
    options = AuditOptions(fail_on=None, engine=engine)
    rules = [replace(rule, check=Broken(rule.check)) if rule.id == "GEO-003" else rule for rule in SOME]
    result, whole = audit(real_files, rules, load_key(), options), audit(real_files, SOME, load_key(), options)
    others = pl.col("rule_id") != "GEO-003"
    assert result.outcomes.filter(~others).select("site", "verdict", "errors").rows() == [(None, "error", 1)]
    assert result.outcomes.filter(others).equals(whole.outcomes.filter(others))
    assert (result.judgement.complete, int(result.judgement.exit_code)) == (False, 3)
    assert [reason["en"] for reason in result.judgement.incomplete_because] == [
        "the rule GEO-003 could not be evaluated (ColumnNotFoundError)"
    ]


def test_a_rule_of_the_archive_is_judged_once() -> None:
    by_id = {rule.id: rule for rule in RULES}
    rule = replace(by_id["IDN-014"], level=Level.ARCHIVE, scope=Scope())
    rows = [{"series_key": key, "site": key, "patient_key": key, "Modality": key} for key in ("CT", "MR")]
    counts = evaluate([rule], HandMade({"series": rows})).counts
    assert counts.select("site", "PASS", "FAIL").rows() == [(None, 0, 1)]
