"""``dqkit report``: the report of an audit, once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError, IncompleteError

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
    from dqkit.report.html import render_html

    result = _audit_of(source, rules or [])
    sites = result.glance.sites["site"].to_list()
    if site is not None and site not in sites:
        raise DqkitError(f"there is no site {site!r} in this audit", "its sites: " + ", ".join(map(str, sites)))
    path = out or (source if (source / "result.json").is_file() else Path()) / _name(site, lang.value)
    _keep_out(path, source)
    _write(path, render_html(result, lang=lang.value, site=site).encode())
    typer.echo(str(path))


def _keep_out(path: Path, source: Path) -> None:
    """Refuse to write into a source of the catalog; the folder of an audit does not know its sources."""
    from dqkit.catalog.store import Catalog
    from dqkit.index.sources import keep_out, registered

    if not (source / "result.json").is_file():
        sources = registered(Catalog(source).scan("sources").collect())
        keep_out(path, [one.root for one in sources], "report")


def _write(path: Path, content: bytes) -> None:
    from dqkit.catalog.store import write_atomically

    try:
        write_atomically(path, content)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise DqkitError(f"the report cannot be written: {error.strerror}", "name another file with --out") from error
    except OSError as error:
        raise IncompleteError(f"the report could not be written: {error.strerror}", "make room on the disk") from error


def _audit_of(source: Path, rules: list[Path]) -> AuditResult:
    from dqkit.rulebook.book import load_book

    book = load_book(rules).rules
    if (source / "result.json").is_file():
        from dqkit.report.outfolder import read_out

        return read_out(source, book)
    from dqkit.audit.history import with_history
    from dqkit.audit.pictures import with_pictures
    from dqkit.audit.run import recall
    from dqkit.catalog.store import Catalog

    catalog = Catalog(source)
    return with_pictures(with_history(recall(catalog, book), catalog), catalog)


def _name(site: str | None, lang: str) -> str:
    """Name the file; a site's name is a value of files and makes no path."""
    from dqkit.identity import digest

    part = "" if site is None else "-" + ("".join(c for c in site if c.isalnum())[:40] or digest(site))
    return f"report{part}.{lang}.html"
