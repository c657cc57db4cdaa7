"""A sound series gives nothing above info, and a single defect gives the one finding of its rule."""

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest

from dqkit.model import RuleStatus, Severity
from dqkit.rulebook.book import load_book
from tests.audit.seeding import Seeded, findings_above_info
from tests.audit.seeds import CLEAN, FILES, GEOMETRY, HEADERS, IDENTITY

CASES = [*CLEAN, *GEOMETRY, *IDENTITY, *FILES]

UNSEEDED = {
    "FMT-003": "a fault of the house (permission, storage)",
    "IDN-017": "a series at two sites is in one study (IDN-018) or in two (IDN-016), which silence it",
}


@contextmanager
def audited(cases: list[Seeded], factory: pytest.TempPathFactory, pixels: str) -> Iterator[pl.DataFrame]:
    root = factory.mktemp("seeded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        yield findings_above_info(root / "archive", cases, root / "catalog", pixels)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pl.DataFrame]:
    with audited(CASES, tmp_path_factory, "all") as found:
        yield found


@pytest.fixture(scope="module")
def of_headers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pl.DataFrame]:
    with audited(HEADERS, tmp_path_factory, "none") as found:
        yield found


def check(one: Seeded, findings: pl.DataFrame) -> None:
    own = findings.filter(pl.col("case") == one.name)
    assert dict(own.group_by("rule_id").len().iter_rows()) == one.expect
    assert own["problem_id"].n_unique() <= max(len(one.expect), own["site"].n_unique())


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_a_single_defect_gives_its_one_finding(one: Seeded, findings: pl.DataFrame) -> None:
    check(one, findings)


@pytest.mark.parametrize("one", HEADERS, ids=lambda one: one.name)
def test_a_single_defect_gives_its_one_finding_where_no_pixel_is_decoded(one: Seeded, of_headers: pl.DataFrame) -> None:
    check(one, of_headers)


def test_every_rule_above_info_is_seeded() -> None:
    seeded = {rule_id for one in (*CASES, *HEADERS) for rule_id in one.expect}
    known = {
        rule.id
        for rule in load_book()
        if rule.severity is not Severity.INFO and rule.status is RuleStatus.STABLE and rule.id not in UNSEEDED
    }
    assert known - seeded == set()
    assert len({one.name for one in (*CASES, *HEADERS)}) == len(CASES) + len(HEADERS)
