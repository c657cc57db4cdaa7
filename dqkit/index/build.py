"""Indexes sources into a catalog: list, compare, read what is new, write whole buckets, commit once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import polars as pl

from dqkit import __version__
from dqkit.archive.site import SiteRule, with_site
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import INSTANCES, SOURCES, empty
from dqkit.catalog.store import Catalog, Writer
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.geometry.stacks import stacks_of
from dqkit.index import compare, shards
from dqkit.index.compare import Change
from dqkit.index.keys import with_content_hashes, with_keys
from dqkit.index.measure import measure_pixels
from dqkit.index.planes import planes_of, with_surveys
from dqkit.index.progress import Progress, Silent
from dqkit.index.resends import Superseding, is_resend, rules_of_resends, superseding, taken_places
from dqkit.index.series import labels_of, series_of
from dqkit.index.sources import FOLDER, OFFLINE, ONLINE, Source, register, registered
from dqkit.index.table_rows import of_tables
from dqkit.model import TOOL_STATUSES

_NAMED = 10
"""Files of each kind that could not be read and are named; all are counted."""


_WORTH_PROCESSES = 3000
"""Fewer files are read sooner than worker processes start."""


@dataclass(frozen=True)
class IndexOptions:
    """What a person may ask of an index run.

    Attributes
    ----------
    site_rule
        How the site of a file is found; None keeps what the source has.
    site_rules
        Root -> how the site of its files is found, where that is not `site_rule`.
    workers
        Processes that read headers.
    pixels
        ``none``, ``sample`` (first, middle and last image of a series) or ``all``.
    confirm_removed
        Whether more than 1 % of a source's rows may go.
    resend
        Whether the roots are resends, whose files take the place of older ones of their site; None keeps what they are.
    """

    site_rule: SiteRule | None = None
    workers: int = 1
    pixels: str = "none"
    confirm_removed: bool = False
    site_rules: Mapping[Path, SiteRule] = field(default_factory=dict)
    resend: bool | None = None


@dataclass(frozen=True)
class IndexSummary:
    """What an index run did.

    Attributes
    ----------
    new, changed, removed, unchanged
        Numbers of files.
    not_read
        Reason -> number of files or folders that could not be looked at (the run is incomplete).
    folders_not_read, files_not_read
        Escaped relative paths of those folders, and of a few of those files, for the terminal alone.
    offline
        Names of sources that are not there; their rows stay.
    by_site
        site, Modality, series, instances, bytes.
    seconds
        Wall time.
    resends
        Name of each resend that was looked at -> older files whose place its files have taken.
    """

    files: int
    new: int
    changed: int
    removed: int
    unchanged: int
    not_read: dict[str, int]
    folders_not_read: tuple[str, ...]
    offline: tuple[str, ...]
    by_site: pl.DataFrame = field(repr=False)
    seconds: float = 0.0
    files_not_read: tuple[str, ...] = ()
    resends: Mapping[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every file could be looked at."""
        return not self.not_read

    @property
    def superseded(self) -> int:
        """Older files whose place the resends that were looked at have taken."""
        return sum(self.resends.values())


def index(
    catalog: Catalog, roots: Sequence[Path], options: IndexOptions | None = None, progress: Progress | None = None
) -> IndexSummary:
    """Bring `catalog` up to date with `roots`, or with all its sources where none is named.

    Raises
    ------
    NothingToCheckError
        No file in any source, or no source.
    DqkitError
        Sources inside each other, many files gone without `confirm_removed`, or a resend of a site that is not there.
    IncompleteError
        The disk of the catalog failed; its last complete run is untouched.
    """
    options, progress = options or IndexOptions(), progress or Silent()
    started = monotonic()
    began = datetime.now(UTC)
    with catalog.write(lambda: progress.note("another dqkit is writing this catalog: waiting for it")) as writer:
        before = writer.scan("sources").collect()
        rules = {root: options.site_rules.get(root, options.site_rule) for root in roots}
        rules = rules_of_resends(writer, rules) if options.resend else rules
        table = register(before, list(roots), rules, resend=options.resend)
        wanted = [s for s in registered(table) if s.kind == FOLDER and (not roots or s.root in roots)]
        if not wanted:
            raise NothingToCheckError("the catalog has no source yet", "name a folder: dqkit index FOLDER")
        changes = _compare(writer, table, wanted, before, options, progress)
        _refuse_empty(changes)
        _update(writer, table, changes, options, progress)
        table = _mark(table, changes)
        if not _same_but_for_time(table, before):
            writer.overwrite("sources", table)
        progress.stage("summing up")
        summary = _summarize(writer, table, changes, monotonic() - started)
        writer.commit(
            Record(
                "index",
                __version__,
                counts={k: getattr(summary, k) for k in ("files", "new", "changed", "removed", "superseded")}
                | {"sources": [change.source.source_id for change in changes if not change.offline]},
                complete=summary.complete,
                started_at=began,
            )
        )
        if options.pixels != "none":  # after the commit: measuring may take hours, and keeps what it has
            measure_pixels(writer, registered(table), options.pixels, options.workers, progress)
    return summary


