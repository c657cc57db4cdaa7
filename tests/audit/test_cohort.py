"""An audit of a cohort judges its series as if there were nothing else, and says how the catalog moved on."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from dqkit.audit.only import Only
from dqkit.audit.result import AuditResult
from dqkit.audit.run import AuditOptions, audit, recall
from dqkit.catalog.cohort import Standing, read_cohort
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.identity import Pseudonyms, load_key
from dqkit.index.build import IndexOptions, index
from dqkit.report.verdict_view import because
from dqkit.rulebook.book import load_book
from dqkit.rulebook.rule import Rule
from tests import dicom_defects as defects
from tests.audit.seeding import CHEST, HEAD
from tests.catalog.cohorts import write_cohort
from tests.cli.conftest import dqkit
from tests.dicom_factory import Exam, ct_series, mr_series, write

SELECTED = ("GEO-003", "FMT-001")
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def rules() -> tuple[Rule, ...]:
    return load_book().select(SELECTED).rules


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an archive and its catalog: whole CT and MR, a CT with a gap, and a file that is none."""
    root = tmp_path_factory.mktemp("cohort")
    archive = root / "archive"
    write(ct_series(Exam(patient="n-1"), CHEST), archive / "north" / "ct")
    write(mr_series(Exam(patient="n-2"), HEAD), archive / "north" / "mr")
    write(defects.drop_slice(ct_series(Exam(patient="s-1"), CHEST), 4), archive / "south" / "ct")
    (archive / "north" / "ct" / "cut.dcm").write_bytes(b"")
    (archive / "south" / "loose").mkdir()
    (archive / "south" / "loose" / "cut.dcm").write_bytes(b"")
    index(Catalog.create(root / "catalog", Pseudonyms(KEY.encode()).fingerprint, "test"), [archive])
    return root


def judged(catalog: Path, cohort: Path, rules: tuple[Rule, ...]) -> AuditResult:
    opened = Catalog(catalog)
    return audit(opened, rules, load_key(), AuditOptions(only=Only(cohort=read_cohort(cohort, opened))))


def failed(result: AuditResult) -> dict[str, int]:
    return {row["rule_id"]: row["failed"] for row in result.outcomes.to_dicts() if row["failed"]}


def test_series_outside_the_cohort_are_as_if_they_were_not_there(
    made: Path, rules: tuple[Rule, ...], tmp_path: Path
) -> None:
    catalog = Catalog(made / "catalog")
    whole = judged(made / "catalog", write_cohort(tmp_path / "all.parquet", catalog), rules)
    assert failed(whole) == {"FMT-001": 1, "GEO-003": 1}
    mr = write_cohort(tmp_path / "mr.parquet", catalog, pl.col("Modality") == "MR")
    result = judged(made / "catalog", mr, rules)
    assert (result.judgement.exit_code, failed(result)) == (0, {})
    assert result.glance.sites["series"].to_list() == [1]


def test_a_file_without_a_series_counts_where_it_lies_beside_the_cohort(
    made: Path, rules: tuple[Rule, ...], tmp_path: Path
) -> None:
    north = write_cohort(tmp_path / "n.parquet", Catalog(made / "catalog"), pl.col("site") == "north")
    result = judged(made / "catalog", north, rules)
    files = {(row["site"], row["evaluated"]) for row in result.outcomes.to_dicts() if row["rule_id"] == "FMT-001"}
    inside = Catalog(made / "catalog").scan("instances").filter(site="north").select(pl.len()).collect().item()
    assert files == {("north", inside)}


def test_the_report_says_that_a_cohort_was_judged_and_says_it_again_without_the_file(
    made: Path, rules: tuple[Rule, ...], tmp_path: Path
) -> None:
    catalog = Path(shutil.copytree(made / "catalog", tmp_path / "catalog"))
    cohort = write_cohort(tmp_path / "c.parquet", Catalog(catalog), pl.col("site") == "north")
    judged(catalog, cohort, rules[:1])
    cohort.unlink()
    again = recall(Catalog(catalog), rules)
    assert because(again)[0]["en"] == "Only a part was asked for and judged: the cohort by hand of 2 series."
    assert "队列 by hand，共 2 个序列" in because(again)[0]["zh"]
    assert again.glance.sites["site"].to_list() == ["north"]


def test_what_moved_on_since_is_told_and_what_is_gone_makes_the_run_incomplete(
    made: Path, rules: tuple[Rule, ...], tmp_path: Path
) -> None:
    archive = Path(shutil.copytree(made / "archive", tmp_path / "archive"))
    catalog = Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test")
    index(catalog, [archive])
    cohort = write_cohort(tmp_path / "c.parquet", catalog, pl.col("site") == "north")
    shutil.rmtree(archive / "north" / "mr")
    next((archive / "north" / "ct").glob("*[0-9].dcm")).unlink()
    write(ct_series(Exam(patient="n-3"), CHEST), archive / "north" / "later")
    index(catalog, [archive], IndexOptions(confirm_removed=True))
    result = judged(catalog.path, cohort, tuple(rule for rule in rules if rule.id == "FMT-001"))
    assert result.only.cohort is not None
    assert result.only.cohort.standing == Standing(gone=1, changed=1, new=1)
    assert not result.judgement.complete
    assert [reason["en"] for reason in result.judgement.incomplete_because] == [
        "1 series of the cohort are no longer in the catalog"
    ]


def test_a_file_that_is_no_cohort_is_refused(made: Path, tmp_path: Path) -> None:
    catalog = Catalog(made / "catalog")
    text = tmp_path / "c.parquet"
    text.write_text("level,included\n")
    plain = tmp_path / "p.parquet"
    pl.DataFrame({"series_key": ["a"]}).write_parquet(plain)
    cut = write_cohort(tmp_path / "cut.parquet", catalog)
    cut.write_bytes(cut.read_bytes()[:-40])
    for path in (text, plain, cut, tmp_path / "absent.parquet", tmp_path):
        with pytest.raises(DqkitError, match=r"no cohort|cannot be read"):
            read_cohort(path, catalog)


def test_a_cohort_of_another_catalog_or_key_or_of_nothing_is_refused(made: Path, tmp_path: Path) -> None:
    catalog = Catalog(made / "catalog")
    other = Catalog.create(tmp_path / "other", load_key().fingerprint, "test")
    index(other, [made / "archive"])
    cohort = write_cohort(tmp_path / "c.parquet", other)
    with pytest.raises(DqkitError, match="chosen from another catalog"):
        read_cohort(cohort, catalog)
    third = Catalog.create(tmp_path / "third", "another key", "test")
    with pytest.raises(DqkitError, match="was chosen under the key"):
        read_cohort(cohort, third)
    with pytest.raises(NothingToCheckError, match="holds no series"):
        read_cohort(write_cohort(tmp_path / "e.parquet", catalog, pl.lit(value=False)), catalog)


def test_the_command_line_refuses_what_is_no_cohort(made: Path, tmp_path: Path) -> None:
    ran = dqkit("audit", made / "catalog", "--out", tmp_path / "out", "--cohort", tmp_path / "absent.parquet")
    assert (ran.code, "cannot be read" in ran.said) == (2, True)
    assert not (tmp_path / "out").exists()
