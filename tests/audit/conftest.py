"""The seeded archive, indexed and audited once, and tables made by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pydicom.data
import pytest

from dqkit.audit.result import AuditResult
from dqkit.catalog.schema import TABLES, conform, empty
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from tests.audit.seeding import audited
from tests.audit.seeds import CASES, HEADERS


@dataclass(frozen=True)
class HandMade:
    """Tables of a catalog, of rows that say no more than they must."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def scan(self, table: str) -> pl.LazyFrame:
        rows = self.rows.get(table)
        if not rows:
            return empty(TABLES[table]).lazy()
        schema = {name: TABLES[table][name] for row in rows for name in row}
        return conform(pl.DataFrame(rows, schema=schema), TABLES[table]).lazy()


@pytest.fixture(scope="session")
def _key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        yield


@pytest.fixture(scope="session")
def seeded(_key: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, AuditResult]:
    """Return the archive of all single defects, pixels decoded, and its audit."""
    return audited(tmp_path_factory.mktemp("seeded"), CASES, "all")


@pytest.fixture(scope="session")
def seeded_headers(_key: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, AuditResult]:
    """Return the archive of those defects whose pixels are not to be decoded, and its audit."""
    return audited(tmp_path_factory.mktemp("headers"), HEADERS, "none")


@pytest.fixture(scope="session")
def real_files(_key: None, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return a catalog of the files that pydicom's wheel ships."""
    catalog = Catalog.create(tmp_path_factory.mktemp("real") / "catalog", load_key().fingerprint, "test")
    index(catalog, [Path(pydicom.data.__file__).parent])
    return catalog


@pytest.fixture(scope="session")
def corpus_audit(_key: None, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, AuditResult]:
    """Return the catalog of the real corpus, and its audit."""
    from dqkit.audit.run import audit
    from dqkit.rulebook.book import load_book

    catalog = Catalog.create(tmp_path_factory.mktemp("corpus") / "catalog", load_key().fingerprint, "test")
    index(catalog, [corpus])
    return catalog, audit(catalog, load_book().rules, load_key())
