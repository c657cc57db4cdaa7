"""``dqkit init``: one ``dqkit.yaml`` that every command reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqkit.cli import options as opt
from dqkit.cli.config import FILE, chosen_config
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.cli.settings import Settings

_PROPOSED = 40
"""Folders that are looked into for images; who has more names them."""

_PEEKED = 200
"""Files of a folder that are looked at before it counts as one without images."""

_SUFFIXES = (".dcm", ".ima", ".nii", ".nii.gz")


def init(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write dqkit.yaml.")] = Path(),
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="DIR[=SITE]", help="A folder of images, and the one hospital it is from."),
    ] = None,
    site_from: opt.SiteFromOption = None,
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site", metavar="FOUND=NAME", help="What the site found as FOUND goes by: north='North Hospital'."
        ),
    ] = None,
    pack: Annotated[
        list[str] | None, typer.Option("--pack", metavar="NAME|FILE", help="What the images are for.")
    ] = None,
    rules: opt.RulesOption = None,
    select: opt.SelectOption = None,
    ignore: opt.IgnoreOption = None,
    only: opt.OnlyOption = None,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    out: Annotated[Path, typer.Option("--out", help="Folder of the report and the findings.")] = opt.DEFAULT_OUT,
    fail_on: Annotated[
        opt.FailOn, typer.Option("--fail-on", help="The mildest severity that fails.")
    ] = opt.FailOn.CRITICAL,
    pixels: opt.PixelsOption = opt.Pixels.NONE,
    key_file: opt.KeyOption = None,
    waivers: Annotated[Path | None, typer.Option("--waivers", help="File of accepted findings (for the gate).")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="File of what a gate asks for.")] = None,
    lang: opt.LangOption = opt.Language.EN,
    force: Annotated[bool, typer.Option("--force", help="Write over a dqkit.yaml that is there.")] = False,
    ask: Annotated[
        bool | None,
        typer.Option("--ask/--no-ask", help="Ask questions.", show_default="on a terminal without --source"),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Write nothing: print what holds, and from where.")] = False,
    json: opt.JsonOption = False,
) -> None:
    """Write dqkit.yaml: folders, sites, packs and rules, once for all commands. What is typed later wins over it.

    [bold]Examples[/bold]

      dqkit init                                 asks, and proposes the folders it finds

      dqkit init --source /mnt/north="North Hospital" --source /mnt/south --pack prostate-mr

      dqkit init --show                          what holds here, and where it is from
    """
    if show:
        _show(chosen_config(ctx), json=json)
        return
    path = _target(folder, force=force)
    values: dict[str, Any] = {
        "sources": [_source(text, site_from, folder) for text in source or []],
        "sites": dict(_named(text) for text in site or []),
        "catalog": _within(catalog, folder),
        "out": _within(out, folder),
        "lang": lang.value,
        "packs": [_pack(text, folder) for text in opt.many(pack)],
        "rules": [_given(one, "--rules", folder) for one in rules or []],
        "scope": _scope(opt.many(select), opt.many(ignore), only or []),
        "fail_on": fail_on.value,
        "pixels": pixels.value,
        "key": key_file and _given(key_file, "--key-file", folder),
        "waivers": waivers and _given(waivers, "--waivers", folder),
        "policy": policy and _given(policy, "--policy", folder),
    }
    if ask if ask is not None else _is_terminal() and not source:
        values = _asked(values, folder, lang.value)
    _write(path, values, lang.value)
    typer.echo(str(path))
    typer.echo(
        "next: " + ("dqkit audit" if values["sources"] else "name folders under sources:, then dqkit audit"), err=True
    )


def _target(folder: Path, *, force: bool) -> Path:
    if not folder.is_dir():
        raise DqkitError(f"there is no folder {folder}", "make it first, or name another one")
    path = folder / FILE
    if os.path.lexists(path) and not force:
        raise DqkitError(f"{path} is there already", "edit it, see it with --show, or write over it with --force")
    return path


def _is_terminal() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stderr.isatty()


def _within(path: Path, folder: Path) -> str:
    """Return `path` as the settings hold it: relative to their folder where it lies below it, else absolute."""
    absolute, base = path.absolute(), folder.absolute()
    if absolute == base or not absolute.is_relative_to(base):
        return str(absolute) if absolute != base else "."
    return str(absolute.relative_to(base))


def _given(path: Path, option: str, folder: Path) -> str:
    """Return a path that was typed as the settings hold it."""
    if not path.exists():
        raise DqkitError(f"{option}: there is no file {path}", "check the path")
    return _within(path, folder)


def _scope(select: list[str], ignore: list[str], only: list[str]) -> dict[str, list[str]]:
    from dqkit.audit.only import Only

    scope = {"select": select, "ignore": ignore, **Only.parse(only).to_json()}
    return {key: values for key, values in scope.items() if values}


def _asked(values: dict[str, Any], folder: Path, lang: str) -> dict[str, Any]:
    from dqkit.cli.questions import answered

    answers = answered(values, image_folders(folder), known_packs(), lang)
    sources = [{**one, "root": _within(Path(one["root"]).expanduser(), folder)} for one in answers["sources"]]
    return answers | {"sources": sources, "packs": [_pack(one, folder) for one in answers["packs"]]}


def _source(text: str, site_from: str | None, folder: Path) -> dict[str, str]:
    """Read ``DIR`` or ``DIR=SITE``; a folder whose own name has a ``=`` wins."""
    path, _, site = (text, "", "") if Path(text).is_dir() else text.rpartition("=")
    if not Path(path or text).is_dir():
        raise DqkitError(f"--source: there is no folder {path or text}", "check the path; is the share mounted?")
    if site:
        return {"root": _within(Path(path), folder), "site": site}
    if site_from:
        from dqkit.archive.site import SiteRule

        SiteRule.parse(site_from)
        table = site_from.endswith(".csv")
        return {
            "root": _within(Path(path), folder),
            "site_from": _within(Path(site_from), folder) if table else site_from,
        }
    return {"root": _within(Path(path), folder)}


def _named(text: str) -> tuple[str, str]:
    found, _, name = text.partition("=")
    if not found.strip() or not name.strip():
        raise DqkitError(f"--site {text!r} is not understood", "write FOUND=NAME: --site north='North Hospital'")
    return found, name.strip()


def _pack(text: str, folder: Path) -> str:
    """Return a pack's name, or its file as the settings hold it."""
    if text.endswith((".yaml", ".yml")) or os.sep in text:
        return _given(Path(text), "--pack", folder)
    known = known_packs()
    if known and text.partition("@")[0] not in known:
        raise DqkitError(f"there is no pack {text!r}", f"the packs are: {', '.join(known)}")
    return text


