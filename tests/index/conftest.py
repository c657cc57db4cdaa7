"""A small archive of two hospitals, and a catalog of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from tests.dicom_factory import Exam, ct_series, mr_series, write

MakeCatalog = Callable[[str], Catalog]


@pytest.fixture(scope="session")
def _two_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archive") / "two"
    for site in ("north", "south"):
        exam = Exam(site=site, patient=f"{site}-1")
        write(ct_series(exam), root / site / "ct")
        write(mr_series(exam), root / site / "mr")
    return root


@pytest.fixture
def archive(_two_sites: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(_two_sites, tmp_path / "archive"))


@pytest.fixture
def make_catalog(tmp_path: Path) -> MakeCatalog:
    return lambda name: Catalog.create(tmp_path / name, load_key().fingerprint, "test")


@pytest.fixture
def catalog(make_catalog: MakeCatalog) -> Catalog:
    return make_catalog("catalog")
