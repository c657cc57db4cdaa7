"""The command ``dqkit``: one error boundary around all commands."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from dqkit.cli import (
    audit,
    catalog,
    combat,
    diff,
    evidence,
    explain,
    gate,
    gate_verify,
    handback,
    harmonize,
    index,
    init,
    interrupt,
    landmarks,
    packs,
    plan,
    problems,
    profile,
    reconcile,
    reply,
    report,
    rules,
    select,
    sources,
    waive,
)
from dqkit.cli.config import RootGroup, lend_settings
from dqkit.cli.screen import outlive_readers, screen
from dqkit.errors import DqkitError, ExitCode

app = typer.Typer(
    name="dqkit",
    cls=RootGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Is this imaging archive fit for its purpose, what is wrong, at which site, and who can mend it?",
    epilog="Start with:  dqkit audit FOLDER",
)


def _version(value: bool) -> None:
    if value:
        from dqkit import __version__

        typer.echo(f"dqkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    config: Annotated[  # noqa: ARG001 - a flag for the help alone: RootGroup takes it, and typer imports pydantic for paths
        bool,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Settings to use, wherever in the line (else DQKIT_CONFIG, else dqkit.yaml here or above).",
        ),
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    lend_settings(ctx)


def _exiting(command: Callable[..., int | None]) -> Callable[..., None]:
    """Make the number that a command returns its exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        raise typer.Exit(int(command(*args, **kwargs) or ExitCode.OK))

    return run


app.command("init")(_exiting(init.init))
app.command("index")(_exiting(index.index))
app.command("audit")(_exiting(audit.audit))
gate.app.command("run", hidden=True)(_exiting(gate.run))
gate.app.command("verify")(_exiting(gate_verify.verify))
app.add_typer(gate.app, name="gate")
evidence.app.command("run", hidden=True)(_exiting(evidence.run))
evidence.app.command("verify")(_exiting(evidence.verify))
app.add_typer(evidence.app, name="evidence")
app.command("waive")(_exiting(waive.waive))
app.command("profile")(_exiting(profile.profile))
app.command("report")(_exiting(report.report))
app.command("explain")(_exiting(explain.explain))
app.command("plan")(_exiting(plan.plan))
app.command("landmarks")(_exiting(landmarks.landmarks))
app.command("harmonize")(_exiting(harmonize.harmonize))
app.command("diff")(_exiting(diff.diff))
app.command("reconcile")(_exiting(reconcile.reconcile))
app.command("select")(_exiting(select.select))
rules.app.command("test")(_exiting(rules.try_cases))
reply.app.command("import")(_exiting(reply.take))
app.add_typer(rules.app, name="rules")
app.add_typer(packs.app, name="packs")
app.add_typer(sources.app, name="sources")
app.add_typer(combat.app, name="combat")
app.add_typer(catalog.app, name="catalog")
app.add_typer(problems.app, name="problems")
app.add_typer(handback.app, name="handback")
app.add_typer(reply.app, name="reply")


def main() -> NoReturn:
    """Run the command line and exit with the code that docs/exit-codes.md gives it."""
    outlive_readers()
    interrupt.listen()
    try:
        code = _run()
    except BaseException as error:  # noqa: BLE001 - the one boundary; a panic of polars is no Exception
        code = int(ExitCode.INTERRUPTED) if interrupt.pressed() else _told(error)
    if code == ExitCode.INTERRUPTED:
        _say("interrupted: the catalog is as its last complete run left it", "run the same command again")
    sys.exit(code)


def _run() -> int:
    """Run the command that was typed; return its exit code."""
    try:
        app()
    except SystemExit as error:  # typer's own way out: usage errors (2), an interrupt (130), the end of a command
        sys.stdout.flush()
        return error.code if isinstance(error.code, int) else int(ExitCode.OK)
    finally:
        interrupt.deafen()
    return int(ExitCode.OK)


def _told(error: BaseException) -> int:
    """Tell of an error in one sentence; return its exit code."""
    if isinstance(error, DqkitError):
        _say(error.message, error.hint)
        return int(error.exit_code)
    if os.environ.get("DQKIT_TRACEBACK"):
        raise error
    return _refused(error) if isinstance(error, OSError) else _crashed(error)


def _say(message: str, hint: str) -> None:
    from rich.text import Text

    console = screen(stderr=True)
    console.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
    if hint:
        console.print(Text.assemble(("  try: ", "bold"), hint), soft_wrap=True)


def _refused(error: OSError) -> int:
    """Tell what the system refused, without the name of the file, which could be one of the archive."""
    _say(
        f"a file could not be read or written: {error.strerror or type(error).__name__}",
        "mend that and run the same command again; DQKIT_TRACEBACK=1 shows which file",
    )
    return int(ExitCode.INCOMPLETE)


def _crashed(error: BaseException) -> int:
    """Tell of a fault of ours by its kind and place: its message could hold a value of a file."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{os.path.basename(last.tb_frame.f_code.co_filename)}:{last.tb_lineno}" if last else "?"  # noqa: PTH119
    _say(
        f"dqkit failed: {type(error).__name__} at {place}. It is a fault of dqkit, not of your data; nothing is lost.",
        "run again with DQKIT_TRACEBACK=1 and report what it prints (it may name files)",
    )
    return int(ExitCode.INCOMPLETE)
