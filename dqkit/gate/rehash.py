"""``rehash`` of a policy without a dataset: whether files of the archive still have the bytes that they had."""

import os

import polars as pl

from dqkit.catalog.schema import conform
from dqkit.catalog.store import Catalog
from dqkit.dataset.tracing import SILENTLY
from dqkit.gate.condition import CONDITION_FINDINGS, Condition
from dqkit.gate.dataset_kinds import CHANGED_SILENTLY
from dqkit.identity import Pseudonyms
from dqkit.index.checksums import Rehash, checksums, known_checksums, places_of
from dqkit.index.progress import Progress
from dqkit.index.sources import registered
from dqkit.model import Severity

_NAMED = 1000
_KEY = ["file_id", "size", "mtime_ns"]


def rehashed(catalog: Catalog, rehash: Rehash, pseudonyms: Pseudonyms, progress: Progress) -> Condition:
    """Read files of the archive again and say which changed though their size and modification time did not.

    Parameters
    ----------
    rehash
        NONE: what is known already; SAMPLE: some of the files whose checksum is known; ALL: every file of every source
        that is there, those too that get their first checksum now, about which nothing can be said yet.
    """
    files = catalog.scan("instances").select(*_KEY, "source_id", "path").filter(pl.col("size") >= 0)
    with Catalog(catalog.path).write(lambda: progress.note("another dqkit is writing this catalog: waiting")) as writer:
        known = known_checksums(writer).select(_KEY)
        if rehash is not Rehash.ALL:
            files = files.join(known, on=_KEY, how="semi")
        wanted = places_of(files.collect(), registered(catalog.scan("sources").collect()))
        before = known.join(wanted.lazy(), on=_KEY, how="semi").collect()
        sums = checksums(writer, wanted, rehash, os.cpu_count() or 1, progress)
    as_listed = sums.join(wanted.select(_KEY), on=_KEY, how="semi")
    changed = as_listed.filter(pl.col("sha256") != pl.col("first_sha256")).sort("file_id")
    names = [f"file {pseudonyms.of('file', file_id)}" for file_id in changed["file_id"].head(_NAMED)]
    found = changed.head(_NAMED).with_columns(
        pl.Series("subject", names, dtype=pl.String),
        observed=pl.lit(SILENTLY),
        expected=pl.lit("the bytes that it had"),
    )
    return Condition(
        CHANGED_SILENTLY,
        Severity.CRITICAL,
        evaluated=before.height,
        failed=changed.height,
        findings=conform(found, CONDITION_FINDINGS),
    )
