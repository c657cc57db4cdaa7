"""``dqkit plan``: catalog + recipe -> what would be done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt

if TYPE_CHECKING:
    from dqkit.harmonize.plan import Plan

DEFAULT_PLAN = Path("plan.yaml")


def plan(
    source: Annotated[Path, typer.Argument(metavar="CATALOG", help="A catalog.")] = opt.DEFAULT_CATALOG,
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            metavar="NAME|FILE",
            help="How volumes are made alike: ct-1mm-iso, ct-lung, mr-brain-1mm, mr-prostate, mg-standard,"
            " fundus-standard, keep-geometry, or a file of your own.",
        ),
    ] = "",
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            metavar="COLUMN=VALUE[,VALUE]",
            help="Only series that are so: site=North, Modality=CT, role=t2 …; repeat it to narrow further.",
        ),
    ] = None,
    cohort: opt.CohortOption = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            "--masks",
            metavar="TABLE",
            help="Table (CSV) of NIfTI masks: columns mask (a path) and SeriesInstanceUID; they follow that series.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="File of the plan.")] = DEFAULT_PLAN,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Show what a recipe would make of every stack, what that mends, and what cannot be mended and why.

    Nothing is written but the plan: read it, take lines out, then give it to dqkit harmonize.

    [bold]Examples[/bold]

      dqkit plan --recipe ct-1mm-iso -o plan.yaml

      dqkit plan dqkit-catalog --recipe mr-brain-1mm --select site=North --select role=t1

      dqkit plan --recipe our-recipe.yaml --cohort cohort.parquet    what dqkit select chose
    """
    from dataclasses import replace

    from dqkit.catalog.cohort import read_cohort
    from dqkit.catalog.store import Catalog
    from dqkit.cli.progress import shown_progress
    from dqkit.cli.targets import keep_out_of
    from dqkit.errors import DqkitError
    from dqkit.harmonize.make_plan import make_plan
    from dqkit.harmonize.plan_file import write_plan
    from dqkit.harmonize.read_recipe import load_recipe, recipe_names
    from dqkit.identity import load_key
    from dqkit.rulebook.book import load_book

    if not recipe:
        raise DqkitError("a plan needs a recipe", f"--recipe with one of: {', '.join(recipe_names())}, or a file")
    loaded, pseudonyms = load_recipe(recipe), load_key(key_file)
    catalog = Catalog(source, pseudonyms.fingerprint)
    keep_out_of(catalog, out, "plan")
    with shown_progress() as progress:
        chosen = read_cohort(cohort, catalog) if cohort else None
        made = make_plan(catalog, loaded, load_book([]).rules, pseudonyms, select or [], chosen, progress)
    if masks:
        from dqkit.harmonize.following.masks import read_masks

        made = replace(made, masks=read_masks(masks, catalog))
    write_plan(made, out)
    _show(made, out, lang.value, json=json)


def _show(made: Plan, out: Path, lang: str, *, json: bool) -> None:
    from dqkit.report.plan_view import plan_summary, print_plan

    if json:
        from json import dumps

        typer.echo(dumps(plan_summary(made) | {"plan": str(out)}, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen

    print_plan(made, screen(), lang, str(out))
