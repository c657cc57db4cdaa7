"""``dqkit diff``: what came, went, broke and was mended since an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt

if TYPE_CHECKING:
    from dqkit.audit.diff import Diff
    from dqkit.audit.states import State
    from dqkit.catalog.store import Catalog
    from dqkit.rulebook.book import Book
    from dqkit.rulebook.pack import Pack

_WHICH = "RUN|DATE|TABLE@VERSION"


def diff(
    catalog: Annotated[Path, typer.Argument(metavar="CATALOG", help="The catalog.")] = opt.DEFAULT_CATALOG,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar=_WHICH,
            help="A run (its number or id), the last run before a date, or the run that left a table at a version.",
            show_default="the audit before the last one",
        ),
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar=_WHICH, help="The later of the two.", show_default="the last run")
    ] = "",
    site: Annotated[str | None, typer.Option("--site", help="Only this hospital.")] = None,
    rules: opt.RulesOption = None,
    pack: opt.PackOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Tell what came, went, broke and was mended, by site, and whether the rules changed meanwhile.

    A finding that is new because a rule is new is told apart from data that broke. The report of an audit has the same
    as a chapter, with the trend over all audits.

    [bold]Examples[/bold]

      dqkit diff                                  since the audit before the last one

      dqkit diff dqkit-catalog --since 2025-03-01 --site North

      dqkit diff --since 3 --until 8 --json       runs by number: dqkit catalog runs
    """
    from dqkit.audit.diff import of_site
    from dqkit.catalog.store import Catalog

    opened = Catalog(catalog)
    ends = _ends(opened, since, until)
    book, packs = _rules(rules or [], pack)
    found = _compared(opened, ends, book, packs)
    found = of_site(found, site) if site is not None else found
    if json:
        from json import dumps

        from dqkit.report.diff_json import diff_to_json

        typer.echo(dumps(diff_to_json(found), ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_diff import print_diff

    print_diff(found, book.rules, screen(), lang.value)


def _ends(catalog: Catalog, since: str, until: str) -> tuple[State, State]:
    from dqkit.audit.states import audit_state, before, state_of

    last = state_of(catalog, until, "--until", end_of_day=True)
    if since:
        return state_of(catalog, since, "--since"), last
    last = audit_state(last)
    return before(catalog, last), last


def _rules(paths: list[Path], pack: list[str] | None) -> tuple[Book, tuple[Pack, ...]]:
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.pack import load_packs
    from dqkit.rulebook.pack_rules import with_packs

    packs = load_packs(opt.many(pack))
    return with_packs(load_book(paths), packs), packs


def _compared(catalog: Catalog, ends: tuple[State, State], book: Book, packs: tuple[Pack, ...]) -> Diff:
    from dqkit.audit.diff import diff as compare
    from dqkit.cli.progress import shown_progress

    with shown_progress() as progress:
        progress.stage("comparing")
        return compare(catalog, *ends, book.rules, packs)
