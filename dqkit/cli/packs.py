"""``dqkit packs``: the protocol packs in the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group

app = typer.Typer(cls=Group, no_args_is_help=True, help="List and explain protocol packs.")


@app.command("list")
def list_(
    rules: opt.RulesOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """List the packs that ship with dqkit: what each is for, how much it judges, and from how many sources.

    [bold]Example[/bold]

      dqkit packs list
    """
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.pack import load_packs, pack_names

    packs, book = load_packs(pack_names()), load_book(rules or [])
    if json:
        from json import dumps

        from dqkit.rulebook.explain_pack import pack_to_json

        typer.echo(dumps([pack_to_json(pack, book) for pack in packs], default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_packs import print_packs_list

    print_packs_list(packs, book, screen(), lang.value)


@app.command()
def show(
    pack: Annotated[str, typer.Argument(metavar="NAME[@VERSION]|FILE", help="Name or file of a pack.")],
    rules: opt.RulesOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Explain a pack: which series it judges, what it asks of them, and where each number comes from.

    [bold]Example[/bold]

      dqkit packs show prostate-mr
    """
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.explain_pack import explain_pack, pack_to_json
    from dqkit.rulebook.pack import load_pack

    found, book = load_pack(pack), load_book(rules or [])
    if json:
        from json import dumps

        typer.echo(dumps(pack_to_json(found, book), default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_rule

    print_rule(explain_pack(found, book, lang.value), screen())
