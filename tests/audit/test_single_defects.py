"""A sound series gives nothing above info, and a single defect gives the one finding of its rule."""

import polars as pl
import pytest

from dqkit.audit.result import AuditResult
from dqkit.catalog.store import Catalog
from dqkit.model import RuleStatus, Severity
from dqkit.rulebook.book import load_book
from tests.audit.both_engines import both_of, differences
from tests.audit.seeding import Seeded, above_info
from tests.audit.seeds import CASES, HEADERS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Invalid value for VR UI")]  # the hostile UIDs

UNSEEDED = {
    "FMT-003": "a fault of the house (permission, storage)",
    "IDN-017": "a series at two sites is in one study (IDN-018) or in two (IDN-016), which silence it",
}


def check(one: Seeded, result: AuditResult) -> None:
    own = above_info(result).filter(pl.col("case") == one.name)
    assert dict(own.group_by("rule_id").len().iter_rows()) == one.expect
    assert own["problem_id"].n_unique() <= max(len(one.expect), own["site"].n_unique())


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_a_single_defect_gives_its_one_finding(one: Seeded, seeded: tuple[Catalog, AuditResult]) -> None:
    check(one, seeded[1])


@pytest.mark.parametrize("one", HEADERS, ids=lambda one: one.name)
def test_a_defect_whose_pixels_stay_unread_gives_its_one_finding(
    one: Seeded, seeded_headers: tuple[Catalog, AuditResult]
) -> None:
    check(one, seeded_headers[1])


def test_engines_agree_on_every_seeded_defect(seeded: tuple[Catalog, AuditResult]) -> None:
    evaluation, by_gx = both_of(seeded[0])
    assert differences(evaluation, by_gx) == []
    failing = set(by_gx.counts.filter(pl.col("FAIL") > 0)["rule_id"])
    assert set(seeded[1].findings["rule_id"]) - set(by_gx.not_expressible) <= failing


def test_every_rule_above_info_is_seeded() -> None:
    seeded = {rule_id for one in (*CASES, *HEADERS) for rule_id in one.expect}
    known = {
        rule.id
        for rule in load_book()
        if rule.severity is not Severity.INFO
        and rule.status is RuleStatus.STABLE
        and not rule.is_open
        and rule.id not in UNSEEDED
    }
    assert known - seeded == set()


def test_no_case_stands_in_the_folder_of_another() -> None:
    assert len({one.name for one in (*CASES, *HEADERS)}) == len(CASES) + len(HEADERS)
