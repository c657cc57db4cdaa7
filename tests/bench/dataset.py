"""A dataset of a million files: a gate that traces it, and the evidence of its verdict, each in a process of its own.

The files are hard links to a few small ones, so that the file system holds a million names and hardly any bytes; their
checksums are known to the catalog, as they are from the second gate on.
"""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from dqkit.catalog.runs import Record
from dqkit.catalog.schema import INSTANCES, SOURCES, conform
from dqkit.catalog.store import Catalog
from dqkit.evidence.collect import EvidenceOptions, collect
from dqkit.evidence.seal import seal
from dqkit.evidence.signing import fingerprint, load_private, make_key
from dqkit.gate.policy_file import parse_policy
from dqkit.gate.run import GateOptions, gate, judges_of
from dqkit.gate.verdict_file import read_verdict
from dqkit.identity import digests, load_key
from dqkit.index.sources import ONLINE, root_text, volume_id
from dqkit.report.evidence_pages import pages_of
from dqkit.report.gate_folder import write_gate
from tests.bench.clock import Figure, cpu, peak_bytes

_A_FOLDER = 200
_LINKS = 30_000
"""Names of one file; ext4 allows 65,000."""

_POLICY = "packs: [general@1.0.0]\nscope: {select: [FMT-001, IDN-001]}\nrehash: none\nmax_unknown: any\n"
_MOST_GB = 2


def measure(scratch: Path, n: int = 1_000_000) -> list[Figure]:
    folder = scratch / "dataset"
    print(f"writing a dataset of {n:,} names", flush=True)
    make_dataset(folder, n)
    one_process("gate", folder)  # audits, and is the gate of the day before
    figures = []
    for what in ("gate", "evidence"):
        peak, seconds, size = one_process(what, folder)
        detail = f"{peak:.2f} GB at its peak, {seconds:.0f} s CPU, {size / 1e6:,.0f} MB written"
        figures.append(Figure(f"memory of `{what}` with a dataset of {n:,} files", peak, "1 GB", _MOST_GB, detail))
    return figures


def one_process(what: str, folder: Path) -> tuple[float, float, float]:
    """Do it in a process of its own; return its peak in GB, its CPU seconds, and what it wrote in bytes."""
    command = [sys.executable, "-m", "tests.bench.dataset", what, str(folder)]
    ran = subprocess.run(command, check=True, capture_output=True)
    peak, seconds, size = json.loads(ran.stdout.splitlines()[-1])
    return peak, seconds, size


def run_gate(folder: Path) -> int:
    """Gate the dataset; return the bytes of the manifest."""
    policy = parse_policy(_POLICY, folder / "gate.yaml")
    options = GateOptions(dataset=folder / "train.csv")
    result = gate(Catalog(folder / "catalog"), policy, judges_of(policy), load_key(), options)
    write_gate(result, folder / "out", ["json"])
    return (folder / "out" / "manifest.sha256").stat().st_size


def run_evidence(folder: Path) -> int:
    """Collect and seal the evidence; return its bytes."""
    make_key(folder / "key.pem")
    key = load_private(folder / "key.pem")
    with ExitStack() as scratch, (folder / "evidence.zip").open("wb") as out:
        evidence = collect(
            read_verdict(folder / "out"), Catalog(folder / "catalog"), load_key(), EvidenceOptions(), scratch
        )
        if not evidence.complete:
            raise RuntimeError(evidence.missing)
        seal(evidence, pages_of(evidence, fingerprint(key.public_key())), key, out.write)
    return (folder / "evidence.zip").stat().st_size


def make_dataset(folder: Path, n: int) -> None:
    """Write an archive of `n` names, its catalog, and train.csv."""
    archive = folder / "archive"
    archive.mkdir(parents=True)
    paths, sums = [], []
    for first in range(0, n, _LINKS):
        content = b"%020d" % first
        origin = folder / f"origin-{first}"
        origin.write_bytes(content)
        os.utime(origin, ns=(10**18, 10**18))
        sha256 = hashlib.sha256(content).hexdigest()
        for k in range(first, min(first + _LINKS, n)):
            series = archive / f"site{k % 5}" / f"series{k // _A_FOLDER:05d}"
            if k % _A_FOLDER < 5:
                series.mkdir(parents=True, exist_ok=True)
            path = series / f"image-{k:07d}.dcm"
            os.link(origin, path)
            paths.append(str(path.relative_to(archive)))
            sums.append(sha256)
    _catalog(folder, archive, paths, sums)
    rows = pl.DataFrame({"path": ["archive/" + path for path in paths], "label": ["a", "b"] * (n // 2)})
    rows.write_csv(folder / "train.csv")


def _catalog(folder: Path, archive: Path, paths: list[str], sums: list[str]) -> None:
    catalog = Catalog.create(folder / "catalog", load_key().fingerprint, "bench")
    ids = digests("file", "source", last=[path.encode() for path in paths])
    files = pl.DataFrame({"file_id": ids, "path": paths, "sha256": sums}).with_columns(
        source_id=pl.lit("source"),
        size=pl.lit(20),
        mtime_ns=pl.lit(10**18),
        status=pl.lit("dicom"),
        bucket=(pl.int_range(pl.len()) % 64).cast(pl.Int32),
        site=pl.col("path").str.extract(r"^([^/]+)"),
        series_key=pl.col("path").str.extract(r"^(.*)/"),
        study_key=pl.col("path").str.extract(r"^(.*)/"),
        patient_key=pl.col("path").str.extract(r"^(.*)/"),
        SOPInstanceUID=pl.concat_str(pl.lit("1.2.826.0.1.3680043.8.498."), "file_id"),
    )
    source = {
        "source_id": "source", "name": "archive", "root": root_text(archive), "volume_id": volume_id(archive),
        "site_from": "auto", "state": ONLINE, "n_files": len(paths), "root_folders": 5,
    }  # fmt: skip
    with catalog.write() as writer:
        writer.overwrite("sources", conform(pl.DataFrame([source]), SOURCES))
        for part in files.iter_slices(100_000):
            writer.append("instances", conform(part, INSTANCES))
        writer.append("checksums", files.with_columns(checked_at=pl.lit(0).cast(pl.Datetime("us", "UTC"))))
        writer.commit(Record("index", "bench"))


if __name__ == "__main__":
    written = {"gate": run_gate, "evidence": run_evidence}[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps([peak_bytes() / 1e9, cpu(), written]))
