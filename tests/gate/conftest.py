"""A small archive with names and ids planted in it, its catalog, and policies to hold it against."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dqkit.catalog.store import Catalog
from dqkit.gate.policy import Policy
from dqkit.gate.policy_file import parse_policy, pinned_packs
from dqkit.gate.result import GateResult
from dqkit.gate.run import GateOptions, Judges, gate
from dqkit.identity import Pseudonyms, load_key
from dqkit.index.build import index
from dqkit.rulebook.book import load_book
from dqkit.rulebook.pack_rules import with_packs
from tests import dicom_defects as defects
from tests.dicom_factory import Exam, Grid, ct_series, mr_series, write

BOOK = load_book()
KEY = "0123456789abcdef0123456789abcdef"
SMALL = Grid(n=6, rows=16, columns=16)

PLANTED = ("Plantedname", "PLANTEDID", "plantedfolder", "PLANTEDACC")
"""Values of files and names of folders that no output may show."""

POLICY = "name: test\npacks: [general@1.0.0]\nrehash: none\n"
FEW = "scope: {select: [FMT-001, GEO-003, GEO-025]}\n"
"""Great Expectations takes 4 ms of CPU a rule: tests judge by three of them, unless they say otherwise."""


def make_archive(root: Path) -> Path:
    """Write two hospitals: north is whole; south lost a slice, and drifts in thickness."""
    for site, patients in (("north", 3), ("south", 2)):
        for k in range(patients):
            exam = Exam(site=site, patient=f"PLANTEDID{site}{k}", name=f"Plantedname^{k}")
            images = ct_series(exam, SMALL, AccessionNumber=f"PLANTEDACC{k}")
            if site == "south" and k == 0:
                images = defects.drop_slice(images, 3)
            if site == "south" and k == 1:
                images = defects.drift_thickness(images, 400.0)
            write(images, root / site / f"plantedfolder{k}")
    write(mr_series(Exam(site="north", patient="PLANTEDIDmr", name="Plantedname^mr"), SMALL), root / "north" / "mr")
    return root


@dataclass(frozen=True)
class Archive:
    """An archive and its catalog."""

    root: Path
    catalog: Path

    def opened(self) -> Catalog:
        return Catalog(self.catalog)


@pytest.fixture(scope="session")
def _key() -> Iterator[None]:
    with mock.patch.dict(os.environ, DQKIT_KEY=KEY):
        yield


@pytest.fixture(scope="session")
def indexed(_key: None, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Index it once, and let a gate audit it; only to be read."""
    folder = tmp_path_factory.mktemp("gate")
    root = make_archive(folder / "archive")
    catalog = Catalog.create(folder / "catalog", load_key().fingerprint, "test")
    index(catalog, [root])
    judge(catalog)
    return Archive(root, catalog.path)


@pytest.fixture
def archive(indexed: Archive, tmp_path: Path) -> Archive:
    """Return a copy of the catalog that a test may change; the archive itself is shared."""
    return Archive(indexed.root, Path(shutil.copytree(indexed.catalog, tmp_path / "catalog")))


@pytest.fixture(scope="session")
def closed(indexed: Archive) -> GateResult:
    """Return what the plain policy says: the lost slice closes the gate."""
    return judge(indexed.opened())


def policy_of(text: str = "", path: Path = Path("gate.yaml")) -> Policy:
    """Return the plain policy with more in it."""
    return parse_policy(POLICY + text + ("" if "scope:" in text else FEW), path)


def judge(catalog: Catalog, text: str = "", pseudonyms: Pseudonyms | None = None, **options: Any) -> GateResult:
    policy = policy_of(text)
    return gate(catalog, policy, judges_for(policy), pseudonyms or load_key(), GateOptions(**options))


def judges_for(policy: Policy) -> Judges:
    """Do what run.judges_of does, but read the book once."""
    packs = pinned_packs(policy)
    return Judges(with_packs(BOOK, packs).select(policy.select, policy.ignore), packs)
