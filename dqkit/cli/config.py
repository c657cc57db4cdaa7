"""Finds ``dqkit.yaml`` and lends its values to every command; what is typed wins.

Nothing heavy is imported before there is such a file, so that help stays quick.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dqkit.cli.group import DefaultGroup, Group
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.archive.site import SiteRule
    from dqkit.cli.settings import Settings

FILE = "dqkit.yaml"
VARIABLE = "DQKIT_CONFIG"

_OPTION = "--config"
_HELP = "--help"
_BLIND = frozenset({"init"})
"""Commands that read no settings: a file that cannot be read must not keep anybody from writing a better one."""

_USERS: dict[str, frozenset[str]] = {
    "out": frozenset({"audit"}),
    "select": frozenset({"audit"}),
    "ignore": frozenset({"audit"}),
    "only": frozenset({"audit"}),
    "fail_on": frozenset({"audit"}),
    "engine": frozenset({"audit"}),
    "pixels": frozenset({"audit", "index", "gate"}),
    "policy": frozenset({"gate"}),
    "pack": frozenset({"audit", "diff"}),
}
"""Parameter -> the commands that the settings give it to; others go to every command that has it."""

_ALSO_CALLED = {"catalog": "source"}
"""Parameter -> its other name, in commands that take it as an argument."""


class RootGroup(Group):
    """The command ``dqkit`` itself: takes ``--config`` wherever it was typed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Remember the file that ``--config`` names, and whether help was asked for."""
        ctx.meta[_OPTION], rest = _pulled_out(args)
        ctx.meta[_HELP] = _HELP in rest
        parsed: list[str] = super().parse_args(ctx, rest)
        return parsed


def _pulled_out(args: list[str]) -> tuple[Path | None, list[str]]:
    """Return the file that ``--config`` names, and what else was typed; nothing is taken from behind ``--``."""
    end = args.index("--") if "--" in args else len(args)
    named, rest = "", []
    typed = iter(args[:end])
    for word in typed:
        if word == _OPTION:
            named = next(typed, "")
        elif word.startswith(f"{_OPTION}="):
            named = word.partition("=")[2]
        else:
            rest.append(word)
            continue
        if not named:
            raise DqkitError(f"{_OPTION} names no file", f"write {_OPTION} FILE")
    return Path(named) if named else None, rest + args[end:]


def lend_settings(ctx: typer.Context) -> None:
    """Read the settings, if any, and make them the defaults of the command that was typed.

    Raises
    ------
    DqkitError
        The file cannot be used.
    """
    if ctx.meta.get(_HELP) or ctx.invoked_subcommand in _BLIND:
        return
    path = chosen_config(ctx)
    if path is None:
        return
    from dqkit.cli.settings import read_settings

    settings = read_settings(path)
    ctx.obj = settings
    ctx.default_map = _defaults(ctx.command, settings.options)
    if path.parts[0] == ".." and not ctx.meta.get(_OPTION) and not os.environ.get(VARIABLE):
        typer.echo(f"settings: {path}", err=True)


def chosen_config(ctx: typer.Context) -> Path | None:
    """Return the settings file: the one named, that of DQKIT_CONFIG, or the nearest at or above the working directory.

    The search ends at the user's home or at the root of the file system.

    Raises
    ------
    DqkitError
        The one that was named is not there.
    """
    typed: Path | None = ctx.meta.get(_OPTION)
    wanted = typed or (Path(text) if (text := os.environ.get(VARIABLE)) else None)
    if wanted is None:
        return _nearest()
    if wanted.is_dir() or not os.path.exists(wanted):  # noqa: PTH110 - pathlib raises for names that are too long
        by = _OPTION if typed else VARIABLE
        raise DqkitError(f"there is no settings file {wanted} ({by})", "write one with: dqkit init")
    return wanted


def _nearest() -> Path | None:
    """Look for the file in the working directory and above it, and name it from there (``../dqkit.yaml``)."""
    try:
        here = Path.cwd()
    except OSError:  # somebody removed the working directory
        return None
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - pathlib raises where there is no home
    above = Path()
    for folder in (here, *here.parents):
        if os.path.isfile(above / FILE):  # noqa: PTH113 - pathlib raises where permission is denied
            if not _planted(above / FILE):
                return above / FILE
            typer.echo(f"not used: {above / FILE} is another user's, where everybody may write", err=True)
        if folder == home:
            return None
        above = above / ".."
    return None


def _planted(path: Path) -> bool:
    """Tell whether somebody else may have put `path` there, to lead a catalog of patients astray: as in /tmp."""
    everybody = os.stat(os.path.dirname(path) or ".").st_mode & stat.S_IWOTH  # noqa: PTH116, PTH120 - as above
    return bool(everybody) and os.name == "posix" and path.stat().st_uid not in {os.getuid(), 0}


def _defaults(command: Any, options: dict[str, Any] | Any, name: str = "") -> dict[str, Any]:
    """Return parameter -> value for each command below `command`, as typer's context takes them."""
    below = getattr(command, "commands", None)
    if below:
        own = name if isinstance(command, DefaultGroup) else ""
        return {
            child: _defaults(one, options, own if own and child == DefaultGroup.DEFAULT else child)
            for child, one in below.items()
        }
    taken = {parameter.name for parameter in command.params}
    return {
        called: _plain(value)
        for option, value in options.items()
        for called in (option, _ALSO_CALLED.get(option, option))
        if called in taken and name in _USERS.get(option, frozenset({name}))
    }


