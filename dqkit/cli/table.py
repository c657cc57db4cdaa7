"""``dqkit index --table``: a metadata extract -> catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from dqkit.errors import DqkitError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dqkit.catalog.store import Catalog
    from dqkit.identity import Pseudonyms
    from dqkit.index.table import TableOptions, TableSummary
    from dqkit.index.table_mapping import TableMapping
    from dqkit.rulebook.rule import Rule

GUESS = "guess"
SHOW_ONLY = Path("-")
_COLUMN = "column:"


class Asked(NamedTuple):
    """What was typed about a table."""

    table: Path
    mapping: str | None
    site: str | None
    site_from: str | None
    confirm_removed: bool


def as_typed(
    table: Path | None, mapping: str | None, site: str | None, site_from: str | None, *, confirm_removed: bool
) -> Asked:
    """Return what was typed, after refusing what contradicts itself."""
    if table is None:
        raise DqkitError("--mapping says what the columns of a table mean", "name the table with --table")
    if site and site_from:
        raise DqkitError("--site and --site-from exclude each other", "give one of them")
    return Asked(table, mapping, site, site_from, confirm_removed)


def index_one(asked: Asked, roots: list[Path], catalog: Path, pseudonyms: Pseudonyms, *, json: bool) -> int:
    """Index one table, or with ``-`` show what its columns are taken for."""
    from dqkit.cli.progress import shown_progress
    from dqkit.index.table import index_table

    path, mapping = _found(asked)
    options = _options(asked, mapping)
    if roots == [SHOW_ONLY]:
        return _show_mapping(path, options)
    if roots:
        raise DqkitError("--table and folders are indexed one after the other", "run dqkit index twice")
    opened = _opened(catalog, pseudonyms)
    with shown_progress() as progress:
        summary = index_table(opened, path, options, progress)
    written = _written(summary, asked) if asked.mapping == GUESS else None
    show([summary], json=json, guessed=asked.mapping == GUESS)
    if written and not json:
        typer.echo(f"this mapping stands in {written}: review it, then --mapping {written}")
    return int(ExitCode.OK)


def refresh(catalog: Catalog) -> list[TableSummary]:
    """Look at every table of the catalog again; one that is gone is offline."""
    from dqkit.cli.progress import shown_progress
    from dqkit.index.table import TableOptions, index_table, mark_offline, tables_of

    summaries = []
    with shown_progress() as progress:
        for path in tables_of(catalog):
            if path.is_file():
                summaries.append(index_table(catalog, path, TableOptions(), progress))
            else:
                summaries.append(mark_offline(catalog, path))
    return summaries


def show(summaries: Sequence[TableSummary], *, json: bool, guessed: bool = False) -> None:
    """Print what became of tables."""
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.report.table_view import mapping_lines, table_lines

    if json:
        from json import dumps

        typer.echo(dumps({"tables": as_json(summaries)}, ensure_ascii=False))
        return
    rules, console = _rules(), screen()
    for summary in summaries:
        lines = mapping_lines(summary) if guessed else []
        for line in [*lines, *table_lines(summary, rules)]:
            console.print(Text(line), soft_wrap=True)


def as_json(summaries: Sequence[TableSummary]) -> list[dict[str, Any]]:
    """Return what became of tables as plain JSON values."""
    from dqkit.report.table_view import table_to_json

    rules = _rules()
    return [table_to_json(summary, rules) for summary in summaries]


def _rules() -> tuple[Rule, ...]:
    from dqkit.rulebook.book import load_book

    return load_book().select().rules


def _found(asked: Asked) -> tuple[Path, TableMapping | None]:
    """Return the table and its mapping; the name of a shipped mapping is that of the table its package brings."""
    from dqkit.rulebook.mapping import find_in_package, load_mapping, shipped_mappings

    mapping = load_mapping(asked.mapping) if asked.mapping and asked.mapping != GUESS else None
    if asked.table.exists():
        if asked.table.is_dir():
            raise DqkitError(f"{asked.table} is a folder", "index it without --table: dqkit index FOLDER")
        return asked.table.resolve(), mapping
    if str(asked.table) in shipped_mappings():
        own = mapping or load_mapping(str(asked.table))
        return find_in_package(own), own
    raise DqkitError(f"there is no table {asked.table}", "check the path")


def _options(asked: Asked, mapping: TableMapping | None) -> TableOptions:
    from dqkit.index.table import TableOptions
    from dqkit.index.table_guess import guess
    from dqkit.rulebook.mapping import known_headers

    column = ""
    if asked.site_from:
        if not asked.site_from.startswith(_COLUMN) or not asked.site_from.removeprefix(_COLUMN):
            raise DqkitError("a table's site stands in a column", "write --site-from column:HEADER")
        column = asked.site_from.removeprefix(_COLUMN)
    headers = known_headers() if mapping is None else None
    return TableOptions(
        mapping=mapping,
        guess=(lambda raw: guess(raw, headers)) if asked.mapping == GUESS and headers else None,
        known=(lambda text: headers.exactly(text) is not None) if headers else bool,
        site=asked.site or "",
        site_column=column,
        confirm_removed=asked.confirm_removed,
    )


def _show_mapping(path: Path, options: TableOptions) -> int:
    """Print the mapping as YAML, and index nothing."""
    from dqkit.index.table_file import read_table

    mapping = options.mapping
    if mapping is None:
        if options.guess is None:
            raise DqkitError("nobody said what the columns of the table mean", "add --mapping guess")
        mapping = options.guess(read_table(path, options.known))
    typer.echo(mapping.to_yaml(), nl=False)
    return int(ExitCode.OK)


def _opened(catalog: Path, pseudonyms: Pseudonyms) -> Catalog:
    from dqkit import __version__
    from dqkit.catalog.store import Catalog

    return Catalog.create(catalog, pseudonyms.fingerprint, __version__)


def _written(summary: TableSummary, asked: Asked) -> Path | None:
    """Write the guessed mapping into the working folder; what stands there already is never written over."""
    if summary.mapping is None:
        return None
    base, n = f"{asked.table.stem}.mapping", 1
    text = summary.mapping.to_yaml()
    while True:
        path = Path(f"{base}.yaml" if n == 1 else f"{base}-{n}.yaml")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            if path.read_bytes() == text.encode():
                return path
            n += 1
            continue
        except OSError:
            return None
        return path
