"""``dqkit audit``: rules over an archive -> verdict, findings, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import index as indexing
from dqkit.cli import options as opt
from dqkit.cli.targets import keep_out_of, meant
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.audit.result import AuditResult
    from dqkit.audit.run import AuditOptions
    from dqkit.catalog.store import Catalog
    from dqkit.identity import Pseudonyms
    from dqkit.rulebook.book import Book


def audit(
    ctx: typer.Context,
    targets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="ROOT…|CATALOG", help="Folders of images, or a catalog; none: the sources of dqkit.yaml."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the report and the findings.")] = opt.DEFAULT_OUT,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    select: opt.SelectOption = None,
    ignore: opt.IgnoreOption = None,
    rules: opt.RulesOption = None,
    pack: opt.PackOption = None,
    only: opt.OnlyOption = None,
    cohort: opt.CohortOption = None,
    waivers: opt.WaiversOption = None,
    fail_on: Annotated[
        opt.FailOn, typer.Option("--fail-on", help="The mildest severity that fails.")
    ] = opt.FailOn.CRITICAL,
    engine: Annotated[
        opt.Engine, typer.Option("--engine", help="Who counts: polars, or Great Expectations.")
    ] = opt.Engine.POLARS,
    pixels: opt.PixelsOption = opt.Pixels.NONE,
    site: opt.SiteOption = None,
    site_from: opt.SiteFromOption = None,
    workers: opt.WorkersOption = None,
    confirm_removed: opt.ConfirmOption = False,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Judge an archive: what is there, what is wrong, at which site, and what to do.

    Folders are indexed first (only what is new). Exit codes: 0 fit, 1 a rule fails, 3 something could not be looked at,
    4 nothing to check, 2 wrong use.

    [bold]Examples[/bold]

      dqkit audit /archive                        folders under /archive are sites

      dqkit audit /mnt/north /mnt/south --out monday

      dqkit audit dqkit-catalog --select GEO --fail-on warning

      dqkit audit /archive --pack prostate-mr --pack my-pack.yaml

      dqkit audit dqkit-catalog --cohort cohort.parquet    what dqkit select chose
    """
    from dataclasses import replace

    from dqkit.audit.only import Only
    from dqkit.gate.waiver_file import read_waivers
    from dqkit.gate.waivers import accepting
    from dqkit.identity import load_key
    from dqkit.index.sources import keep_out
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.pack import load_packs
    from dqkit.rulebook.pack_rules import with_packs

    packs = load_packs(opt.many(pack))
    book = with_packs(load_book(rules or []), packs).select(opt.many(select), opt.many(ignore))
    pseudonyms = load_key(key_file)
    accepted = read_waivers(waivers) if waivers is not None else None
    roots, path = meant(targets or [], catalog, "audited")
    roots = roots if targets else indexing.settled_roots(ctx, path)
    keep_out(out, roots, "report")
    if out.resolve().is_relative_to(path.resolve()):
        raise DqkitError("the report would lie inside the catalog", "name another folder with --out")
    opened = indexing.open_catalog(path, pseudonyms.fingerprint, create=bool(roots))
    keep_out_of(opened, out, "report")
    if roots or pixels is not opt.Pixels.NONE:
        from dqkit.audit.run import preload_verdict

        preload_verdict()
        chosen = indexing.index_options(site, site_from, workers, pixels, confirm_removed)
        indexing.run_index(opened, roots, indexing.settled(ctx, roots, chosen))
    from dqkit.audit.run import AuditOptions
    from dqkit.catalog.cohort import read_cohort
    from dqkit.model import Severity

    severity = None if fail_on is opt.FailOn.NEVER else Severity(fail_on.value)
    part = replace(Only.parse(only or []), cohort=read_cohort(cohort, opened) if cohort else None)
    options = AuditOptions(severity, engine.value, packs, part)
    if accepted is not None:
        options = replace(options, accept=accepting(accepted, pseudonyms))
    result = _judge(opened, book, pseudonyms, options)
    _show(result, out, path, lang.value, json=json)
    return int(result.judgement.exit_code)


def _judge(catalog: Catalog, book: Book, pseudonyms: Pseudonyms, options: AuditOptions) -> AuditResult:
    from dqkit.audit.history import with_history
    from dqkit.audit.pictures import with_pictures
    from dqkit.audit.run import audit as run
    from dqkit.cli.progress import shown_progress

    with shown_progress() as progress:
        result = run(catalog, book.rules, pseudonyms, options, progress)
        progress.stage("comparing with earlier audits")
        return with_pictures(with_history(result, catalog, options.packs), catalog, progress)


def _show(result: AuditResult, out: Path, catalog: Path, lang: str, *, json: bool) -> None:
    from dqkit.report.outfolder import write_out

    write_out(result, out, lang)
    if json:
        from json import dumps

        from dqkit.report.result_json import result_to_json

        typer.echo(dumps(result_to_json(result), ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal import print_audit

    print_audit(result, screen(), lang, out / "report.html", None if catalog == opt.DEFAULT_CATALOG else catalog)
