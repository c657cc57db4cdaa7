"""An audit with packs: variants beside the book, causes, what was judged, and both engines."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dqkit.audit.causes import without_implied
from dqkit.audit.coverage import Coverage, coverage_from_json, coverage_to_json, only_site_of
from dqkit.audit.engine import FAILED
from dqkit.audit.result import AuditResult
from dqkit.audit.run import AuditOptions, audit, recall
from dqkit.catalog.schema import conform
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.model import Level, Severity, Verdict
from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.pack import load_packs
from dqkit.rulebook.pack_rules import with_packs
from dqkit.rulebook.rule import Rule
from tests.audit.conftest import HandMade
from tests.dicom_factory import Exam, Grid, cr_image, mr_series, write

PACKS = ("ms-brain-mr", "chest-xr")
BRAIN = Grid(n=6, rows=64, columns=64, spacing_mm=(3.75, 3.75), step_mm=5.0)


@pytest.fixture(scope="module")
def book() -> Book:
    return with_packs(load_book(), load_packs(PACKS)).select()


@pytest.fixture(scope="module")
def catalog(_key: None, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return a catalog of two sites: FLAIR and T2 of 5 mm at North, T2 alone at South, a chest film at each."""
    root = tmp_path_factory.mktemp("packs") / "archive"
    north, south = Exam(site="North", patient="n-1"), Exam(site="South", patient="s-1")
    write(mr_series(north, BRAIN, 1, "FLAIR"), root / "north" / "flair")
    write(mr_series(north, BRAIN, 2, "T2"), root / "north" / "t2")
    write(mr_series(south, BRAIN, 1, "T2"), root / "south" / "t2")
    write(cr_image(Exam(site="North", patient="n-2")), root / "north" / "cr")
    write(cr_image(Exam(site="South", patient="s-2")), root / "south" / "cr")
    made = Catalog.create(tmp_path_factory.mktemp("packs") / "catalog", load_key().fingerprint, "test")
    index(made, [root])
    return made


@pytest.fixture(scope="module")
def result(catalog: Catalog, book: Book) -> AuditResult:
    return audit(catalog, book.rules, load_key(), AuditOptions(packs=load_packs(PACKS)))


def failing(result: AuditResult) -> set[tuple[str, str]]:
    findings = result.findings.filter(pl.col("variant") != "")
    return set(findings.select("variant", "site").iter_rows())


def test_a_pack_finds_what_is_off_its_protocol(result: AuditResult):
    assert failing(result) >= {
        ("ms-brain-mr/sequence-set", "south"),
        ("ms-brain-mr/thickness-2d", "north"),
        ("ms-brain-mr/thickness-2d", "south"),
    }
    assert ("ms-brain-mr/sequence-set", "north") not in failing(result)


def test_findings_say_what_the_pack_asks_for(result: AuditResult):
    found = result.findings.filter(variant="ms-brain-mr/thickness-2d").row(0, named=True)
    assert (found["rule_id"], found["observed"]) == ("ACQ-101", "SliceThickness 5")
    assert "at most 3" in found["expected"]


def test_the_book_says_the_same_with_packs_and_without(catalog: Catalog, result: AuditResult):
    alone = audit(catalog, load_book().rules, load_key())
    plain = result.outcomes.filter(pl.col("variant") == "")
    assert plain.equals(alone.outcomes)
    assert result.findings.filter(pl.col("variant") == "")["finding_id"].equals(alone.findings["finding_id"])
    assert [pack.name for pack in alone.coverage.packs] == ["general"]


def test_the_run_names_packs_and_what_they_judged(result: AuditResult):
    rows = {row["name"]: row for row in coverage_to_json(result.coverage)["packs"]}
    assert list(rows) == ["general", *PACKS]
    assert (rows["general"]["series"], rows["ms-brain-mr"]["series"], rows["chest-xr"]["series"]) == (5, 3, 2)
    assert (rows["ms-brain-mr"]["judged"], rows["chest-xr"]["judged"]) == (3, 2)
    assert rows["ms-brain-mr"]["version"] == "1.0.0"
    assert rows["ms-brain-mr"]["rules"] == 7
    assert coverage_to_json(result.coverage)["series_without_pack"] == 0


def test_the_book_is_not_named_where_it_was_left_out(catalog: Catalog, book: Book):
    options = AuditOptions(packs=load_packs(PACKS))
    coverage = audit(catalog, book.select(list(PACKS)).rules, load_key(), options).coverage
    assert [pack.name for pack in coverage.packs] == list(PACKS)
    assert set(coverage.judged["pack"]) == set(PACKS)