def _compare(
    writer: Writer,
    table: pl.DataFrame,
    wanted: Iterable[Source],
    before: pl.DataFrame,
    options: IndexOptions,
    progress: Progress,
) -> list[Change]:
    """List the sources and compare; `before` are the sources as the catalog had them."""
    progress.stage("listing")
    folders = dict(table.select("source_id", "root_folders").iter_rows())
    rules = dict(before.select("source_id", "site_from").iter_rows())
    resends = set(before.filter(is_resend())["source_id"]) ^ set(table.filter(is_resend())["source_id"])
    changes = []
    for source in wanted:
        change = compare.changes(writer, source, progress)
        moved = rules.get(source.source_id, str(source.site_rule)) != str(source.site_rule)
        moved |= _holds_sites(folders[source.source_id]) != _holds_sites(change.first_level)
        moved |= source.source_id in resends
        changes.append(change.with_all_buckets() if moved and not change.offline else change)
        if change.too_many_removed and not options.confirm_removed:
            raise DqkitError(
                f"{change.n_removed} of {change.n_before} files of the source {source.name} are gone",
                "if that is meant, run again with --confirm-removed; nothing was changed",
            )
    return changes


def _refuse_empty(changes: list[Change]) -> None:
    """Refuse a source that never held a file: other sources of the catalog must not make it look sound."""
    empty_ones = [c.source.name for c in changes if not (c.offline or c.n_now or c.unlisted)]
    if empty_ones:
        raise NothingToCheckError("there is no file in " + ", ".join(empty_ones), "is the share mounted?")


def _holds_sites(folders: int | None) -> bool:
    """Tell whether a root with so many folders has one for each site."""
    return (folders or 0) >= 2  # noqa: PLR2004


