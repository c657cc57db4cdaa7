"""The registered sources of a catalog: where they are, whose they are, and whether they are there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from dqkit.archive.paths import escape, unescape
from dqkit.archive.site import SiteRule
from dqkit.catalog.schema import SOURCES
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.identity import digest

ONLINE, OFFLINE = "online", "offline"
FOLDER, TABLE = "folder", "table"


@dataclass(frozen=True)
class Source:
    """A root folder registered with its site; dqkit only ever reads it."""

    source_id: str
    name: str
    root: Path
    site_rule: SiteRule
    volume_id: str
    kind: str = FOLDER

    @property
    def root_bytes(self) -> bytes:
        """The root as the file system names it."""
        return os.fsencode(self.root)


def root_text(root: Path) -> str:
    """Return `root` as the table keeps it."""
    return escape(os.fsencode(root))


def root_path(text: str) -> Path:
    """Return the root that the table keeps as `text`."""
    return Path(os.fsdecode(unescape(text)))


def check_root(root: Path) -> Path:
    """Return `root` absolute.

    Raises
    ------
    DqkitError
        It does not exist, is no folder, or cannot be entered.
    """
    if not root.exists():
        raise DqkitError(f"there is no folder {_shown(root)}", "check the path; is the share mounted?")
    if not root.is_dir():
        raise DqkitError(f"{_shown(root)} is a file, not a folder", "name the folder that holds it")
    if not os.access(root, os.R_OK | os.X_OK):
        raise DqkitError(f"the folder {_shown(root)} cannot be read: permission denied", "ask its owner for access")
    return root.resolve()


def keep_out(path: Path, roots: list[Path], what: str) -> None:
    """Refuse to write inside a source.

    Raises
    ------
    DqkitError
        `path` lies in one of `roots`.
    """
    for root in roots:
        if path.resolve().is_relative_to(root):
            raise DqkitError(
                f"the {what} {_shown(path)} would lie inside the source {_shown(root)}, which dqkit only reads",
                f"name another folder for the {what}, outside the source",
            )


def registered(sources: pl.DataFrame) -> list[Source]:
    """Return the sources of a catalog."""
    return [
        Source(
            row["source_id"],
            row["name"],
            root_path(row["root"]),
            SiteRule.parse(row["site_from"]),
            row["volume_id"],
            row["kind"] or FOLDER,
        )
        for row in sources.iter_rows(named=True)
    ]


def register(
    sources: pl.DataFrame, roots: list[Path], rules: Mapping[Path, SiteRule | None], *, resend: bool | None = None
) -> pl.DataFrame:
    """Add the roots that are not there yet, and set the site rule of those that `rules` has one for.

    `resend` says whether they are resends; None keeps what they are.

    Raises
    ------
    DqkitError
        A root lies inside another: its files would count twice.
    """
    for root in roots:
        rule = rules.get(root)
        this = pl.col("root") == root_text(root)
        if sources.filter(this).height:
            if rule is not None:
                text = pl.when(this).then(pl.lit(str(rule))).otherwise("site_from")
                sources = sources.with_columns(text.alias("site_from"))
            continue
        _refuse_overlap(root, [root_path(other) for other in sources.filter(is_folder())["root"]])
        sources = pl.concat([sources, _new(root, rule or SiteRule(), set(sources["name"]))])
    if resend is not None:
        named = pl.col("root").is_in([root_text(root) for root in roots])
        sources = sources.with_columns(pl.when(named).then(pl.lit(resend)).otherwise("resend").alias("resend"))
    return sources


def is_folder() -> pl.Expr:
    """Tell which rows of `sources` are folders of images, and not tables."""
    return pl.col("kind").fill_null(FOLDER) == FOLDER


def _refuse_overlap(root: Path, others: list[Path]) -> None:
    for other in others:
        if root.is_relative_to(other) or other.is_relative_to(root):
            raise DqkitError(
                f"{_shown(root)} and the registered source {_shown(other)} lie inside each other",
                "index the outer one alone, or use another --catalog: files would count twice",
            )


def _new(root: Path, rule: SiteRule, taken: set[str]) -> pl.DataFrame:
    base = escape(os.fsencode(root.name)) or "root"
    name, n = base, 2
    while name in taken:
        name, n = f"{base}-{n}", n + 1
    row = {
        "source_id": digest("source", name),
        "name": name,
        "root": root_text(root),
        "volume_id": volume_id(root),
        "site_from": str(rule),
        "state": ONLINE,
        "n_files": 0,
        "registered_at": datetime.now(UTC),
        "root_folders": 0,
    }
    return pl.DataFrame([row], schema=SOURCES)


def volume_id(root: Path) -> str:
    """Return what names the file system under `root`; empty where it says nothing."""
    try:
        return f"{os.statvfs(root).f_fsid:x}"
    except OSError:
        return ""


def relocate(catalog: Catalog, name: str, root: Path) -> pl.DataFrame:
    """Return the sources with `name` (or its id) at a new root; nothing is read again.

    Raises
    ------
    DqkitError
        No such source, or the new root lies inside another source.
    """
    sources = catalog.scan("sources").collect()
    this = find(sources, name)
    others = sources.filter((pl.col("source_id") != this) & is_folder())
    if root.is_dir():  # a table may lie in a folder of images
        _refuse_overlap(root, [root_path(other) for other in others["root"]])
    here = pl.col("source_id") == this
    return sources.with_columns(
        pl.when(here).then(pl.lit(root_text(root))).otherwise("root").alias("root"),
        pl.when(here).then(pl.lit(volume_id(root))).otherwise("volume_id").alias("volume_id"),
        pl.when(here).then(pl.lit(ONLINE)).otherwise("state").alias("state"),
    )


def find(sources: pl.DataFrame, name: str) -> str:
    """Return the id of the source that is called `name`, or has that id or root.

    Raises
    ------
    DqkitError
        There is none.
    """
    path = root_text(Path(name).absolute())
    hit = sources.filter((pl.col("name") == name) | (pl.col("source_id") == name) | (pl.col("root") == path))
    if hit.height != 1:
        known = ", ".join(sources["name"]) or "none yet"
        raise DqkitError(f"there is no source {name!r} in this catalog", f"its sources: {known}")
    return str(hit["source_id"][0])


def _shown(path: Path) -> str:
    return root_text(path)
