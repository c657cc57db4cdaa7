"""``dqkit profile``: what an archive is made of, how complete it is, what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import index as indexing
from dqkit.cli import options as opt
from dqkit.cli.targets import keep_out_of, meant

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.identity import Pseudonyms
    from dqkit.profile.profile import Profile

DEFAULT_OUT = Path("dqkit-profile")


def profile(
    ctx: typer.Context,
    targets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="ROOT…|CATALOG",
            help="Folders of images, or a catalog; none: the sources of dqkit.yaml, else the catalog.",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="site,scanner,protocol,vendor,year|ATTRIBUTE",
            help="What a row is; several are combined.",
            show_default="site",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the page and the tables.")] = DEFAULT_OUT,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    site: opt.SiteOption = None,
    site_from: opt.SiteFromOption = None,
    workers: opt.WorkersOption = None,
    confirm_removed: opt.ConfirmOption = False,
    cohort: opt.CohortOption = None,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Show what an archive is made of and how complete every attribute is, by site, scanner or protocol.

    Folders are indexed first (only what is new). Nothing is judged: dqkit audit does that.

    [bold]Examples[/bold]

      dqkit profile /archive                             a row a site

      dqkit profile --by scanner,protocol --out scanners

      dqkit profile dqkit-catalog --by MagneticFieldStrength

      dqkit profile dqkit-catalog --cohort cohort.parquet    what dqkit select chose
    """
    from dqkit.identity import load_key
    from dqkit.index.sources import keep_out
    from dqkit.profile.grouping import parse_grouping

    names = parse_grouping(opt.many(by))
    pseudonyms = load_key(key_file)
    roots, path = meant(targets or [], catalog, "profiled")
    roots = roots if targets else indexing.settled_roots(ctx, path)
    keep_out(out, roots, "profile")
    opened = indexing.open_catalog(path, pseudonyms.fingerprint, create=bool(roots))
    keep_out_of(opened, out, "profile")
    if roots:
        chosen = indexing.index_options(site, site_from, workers, opt.Pixels.NONE, confirm_removed)
        indexing.run_index(opened, roots, indexing.settled(ctx, roots, chosen))
    made = _made(opened, names, pseudonyms, (out, lang.value), cohort)
    _show(made, out, lang.value, json=json)


def _made(
    catalog: Catalog, names: tuple[str, ...], pseudonyms: Pseudonyms, written: tuple[Path, str], cohort: Path | None
) -> Profile:
    from datetime import UTC, datetime

    import polars as pl

    from dqkit import __version__
    from dqkit.audit.only import Only, part_of
    from dqkit.catalog.cohort import read_cohort
    from dqkit.cli.progress import shown_progress
    from dqkit.errors import NothingToCheckError
    from dqkit.profile.changes import changes_of
    from dqkit.profile.glance import glance_of
    from dqkit.profile.profile import attributes_of, profile_of
    from dqkit.report.profile_html import ProfilePage
    from dqkit.report.profile_out import write_profile

    if not catalog.scan("series").select(pl.len()).collect().item():
        raise NothingToCheckError("the catalog holds no series", "index a folder first: dqkit index FOLDER")
    chosen = read_cohort(cohort, catalog) if cohort else None
    tables = part_of(catalog, Only(cohort=chosen))
    title = ", ".join(catalog.scan("sources").select("name").sort("name").collect()["name"].head(5))
    with shown_progress() as progress:
        progress.stage("counting")
        made = profile_of(tables, names, pseudonyms)
        attributes = attributes_of(tables, names, pseudonyms)
        changes = changes_of(tables.scan("series")) if made.more_changes else made.changes
        progress.stage("writing the page")
        named = f"{title} · {chosen.name}" if chosen else title
        page = ProfilePage(named, __version__, datetime.now(UTC), glance_of(tables), made)
        write_profile(page, attributes, changes, *written)
    return made


def _show(made: Profile, out: Path, lang: str, *, json: bool) -> None:
    from dqkit.report.profile_out import ATTRIBUTES, CHANGES, PAGE

    if json:
        from json import dumps

        from dqkit.report.profile_json import profile_to_json

        typer.echo(dumps(profile_to_json(made), ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_profile import print_profile

    print_profile(made, screen(), lang, tuple(out / name for name in (PAGE, ATTRIBUTES, CHANGES)))