def _update(
    writer: Writer, table: pl.DataFrame, changes: list[Change], options: IndexOptions, progress: Progress
) -> None:
    """Read the files that are new or changed and write every bucket they touch, once."""
    todo = sum(change.todo.height for change in changes)
    if not todo and not any(change.buckets for change in changes):
        return
    before = int(writer.scan("instances").select(pl.len()).collect().item())
    groups = shards.groups_for(max(todo, before))
    progress.stage("reading headers", todo)
    workers = min(options.workers, -(-todo // shards.CHUNK)) if todo >= _WORTH_PROCESSES else 1
    written = shards.read_all(_chunks(changes), writer.work, groups, workers, progress)
    replaced = pl.concat([change.replaced for change in changes])
    namer = _SiteNamer(table, changes)
    resent = superseding(writer, table, (shard.frame() for shard in written), replaced, namer.name)
    touched = {b for shard in written for b in shard.buckets} | {b for change in changes for b in change.buckets}
    touched |= resent.buckets
    if not touched:
        return
    progress.stage("sorting into series", len(touched))
    for group in range(groups):
        buckets = sorted(b for b in touched if shards.group_of(b, groups) == group)
        if buckets:
            fresh = [shard.frame() for shard in written if shard.group == group]
            folders = [c.folder_rows.filter(pl.col("bucket").is_in(buckets)) for c in changes]
            _write_group(writer, namer, [*folders, *fresh], buckets, replaced, resent)
            progress.advance(len(buckets))


def _chunks(changes: list[Change]) -> Iterator[shards.Chunk]:
    """Cut what is to be read into tasks, one at a time: a million paths as Python objects are too many at once."""
    number = 0
    for change in changes:
        for part in change.todo.select("path", "size", "mtime_ns").iter_slices(shards.CHUNK):
            yield shards.Chunk(number, change.source.root_bytes, change.source.source_id, part.rows())
            number += 1


class _SiteNamer:
    """Names the site of rows of several sources by the rule of each."""

    def __init__(self, table: pl.DataFrame, changes: list[Change]) -> None:
        levels = dict(table.select("source_id", "root_folders").iter_rows())
        levels |= {change.source.source_id: change.first_level for change in changes if not change.offline}
        self._rules = [(s, _holds_sites(levels[s.source_id])) for s in registered(table)]
        self.roots = {source.source_id: source.root_bytes for source, _ in self._rules if source.root.is_dir()}

    def name(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Fill the column `site`."""
        parts = [
            with_site(part, source.site_rule, source.name, root_holds_sites=holds)
            for source, holds in self._rules
            if (part := rows.filter(pl.col("source_id") == source.source_id)).height
        ]
        return pl.concat(parts) if parts else rows


def _write_group(
    writer: Writer,
    namer: _SiteNamer,
    fresh: list[pl.DataFrame],
    buckets: list[int],
    replaced: pl.DataFrame,
    resent: Superseding,
) -> None:
    kept = writer.scan("instances", superseded=True).filter(pl.col("bucket").is_in(buckets)).collect()
    if kept.height and replaced.height:
        kept = kept.join(replaced, on="file_id", how="anti")
    rows = pl.concat([frame for frame in [kept, *fresh] if frame.height] or [empty(INSTANCES)])
    rows, gave_way = resent.parted(with_keys(namer.name(rows)))
    rows = with_content_hashes(rows, namer.roots.get).sort("bucket", "source_id", "path")
    planes = planes_of(rows)
    marked = with_surveys(rows, planes)
    stacks = stacks_of(marked)
    writer.replace("instances", pl.concat([rows, gave_way]) if gave_way.height else rows, buckets)
    writer.replace("stacks", stacks, buckets)
    series = series_of(marked, stacks, planes)
    writer.replace("series", pl.concat([series, of_tables(writer, buckets, series)]), buckets)
    writer.replace("labels", labels_of(rows), buckets)


def settle(writer: Writer, table: pl.DataFrame, buckets: Collection[int]) -> None:
    """Write `buckets` again, and those in which something gives way or comes back now that `table` has the sources.

    No file is read.
    """
    namer, none = _SiteNamer(table, []), empty({"file_id": INSTANCES["file_id"]})
    resent = superseding(writer, table, (), none, namer.name)
    touched = sorted({*buckets, *resent.buckets})
    groups = shards.groups_for(int(writer.scan("instances", superseded=True).select(pl.len()).collect().item()))
    for group in range(groups):
        if own := [bucket for bucket in touched if shards.group_of(bucket, groups) == group]:
            _write_group(writer, namer, [], own, none, resent)


def _mark(table: pl.DataFrame, changes: list[Change]) -> pl.DataFrame:
    """Write into `sources` what was seen of each."""
    seen = pl.DataFrame(
        [
            {
                "source_id": change.source.source_id,
                "state": OFFLINE if change.offline else ONLINE,
                "n_files": change.n_before if change.offline else change.n_now,
                "indexed_at": None if change.offline else datetime.now(UTC),
                "root_folders": None if change.offline else change.first_level,
            }
            for change in changes
        ],
        schema={name: SOURCES[name] for name in ("source_id", "state", "n_files", "indexed_at", "root_folders")},
    )
    return table.update(seen, on="source_id").select(list(SOURCES))


def _same_but_for_time(table: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Tell whether only the hour differs, which the row of `runs` says too."""
    return table.drop("indexed_at").equals(before.drop("indexed_at"))


def _summarize(writer: Writer, table: pl.DataFrame, changes: list[Change], seconds: float) -> IndexSummary:
    not_read = pl.col("status").is_in([status.value for status in TOOL_STATUSES])  # files of none are skipped whole
    by_status = (
        writer.scan("instances")
        .filter(not_read)
        .group_by("status")
        .agg(pl.len().cast(pl.Int64), pl.col("path").filter(pl.col("size") >= 0).sort().head(_NAMED).alias("paths"))
    )
    sums = pl.len().alias("series"), pl.col("n_instances").sum().alias("instances"), pl.col("size").sum().alias("bytes")
    by_site = writer.scan("series").group_by("site", "Modality").agg(sums).sort("site", "Modality")
    unread, sites = pl.collect_all([by_status.sort("status"), by_site])
    return IndexSummary(
        files=int(table["n_files"].sum()),
        new=sum(c.n_new for c in changes),
        changed=sum(c.n_changed for c in changes),
        removed=sum(c.n_removed for c in changes),
        unchanged=sum(c.n_unchanged for c in changes),
        not_read=dict(unread.select("status", "len").iter_rows()),
        folders_not_read=tuple(folder for c in changes for folder in c.unlisted),
        offline=tuple(c.source.name for c in changes if c.offline),
        by_site=sites,
        seconds=seconds,
        files_not_read=tuple(unread["paths"].explode().drop_nulls()),
        resends=taken_places(writer, table, [change.source.source_id for change in changes]),
    )


def summary_to_json(summary: IndexSummary) -> dict[str, Any]:
    """Return `summary` as plain JSON values; folders that could not be entered are counted, not named."""
    return {
        "complete": summary.complete,
        "files": summary.files,
        "new": summary.new,
        "changed": summary.changed,
        "removed": summary.removed,
        "unchanged": summary.unchanged,
        "not_read": summary.not_read,
        "offline": list(summary.offline),
        "resends": dict(summary.resends),
        "seconds": round(summary.seconds, 3),
        "by_site": summary.by_site.to_dicts(),
    }
