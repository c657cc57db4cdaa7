"""A gate on a catalog that did not change, as CI runs it: a process of its own, less GX's import."""

import subprocess
import sys
from pathlib import Path

from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from tests.bench.clock import Figure, interleaved

POLICY = "packs: [general@1.0.0]\nmax_catalog_age: 7 days\nminimum: [{patients: 1}]\nmax_unknown: {critical: any}\n"
FORMATS = "text,junit,sarif,gitlab,markdown"
_IMPORT = "import os; os.environ['GX_ANALYTICS_ENABLED'] = 'false'; import great_expectations"


def measure(archive: Path, scratch: Path) -> list[Figure]:
    """Index and audit once, then measure gates that take that audit."""
    catalog = Catalog.create(scratch / "gate-catalog", load_key().fingerprint, "bench")
    index(catalog, [archive])
    policy = scratch / "gate.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    options = ["--policy", str(policy), "--out", str(scratch / "verdict"), "--format", FORMATS]
    line = [sys.executable, "-m", "dqkit", "gate", str(catalog.path), *options]
    first = subprocess.run(line, check=False, capture_output=True)
    assert first.returncode in (0, 1), first.stderr.decode()
    importing, gating = interleaved(
        lambda: subprocess.run([sys.executable, "-c", _IMPORT], check=True),
        lambda: subprocess.run(line, check=False, capture_output=True),
        3,
    )
    seconds = gating - importing
    instances = sum(1 for path in archive.rglob("*") if path.is_file())
    detail = (
        f"{seconds:.2f} s of CPU, all of dqkit, for {instances:,} instances; GX's import takes {importing:.2f} s more"
    )
    return [Figure("gate, nothing changed, beside GX's import", seconds, "1 s", 3, detail)]
