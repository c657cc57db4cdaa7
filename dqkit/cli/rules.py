"""``dqkit rules``: the rule book in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="List, explain and test rules.")


@app.command("list")
def list_(
    select: opt.SelectOption = None,
    ignore: opt.IgnoreOption = None,
    rules: opt.RulesOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """List rules with their level and severity.

    [bold]Example[/bold]

      dqkit rules list --select GEO
    """
    from dqkit.report.terminal import print_rules, rules_json
    from dqkit.rulebook.book import load_book

    book = load_book(rules or []).select(opt.many(select), opt.many(ignore))
    if json:
        typer.echo(rules_json(book))
    else:
        print_rules(book, lang=lang.value)


@app.command()
def show(
    rule: Annotated[str, typer.Argument(metavar="ID", help="Id or name of a rule.")],
    rules: opt.RulesOption = None,
    lang: opt.LangOption = opt.Language.EN,
) -> None:
    """Explain a rule: what it finds, why that matters, what to do, where it stands in the standard.

    [bold]Example[/bold]

      dqkit rules show GEO-003
    """
    from dqkit.report.terminal import print_markdown
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.explain import explain_rule

    print_markdown(explain_rule(load_book(rules or []).get(rule), lang.value))


def test(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="Rule files; none: all shipped.")
    ] = None,
) -> int:
    """Run the cases that stand in rule files.

    [bold]Example[/bold]

      dqkit rules test my-rules/GEO-901-house-step.yaml
    """
    from dqkit.report.terminal import print_cases
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.cases import run_cases

    results = [result for rule in load_book(files or []) if _asked(rule.path, files) for result in run_cases(rule)]
    print_cases(results)
    return int(ExitCode.OK if all(result.passed for result in results) else ExitCode.FAILED)


def _asked(path: Path, files: list[Path] | None) -> bool:
    return not files or any(path.resolve().is_relative_to(file.resolve()) for file in files)
