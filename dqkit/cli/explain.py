"""``dqkit explain``: one finding, with its values and files, for the steward's own screen."""

from __future__ import annotations

from typing import Annotated

import typer

from dqkit.cli import options as opt


def explain(
    finding: Annotated[
        str, typer.Argument(metavar="FINDING_ID", help="Its id or pseudonym, or the first characters of it.")
    ],
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    rules: opt.RulesOption = None,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Show why a finding was found: the values, the slices, the files, the rule.

    This is for your own screen: it names files of the archive, which reports never do.

    [bold]Example[/bold]

      dqkit explain 3f9a2c
    """
    from dqkit.audit.explanation import explanation_of
    from dqkit.catalog.store import Catalog
    from dqkit.identity import load_key
    from dqkit.rulebook.book import load_book

    explanation = explanation_of(Catalog(catalog), finding, load_book(rules or []), load_key(key_file))
    if json:
        from json import dumps

        from dqkit.audit.explanation import explanation_to_json

        typer.echo(dumps(explanation_to_json(explanation), default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_explain, print_table

    console = screen()
    print_explain(dict(explanation.finding), explanation.rule, console, lang.value, explanation.slices)
    for frame in (explanation.values, explanation.spread):
        if not frame.is_empty():
            console.print()
            print_table(frame, console)
    if explanation.alike > 1:
        console.print(f"\n{explanation.alike:,} findings share this rule, site, scanner and protocol")
