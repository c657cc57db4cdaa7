"""A million real series: the index of NCI Imaging Data Commons, audited by every rule that it can answer.

Needs the package idc-index-data (the extra ``dqkit[idc]``). The yardstick is the same polars plan, with nothing around
it: outcomes counted by site, and the key of every failure on disk.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.table import TableOptions, index_table
from dqkit.rulebook.book import load_book
from dqkit.rulebook.mapping import find_in_package, load_mapping
from tests.bench.audits import bare, whole
from tests.bench.clock import Figure, interleaved, peak_bytes

_MOST_GB = 3


def measure(scratch: Path) -> list[Figure]:
    if find_spec("idc_index_data") is None:
        print("IDC is not measured: pip install 'dqkit[idc]'", flush=True)
        return []
    path = scratch / "idc"
    mapping = load_mapping("idc")
    indexed = index_table(
        Catalog.create(path, load_key().fingerprint, "bench"), find_in_package(mapping), TableOptions(mapping=mapping)
    )
    bare_seconds, audit_seconds, peak, rules, findings = one_process(path)
    detail = f"{audit_seconds:.1f} s against {bare_seconds:.1f} s: {rules:.0f} rules, {findings:,.0f} findings"
    return [
        Figure(f"audit of {indexed.series:,} series of IDC", audit_seconds / bare_seconds, "the bare plan", 2, detail),
        Figure("memory of that audit", peak, "1 GB", _MOST_GB, f"{peak:.2f} GB at its peak"),
    ]  # fmt: skip


def one_process(path: Path) -> tuple[float, ...]:
    """Measure in a process of its own, so that its peak of memory is that of the audit."""
    command = [sys.executable, "-m", "tests.bench.idc", str(path)]
    return tuple(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def main(path: Path) -> None:
    catalog, rules = Catalog(path), list(load_book().select().rules)
    found: list[int] = []
    bare_seconds, audit_seconds = interleaved(
        lambda: bare(rules, catalog), lambda: found.append(whole(rules, catalog)), 3
    )
    print(json.dumps([bare_seconds, audit_seconds, peak_bytes() / 1e9, len(rules), found[0]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
