"""``dqkit index``: sources -> catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dqkit.catalog.store import Catalog
    from dqkit.index.build import IndexOptions, IndexSummary
    from dqkit.index.table import TableSummary


_NAMED = 20
_PATH = 4096
"""Characters of a path: the longest that Linux knows."""


def index(
    ctx: typer.Context,
    roots: Annotated[
        list[Path] | None,
        typer.Argument(metavar="ROOT…", help="Folders of images; none: those of dqkit.yaml, else all sources."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE|idc",
            help="A metadata extract (parquet, CSV, xlsx, QIDO-RS JSON) instead of folders.",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="NAME|FILE|guess", help="What the columns of the table mean."),
    ] = None,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    site: opt.SiteOption = None,
    site_from: opt.SiteFromOption = None,
    workers: opt.WorkersOption = None,
    pixels: opt.PixelsOption = opt.Pixels.NONE,
    confirm_removed: opt.ConfirmOption = False,
    resend: Annotated[
        bool | None,
        typer.Option(
            "--resend/--no-resend",
            help="What a hospital sent again: these files take the place of its older ones (by SOPInstanceUID).",
            show_default="as the folder is registered",
        ),
    ] = None,
    key_file: opt.KeyOption = None,
    json: opt.JsonOption = False,
) -> int:
    """Read every file's header into a catalog; only what is new or changed is read again.

    [bold]Examples[/bold]

      dqkit index /archive                       every folder under /archive is a site

      dqkit index /mnt/north --site North        one hospital

      dqkit index /archive --site-from tag:InstitutionName

      dqkit index                                look at all sources again

      dqkit index /incoming/july --resend --site North

      dqkit index --table export.csv --mapping guess --site North
    """
    from dqkit.cli import table as tables
    from dqkit.identity import load_key

    if table is not None or mapping is not None:
        if resend is not None:
            raise DqkitError("--resend is for folders of images", "a table that is indexed again replaces its rows")
        asked = tables.as_typed(table, mapping, site, site_from, confirm_removed=confirm_removed)
        return tables.index_one(asked, roots or [], catalog, load_key(key_file), json=json)
    found = checked_roots(roots or [], catalog) or settled_roots(ctx, catalog)
    chosen = settled(ctx, found, index_options(site, site_from, workers, pixels, confirm_removed, resend))
    opened = open_catalog(catalog, load_key(key_file).fingerprint, create=bool(found))
    known = [] if found else tables.refresh(opened)
    if known and not holds_folders(opened):
        tables.show(known, json=json)
        return int(ExitCode.OK)
    summary = run_index(opened, found, chosen)
    show(summary, json=json, tables=known)
    return int(ExitCode.OK if summary.complete else ExitCode.INCOMPLETE)


def holds_folders(catalog: Catalog) -> bool:
    """Tell whether any source of the catalog is a folder of images."""
    from dqkit.index.sources import is_folder

    return catalog.scan("sources").filter(is_folder()).collect().height > 0


def checked_roots(roots: list[Path], catalog: Path) -> list[Path]:
    """Return the roots absolute, each once, after refusing what cannot be indexed."""
    from dqkit.index.sources import check_root, keep_out

    found = list(dict.fromkeys(check_root(root) for root in roots))
    keep_out(catalog, found, "catalog")
    return found


def settled_roots(ctx: typer.Context, catalog: Path) -> list[Path]:
    """Return the sources of the settings, after refusing what cannot be indexed."""
    from dqkit.cli.config import configured_roots
    from dqkit.index.sources import keep_out

    found = configured_roots(ctx, catalog)
    keep_out(catalog, found, "catalog")
    return found


def settled(ctx: typer.Context, roots: list[Path], chosen: IndexOptions) -> IndexOptions:
    """Return the options with what the settings say of the sites of `roots`."""
    from dataclasses import replace

    from dqkit.cli.config import configured_site_rules

    return replace(chosen, site_rules=configured_site_rules(ctx, roots, chosen.site_rule))


def index_options(
    site: str | None,
    site_from: str | None,
    workers: int | None,
    pixels: opt.Pixels,
    confirm_removed: bool,
    resend: bool | None = None,
) -> IndexOptions:
    """Turn what was typed into the stage's options."""
    import os

    from dqkit.archive.site import SiteRule
    from dqkit.index.build import IndexOptions

    if site and site_from:
        raise DqkitError("--site and --site-from exclude each other", "give one of them")
    rule = SiteRule("name", site) if site else SiteRule.parse(site_from) if site_from else None
    return IndexOptions(rule, workers or os.cpu_count() or 1, pixels.value, confirm_removed, resend=resend)


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


def show(summary: IndexSummary, *, json: bool, tables: Sequence[TableSummary] = ()) -> None:
    """Print the summary: a table for people, or JSON."""
    from dqkit.cli import table as of_tables

    if json:
        from json import dumps

        from dqkit.index.build import summary_to_json

        found = summary_to_json(summary) | ({"tables": of_tables.as_json(tables)} if tables else {})
        typer.echo(dumps(found, ensure_ascii=False))
        return
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_index_summary

    console = screen()
    print_index_summary(summary.by_site.rename({"Modality": "modality"}), console)
    for line in summary_lines(summary):
        console.print(Text(line), soft_wrap=True)
    if tables:
        of_tables.show(tables, json=False)


def summary_lines(summary: IndexSummary) -> list[str]:
    """Say what was done, and how much could not be."""
    rate = (summary.new + summary.changed) / summary.seconds if summary.seconds else 0.0
    counted = (
        f"{summary.files:,} files in {summary.seconds:.1f} s: {summary.new:,} new, {summary.changed:,} changed, "
        f"{summary.removed:,} gone, {summary.unchanged:,} unchanged ({rate:,.0f} headers/s)"
    )
    unread = [f"not read: {count:,} x {reason}" for reason, count in summary.not_read.items()]
    return [counted, *unread, *(_resend_line(name, count) for name, count in summary.resends.items())]


def _resend_line(name: str, count: int) -> str:
    from dqkit.report.visible import visible

    if count:
        return f"resend {visible(name)}: {count:,} older {'file' if count == 1 else 'files'} superseded"
    return f"resend {visible(name)}: no older file superseded (is its site right, and did its images keep their UIDs?)"
