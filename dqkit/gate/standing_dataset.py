"""What changed in a dataset since a verdict: its file, and the bytes of what training reads."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.archive.checksum import sha256_of
from dqkit.catalog.store import Catalog
from dqkit.dataset.entries import Asked, Dataset, read_dataset
from dqkit.dataset.files import files_of
from dqkit.dataset.manifest import NAME, manifest_of, read_manifest
from dqkit.dataset.repeats import each_once
from dqkit.dataset.sources import with_audited
from dqkit.errors import DqkitError
from dqkit.gate.policy_file import parse_policy
from dqkit.gate.verdict_file import VerdictFile
from dqkit.index.checksums import SUMS, known_of, outside_ids, read_checksums
from dqkit.index.progress import Progress
from dqkit.model import FileStatus

_KEY = ["sum_id", "size", "mtime_ns"]


@dataclass
class DatasetChanges:
    """What changed, as sentences with a count, and what could not be looked at."""

    changes: list[tuple[str, str, int]] = field(default_factory=list)
    unseen: list[tuple[str, str]] = field(default_factory=list)


def dataset_changes(
    verdict: VerdictFile,
    path: Path,
    catalog: Catalog | None,
    policy: Path | None,
    *,
    reread: bool,
    progress: Progress,
) -> DatasetChanges:
    """Compare a dataset with what a gate saw of it; nothing is written.

    Where manifest.sha256 lies beside the verdict, files that came, went and changed are counted; without it only
    whether all are the same is known.

    Parameters
    ----------
    catalog
        Knows checksums of files whose size and time did not change; None = every file is read.
    policy
        Its file, from whose folder a root of the dataset is named.
    reread
        Read every file, whatever is known.
    """
    section = verdict.data["dataset"]
    found = DatasetChanges()
    dataset = read_dataset(path, _asked(verdict, policy))
    if dataset.sha256 != section["sha256"]:
        found.changes.append(("the dataset file changed", "数据集文件已改变", 0))
    files = _with_sums(each_once(files_of(dataset, progress)), catalog, reread=reread, progress=progress)
    unread = files.filter(pl.col("sha256").is_null() & (pl.col("status") != FileStatus.VANISHED.value)).height
    if unread:
        found.unseen.append((f"{unread:,} files of the dataset cannot be read", f"数据集有 {unread:,} 个文件无法读取"))
    found.changes += _against_manifest(verdict.path.parent / NAME, section["manifest"], files, dataset)
    return found


def _asked(verdict: VerdictFile, policy: Path | None) -> Asked:
    """Return which columns the policy of the verdict named, and the root, which hangs on where the policy lies.

    Raises
    ------
    DqkitError
        It names a root, and nobody said where it lies.
    """
    columns = parse_policy(verdict.data["policy"]["text"], policy or verdict.path).dataset
    if columns.root is not None and policy is None:
        raise DqkitError("the policy names a root for the paths of the dataset", "give its file with --policy")
    return Asked(columns.file, columns.label, columns.split, columns.root)


def _with_sums(files: pl.DataFrame, catalog: Catalog | None, *, reread: bool, progress: Progress) -> pl.DataFrame:
    """Add `sha256`: as the catalog knows it, else as the file is read; null where it cannot be."""
    here = files.filter(pl.col("status").is_null()).drop("status")
    known = pl.DataFrame(schema={"sum_id": pl.String, "size": pl.Int64, "mtime_ns": pl.Int64, "sha256": pl.String})
    here = here.with_columns(_ids(here, catalog))
    if catalog is not None and not reread:
        known = known_of(catalog, here.select("size", "mtime_ns", file_id="sum_id"))
        known = known.select("size", "mtime_ns", "sha256", sum_id="file_id")
    todo = here.join(known, on=_KEY, how="anti")
    progress.stage("computing checksums", todo.height)
    read = pl.concat([pl.DataFrame(schema=SUMS), *_read(todo, progress)])
    sums = pl.concat(
        [known.select("sum_id", "sha256"), read.select(pl.col("file_id").alias("sum_id"), "sha256")]
    ).unique("sum_id", keep="last")
    told = here.join(sums, on="sum_id", how="left").select("place", "sha256")
    return files.join(told, on="place", how="left", maintain_order="left")


def _ids(files: pl.DataFrame, catalog: Catalog | None) -> pl.Series:
    """Return under which id the catalog would keep the checksum of each file."""
    outside = outside_ids(files["place"]).alias("sum_id")
    if catalog is None:
        return outside
    inside = with_audited(files, catalog)["file_id"]
    return inside.fill_null(outside).alias("sum_id")


def _read(todo: pl.DataFrame, progress: Progress) -> Iterator[pl.DataFrame]:
    wanted = todo.select(pl.col("sum_id").alias("file_id"), "size", "mtime_ns", "place")
    for frame in read_checksums(wanted, os.cpu_count() or 1):
        progress.advance(frame.height)
        yield frame


def _against_manifest(
    path: Path, named: Mapping[str, Any], files: pl.DataFrame, dataset: Dataset
) -> list[tuple[str, str, int]]:
    if manifest_of(files, dataset.root).sha256 == named["sha256"]:
        return []
    if not path.is_file() or sha256_of(path) != named["sha256"]:
        return [
            (
                f"files of the dataset changed; which cannot be told, as {NAME} does not lie beside the verdict",
                f"数据集文件已改变；判定文件旁没有 {NAME}，无法指出是哪些文件",
                0,
            )
        ]
    then = read_manifest(path, dataset.root)
    now = files.filter(pl.col("sha256").is_not_null()).select("place", "sha256")
    both = then.join(now, on="place", suffix="_now")
    counts = (
        ("new", "新增", now.join(then, on="place", how="anti").height),
        ("changed", "改变", both.filter(pl.col("sha256") != pl.col("sha256_now")).height),
        ("gone", "消失", then.join(now, on="place", how="anti").height),
    )
    return [
        (f"{count:,} files of the dataset are {en}", f"数据集有 {count:,} 个文件{zh}", count)
        for en, zh, count in counts
        if count
    ]
