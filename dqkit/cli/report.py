"""``dqkit report``: the report of an audit, once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import handback as handbacks
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
    handback: Annotated[
        Path | None,
        typer.Option(
            "--handback", metavar="DIR", help="Write the worklist of --site (xlsx) into this folder, to be sent to it."
        ),
    ] = None,
    resolve: Annotated[
        bool,
        typer.Option(
            "--resolve", help="With --handback: name patients and studies in it: it must not leave the house."
        ),
    ] = False,
    answered: Annotated[
        bool, typer.Option("--answered", help="With --handback: problems that were answered already, too.")
    ] = False,
    catalog: Annotated[
        Path, typer.Option("--catalog", help="With --handback of an audit's folder: the catalog of that audit.")
    ] = opt.DEFAULT_CATALOG,
    rules: opt.RulesOption = None,
    key_file: opt.KeyOption = None,
) -> None:
    """Write the report of the last audit again: for one hospital, or in the other language; or hand problems back.

    [bold]Examples[/bold]

      dqkit report dqkit-report --lang zh

      dqkit report dqkit-catalog --site North --out north.html

      dqkit report --site North --handback to-send     the worklist for North, an xlsx to be filled in
    """
    if handback is not None:
        _refuse_with_handback(site, out)
        asked = handbacks.Asked(str(site), handback, lang.value, resolve=resolve, answered=answered)
        handbacks.hand_back(source, catalog, asked, rules or [], key_file)
        return
    if resolve or answered:
        raise DqkitError("--resolve and --answered go with --handback", "add: --handback DIR")
    _write_again(source, site, lang.value, out, rules or [])


def _refuse_with_handback(site: str | None, out: Path | None) -> None:
    if site is None:
        raise DqkitError("--handback needs to know the hospital", "add: --site NAME")
    if out is not None:
        raise DqkitError("--handback and --out exclude each other", "give one of them")


def _write_again(source: Path, site: str | None, lang: str, out: Path | None, rules: list[Path]) -> None:
    from dqkit.report.html import render_html

    result = _audit_of(source, rules)
    sites = result.glance.sites["site"].to_list()
    if site is not None and site not in sites:
        raise DqkitError(f"there is no site {site!r} in this audit", "its sites: " + ", ".join(map(str, sites)))
    path = out or (source if (source / "result.json").is_file() else Path()) / _name(site, lang)
    _keep_out(path, source)
    _write(path, render_html(result, lang=lang, site=site).encode())
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
