"""``dqkit reconcile``: what a hospital says it sent against what is here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.table import GUESS
from dqkit.cli.targets import keep_out_of
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.identity import Pseudonyms
    from dqkit.steward.expected import ExpectedOptions
    from dqkit.steward.reconcile import Reconciled

_COLUMN = "column:"


def reconcile(
    catalog: Annotated[Path, typer.Argument(metavar="CATALOG", help="The catalog.")] = opt.DEFAULT_CATALOG,
    expected: Annotated[
        Path | None,
        typer.Option("--expected", metavar="FILE", help="Worklist of the PACS: CSV, xlsx, parquet, or QIDO-RS JSON."),
    ] = None,
    mapping: Annotated[
        str, typer.Option("--mapping", metavar="guess|NAME|FILE", help="What its columns mean (docs/tables.md).")
    ] = GUESS,
    site: Annotated[str | None, typer.Option("--site", help="The one hospital that all its rows are from.")] = None,
    site_from: Annotated[
        str | None, typer.Option("--site-from", metavar="column:HEADER", help="The column that names the hospital.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder of the in-house list of studies.")
    ] = None,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Tell which studies of a PACS worklist are missing, partial, extra or changed, by site.

    A row names a study by StudyInstanceUID or AccessionNumber; numbers of series and images, PatientID, StudyDate and
    Modality are compared where the list has them. Nothing identifying is printed: studies have pseudonyms, and -o
    writes the list with the hospital's own numbers. Exit codes: 0 all there, 1 missing or partial, 3 rows that cannot
    be matched, 4 an empty list, 2 wrong use.

    [bold]Examples[/bold]

      dqkit reconcile --expected pacs.csv

      dqkit reconcile dqkit-catalog --expected worklist.xlsx --site North -o north

      dqkit reconcile --expected qido.json --json
    """
    if expected is None:
        raise DqkitError("no list was named", "name what the PACS exported: --expected FILE")
    if site and site_from:
        raise DqkitError("--site and --site-from exclude each other", "give one of them")
    from dqkit.catalog.store import Catalog
    from dqkit.identity import load_key
    from dqkit.steward.expected import read_expected
    from dqkit.steward.reconcile import reconcile as compare

    pseudonyms = load_key(key_file)
    opened = Catalog(catalog, pseudonyms.fingerprint)
    if out is not None:
        keep_out_of(opened, out, "list")
    found = compare(opened, read_expected(expected, _options(mapping, site, site_from)), site or "")
    _show(found, pseudonyms, out, lang.value, json=json)
    return int(found.exit_code)


def _options(mapping: str, site: str | None, site_from: str | None) -> ExpectedOptions:
    from dqkit.rulebook.mapping import known_headers, load_mapping
    from dqkit.steward.expected import ExpectedOptions

    column = ""
    if site_from:
        if not site_from.startswith(_COLUMN) or not site_from.removeprefix(_COLUMN):
            raise DqkitError("the site of a list stands in a column", "write --site-from column:HEADER")
        column = site_from.removeprefix(_COLUMN)
    return ExpectedOptions(
        mapping=None if mapping == GUESS else load_mapping(mapping),
        headers=known_headers(),
        site=site or "",
        site_column=column,
    )


def _show(found: Reconciled, pseudonyms: Pseudonyms, out: Path | None, lang: str, *, json: bool) -> None:
    from dqkit.report.reconcile_out import write_reconciled

    written = write_reconciled(found, out, pseudonyms) if out is not None else []
    if json:
        from json import dumps

        from dqkit.report.reconcile_view import reconciled_to_json

        typer.echo(dumps(reconciled_to_json(found, pseudonyms), ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_reconcile import print_reconciled

    print_reconciled(found, pseudonyms, screen(), lang, written)
