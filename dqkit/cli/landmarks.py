"""``dqkit landmarks``: the training part of a plan -> landmarks of its histograms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError


def landmarks(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan of the training part: what dqkit plan wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The landmarks to write, as JSON.")] = Path(
        "landmarks.json"
    ),
    all_images: Annotated[
        bool, typer.Option("--all", help="The plan takes the whole catalog, and all of it is the training part.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes.", show_default="one a core")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    catalog: Annotated[
        Path | None,
        typer.Option("--catalog", help="Folder of the catalog, where it is no longer where the plan says."),
    ] = None,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Learn the histogram that a recipe's step nyul matches others to, from the training part alone.

    The file goes beside the recipe (or the plan) and holds for the modalities and roles it was learnt on; dqkit
    harmonize refuses others.

    [bold]Examples[/bold]

      dqkit plan --recipe our-mr.yaml --select site=North,South -o train.yaml

      dqkit landmarks train.yaml -o landmarks.json

      dqkit plan --recipe our-mr.yaml -o all.yaml; dqkit harmonize all.yaml --out volumes
    """
    from json import dumps

    from dqkit.catalog.store import Catalog, write_atomically
    from dqkit.cli.progress import shown_progress
    from dqkit.cli.targets import keep_out_of
    from dqkit.harmonize.intensity.landmarks import to_json
    from dqkit.harmonize.intensity.learn import learn_landmarks
    from dqkit.harmonize.plan_file import read_plan
    from dqkit.harmonize.run import workers_for
    from dqkit.identity import load_key
    from dqkit.report.landmarks_view import learnt_to_json, print_learnt

    made, pseudonyms = read_plan(plan), load_key(key_file)
    if not made.selected and not all_images:
        raise DqkitError(
            "the plan takes the whole catalog: which part of it is the training part?",
            "plan with --select (or a cohort), or say --all where everything is for training",
        )
    if out.exists() and not force:
        raise DqkitError(f"{out} is there already", "name another file with --out, or say --force")
    opened = Catalog(catalog or made.catalog, pseudonyms.fingerprint)
    keep_out_of(opened, out, "file of landmarks")
    with shown_progress() as progress:
        learnt = learn_landmarks(made, opened, pseudonyms, workers_for(workers), progress)
    write_atomically(out, (dumps(to_json(learnt.landmarks), indent=1, ensure_ascii=False) + "\n").encode())
    if json:
        typer.echo(dumps(learnt_to_json(learnt) | {"landmarks": str(out)}, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen

    print_learnt(learnt, out, screen(), lang.value)
