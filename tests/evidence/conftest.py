"""A gate over a small archive with names planted in it, with a dataset, waivers and a baseline, and its evidence."""

import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dqkit.catalog.store import Catalog
from dqkit.evidence.collect import Evidence, EvidenceOptions, collect
from dqkit.evidence.container import Container, Content, write_container
from dqkit.evidence.seal import seal
from dqkit.evidence.signing import fingerprint, load_private, make_key
from dqkit.gate.baseline import read_baseline, write_baseline
from dqkit.gate.policy_file import read_policy
from dqkit.gate.run import GateOptions, baseline_of, gate, judges_of
from dqkit.gate.verdict_file import read_verdict
from dqkit.gate.waiver_file import read_waivers
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.report.evidence_pages import pages_of
from dqkit.report.gate_folder import write_gate
from tests import dicom_defects as defects
from tests.dicom_factory import Exam, Grid, ct_series, write

KEY = "0123456789abcdef0123456789abcdef"
SMALL = Grid(n=5, rows=16, columns=16)
PLANTED = ("Plantedname", "PLANTEDID", "plantedfolder")

POLICY = """name: <script>nightly</script>
packs: [general@1.0.0]
scope: {select: [FMT-001, FMT-027, IDN-001, GEO-003, GEO-005, PIX-001]}
rehash: none
max_unknown: any
"""

WAIVERS = """waivers:
  - rule: GEO-003
    scope: {site: south}
    owner: A. Steward
    reason: "=1+1 <b>known</b> since the move"
    expires: 2999-12-31
"""


@dataclass(frozen=True)
class Gated:
    """An archive, its catalog, the files of a project, and the folder that the gate wrote."""

    root: Path

    @property
    def catalog(self) -> Path:
        return self.root / "catalog"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def policy(self) -> Path:
        return self.root / "gate.yaml"

    @property
    def waivers(self) -> Path:
        return self.root / "waivers.yaml"

    @property
    def baseline(self) -> Path:
        return self.root / "baseline.json"

    @property
    def dataset(self) -> Path:
        return self.root / "train.csv"

    @property
    def private_key(self) -> Path:
        return self.root / "key.pem"

    def collected(self, scratch: ExitStack, **options: Any) -> Evidence:
        given = EvidenceOptions(**{"baseline": self.baseline, **options})
        return collect(read_verdict(self.out), Catalog(self.catalog), load_key(), given, scratch)

    def sealed(self, *, signed: bool = True, **options: Any) -> bytes:
        """Return the bytes of an evidence file."""
        key = load_private(self.private_key) if signed else None
        out = io.BytesIO()
        with ExitStack() as scratch:
            evidence = self.collected(scratch, **options)
            seal(evidence, pages_of(evidence, fingerprint(key.public_key()) if key else ""), key, out.write)
        return out.getvalue()


def gate_again(gated: Gated) -> None:
    """Run the gate over everything in the folder, as it is now."""
    policy = read_policy(gated.policy)
    catalog = Catalog(gated.catalog, load_key().fingerprint)
    options = GateOptions(
        waivers=read_waivers(gated.waivers),
        baseline=read_baseline(gated.baseline, load_key().fingerprint) if gated.baseline.exists() else None,
        dataset=gated.dataset,
    )
    result = gate(catalog, policy, judges_of(policy), load_key(), options)
    if not gated.baseline.exists():
        write_baseline(gated.baseline, baseline_of(result))
        return gate_again(gated)
    write_gate(result, gated.out, ["json"])
    return None


@pytest.fixture(scope="session")
def _key() -> Iterator[None]:
    with mock.patch.dict(os.environ, DQKIT_KEY=KEY):
        yield


@pytest.fixture(scope="session")
def gated(_key: None, tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """Gate once; only to be read."""
    root = tmp_path_factory.mktemp("evidence") / "project"
    for site, patients in (("north", 2), ("south", 1)):
        for k in range(patients):
            exam = Exam(site=site, patient=f"PLANTEDID{site}{k}", name=f"Plantedname^{k}")
            series = ct_series(exam, SMALL)
            folder = root / "archive" / site / f"plantedfolder{k}"
            write(defects.drop_slice(series, 2) if site == "south" else series, folder)
    rows = [f"archive/{site}/plantedfolder0,{label}" for site, label in (("north", "=benign"), ("south", "malignant"))]
    (root / "train.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    (root / "gate.yaml").write_text(POLICY)
    (root / "waivers.yaml").write_text(WAIVERS)
    index(Catalog.create(root / "catalog", load_key().fingerprint, "test"), [root / "archive"])
    gated = Gated(root)
    gate_again(gated)
    make_key(gated.private_key)
    return gated


@pytest.fixture
def project(gated: Gated, tmp_path: Path) -> Gated:
    """Return a copy that a test may change; times of files stay, and the source is where the copy is."""
    from dqkit.index.change_sources import relocate_source

    root = tmp_path / "project"
    shutil.copytree(gated.root, root, copy_function=shutil.copy2)
    relocate_source(Catalog(root / "catalog"), "archive", root / "archive")
    return Gated(root)


@pytest.fixture(scope="session")
def evidence_zip(gated: Gated) -> bytes:
    """Return signed evidence."""
    return gated.sealed()


@pytest.fixture(scope="session")
def unsigned_zip(gated: Gated) -> bytes:
    """Return evidence that nobody signed."""
    return gated.sealed(signed=False)


def opened(data: bytes) -> dict[str, bytes]:
    """Return the members of a container."""
    container = Container(io.BytesIO(data))
    return {name: container.read(name) for name in container.members}


def packed(members: Mapping[str, Content]) -> bytes:
    """Return the bytes of a container, as somebody who knows the form would write them."""
    out = io.BytesIO()
    write_container(members, out.write)
    return out.getvalue()
