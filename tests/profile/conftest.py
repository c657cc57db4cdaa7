"""The real corpus as a catalog, indexed once."""

from pathlib import Path

import pytest

from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index


@pytest.fixture(scope="session")
def real_catalog(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        catalog = Catalog.create(tmp_path_factory.mktemp("corpus") / "catalog", load_key().fingerprint, "test")
        index(catalog, [corpus])
    return catalog
