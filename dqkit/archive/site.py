"""Which hospital a file came from."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from dqkit.errors import DqkitError

_FORMS = "name:<site>, path:<n>, tag:InstitutionName, or a CSV file with the columns folder,site"
_NAMES = " names="
_TAGS = ("InstitutionName", "StationName", "Manufacturer")


@dataclass(frozen=True)
class SiteRule:
    """How the site of a source's files is found.

    Attributes
    ----------
    kind
        ``auto`` (the first folder under the root where the root holds two or more, else InstitutionName, else the
        root's name), ``name``, ``path``, ``tag`` or ``file``.
    value
        The site's name, the 1-based depth of the folder, the keyword, or the CSV's path.
    table
        For ``file``: folder (relative to the root) -> site.
    names
        What is found so -> the name that the site goes by.
    """

    kind: str = "auto"
    value: str = ""
    table: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        how = f"{self.kind}:{self.value}" if self.value else self.kind
        return f"{how}{_NAMES}{json.dumps(self.names, ensure_ascii=False, sort_keys=True)}" if self.names else how

    @classmethod
    def parse(cls, text: str) -> "SiteRule":
        """Read a rule as the command line and `sources` write it.

        Raises
        ------
        DqkitError
            Another form, or a CSV that cannot be used.
        """
        names = _names_in(text)
        if names:
            return replace(cls.parse(text.rpartition(_NAMES)[0]), names=names)
        kind, _, value = text.partition(":")
        if text == "auto":
            return cls()
        if kind == "name" and value:
            return cls("name", value)
        if kind == "path" and value.isdecimal() and int(value) > 0:
            return cls("path", value)
        if kind == "tag" and value in _TAGS:
            return cls("tag", value)
        if kind == "file" or text.endswith(".csv"):
            file = value if kind == "file" else text
            return cls("file", file, _site_table(Path(file)))
        raise DqkitError(f"--site-from {text!r} is not understood", f"write {_FORMS}; tags: {', '.join(_TAGS)}")


def _names_in(text: str) -> dict[str, str]:
    """Return the names that `SiteRule.__str__` wrote behind a rule; empty where it wrote none."""
    _, found, written = text.rpartition(_NAMES)
    if not found:
        return {}
    try:
        names = json.loads(written)
    except ValueError:
        return {}
    return names if isinstance(names, dict) and all(isinstance(name, str) for name in names.values()) else {}


def _site_table(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DqkitError(f"the site table {path} cannot be read ({type(error).__name__})", f"write {_FORMS}") from error
    if not rows or not {"folder", "site"} <= set(rows[0]):
        raise DqkitError(f"the site table {path} lacks the columns folder,site", "its first line is: folder,site")
    return {row["folder"].strip("/"): row["site"].strip() for row in rows if row["site"]}


def with_site(instances: pl.DataFrame, rule: SiteRule, root_name: str, *, root_holds_sites: bool) -> pl.DataFrame:
    """Fill the column `site` from the paths and attributes that the rows already hold.

    Parameters
    ----------
    instances
        Rows of one source with `path`, `InstitutionName` and the like.
    rule
        How to find the site.
    root_name
        Name of the source, the last resort.
    root_holds_sites
        Whether the root holds two or more folders, so that its first level stands for sites.
    """
    named = _with_site(instances, rule, root_name, root_holds_sites=root_holds_sites)
    return named.with_columns(pl.col("site").replace(dict(rule.names))) if rule.names else named


def _with_site(instances: pl.DataFrame, rule: SiteRule, root_name: str, *, root_holds_sites: bool) -> pl.DataFrame:
    fallback = pl.lit(root_name)
    folders = pl.col("path").str.split("/")
    institution = pl.col("InstitutionName").str.strip_chars().replace("", None)
    match rule.kind:
        case "name":
            site = pl.lit(rule.value)
        case "path":
            site = _folder(folders, int(rule.value))
        case "tag":
            site = pl.col(rule.value).str.strip_chars().replace("", None)
        case "file":
            return _by_table(instances, rule.table, institution, fallback)
        case _:
            site = pl.coalesce(_folder(folders, 1), institution) if root_holds_sites else institution
    return instances.with_columns(pl.coalesce(site, fallback).alias("site"))


def _folder(folders: pl.Expr, depth: int) -> pl.Expr:
    """Return the folder at 1-based `depth`; null where the file itself stands there."""
    return pl.when(folders.list.len() > depth).then(folders.list.get(depth - 1, null_on_oob=True))


def _by_table(frame: pl.DataFrame, table: Mapping[str, str], institution: pl.Expr, fallback: pl.Expr) -> pl.DataFrame:
    """Give each file the site of its nearest listed folder."""
    sites = {folder: _nearest(folder, table) for folder in frame["folder"].unique().to_list()}
    listed = pl.col("folder").replace_strict(sites, return_dtype=pl.String, default=None)
    return frame.with_columns(pl.coalesce(listed, institution, fallback).alias("site"))


def _nearest(folder: str, table: Mapping[str, str]) -> str | None:
    parts = folder.split("/")
    for depth in range(len(parts), 0, -1):
        if (site := table.get("/".join(parts[:depth]))) is not None:
            return site
    return None
