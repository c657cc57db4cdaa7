"""``dqkit gate verify``: whether a verdict still stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog


def verify(
    verdict: Annotated[
        Path, typer.Argument(metavar="VERDICT", help="verdict.json, or the folder that dqkit gate --out wrote.")
    ],
    dataset: Annotated[
        Path | None, typer.Option("--dataset", metavar="FILE", help="The dataset file as it is now.")
    ] = None,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="The policy as it is now.")] = None,
    waivers: Annotated[
        Path | None, typer.Option("--waivers", metavar="FILE", help="The waivers as they are now.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="The baseline as it is now.")
    ] = None,
    cohort: Annotated[Path | None, typer.Option("--cohort", metavar="FILE", help="The cohort as it is now.")] = None,
    rules: opt.RulesOption = None,
    reread: Annotated[
        bool,
        typer.Option("--reread", help="Read every file of the dataset again, though its size and time are the same."),
    ] = False,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Say what changed since a verdict: files, catalog, rules, packs, waivers that ended, the dataset. Writes nothing.

    Exit codes: 0 nothing that matters changed; 1 something did: run the gate again; 3 something could not be looked
    at; 2 wrong use, or another catalog.

    [bold]Examples[/bold]

      dqkit gate verify dqkit-gate --dataset train.csv

      dqkit gate verify ci/verdict.json --policy gate.yaml --waivers waivers.yaml --json
    """
    from dqkit.cli.progress import shown_progress
    from dqkit.gate.standing import Given, standing_of, standing_to_json
    from dqkit.gate.verdict_file import read_verdict
    from dqkit.identity import load_key

    read = read_verdict(verdict)
    opened, why = _opened(catalog, load_key(key_file).fingerprint)
    given = Given(opened, why, dataset, policy, waivers, baseline, cohort, tuple(rules or ()), reread)
    with shown_progress() as progress:
        standing = standing_of(read, given, progress)
    if json:
        from json import dumps

        typer.echo(dumps(standing_to_json(standing), ensure_ascii=False))
    else:
        from dqkit.cli.screen import screen
        from dqkit.report.gate_standing import print_standing

        print_standing(standing, read.data, screen(), lang.value)
    return int(standing.exit_code)


def _opened(path: Path, fingerprint: str) -> tuple[Catalog | None, str]:
    """Open the catalog; one that is away leaves the rest to be looked at, one of another key is a mistake."""
    from dqkit.catalog.store import Catalog

    try:
        return Catalog(path, fingerprint), ""
    except DqkitError as error:
        if (path / "dqkit.json").is_file():
            raise
        return None, error.message