def _plain(value: Any) -> Any:
    """Return `value` as it would be typed."""
    return (
        str(value) if isinstance(value, Path) else [_plain(one) for one in value] if isinstance(value, list) else value
    )


def settings_of(ctx: typer.Context) -> Settings:
    """Return the settings that `lend_settings` read; empty ones where there is no file."""
    from dqkit.cli.settings import Settings

    return ctx.obj if isinstance(ctx.obj, Settings) else Settings()


def configured_roots(ctx: typer.Context, catalog: Path) -> list[Path]:
    """Return the sources of the settings: those that are there, and those that `catalog` knows and finds offline.

    Raises
    ------
    DqkitError
        A folder is not there and was never indexed.
    """
    from dqkit.index.sources import check_root

    found: list[Path] = []
    known: set[Path] | None = None
    for source in settings_of(ctx).sources:
        if source.root.exists():
            found.append(check_root(source.root))
            continue
        known = _known(catalog) if known is None else known
        if source.root.resolve() not in known:
            raise source.mark.error(f"there is no folder {source.root}", "check the path; is the share mounted?")
        found.append(source.root.resolve())
    return found


def _known(catalog: Path) -> set[Path]:
    """Return the roots that a catalog knows; none where there is no catalog."""
    from dqkit.catalog.store import Catalog
    from dqkit.index.sources import registered

    if not (catalog / "dqkit.json").is_file():
        return set()
    return {source.root for source in registered(Catalog(catalog).scan("sources").collect())}


def configured_site_rules(ctx: typer.Context, roots: list[Path], typed: SiteRule | None) -> dict[Path, SiteRule]:
    """Return root -> how the site of its files is found, where the settings say so.

    A rule that was typed wins; the names of ``sites`` still hold for what ``--site-from`` finds.
    """
    from dataclasses import replace

    from dqkit.archive.site import SiteRule

    settings = settings_of(ctx)
    own = {source.root.resolve(): source.site_rule for source in settings.sources}
    rules: dict[Path, SiteRule] = {}
    for root in roots:
        rule = typed or own.get(root)
        if settings.names and (rule is None or rule.kind != "name"):
            rule = replace(rule or SiteRule(), names=settings.names)
        if rule is not None:
            rules[root] = rule
    return rules
