"""Help is quick: whoever asks for it waits for typer alone."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import command, environment

pytestmark = pytest.mark.slow

HELLO = '''
import typer

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command()
def hello(name: str = typer.Option("World", help="Whom to greet.")) -> None:
    """Say [bold]hello[/bold]."""
    typer.echo(f"Hello {name}")


app()
'''


def commands() -> list[str]:
    """Return every command and group as it is typed."""
    from dqkit.cli.main import app

    found = ["", *(str(one.name) for one in app.registered_commands)]
    for group in app.registered_groups:
        below = group.typer_instance.registered_commands
        found += [str(group.name), *(f"{group.name} {one.name or one.callback.__name__}" for one in below)]
    return found


COMMANDS = commands()

HEAVY = {
    "polars", "pydicom", "great_expectations", "numpy", "pandas", "deltalake", "altair", "SimpleITK", "jinja2", "yaml",
    "pydantic", "dqkit.rulebook", "dqkit.catalog", "dqkit.index", "dqkit.audit", "dqkit.report",
}  # fmt: skip

TIMES = 5
MOST = 2.0


def cpu_seconds(line: list[str | bytes]) -> float:
    """Return user and system time of one child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(line, capture_output=True, check=True, env=environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_every_help_starts_in_twice_the_cpu_of_a_typer_hello(tmp_path: Path) -> None:
    hello = tmp_path / "hello.py"
    hello.write_text(HELLO)
    lines: dict[str, list[str | bytes]] = {name: command(*name.split(), "--help") for name in COMMANDS}
    base: list[str | bytes] = [sys.executable, str(hello), "--help"]
    best = dict.fromkeys(["hello", *COMMANDS], 1e9)
    over = set(COMMANDS)
    for _ in range(TIMES):  # in turns, so that a busy moment of the machine is nobody's alone
        best["hello"] = min(best["hello"], cpu_seconds(base))
        best |= {name: min(best[name], cpu_seconds(lines[name])) for name in over}
        over = {name for name in COMMANDS if best[name] > MOST * best["hello"]}
        if not over:
            break
    ratios = {name: round(best[name] / best["hello"], 2) for name in sorted(over)}
    assert not over, f"CPU of help over that of hello: {ratios}"


IMPORTED = f"""
import json, os, sys
import dqkit.cli.main  # every help needs it: the processes below share it, and what it imports is among theirs
for name in json.load(sys.stdin):
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["dqkit", *name.split(), "--help"]
        from dqkit.cli.main import main
        try:
            main()
        except SystemExit as left:
            print(json.dumps([name, left.code, sorted({HEAVY!r} & set(sys.modules))]), file=sys.stderr, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, tuple[int, list[str]]]:
    """Return what each command's help ends with, and what heavy modules it imports, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTED], input=json.dumps(COMMANDS), capture_output=True, text=True, check=True,
        env=environment(),
    )  # fmt: skip
    return {name: (code, heavy) for name, code, heavy in map(json.loads, ran.stderr.splitlines())}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name: str, imported: dict[str, tuple[int, list[str]]]) -> None:
    assert imported[name] == (0, [])


def test_commands_and_those_of_groups_are_among_them() -> None:
    assert {"", "audit", "rules", "rules show", "catalog vacuum"} < set(COMMANDS)
