"""``dqkit problems``: how far each problem has come between the archive and the hospitals."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group
from dqkit.errors import DqkitError

app = typer.Typer(cls=Group, no_args_is_help=True, help="List problems with their states, and set a state.")


class State(StrEnum):
    """States of a problem, as model.ProblemState has them (help must not wait for the model)."""

    OPEN = "open"
    SENT = "sent"
    FIXED = "fixed"
    CANNOT_FIX = "cannot-fix"
    DISPUTED = "disputed"
    QUESTION = "question"
    REOPENED = "reopened"
    MENDED = "mended"
    GONE = "gone"


@app.command("list")
def list_(
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    site: Annotated[str | None, typer.Option("--site", help="Only this hospital.")] = None,
    state: Annotated[
        list[State] | None,
        typer.Option("--state", help="Only in this state; repeat it.", show_default="all that are not over"),
    ] = None,
    rules: opt.RulesOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """List problems, worst first: their state, since when, and what the hospital said.

    This is for your own screen: comments are what somebody wrote.

    [bold]Examples[/bold]

      dqkit problems list --site North

      dqkit problems list --state disputed --state question

      dqkit problems list --state mended --json
    """
    from dqkit.audit.only import Only, check_only
    from dqkit.catalog.store import Catalog
    from dqkit.steward.problems import problems_with_states

    opened = Catalog(catalog)
    check_only(opened, Only(sites=(site,) if site else ()))
    found = problems_with_states(opened, site, [one.value for one in state] if state else None)
    if json:
        from json import dumps

        typer.echo(dumps(found.to_dicts(), default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_steward import print_problems
    from dqkit.rulebook.book import load_book

    print_problems(found, {rule.key: rule for rule in load_book(rules or []).rules}, screen(), lang.value)


@app.command("set")
def set_(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM_ID", help="Its id, or the first characters of it.")],
    state: Annotated[State, typer.Option("--state", help="What it is now.")],
    comment: Annotated[str | None, typer.Option("--comment", help="Why; stays in the catalog.")] = None,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    lang: opt.LangOption = opt.Language.EN,
) -> None:
    """Set the state of a problem, as after a telephone call; an audit that finds what is said to be fixed reopens it.

    [bold]Example[/bold]

      dqkit problems set 3f9a2c --state cannot-fix --comment "originals are lost"
    """
    from dqkit.catalog.store import Catalog
    from dqkit.cli.screen import screen
    from dqkit.model import ProblemState
    from dqkit.report.terminal_steward import set_line
    from dqkit.steward.problems import set_state

    if comment is not None and len(comment) > 2000:  # noqa: PLR2004 - as in a reply
        raise DqkitError("a comment has 2,000 characters at most", "say it in fewer words")
    found = set_state(Catalog(catalog), problem, ProblemState(state.value), comment)
    screen().print(set_line(found, state.value, lang.value))
