"""Sources that are resends: who supersedes whom, over all buckets of a catalog."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dqkit.archive.site import SiteRule
from dqkit.catalog.store import Writer
from dqkit.errors import DqkitError
from dqkit.index.sources import root_text
from dqkit.index.supersede import READ, is_nameless, superseded

LIVES = pl.col("superseded_by").is_null()
"""Tells the rows of `instances` that count from those whose place a file of a resend has taken."""


@dataclass(frozen=True)
class Superseding:
    """What resends supersede.

    Attributes
    ----------
    by
        file_id and superseded_by; null where the catalog has no resend, and rows stay as they are.
    buckets
        Those of rows that give way now, or come back.
    """

    by: pl.DataFrame | None = None
    buckets: frozenset[int] = frozenset()

    def parted(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows of `instances` that count, and those that gave way, with `superseded_by` filled in."""
        if self.by is None:
            return rows, rows.clear()
        marked = rows.drop("superseded_by").join(self.by, on="file_id", how="left").select(rows.columns)
        return marked.filter(LIVES), marked.filter(~LIVES).with_columns(content_sha256=pl.lit(None, dtype=pl.String))


def ranks(sources: pl.DataFrame) -> dict[str, int]:
    """Return the rank of each source: 0, and for resends the higher the later they were registered."""
    resends = sources.filter(is_resend()).sort("registered_at", "name")["source_id"]
    return dict.fromkeys(sources["source_id"], 0) | {source: n for n, source in enumerate(resends, start=1)}


def is_resend() -> pl.Expr:
    """Tell which rows of `sources` are resends."""
    return pl.col("resend").fill_null(value=False)


def superseding(
    writer: Writer,
    sources: pl.DataFrame,
    fresh: Iterable[pl.DataFrame],
    replaced: pl.DataFrame,
    with_site: Callable[[pl.DataFrame], pl.DataFrame],
) -> Superseding:
    """Say what the resends among `sources` supersede.

    A catalog without any costs a look at its sources. A file without StudyInstanceUID lies in the bucket of its folder,
    far from the one that takes its place: all buckets are looked at.

    Parameters
    ----------
    sources
        As they will be.
    fresh
        Rows of `instances` that were read by this run.
    replaced
        `file_id` of the rows that go or were read again.
    with_site
        Names the site of rows.
    """
    if not (sources.filter(is_resend()).height or writer.scan("sources").filter(is_resend()).collect().height):
        return Superseding()
    kept = writer.scan("instances", superseded=True).join(replaced.lazy(), on="file_id", how="anti")
    files = pl.concat([kept.select(READ), *(frame.lazy().select(READ) for frame in fresh)])
    rank = pl.col("source_id").replace_strict(ranks(sources), default=None, return_dtype=pl.Int64)
    wanted = with_site(_concerned(files.with_columns(rank.alias("rank")).filter(pl.col("rank").is_not_null())))
    found = superseded(wanted)
    before = wanted.select("file_id", "bucket", "superseded_by").join(found, on="file_id", how="left", suffix="_now")
    moved = before.filter(pl.col("superseded_by").ne_missing(pl.col("superseded_by_now")))
    return Superseding(found, frozenset(moved["bucket"].to_list()))


def _concerned(files: pl.LazyFrame) -> pl.DataFrame:
    """Return the files that may supersede or give way, and those that share a folder or a series with one of them."""
    new = files.filter(pl.col("rank") > 0).collect()
    nameless = files.filter(is_nameless()).collect()
    uid, series = pl.col("SOPInstanceUID"), pl.col("SeriesInstanceUID")
    meta = pl.col("MediaStorageSOPInstanceUID")
    came = new["SOPInstanceUID"].drop_nulls().unique().implode()
    alike = series.is_in(new["SeriesInstanceUID"].drop_nulls().unique().implode())
    beside = files.join(nameless.lazy().select("source_id", "folder").unique(), on=["source_id", "folder"], how="semi")
    concerned = files.filter(uid.is_in(came) | meta.is_in(came) | alike | pl.col("superseded_by").is_not_null())
    return pl.concat([new, nameless, *pl.collect_all([beside, concerned])]).unique("file_id", maintain_order=True)


def rules_of_resends(writer: Writer, rules: Mapping[Path, SiteRule | None]) -> dict[Path, SiteRule | None]:
    """Return how the sites of resends are found: as `rules` say, else the one site that there is.

    A resend of nobody known would supersede nothing, and nobody would notice: it is refused.

    Parameters
    ----------
    rules
        Root of each resend -> how the site of its files is found, as far as somebody said so.

    Raises
    ------
    DqkitError
        No older file is there, no site is told where there are several, or there is no such site.
    """
    if not rules:
        raise DqkitError("--resend names no folder", "write: dqkit index FOLDER --resend --site NAME")
    sources = writer.scan("sources").collect()
    own = pl.col("root").is_in([root_text(root) for root in rules])
    older = pl.col("source_id").is_in(sources.filter(~own)["source_id"].implode())
    files = writer.scan("instances", superseded=True).filter(older)
    sites = sorted(files.select("site").unique().collect()["site"].drop_nulls())
    if not sites:
        raise DqkitError("there is nothing yet that could be sent again", "index the first delivery without --resend")
    registered = set(sources["root"])
    return {root: _rule(rule, sites, is_new=root_text(root) not in registered) for root, rule in rules.items()}


def _rule(rule: SiteRule | None, sites: list[str], *, is_new: bool) -> SiteRule | None:
    known = "its sites: " + ", ".join(sites)
    if rule is None and is_new and len(sites) > 1:
        raise DqkitError("a resend must say whose it is: give --site NAME (or --site-from)", known)
    if rule is not None and rule.kind == "name" and rule.value not in sites:
        raise DqkitError(f"there is no site {rule.value!r} that could send again", known)
    return SiteRule("name", sites[0]) if rule is None and is_new else rule


def taken_places(writer: Writer, sources: pl.DataFrame, looked_at: Collection[str]) -> dict[str, int]:
    """Return name -> how many older files gave way, of the resends among the sources `looked_at`."""
    resends = sources.filter(is_resend() & pl.col("source_id").is_in(list(looked_at)))
    if resends.is_empty():
        return {}
    rows = writer.scan("instances", superseded=True)
    gave_way = rows.filter(~LIVES).select(file_id="superseded_by")
    takers = rows.select("file_id", "source_id").join(gave_way, on="file_id")
    counts = dict(takers.group_by("source_id").len().collect().iter_rows())
    return {name: int(counts.get(source, 0)) for source, name in resends.select("source_id", "name").iter_rows()}
