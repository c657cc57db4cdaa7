"""``dqkit select``: a policy over a catalog -> who is in, who is out and why, and the flow picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.targets import keep_out_of
from dqkit.errors import DqkitError, ExitCode

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.cohort.select import Selected
    from dqkit.identity import Pseudonyms


def select(
    catalog: Annotated[Path, typer.Argument(metavar="CATALOG", help="The catalog.")] = opt.DEFAULT_CATALOG,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="Ordered steps, in YAML (docs/select.md).")
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE", help="The cohort file; its attrition and pictures lie beside."),
    ] = Path("cohort.parquet"),
    paths: Annotated[
        Path | None, typer.Option("--paths", metavar="FILE.csv", help="Also list the files of the cohort; in-house.")
    ] = None,
    by_site: Annotated[bool, typer.Option("--by-site", help="The picture counts every site too.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a policy to begin with, and do nothing.")] = False,
    rules: opt.RulesOption = None,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Choose a cohort: every patient, study and series in or out with its reasons, and the flow picture.

    The file is what dqkit audit --cohort and later stages take. Nothing is written to the catalog. Exit codes: 0,
    4 where nothing is left, 2 wrong use.

    [bold]Examples[/bold]

      dqkit select --example > select.yaml               a policy to begin with

      dqkit select dqkit-catalog --policy select.yaml

      dqkit select --policy select.yaml -o train/cohort.parquet --paths train/files.csv --by-site

      dqkit audit dqkit-catalog --cohort cohort.parquet
    """
    if example:
        from dqkit.cohort.example import example_policy

        typer.echo(example_policy(), nl=False)
        return int(ExitCode.OK)
    if policy is None:
        raise DqkitError("no policy was named", "name one with --policy, or begin with: dqkit select --example")
    if out.is_dir():
        raise DqkitError(f"{out} is a folder", "name the cohort file: -o DIR/cohort.parquet")
    from dqkit.catalog.store import Catalog
    from dqkit.identity import load_key

    pseudonyms = load_key(key_file)
    opened = Catalog(catalog, pseudonyms.fingerprint)
    for path in (out, paths):
        if path is not None:
            keep_out_of(opened, path, "cohort")
    chosen = _selected(opened, policy, rules or [], pseudonyms)
    _write(opened, chosen, pseudonyms, (out, paths), lang.value, by_site=by_site, json=json)
    return int(ExitCode.OK if chosen.attrition.end.series else ExitCode.NOTHING)


def _selected(catalog: Catalog, policy: Path, rules: list[Path], pseudonyms: Pseudonyms) -> Selected:
    from dqkit.cli.progress import shown_progress
    from dqkit.cohort.policy import load_policy
    from dqkit.cohort.select import select as choose
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.pack_rules import with_packs

    loaded = load_policy(policy)
    needs_rules = any(step.kind == "exclude_failing" for step in loaded.steps)
    known = with_packs(load_book(rules), loaded.packs).rules if needs_rules else ()
    with shown_progress() as progress:
        return choose(catalog, loaded, known, pseudonyms, progress)


def _write(
    catalog: Catalog,
    chosen: Selected,
    pseudonyms: Pseudonyms,
    places: tuple[Path, Path | None],
    lang: str,
    *,
    by_site: bool,
    json: bool,
) -> None:
    from dqkit.cohort.files import files_of
    from dqkit.report.cohort_out import write_cohort, write_paths

    out, paths = places
    written = write_cohort(chosen, out, lang, by_site=by_site)
    if paths is not None:
        write_paths(files_of(catalog, chosen.decisions), paths, pseudonyms)
        written["paths"] = paths
    if json:
        typer.echo(written["json"].read_text(encoding="utf-8"))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_cohort import print_cohort

    print_cohort(chosen, screen(), lang, written)
