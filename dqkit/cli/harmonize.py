"""``dqkit harmonize``: a plan -> volumes and their manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError, ExitCode

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.harmonize.plan import Plan
    from dqkit.harmonize.run import RunSummary

DEFAULT_OUT = Path("dqkit-harmonized")


def harmonize(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="What dqkit plan wrote.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the images and the manifest; one recipe each.")] = (
        DEFAULT_OUT
    ),
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="nifti,dicom", help="Formats, in the place of the recipe's."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes.", show_default="one a core")
    ] = None,
    moved_catalog: Annotated[  # not `catalog`: settings would lend it theirs, and the plan knows its own
        Path | None,
        typer.Option("--catalog", help="Folder of the catalog, where it is no longer where the plan says."),
    ] = None,
    index: Annotated[
        bool, typer.Option("--index/--no-index", help="Make the images a source of the catalog afterwards.")
    ] = True,
    pictures: Annotated[
        int, typer.Option("--pictures", min=0, max=40, help="Images that report.html shows before and after.")
    ] = 8,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 where anything but a scout was refused.")
    ] = False,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Carry a plan out: volumes of one geometry, unit and format, and where every slice of them came from.

    What is there already is left alone; after a kill the same command goes on where it was. Exit codes: 0 everything
    was written or refused with its reason, 1 something was refused (with --strict), 3 something could not be read or
    written.

    [bold]Examples[/bold]

      dqkit harmonize plan.yaml --out volumes

      dqkit harmonize plan.yaml --out volumes --format nifti,dicom --workers 8
    """
    from dqkit.catalog.store import Catalog
    from dqkit.cli.progress import shown_progress
    from dqkit.harmonize.journal import PAGE
    from dqkit.harmonize.plan_file import read_plan
    from dqkit.harmonize.run import RunOptions, workers_for
    from dqkit.harmonize.run import harmonize as run
    from dqkit.identity import load_key

    made = read_plan(plan)
    if not moved_catalog and not made.catalog.exists():
        raise DqkitError(f"the catalog of the plan is not at {made.catalog}", "say where it is now: --catalog DIR")
    opened = Catalog(moved_catalog or made.catalog, load_key(key_file).fingerprint)
    _check_place(opened, out, plan, made)
    options = RunOptions(tuple(opt.many(formats)), workers_for(workers))
    with shown_progress() as progress:
        summary = run(made, opened, out, options, progress)
    source = _as_source(opened, out, made, summary, options.workers) if index and summary.written_files else ""
    if summary.written or not (out / PAGE).exists():
        _write_page(opened, out, made, summary, pictures, lang.value)
    _show(summary, out, source, lang.value, json=json)
    if strict and set(summary.refused) - {"scout", "out_of_scope"}:
        return int(ExitCode.FAILED)
    return int(ExitCode.OK if summary.complete else ExitCode.INCOMPLETE)


def _check_place(catalog: Catalog, out: Path, file: Path, plan: Plan) -> None:
    """Refuse to write into the catalog or a source, or a folder that one of them lies in.

    Raises
    ------
    DqkitError
        It would.
    """
    from dqkit.harmonize.journal import images_of
    from dqkit.index.sources import root_path

    resolved = out.resolve()
    if resolved.is_relative_to(catalog.path.resolve()) or catalog.path.resolve().is_relative_to(resolved):
        raise DqkitError("the output and the catalog would lie inside each other", "name another folder with --out")
    ours = images_of(resolved, plan.recipe)
    if file.resolve().is_relative_to(ours):
        raise DqkitError("the plan lies among the images", "move it out of there")
    for text in catalog.scan("sources").select("root").collect()["root"]:
        root = root_path(text)
        if root != ours and (ours.is_relative_to(root) or root.is_relative_to(resolved)):
            raise DqkitError(
                "the output and a source of the catalog would lie inside each other; dqkit only reads sources",
                "name another folder with --out",
            )


def _as_source(catalog: Catalog, out: Path, plan: Plan, summary: RunSummary, workers: int) -> str:
    from dqkit.cli.progress import shown_progress
    from dqkit.harmonize.as_source import as_source

    with shown_progress() as progress:
        return as_source(catalog, out, plan.recipe, summary.manifest, workers, progress)


def _write_page(catalog: Catalog, out: Path, plan: Plan, summary: RunSummary, pictures: int, lang: str) -> None:
    from dqkit import __version__
    from dqkit.cli.progress import shown_progress
    from dqkit.harmonize.before_after import before_after
    from dqkit.harmonize.journal import PAGE, images_of
    from dqkit.report.folder import telling_of_disk, write_file
    from dqkit.report.harmonize_page import render_run

    pairs = []
    with shown_progress() as progress:
        progress.stage("drawing pictures", pictures)
        for pair in before_after(summary.manifest, catalog, images_of(out, plan.recipe), pictures):
            progress.advance(1)
            pairs.append(pair)
    with telling_of_disk():
        write_file(out / PAGE, render_run(plan.recipe, summary.manifest, pairs, __version__, lang).encode())


def _show(summary: RunSummary, out: Path, source: str, lang: str, *, json: bool) -> None:
    from dqkit.harmonize.journal import MANIFEST, PAGE
    from dqkit.report.harmonize_view import print_run, run_to_json

    if json:
        from json import dumps

        typer.echo(dumps(run_to_json(summary, source) | {"manifest": str(out / MANIFEST)}, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen

    print_run(summary, screen(), lang, (str(out / PAGE), str(out / MANIFEST)), source)
