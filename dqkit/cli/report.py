"""``dqkit report``: the report of an audit, once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.audit.result import AuditResult


def report(
    source: Annotated[
        Path, typer.Argument(metavar="CATALOG|OUT", help="A catalog, or the folder of an audit.")
    ] = opt.DEFAULT_CATALOG,
    site: Annotated[str | None, typer.Option("--site", help="Only this hospital.")] = None,
    lang: opt.LangOption = opt.Language.EN,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write it.", show_default="beside OUT, or here")
    ] = None,
    rules: opt.RulesOption = None,
) -> None:
    """Write the report of the last audit again: for one hospital, or in the other language.

    [bold]Examples[/bold]

      dqkit report dqkit-report --lang zh

      dqkit report dqkit-catalog --site North --out north.html
    """
    from dqkit.catalog.store import write_atomically
    from dqkit.report.html import render_html

    result = _audit_of(source, rules or [])
    sites = result.glance.sites["site"].to_list()
    if site is not None and site not in sites:
        raise DqkitError(f"there is no site {site!r} in this audit", "its sites: " + ", ".join(map(str, sites)))
    path = out or (source if (source / "result.json").is_file() else Path()) / _name(site, lang.value)
    write_atomically(path, render_html(result, lang=lang.value, site=site).encode())
    typer.echo(str(path))


def _audit_of(source: Path, rules: list[Path]) -> AuditResult:
    from dqkit.rulebook.book import load_book

    book = load_book(rules).rules
    if (source / "result.json").is_file():
        from dqkit.report.outfolder import read_out

        return read_out(source, book)
    from dqkit.audit.pictures import with_pictures
    from dqkit.audit.run import recall
    from dqkit.catalog.store import Catalog

    catalog = Catalog(source)
    return with_pictures(recall(catalog, book), catalog)


def _name(site: str | None, lang: str) -> str:
    """Name the file; a site's name is a value of files and makes no path."""
    from dqkit.identity import digest

    part = "" if site is None else "-" + ("".join(c for c in site if c.isalnum())[:40] or digest(site))
    return f"report{part}.{lang}.html"
