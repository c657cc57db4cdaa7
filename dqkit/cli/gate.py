"""``dqkit gate``: whether an archive may be used, by a policy."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import index as indexing
from dqkit.cli import options as opt
from dqkit.cli.group import DefaultGroup
from dqkit.cli.targets import keep_out_of, meant
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.gate.policy import Policy
    from dqkit.gate.result import GateResult
    from dqkit.gate.run import GateOptions, Judges
    from dqkit.identity import Pseudonyms

app = typer.Typer(cls=DefaultGroup, help="Decide whether this data may be used, by a policy.")

POLICY = Path("gate.yaml")
"""The policy that is looked for where none is named."""

DEFAULT_OUT = Path("dqkit-gate")


class Format(StrEnum):
    """What a gate writes."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"


def run(
    ctx: typer.Context,
    targets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CATALOG|ROOT…", help="A catalog, or folders of images; none: the sources of dqkit.yaml."
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="What the gate asks for.", show_default=str(POLICY)),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", metavar="FILE", help="The file that names what training will read.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Findings that are known: only new ones fail.")
    ] = None,
    waivers: opt.WaiversOption = None,
    cohort: opt.CohortOption = None,
    write_baseline: Annotated[
        Path | None, typer.Option("--write-baseline", metavar="FILE", help="Write what is found now as a baseline.")
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar=",".join(Format), help="What to write; several with commas."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of verdict.json and the formats.")] = DEFAULT_OUT,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    rules: opt.RulesOption = None,
    pixels: opt.PixelsOption = opt.Pixels.NONE,
    site: opt.SiteOption = None,
    site_from: opt.SiteFromOption = None,
    workers: opt.WorkersOption = None,
    confirm_removed: opt.ConfirmOption = False,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Decide whether this data may be used: by the packs, limits and numbers of a policy (gate.yaml).

    Exit codes: 0 open; 1 closed; 3 something could not be looked at, which is never open; 4 nothing could be judged;
    2 wrong use. `dqkit gate init` writes a policy to start from, `dqkit gate verify VERDICT` says what changed since.

    [bold]Examples[/bold]

      dqkit gate init                                       a policy to start from

      dqkit gate dqkit-catalog --policy gate.yaml

      dqkit gate /archive --dataset train.csv --waivers waivers.yaml

      dqkit gate --format text,junit,sarif --out ci

      dqkit gate --write-baseline known.json                 then: dqkit gate --baseline known.json
    """
    from dqkit.gate.run import judges_of
    from dqkit.identity import load_key
    from dqkit.index.sources import keep_out

    asked = _formats(formats or [], json=json)
    settled = _policy(policy)
    judges = judges_of(settled, rules or [])
    pseudonyms = load_key(key_file)
    accepted = _accepted(waivers, baseline, pseudonyms)
    roots, path = meant(targets or [], catalog, "judged")
    roots = roots if targets else indexing.settled_roots(ctx, path)
    keep_out(out, roots, "verdict")
    opened = indexing.open_catalog(path, pseudonyms.fingerprint, create=bool(roots))
    for written, what in ((out, "verdict"), (write_baseline, "baseline")):
        if written is not None:
            keep_out_of(opened, written, what)
    options = _options(accepted, opened, dataset, cohort, lang.value)
    if roots or pixels is not opt.Pixels.NONE:
        from dqkit.audit.run import preload_verdict

        preload_verdict()
        chosen = indexing.index_options(site, site_from, workers, pixels, confirm_removed)
        indexing.run_index(opened, roots, indexing.settled(ctx, roots, chosen))
    result = _judge(opened, settled, judges, pseudonyms, options)
    if write_baseline is not None:
        _write_baseline(result, write_baseline)
    _show(result, out, asked, lang.value)
    return int(result.judgement.exit_code)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The policy to write.")] = POLICY,
    pack: opt.PackOption = None,
    lang: opt.LangOption = opt.Language.EN,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a policy to start from, in which every key is explained.

    [bold]Examples[/bold]

      dqkit gate init

      dqkit gate init chest.yaml --pack lung-screening-ct
    """
    import os

    from dqkit.catalog.store import write_atomically
    from dqkit.gate.policy_text import policy_text
    from dqkit.rulebook.pack import load_packs

    if os.path.lexists(file) and not force:
        raise DqkitError(f"{file} is there already", "edit it, or write over it with --force")
    text = policy_text(load_packs(opt.many(pack)), file, lang.value)
    try:
        write_atomically(file, text.encode())
    except OSError as error:
        raise DqkitError(f"{file} cannot be written: {error.strerror}", "name another file") from error
    typer.echo(str(file))
    typer.echo(f"next: dqkit gate CATALOG{'' if file == POLICY else f' --policy {file}'}", err=True)


def _formats(typed: list[str], *, json: bool) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(one.strip() for one in opt.many(typed)))
    for one in asked:
        if one not in list(Format):
            raise DqkitError(f"there is no format {one!r}", f"formats: {', '.join(Format)}")
    return asked or ((Format.JSON,) if json else (Format.TEXT,))


def _policy(path: Path | None) -> Policy:
    """Read the policy; one that nobody named is looked for in the working directory."""
    from dqkit.gate.policy_file import read_policy

    if path is None and not POLICY.is_file():
        raise DqkitError("a gate needs a policy, and none was named", "write one with: dqkit gate init")
    return read_policy(path or POLICY)


def _accepted(waivers: Path | None, baseline: Path | None, pseudonyms: Pseudonyms) -> GateOptions:
    """Read waivers and baseline before anything takes long."""
    from dqkit.gate.baseline import read_baseline
    from dqkit.gate.run import GateOptions
    from dqkit.gate.waiver_file import read_waivers
    from dqkit.gate.waivers import WaiverFile

    return GateOptions(
        waivers=read_waivers(waivers) if waivers is not None else WaiverFile(),
        baseline=read_baseline(baseline, pseudonyms.fingerprint) if baseline is not None else None,
    )


def _options(
    accepted: GateOptions, catalog: Catalog, dataset: Path | None, cohort: Path | None, lang: str
) -> GateOptions:
    from dataclasses import replace

    from dqkit.catalog.cohort import read_cohort

    chosen = read_cohort(cohort, catalog) if cohort is not None else None
    return replace(accepted, dataset=dataset, cohort=chosen, lang=lang)


def _judge(
    catalog: Catalog, policy: Policy, judges: Judges, pseudonyms: Pseudonyms, options: GateOptions
) -> GateResult:
    from dqkit.cli.progress import shown_progress
    from dqkit.gate.run import gate

    with shown_progress() as progress:
        return gate(catalog, policy, judges, pseudonyms, options, progress)


def _write_baseline(result: GateResult, path: Path) -> None:
    from dqkit.gate.baseline import write_baseline
    from dqkit.gate.run import baseline_of

    baseline = baseline_of(result)
    write_baseline(path, baseline)
    typer.echo(f"baseline of {len(baseline.findings):,} findings: {path}", err=True)


def _show(result: GateResult, out: Path, formats: Sequence[str], lang: str) -> None:
    """Write the folder; text and annotations go to stdout, and so does any other format that is the only one."""
    from dqkit.gate.verdict_file import FILE
    from dqkit.report.gate_folder import write_gate

    rendered = write_gate(result, out, formats, lang)
    for name in formats:
        if name == Format.TEXT:
            from dqkit.cli.screen import screen
            from dqkit.report.gate_text import print_gate

            print_gate(result, screen(), lang, out / FILE)
        elif name == Format.GITHUB or len(formats) == 1:
            typer.echo(rendered[name].decode(), nl=False)
