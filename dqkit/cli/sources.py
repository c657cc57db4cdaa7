"""``dqkit sources``: the folders that a catalog knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group
from dqkit.errors import ExitCode

if TYPE_CHECKING:
    import polars as pl

    from dqkit.catalog.store import Catalog

app = typer.Typer(cls=Group, no_args_is_help=True, help="List, move or take out the folders that a catalog knows.")

_Name = Annotated[str, typer.Argument(help="The source's name, as `dqkit sources list` shows it.")]


@app.command("list")
def list_(catalog: opt.CatalogOption = opt.DEFAULT_CATALOG, json: opt.JsonOption = False) -> None:
    """Show every source: where it is, whose it is, whether it is there.

    [bold]Example[/bold]

      dqkit sources list --catalog dqkit-catalog
    """
    import polars as pl

    from dqkit.catalog.store import Catalog

    columns = ["name", "state", "n_files", "site_from", "indexed_at", "root", "source_id"]
    resend = pl.col("resend").fill_null(value=False)
    sources = Catalog(catalog).scan("sources").select(*columns[:3], resend, *columns[3:]).collect()
    if json:
        from json import dumps

        typer.echo(dumps(sources.to_dicts(), default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_table

    print_table(sources.drop("source_id").with_columns(_short_rule()), screen())


def _short_rule() -> pl.Expr:
    """Return how a site is found, without the names that the settings give to what is found."""
    import polars as pl

    return pl.col("site_from").str.replace(r" names=\{.*\}$", ", renamed")


@app.command()
def relocate(
    name: _Name,
    root: Annotated[Path, typer.Argument(help="Where its folder is now.")],
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
) -> None:
    """Say that a source's folder was moved; no file is read again.

    [bold]Example[/bold]

      dqkit sources relocate north /mnt/new/north
    """
    from dqkit.catalog.store import Catalog
    from dqkit.index.change_sources import relocate_source
    from dqkit.index.sources import check_root, keep_out

    found = root.resolve() if root.is_file() and _is_table(Catalog(catalog), name) else check_root(root)
    keep_out(catalog, [found], "catalog")
    relocate_source(Catalog(catalog), name, found)
    typer.echo(f"{name} is at {found} now")


def _is_table(catalog: Catalog, name: str) -> bool:
    from dqkit.index.sources import find
    from dqkit.index.table_rows import table_ids

    return find(catalog.scan("sources").collect(), name) in table_ids(catalog)


@app.command()
def remove(
    name: _Name,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a source and its rows; its files are not touched, and older versions of the catalog keep them.

    [bold]Example[/bold]

      dqkit sources remove north --yes
    """
    from dqkit.catalog.store import Catalog
    from dqkit.index.change_sources import remove_source
    from dqkit.index.sources import find

    opened = Catalog(catalog)
    find(opened.scan("sources").collect(), name)
    if not yes and not typer.confirm(f"Forget the source {name} and all its rows?"):
        raise typer.Exit(ExitCode.INTERRUPTED)
    typer.echo(f"{remove_source(opened, name)} rows of {name} taken out")
