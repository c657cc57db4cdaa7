"""The folder that ``dqkit reconcile -o`` names: the in-house list of studies, and the result that may leave."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.identity import Pseudonyms
from dqkit.report.folder import make_folder, replacing, telling_of_disk, write_file
from dqkit.report.neutral import neutral
from dqkit.report.reconcile_view import reconciled_to_json
from dqkit.steward.reconcile import COMPLETE, Reconciled

TABLE, WORKBOOK, RESULT = "reconcile.parquet", "reconcile.xlsx", "result.json"

_MOST_ROWS = 1_048_575
"""As many as a sheet holds below its header."""


def write_reconciled(found: Reconciled, out: Path, pseudonyms: Pseudonyms) -> list[Path]:
    """Write every study as parquet, those to look after as xlsx (0600, the folder 0700), and result.json.

    The workbook is left out where a sheet does not hold all rows.

    Returns
    -------
    The files.
    """
    told = json.dumps(reconciled_to_json(found, pseudonyms), ensure_ascii=False, indent=1)
    named = found.studies.with_columns(
        pl.Series("study", [pseudonyms.of("study", key) for key in found.studies["study_key"]], dtype=pl.String)
    )
    with telling_of_disk():
        make_folder(out)
        with replacing(out / TABLE) as file:
            named.write_parquet(file)
        written = [out / TABLE]
        wanting = named.filter((pl.col("status") != COMPLETE) | (pl.col("changed").list.len() > 0))
        if wanting.height <= _MOST_ROWS:
            with replacing(out / WORKBOOK) as file:
                _workbook(wanting).save(file)
            written.append(out / WORKBOOK)
        write_file(out / RESULT, told.encode())
    return [*written, out / RESULT]


def _workbook(studies: pl.DataFrame) -> Any:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("studies")
    sheet.freeze_panes = "A2"
    sheet.append(list(studies.columns))
    for row in studies.iter_rows():
        sheet.append([_cell(value) for value in row])
    return book


def _cell(value: Any) -> Any:
    """Return a value as a cell: lists as text, and no text that a spreadsheet would run or refuse."""
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    if not isinstance(value, str):
        return value
    return neutral("".join(character for character in value if character.isprintable()))
