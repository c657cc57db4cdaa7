"""Every stack of real data is accounted for; what it becomes is held to others in test_against_dcm2niix.py."""

from pathlib import Path

import polars as pl
import pytest

from dqkit.harmonize.run import harmonize
from tests.harmonize.conftest import indexed
from tests.harmonize.solids import recipe

pytestmark = pytest.mark.corpus


@pytest.mark.parametrize("of", ["pydicom__pydicom", "fo-dicom__fo-dicom"])
def test_every_stack_is_written_or_refused_with_its_reason(corpus: Path, tmp_path: Path, of: str) -> None:
    archive = indexed(corpus / of, tmp_path / "catalog")
    summary = harmonize(archive.plan(recipe()), archive.catalog, tmp_path / "out")
    assert summary.complete
    stacks = set(archive.catalog.scan("stacks").collect()["stack_id"])
    images = summary.manifest.filter(pl.col("kind") == "image")
    assert set(images["stack_ids"].explode()) == stacks
    refused = images.filter(pl.col("status") == "refused")
    assert refused.height > 0
    assert refused["reason"].null_count() == 0
