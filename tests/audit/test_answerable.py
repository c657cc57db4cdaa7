"""What a table can answer, and that it is silent where it has nothing to say."""

from pathlib import Path

import polars as pl
import pytest

from dqkit.audit.answerable import answerable, can_answer, lacking, shares_of, told_by
from dqkit.audit.by_expectations import count_by_expectations
from dqkit.audit.engine import evaluate
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.index.table import TableOptions, index_table
from dqkit.index.table_mapping import Column, TableMapping
from dqkit.model import Level
from dqkit.rulebook.book import Book, load_book
from tests.dicom_factory import Exam, ct_series, write

UID = "1.2.826.0.1.3680043.10.1599.88"
COLUMNS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesDescription", "SliceThickness")


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Return a catalog of a CT with files, and of a table of three series: two CTs (one absurdly thick), an MR."""
    write(ct_series(Exam(site="north", patient="n-1")), tmp_path / "archive" / "ct")
    made = Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test")
    index(made, [tmp_path / "archive"])
    lines = [",".join(COLUMNS), *(f"p{i},{UID}.1.{i},{UID}.2.{i},{m},chest,{t}" for i, m, t in
                                  ((0, "CT", "1.5"), (1, "CT", "900"), (2, "MR", "")))]  # fmt: skip
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines))
    mapping = TableMapping("m", tuple(Column(name, name) for name in COLUMNS))
    index_table(made, table, TableOptions(mapping=mapping))
    return made


def counts(catalog: Catalog, book: Book, rule: str) -> dict[str, dict[str, int]]:
    frame = evaluate([book.get(rule)], catalog).counts
    return {row["site"]: {k: v for k, v in row.items() if isinstance(v, int) and v} for row in frame.to_dicts()}


def test_a_rule_whose_columns_the_table_has_is_judged(catalog: Catalog, book: Book):
    assert counts(catalog, book, "GEO-025")["t"] == {"PASS": 1, "FAIL": 1, "NOT_APPLICABLE": 1}


def test_what_the_table_never_had_is_not_missing_but_not_looked_at(catalog: Catalog, book: Book):
    found = counts(catalog, book, "FMT-047")  # StudyDate is missing
    assert found["t"] == {"NOT_LOOKED_AT": 3}
    assert "NOT_LOOKED_AT" not in found["north"]


def test_what_is_out_of_scope_by_the_columns_there_are_is_not_applicable(catalog: Catalog, book: Book):
    assert counts(catalog, book, "GEO-010")["t"] == {"NOT_LOOKED_AT": 3}
    assert counts(catalog, book, "GEO-026")["t"]["NOT_LOOKED_AT"] == 3  # a table of series knows of no variation


def test_studies_and_patients_of_a_table_are_treated_alike(catalog: Catalog, book: Book):
    assert counts(catalog, book, "IDN-028")["t"] == {"NOT_LOOKED_AT": 3}  # accession numbers
    assert counts(catalog, book, "IDN-014")["t"] == {"PASS": 3}  # patients of a study
    assert counts(catalog, book, "IDN-024")["t"] == {"NOT_LOOKED_AT": 3}  # birth dates


def test_files_beside_a_table_are_judged_as_ever(catalog: Catalog, book: Book):
    for rule in ("GEO-026", "IDN-028", "FMT-047"):
        assert counts(catalog, book, rule)["north"].keys() <= {"PASS", "NOT_APPLICABLE"}


def test_both_engines_agree_on_tables(catalog: Catalog, book: Book):
    rules = [book.get(name) for name in ("GEO-025", "FMT-028", "FMT-047", "IDN-013", "IDN-014", "IDN-028")]
    by_gx = count_by_expectations(rules, catalog).counts.sort("rule_id", "site")
    by_polars = evaluate(rules, catalog).counts.filter(pl.col("PASS") + pl.col("FAIL") > 0)
    expressed = by_polars.join(by_gx, on=["rule_id", "site"], how="semi").sort("rule_id", "site")
    assert expressed.select("rule_id", "site", "PASS", "FAIL").equals(by_gx.select("rule_id", "site", "PASS", "FAIL"))
    assert expressed.height >= 8


def test_a_catalog_of_tables_alone_never_fires_what_it_cannot_answer(tmp_path: Path, book: Book):
    made = Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test")
    table = tmp_path / "t.csv"
    table.write_text(f"StudyInstanceUID,SeriesInstanceUID,Modality\n{UID}.1,{UID}.2,CT\n")
    columns = tuple(Column(name, name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "Modality"))
    summary = index_table(made, table, TableOptions(mapping=TableMapping("m", columns)))
    rules = [rule for rule in book if not rule.is_open]
    evaluation = evaluate(rules, made)
    assert not evaluation.crashed
    assert evaluation.failed.is_empty()
    yes, no = answerable(rules, summary.given)
    judged = evaluation.counts.filter(pl.col("PASS") + pl.col("FAIL") > 0)["rule_id"]
    assert set(judged) <= {rule.id for rule in yes}
    (share,) = shares_of(made, rules)
    assert (share.answers, share.rules, share.series) == (len(yes), len(yes) + len(no), 1)


def test_what_a_table_lacks_for_a_rule_is_named(book: Book):
    told = told_by({"Modality", "SliceThickness"})
    assert not can_answer(book.get("GEO-025"), told)
    assert lacking(book.get("GEO-025"), told) == ("ImageType",)
    assert lacking(book.get("FMT-051"), told) == ("AcquisitionDate", "StudyDate")


def test_rules_of_images_lack_no_column(book: Book):
    told = told_by({"Modality"})
    assert all(lacking(rule, told) == () for rule in book if rule.level in (Level.FILE, Level.INSTANCE, Level.STACK))


def test_variation_is_told_by_tables_of_images_alone(book: Book):
    rule = book.get("IDN-019")
    assert not can_answer(rule, told_by({"Modality"}))
    assert can_answer(rule, told_by({"Modality", "varying:Modality"}))
