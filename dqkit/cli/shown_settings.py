"""What holds, and where it is from: ``dqkit init --show``."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dqkit.cli import options as opt
from dqkit.cli.settings import Settings

_DEFAULTS: dict[str, object] = {
    "catalog": opt.DEFAULT_CATALOG,
    "out": opt.DEFAULT_OUT,
    "lang": opt.Language.EN.value,
    "fail_on": opt.FailOn.CRITICAL.value,
    "engine": opt.Engine.POLARS.value,
    "pixels": opt.Pixels.NONE.value,
    "workers": "one a core",
}

_OPTION = {"key": "key_file", "packs": "pack", "scope.select": "select", "scope.ignore": "ignore"}
"""Key of the file -> the parameter it sets, where they differ."""


def settings_rows(settings: Settings) -> list[dict[str, str]]:
    """Return key, value and origin of everything that holds; the key of the pseudonyms itself is never shown."""
    rows = [*_sources(settings), *_sites(settings)]
    for key in ("packs", "rules", "scope.select", "scope.ignore", *_DEFAULTS):
        value = settings.options.get(_OPTION.get(key, key))
        if value is not None:
            rows.append(_row(key, value, _place(settings, key)))
        elif key in _DEFAULTS:
            rows.append(_row(key, _DEFAULTS[key], "default"))
    for key, column in (("scope.sites", "site="), ("scope.modalities", "Modality=")):
        if key in settings.marks:
            values = [text.removeprefix(column) for text in settings.options["only"] if text.startswith(column)]
            rows.append(_row(key, values, _place(settings, key)))
    rows.append(_key(settings))
    rows += [
        _row(key, settings.options[key], _place(settings, key))
        for key in ("waivers", "policy")
        if key in settings.options
    ]
    return rows


def _sources(settings: Settings) -> Iterator[dict[str, str]]:
    for source in settings.sources:
        rule = "" if source.site_rule is None else f" ({source.site_rule})"
        yield _row("source", f"{source.root}{rule}", f"{source.mark.path}:{source.mark.line}")


def _sites(settings: Settings) -> Iterator[dict[str, str]]:
    for found, name in settings.names.items():
        yield _row("site", f"{found} -> {name}", _place(settings, "sites"))


def _key(settings: Settings) -> dict[str, str]:
    if "DQKIT_KEY" in os.environ:
        return _row("key", "set (not shown)", "DQKIT_KEY")
    if "key_file" in settings.options:
        return _row("key", settings.options["key_file"], _place(settings, "key"))
    return _row("key", "in your configuration", "default")


def _place(settings: Settings, key: str) -> str:
    mark = settings.marks[key]
    return f"{mark.path}:{mark.line}"


def _row(key: str, value: Any, origin: str) -> dict[str, str]:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return {"key": key, "value": text, "from": origin}


def print_settings(path: Path | None, rows: list[dict[str, str]]) -> None:
    """Print the file and the rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.report.visible import visible

    console = screen()
    console.print(Text(f"settings: {path}" if path else "no dqkit.yaml here or above: defaults hold"))
    table = Table("key", "value", "from", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(visible(row[name], 4096)) for name in ("key", "value", "from")))
    console.print(table)