def test_roles_are_counted_by_site_and_by_what_told_them(result: AuditResult):
    rows = set(result.coverage.roles.select("site", "role", "by", "series").iter_rows())
    assert rows == {
        ("north", "flair", "attributes", 1), ("north", "t2", "attributes", 1), ("north", "radiograph", "attributes", 1),
        ("south", "t2", "attributes", 1), ("south", "radiograph", "attributes", 1),
    }  # fmt: skip


def test_one_site_alone(result: AuditResult):
    coverage = only_site_of(result.coverage, "south")
    assert set(coverage.roles["site"]) == set(coverage.judged["site"]) == {"south"}
    assert [pack.name for pack in coverage.packs] == ["general", *PACKS]


def test_coverage_survives_json(result: AuditResult):
    again = coverage_from_json(coverage_to_json(result.coverage))
    assert again.packs == result.coverage.packs
    assert again.roles.equals(result.coverage.roles)
    assert coverage_from_json(None).packs == Coverage().packs == ()


def test_a_recalled_audit_knows_its_packs(catalog: Catalog, book: Book, tmp_path: Path):
    told = audit(catalog, book.rules, load_key(), AuditOptions(fail_on=Severity.WARNING, packs=load_packs(PACKS)))
    again = recall(catalog, load_book().rules)
    assert again.coverage.packs == told.coverage.packs
    assert sorted(map(str, again.judgement.failing)) == sorted(map(str, told.judgement.failing))
    assert ("ACQ-101 ms-brain-mr/thickness-2d", "north") in again.judgement.failing
    assert {rule.key for rule in again.rules} == {rule.key for rule in told.rules}


def test_a_pack_decides_the_verdict_by_its_own_severity(catalog: Catalog, tmp_path: Path):
    def judged(severity: str) -> Verdict:
        path = tmp_path / f"{severity}.yaml"
        path.write_text(
            "name: strict\nversion: 1.0.0\ntitle: {en: a, zh: 甲}\nwhy: {en: a., zh: 甲。}\nscope: {Modality: MR}\n"
            f"rules:\n  - {{use: ACQ-101, as: thin, with: {{max_mm: 1}}, severity: {severity}}}\n"
        )
        packs = load_packs([str(path)])
        rules = with_packs(load_book(), packs).select(["strict"]).rules
        return audit(catalog, rules, load_key(), AuditOptions(packs=packs)).judgement.verdict

    assert judged("warning") is Verdict.PASS
    assert judged("critical") is Verdict.FAIL


def test_both_engines_agree_on_packs(catalog: Catalog, book: Book, result: AuditResult):
    rules = book.select(list(PACKS)).rules
    by_gx = audit(catalog, rules, load_key(), AuditOptions(engine="gx", packs=load_packs(PACKS)))
    assert by_gx.outcomes.equals(result.outcomes.filter(pl.col("variant") != ""))


ANY = load_book().get("GEO-008")
PLAIN = replace(ANY, id="A", level=Level.SERIES, implied_by=())


def failure(of: Rule, series: str) -> dict[str, Any]:
    keys = {"site": "north", "entity": series, "series_key": series}
    return {"rule_id": of.id, "variant": of.variant, "level": of.level.value, **keys}


def left(rules: list[Rule], *failures: dict[str, Any]) -> list[str]:
    failed = conform(pl.DataFrame(list(failures), infer_schema_length=None), FAILED)
    kept, _ = without_implied(failed, rules, HandMade())
    return sorted(f"{rule_id} {variant}".strip() for rule_id, variant in kept.select("rule_id", "variant").iter_rows())


def variant_of(rule: Rule, **changes: Any) -> Rule:
    return replace(rule, variant=f"mine/{rule.id.lower()}", pack="mine", **changes)


def test_a_plain_cause_silences_a_variant_and_no_variant_silences_the_book():
    consequence = replace(PLAIN, id="B", implied_by=("A",))
    variant = variant_of(consequence)
    assert left([PLAIN, variant], failure(PLAIN, "s"), failure(variant, "s")) == ["A"]
    cause = variant_of(PLAIN)
    assert left([cause, consequence], failure(cause, "s"), failure(consequence, "s")) == ["A mine/a", "B"]


def test_a_variant_of_a_plain_rule_that_failed_too_is_the_same_finding_unless_it_is_harder():
    variant = variant_of(PLAIN)
    assert left([PLAIN, variant], failure(PLAIN, "s"), failure(variant, "s")) == ["A"]
    assert left([PLAIN, variant], failure(PLAIN, "s"), failure(variant, "t")) == ["A", "A mine/a"]
    mild = replace(PLAIN, severity=Severity.INFO)
    assert left([mild, variant], failure(mild, "s"), failure(variant, "s")) == ["A", "A mine/a"]
