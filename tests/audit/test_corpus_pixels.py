"""Rules on pixels over the real corpus: what they find was looked at, one by one."""

from pathlib import Path

import polars as pl
import pytest

from dqkit.audit.run import audit
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from dqkit.rulebook.book import load_book

FOUND = {
    ("PIX-002", "fo-dicom__fo-dicom"): 2,  # all zeros
    ("PIX-008", "icometrix__dicom2nifti"): 13,  # volumes whose pixels were replaced by random numbers
    ("PIX-016", "QIICR__dcmqi"): 4,  # three slices, of which the outer two are empty
}

pytestmark = [pytest.mark.corpus, pytest.mark.slow]


@pytest.fixture(scope="module")
def findings(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        catalog = Catalog.create(tmp_path_factory.mktemp("pixels") / "catalog", load_key().fingerprint, "test")
        index(catalog, [corpus], IndexOptions(pixels="all", workers=2))
        return audit(catalog, load_book().select(["FMT", "PIX"]).rules, load_key()).findings


def test_what_is_found_is_true(findings: pl.DataFrame) -> None:
    told = findings.filter(pl.col("rule_id").str.starts_with("PIX") & ~pl.col("rule_id").is_in(["PIX-001", "PIX-017"]))
    counts = {(rule_id, site): n for rule_id, site, n in told.group_by("rule_id", "site").len().rows()}
    assert counts == FOUND


def test_what_does_not_decode_is_broken(findings: pl.DataFrame) -> None:
    broken = findings.filter(pl.col("rule_id") == "PIX-001")["paths"].list.first().str.split("/").list.last()
    assert sorted(broken) == ["JPEG2000-embedded-sequence-delimiter.dcm", "genFile.dcm", "multiframe.dcm"]
