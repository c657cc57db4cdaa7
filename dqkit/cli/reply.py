"""``dqkit reply``: the answers of hospitals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group
from dqkit.errors import ExitCode, NothingToCheckError

if TYPE_CHECKING:
    from typing import Any

    from dqkit.steward.reply import ReplySummary

app = typer.Typer(cls=Group, no_args_is_help=True, help="Take the answers of hospitals.")


@app.callback()
def _group() -> None:
    pass


def take(
    reply: Annotated[Path, typer.Argument(metavar="FILE.xlsx|FILE.csv", help="A worklist that came back.")],
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Record nothing: say what would be.")] = False,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Take the answers of a worklist that came back; the same file may be imported again.

    Every row is taken or refused on its own: an ID that was edited, a formula or an unknown answer loses no other row.
    Exit codes: 0 all taken, 3 some refused, 4 no answer in the file, 2 no worklist.

    [bold]Examples[/bold]

      dqkit reply import worklist-North-2026-07-01-3f9a2c.xlsx

      dqkit reply import worklist.csv --dry-run
    """
    from dqkit.catalog.store import Catalog
    from dqkit.steward.reply import take_reply
    from dqkit.steward.reply_file import read_reply

    summary = take_reply(Catalog(catalog), read_reply(reply), dry_run=dry_run)
    if not (summary.answered or summary.unchanged or summary.refused):
        raise NothingToCheckError(f"{reply.name} holds no answer", "was it saved after it was filled in?")
    if json:
        from json import dumps

        typer.echo(dumps(_as_json(summary, dry_run=dry_run), ensure_ascii=False))
    else:
        _print(summary, lang.value, dry_run=dry_run)
    return int(ExitCode.INCOMPLETE if summary.refused else ExitCode.OK)


def _print(summary: ReplySummary, lang: str, *, dry_run: bool) -> None:
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_steward import reply_lines

    console = screen()
    for line in reply_lines(summary, lang, dry_run=dry_run):
        console.print(line, soft_wrap=True)


def _as_json(summary: ReplySummary, *, dry_run: bool) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "dry_run": dry_run,
        "answered": summary.answered,
        "unchanged": summary.unchanged,
        "refused": [asdict(row) for row in summary.refused],
        "remarks": [asdict(row) for row in summary.remarks],
        "states": summary.states,
        "closed": summary.closed,
    }
