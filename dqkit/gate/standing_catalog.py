"""What changed in a catalog and its sources since a verdict."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from dqkit.archive.walk import walk
from dqkit.catalog import runs
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.gate.verdict_file import decision_digest
from dqkit.index.progress import Progress
from dqkit.index.sources import FOLDER, registered

_MEASURED = ("stacks", "series", "labels", "pixel_measures")
"""Tables that rules see, beside `instances`; that a source was looked at again changes none of them."""

_KNOWN = ["file_id", "size", "mtime_ns"]

Sentence = tuple[str, str]
Counted = tuple[str, str, int]


def run_changes(catalog: Catalog, verdict: Mapping[str, Any]) -> Iterator[Sentence]:
    """Tell whether the catalog's runs know this very verdict.

    Raises
    ------
    DqkitError
        The catalog is another one.
    """
    if catalog.key_fingerprint != verdict["key_fingerprint"]:
        raise DqkitError(
            f"the verdict was given under the key {verdict['key_fingerprint']}, the catalog {catalog.path} has "
            f"{catalog.key_fingerprint}",
            "name the catalog that was judged with --catalog",
        )
    run = catalog.scan("runs").filter(pl.col("run_id") == verdict["catalog"]["run_id"]).collect()
    if run.is_empty():
        raise DqkitError(
            f"the catalog {catalog.path} does not know this verdict", "name the catalog that was judged with --catalog"
        )
    if json.loads(run["counts"][0]).get("decision_sha256") != decision_digest(verdict):
        yield "verdict.json is not as the gate gave it: it was edited", "判定文件与门控给出的不一致：已被编辑"
    if (broken := runs.broken_link(catalog.path)) is not None:
        yield f"the chain of the catalog's runs is broken at run {broken}", f"目录库的运行链在第 {broken} 次运行处断开"


def catalog_changes(catalog: Catalog, versions: Mapping[str, int]) -> Iterator[Counted]:
    """Compare the files that the catalog knew then with those that it knows now."""
    if _versions_gone(catalog, versions):
        yield "the versions of its tables that were judged are gone", "所判断的数据表版本已不存在", 0
        return
    now = catalog.scan("instances", superseded=True).select(_KNOWN).collect()
    then = _judged(catalog, versions).scan("instances", superseded=True).select(_KNOWN).collect()
    told = list(_compared(then, now, "in the catalog", "目录库中"))
    yield from told
    moved = [name for name in _MEASURED if catalog.versions.get(name) != versions.get(name)]
    if moved and not told:
        names = ", ".join(moved)
        yield f"tables that rules see were written since: {names}", f"规则所用数据表此后有写入：{names}", len(moved)


def _judged(catalog: Catalog, versions: Mapping[str, int]) -> Catalog:
    """Return the catalog as it was judged; tables that rules do not see are as they are now."""
    return catalog.as_of({**catalog.versions, **versions})


def _versions_gone(catalog: Catalog, versions: Mapping[str, int]) -> bool:
    return any(catalog.rows_at(name, version) is None for name, version in versions.items())


def source_changes(
    catalog: Catalog, versions: Mapping[str, int], progress: Progress
) -> Iterator[tuple[Counted | None, Sentence | None]]:
    """Compare the files that were judged with those that lie in the sources now; what cannot be listed is told."""
    then = _judged(catalog, versions)
    now = {source.source_id: source for source in registered(catalog.scan("sources").collect())}
    for judged in registered(then.scan("sources").collect()):
        source = now.get(judged.source_id)  # where it is now: its folder may have been moved
        if source is None:
            yield (f"the source {judged.name} was taken out", f"数据源 {judged.name} 已被移除", 1), None
            continue
        if source.kind != FOLDER:
            continue
        of_source = (pl.col("source_id") == source.source_id) & (pl.col("size") >= 0)
        known = then.scan("instances", superseded=True).filter(of_source)
        files = known.select("path", "size", "mtime_ns").collect()
        try:
            listing = walk(source.root_bytes, progress.advance)
        except OSError:
            yield None, (f"the source {source.name} is not there", f"数据源 {source.name} 不可用")
            continue
        if listing.unlisted:
            count = len(listing.unlisted)
            yield (
                None,
                (
                    f"{count} folders of the source {source.name} could not be listed",
                    f"数据源 {source.name} 中有 {count} 个文件夹无法列出",
                ),
            )
        for change in _compared(
            files, listing.files, f"in the source {source.name}", f"数据源 {source.name} 中", "path"
        ):
            yield change, None


def _compared(
    then: pl.DataFrame, now: pl.DataFrame, where_en: str, where_zh: str, key: str = "file_id"
) -> Iterator[Counted]:
    """Count files that are new, gone, or of another size or time."""
    both = then.join(now, on=key, how="inner", suffix="_now")
    differs = (pl.col("size") != pl.col("size_now")) | (pl.col("mtime_ns") != pl.col("mtime_ns_now"))
    for en, zh, count in (
        ("new", "新增", now.join(then, on=key, how="anti").height),
        ("changed", "改变", both.filter(differs).height),
        ("gone", "消失", then.join(now, on=key, how="anti").height),
    ):
        if count:
            yield f"{count:,} files {where_en} are {en}", f"{where_zh}有 {count:,} 个文件{zh}", count
