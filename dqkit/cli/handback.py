"""``dqkit report --handback`` and ``dqkit handback``: worklists for hospitals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.steward.worklist import Worklist

app = typer.Typer(cls=Group, no_args_is_help=True, help="Work with a worklist at the hospital it was sent to.")


@app.callback()
def _group() -> None:
    pass


@dataclass(frozen=True)
class Asked:
    """What worklist is wanted, and where."""

    site: str
    folder: Path
    lang: str
    resolve: bool
    answered: bool


def hand_back(source: Path, catalog: Path, asked: Asked, rules: list[Path], key_file: Path | None) -> None:
    """Write the worklist of a site, record it, and say where it is and what comes next.

    Parameters
    ----------
    source
        A catalog, or the folder of an audit.
    catalog
        That of the audit, where `source` is its folder.
    """
    from dqkit.catalog.store import Catalog
    from dqkit.cli.progress import shown_progress
    from dqkit.cli.targets import keep_out_of
    from dqkit.identity import load_key
    from dqkit.report.worklist_xlsx import write_worklist
    from dqkit.rulebook.book import load_book
    from dqkit.steward import handback as steward

    pseudonyms = load_key(key_file)
    opened = Catalog(_catalog_of(source, catalog), pseudonyms.fingerprint)
    keep_out_of(opened, asked.folder, "worklist")
    run_id = _audit_of(opened, source)
    written: list[Path] = []

    def deliver(made: Worklist) -> None:
        from dqkit.report.folder import make_folder, telling_of_disk

        with telling_of_disk():
            make_folder(asked.folder)
            path = asked.folder / _name(made)
            write_worklist(made, path, asked.lang, run_id)
        written.append(path)

    options = steward.HandbackOptions(resolve=asked.resolve, answered=asked.answered)
    try:
        with shown_progress() as progress:
            progress.stage("writing the worklist")
            made = steward.hand_back(opened, asked.site, load_book(rules).rules, pseudonyms, options, deliver)
    except BaseException:
        for path in written:  # a worklist that was not recorded could not be answered
            path.unlink(missing_ok=True)
        raise
    _show(made, written, asked)


def _catalog_of(source: Path, catalog: Path) -> Path:
    """Return the catalog that `source` is or that it belongs to."""
    if not (source / "result.json").is_file():
        return source
    if not (catalog / "dqkit.json").is_file():
        raise DqkitError(f"a worklist needs the catalog of this audit, and {catalog} is none", "name it: --catalog DIR")
    return catalog


def _audit_of(catalog: Catalog, source: Path) -> str:
    """Return the last audit of `catalog`, after making sure that `source`, where it is a folder, is of that one."""
    import json

    import polars as pl

    audits = catalog.scan("runs").filter(pl.col("command") == "audit").select("run_id").collect()["run_id"]
    last = str(audits[-1]) if len(audits) else ""
    if (source / "result.json").is_file():
        try:
            run_id = json.loads((source / "result.json").read_bytes())["run_id"]
        except (ValueError, KeyError, TypeError) as error:
            raise DqkitError("result.json is damaged", "run dqkit audit again with this --out") from error
        if run_id != last:
            raise DqkitError(
                f"{source} is not of the last audit of {catalog.path}",
                "name the catalog instead of the folder, or audit again",
            )
    return last


def _name(made: Worklist) -> str:
    """Name the file; a site's name is a value of files and makes no path. No two worklists have one name."""
    site = "".join(character for character in made.site if character.isalnum())[:40] or "site"
    resolved = "-resolved" if made.resolved else ""
    return f"worklist-{site}-{made.made_at:%Y-%m-%d}-{made.handback_id[:6]}{resolved}.xlsx"


def _show(made: Worklist, written: list[Path], asked: Asked) -> None:
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_steward import handback_lines

    path = str(written[0]) if written else None
    console = screen()
    for line in handback_lines(made, path, asked.lang):
        console.print(line, soft_wrap=True)


@app.command()
def resolve(
    worklist: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="A worklist that dqkit handed back.")],
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The file to write.", show_default="FILE-resolved.xlsx")
    ] = None,
) -> None:
    """Fill PatientID, AccessionNumber, StudyDate and SeriesNumber into a worklist, from a copy of the catalog.

    This is for the hospital itself: the new file names patients. It is written for its owner alone, and recorded in the
    catalog.

    [bold]Example[/bold]

      dqkit handback resolve worklist-North-2026-07-01-3f9a2c.xlsx --catalog copy-of-catalog
    """
    from dqkit.catalog.store import Catalog
    from dqkit.cli.targets import keep_out_of
    from dqkit.report.folder import telling_of_disk
    from dqkit.report.worklist_resolved import WorklistFile
    from dqkit.steward.resolve import Names, resolve_recorded

    target = out or worklist.with_name(f"{worklist.stem}-resolved.xlsx")
    opened = Catalog(catalog)
    keep_out_of(opened, target, "worklist")
    if target.exists():
        raise DqkitError(f"{target.name} is there already", "name another file with -o, or remove it")
    file = WorklistFile(worklist)

    def deliver(names: Names) -> int:
        with telling_of_disk():
            return file.write(target, names)

    rows = resolve_recorded(opened, file.handback_id, deliver)
    typer.echo(str(target))
    typer.echo(f"It names the patients of {rows:,} rows: keep it in the hospital, and delete it when you are done.")
