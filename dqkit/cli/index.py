"""``dqkit index``: sources -> catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError, ExitCode

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.index.build import IndexOptions, IndexSummary


_NAMED = 20
_PATH = 4096
"""Characters of a path: the longest that Linux knows."""


def index(
    roots: Annotated[
        list[Path] | None, typer.Argument(metavar="ROOT…", help="Folders of images; none: all sources.")
    ] = None,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    site: opt.SiteOption = None,
    site_from: opt.SiteFromOption = None,
    workers: opt.WorkersOption = None,
    pixels: opt.PixelsOption = opt.Pixels.NONE,
    confirm_removed: opt.ConfirmOption = False,
    key_file: opt.KeyOption = None,
    json: opt.JsonOption = False,
) -> int:
    """Read every file's header into a catalog; only what is new or changed is read again.

    [bold]Examples[/bold]

      dqkit index /archive                       every folder under /archive is a site

      dqkit index /mnt/north --site North        one hospital

      dqkit index /archive --site-from tag:InstitutionName

      dqkit index                                look at all sources again
    """
    from dqkit.identity import load_key

    found = checked_roots(roots or [], catalog)
    chosen = index_options(site, site_from, workers, pixels, confirm_removed)
    opened = open_catalog(catalog, load_key(key_file).fingerprint, create=bool(found))
    summary = run_index(opened, found, chosen)
    show(summary, json=json)
    return int(ExitCode.OK if summary.complete else ExitCode.INCOMPLETE)


def checked_roots(roots: list[Path], catalog: Path) -> list[Path]:
    """Return the roots absolute, each once, after refusing what cannot be indexed."""
    from dqkit.index.sources import check_root, keep_out

    found = list(dict.fromkeys(check_root(root) for root in roots))
    keep_out(catalog, found, "catalog")
    return found


def index_options(
    site: str | None, site_from: str | None, workers: int | None, pixels: opt.Pixels, confirm_removed: bool
) -> IndexOptions:
    """Turn what was typed into the stage's options."""
    import os

    from dqkit.archive.site import SiteRule
    from dqkit.index.build import IndexOptions

    if site and site_from:
        raise DqkitError("--site and --site-from exclude each other", "give one of them")
    rule = SiteRule("name", site) if site else SiteRule.parse(site_from) if site_from else None
    return IndexOptions(rule, workers or os.cpu_count() or 1, pixels.value, confirm_removed)


def open_catalog(path: Path, fingerprint: str, *, create: bool) -> Catalog:
    """Open the catalog, or make it where roots were named."""
    from dqkit import __version__
    from dqkit.catalog.store import Catalog

    return Catalog.create(path, fingerprint, __version__) if create else Catalog(path, fingerprint)


def run_index(catalog: Catalog, roots: list[Path], options: IndexOptions) -> IndexSummary:
    """Index with a progress display on stderr."""
    from dqkit.cli.progress import shown_progress
    from dqkit.index.build import index as build

    with shown_progress() as progress:
        summary = build(catalog, roots, options, progress)
    _say_unread(summary)
    return summary


def _say_unread(summary: IndexSummary) -> None:
    """Name on stderr what could not be looked at: names of folders are for the user's own terminal."""
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.report.visible import visible

    lines = [f"not read: the folder {visible(folder, _PATH)}" for folder in summary.folders_not_read[:_NAMED]]
    lines += [f"not read: {visible(path, _PATH)}" for path in summary.files_not_read]
    lines += [f"offline: {visible(name)} (its rows stay)" for name in summary.offline]
    console = screen(stderr=True)
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def show(summary: IndexSummary, *, json: bool) -> None:
    """Print the summary: a table for people, or JSON."""
    if json:
        from json import dumps

        from dqkit.index.build import summary_to_json

        typer.echo(dumps(summary_to_json(summary), ensure_ascii=False))
        return
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_index_summary

    console = screen()
    print_index_summary(summary.by_site.rename({"Modality": "modality"}), console)
    for line in summary_lines(summary):
        console.print(Text(line), soft_wrap=True)


def summary_lines(summary: IndexSummary) -> list[str]:
    """Say what was done, and how much could not be."""
    rate = (summary.new + summary.changed) / summary.seconds if summary.seconds else 0.0
    counted = (
        f"{summary.files:,} files in {summary.seconds:.1f} s: {summary.new:,} new, {summary.changed:,} changed, "
        f"{summary.removed:,} gone, {summary.unchanged:,} unchanged ({rate:,.0f} headers/s)"
    )
    return [counted, *(f"not read: {count:,} x {reason}" for reason, count in summary.not_read.items())]
