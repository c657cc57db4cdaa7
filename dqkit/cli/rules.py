"""``dqkit rules``: the rule book in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group
from dqkit.errors import ExitCode

app = typer.Typer(cls=Group, no_args_is_help=True, help="List, explain and test rules.")


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
    from dqkit.rulebook.book import load_book

    book = load_book(rules or []).select(opt.many(select), opt.many(ignore), with_open=True)
    if json:
        from json import dumps

        typer.echo(dumps([rule.source for rule in book], default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_rules_list

    print_rules_list(book, screen(), lang.value)


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
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_rule
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.explain import explain_rule

    print_rule(explain_rule(load_book(rules or []).get(rule), lang.value), screen())


@app.command()
def infer(
    catalog: Annotated[
        Path, typer.Argument(metavar="[CATALOG]", help="The catalog to learn from.")
    ] = opt.DEFAULT_CATALOG,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The pack to write; a file that stands is kept.")
    ] = Path("my-pack.yaml"),
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="ATTRIBUTE,…",
            help="What makes a group of series.",
            show_default="Modality,ProtocolName,ManufacturerModelName",
        ),
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Learn from this hospital alone.")] = None,
    min_support: Annotated[
        int, typer.Option("--min-support", min=5, help="Series that a group has at least.", show_default=True)
    ] = 20,
    rules: opt.RulesOption = None,
) -> None:
    """Learn the reference protocol of an archive as a pack that a person reviews.

    The file names protocols as the scanners have them: it is in-house, and for its owner alone (0600).

    [bold]Examples[/bold]

      dqkit rules infer dqkit-catalog -o my-pack.yaml

      dqkit audit dqkit-catalog --pack ./my-pack.yaml
    """
    from dqkit.cli.learning import learn_pack

    learn_pack(catalog, out, opt.many(by), site, min_support, rules or [])


def try_cases(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="Rule files; none: all shipped.")] = None,
) -> int:
    """Run the cases that stand in rule files.

    [bold]Example[/bold]

      dqkit rules test my-rules/GEO-901-house-step.yaml
    """
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.cases import missing_cases, run_cases

    rules = [rule for rule in load_book(_own(files or [])) if _asked(rule.path, files)]
    results = [result for rule in rules for result in run_cases(rule)]
    console = screen()
    failures = [f"{result.rule_id}: {result.case}: {result.failure}" for result in results if not result.passed]
    failures += [f"{rule.id}: no case shows {outcome}" for rule in rules for outcome in missing_cases(rule)]
    for failure in failures:
        console.print(Text(failure, style="red"), soft_wrap=True)
    console.print(f"{len(rules)} rules, {len(results)} cases, {len(failures)} failures")
    return int(ExitCode.FAILED if failures else ExitCode.OK)


def _own(files: list[Path]) -> list[Path]:
    """Leave out what ships with dqkit: it is in the book already."""
    from dqkit.shipped import shipped

    return [file for file in files if not file.resolve().is_relative_to(shipped("rules").resolve())]


def _asked(path: Path, files: list[Path] | None) -> bool:
    return not files or any(path.resolve().is_relative_to(file.resolve()) for file in files)
