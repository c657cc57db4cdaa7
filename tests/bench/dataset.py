"""A dataset of a million files: tracing, conditions, manifest and evidence, in a process of their own for their peak.

The files are hard links to a few small ones, so that the file system holds a million names and hardly any bytes; their
checksums are known to the catalog, as they are from the second gate on.
"""

import hashlib
import os
from pathlib import Path

import polars as pl

from dqkit.catalog.runs import Record
from dqkit.catalog.schema import INSTANCES, SOURCES, conform
from dqkit.catalog.store import Catalog
from dqkit.identity import digests, load_key
from dqkit.index.sources import ONLINE, root_text, volume_id

_A_FOLDER = 200
_LINKS = 30_000
"""Names of one file; ext4 allows 65,000."""


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