def known_packs() -> list[str]:
    """Return the names of the packs that ship with dqkit."""
    from dqkit.shipped import shipped

    return sorted(path.stem for path in (shipped("rules") / "packs").glob("*.yaml"))


def image_folders(folder: Path) -> list[Path]:
    """Return the folders below `folder` that seem to hold images, by a glance at a few files of each."""
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []
    ours = ("dqkit.json", "result.json")
    candidates = [path for path in below if not any((path / name).is_file() for name in ours)]
    return [path for path in candidates[:_PROPOSED] if any(map(_is_image, islice(_files(path), _PEEKED)))]


def _files(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(place, name)  # noqa: PTH118 - names may be no text


def _is_image(path: str) -> bool:
    if path.lower().endswith(_SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _write(path: Path, values: dict[str, Any], lang: str) -> None:
    """Write the file after reading it as every command will."""
    from dqkit.catalog.store import write_atomically
    from dqkit.cli.settings import read_settings_text
    from dqkit.cli.settings_text import settings_text
    from dqkit.index.sources import keep_out
    from dqkit.rulebook.book import load_book

    text = settings_text(values, lang)
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise DqkitError(
            "a path is no text (UTF-8), which YAML cannot hold", "rename it, or type it as ROOT"
        ) from error
    settings = read_settings_text(text, path)
    roots = [source.root.resolve() for source in settings.sources]
    for what, place in (
        ("catalog", settings.options["catalog"]),
        ("report", settings.options["out"]),
        ("settings", path),
    ):
        keep_out(place, roots, what)
    scope = values["scope"]
    load_book(settings.options.get("rules", [])).select(scope.get("select", []), scope.get("ignore", []))
    try:
        write_atomically(path, data)
    except OSError as error:
        raise DqkitError(f"{path} cannot be written: {error.strerror}", "name another folder") from error


def _show(path: Path | None, *, json: bool) -> None:
    from dqkit.cli.settings import Settings, read_settings
    from dqkit.cli.shown_settings import print_settings, settings_rows

    settings: Settings = Settings() if path is None else read_settings(path)
    rows = settings_rows(settings)
    if json:
        from json import dumps

        typer.echo(dumps({"file": path and str(path), "settings": rows}, ensure_ascii=False))
        return
    print_settings(path, rows)
