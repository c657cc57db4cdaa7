"""``dqkit catalog``: what a catalog holds, and what of it may go."""

from __future__ import annotations

from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group

app = typer.Typer(cls=Group, no_args_is_help=True, help="Show what a catalog holds, and free what nobody needs.")

_MIB = 2**20


@app.command()
def info(catalog: opt.CatalogOption = opt.DEFAULT_CATALOG, json: opt.JsonOption = False) -> None:
    """Show tables, sizes and versions, the last run, and whether the log of runs is whole.

    [bold]Example[/bold]

      dqkit catalog info --catalog dqkit-catalog
    """
    from dataclasses import asdict

    import polars as pl

    from dqkit.catalog.retention import broken_link, sizes
    from dqkit.catalog.store import Catalog

    opened = Catalog(catalog)
    runs = opened.scan("runs").select("run", "run_id", "command", "ended_at", "dqkit_version").collect()
    last, broken, tables = runs.row(-1, named=True), broken_link(opened), [asdict(one) for one in sizes(opened)]
    if json:
        from json import dumps

        told = {"catalog": str(catalog), "runs": runs.height, "last_run": last, "broken_link": broken, "tables": tables}
        typer.echo(dumps(told, default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_table

    typer.echo(
        f"{catalog}: {runs.height} runs, the last one {last['command']} at {last['ended_at']:%Y-%m-%d %H:%M} UTC"
    )
    typer.echo("log of runs: whole" if broken is None else f"log of runs: BROKEN at run {broken}")
    in_mib = (pl.col("live_bytes", "bytes") / _MIB).round(1)
    shown = pl.DataFrame(tables).with_columns(in_mib).rename({"live_bytes": "MiB now", "bytes": "MiB on disk"})
    print_table(shown, screen())


@app.command()
def runs(catalog: opt.CatalogOption = opt.DEFAULT_CATALOG, json: opt.JsonOption = False) -> None:
    """List the runs: which command, when, and the verdict of an audit; dqkit diff compares two of them.

    [bold]Example[/bold]

      dqkit catalog runs --catalog dqkit-catalog
    """
    from json import dumps, loads

    import polars as pl

    from dqkit.catalog.store import Catalog

    columns = ("run", "run_id", "command", "ended_at", "dqkit_version", "complete", "counts")
    rows = Catalog(catalog).scan("runs").select(columns).collect()
    counts = [loads(text) for text in rows["counts"]]
    told = rows.drop("counts").with_columns(
        pl.Series("verdict", [one.get("verdict") for one in counts], dtype=pl.String),
        pl.Series("findings", [one.get("findings") for one in counts], dtype=pl.Int64),
    )
    if json:
        typer.echo(dumps(told.to_dicts(), default=str, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.terminal_lists import print_table

    ended = pl.col("ended_at").dt.strftime("%Y-%m-%d %H:%M").alias("ended (UTC)")
    version = pl.col("dqkit_version").alias("dqkit")
    print_table(told.select("run", "command", ended, "verdict", "findings", version), screen())


@app.command()
def vacuum(
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    keep_days: Annotated[int, typer.Option("--keep-days", min=0, help="Keep every version of so many days.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing: say what would go.")] = False,
    json: opt.JsonOption = False,
) -> None:
    """Delete files of old versions and of killed runs; a version that an audit saw is kept for good.

    [bold]Example[/bold]

      dqkit catalog vacuum --keep-days 90 --dry-run
    """
    from dataclasses import asdict

    from dqkit.catalog.retention import vacuum as run
    from dqkit.catalog.store import Catalog

    gone = run(Catalog(catalog), keep_days, dry_run=dry_run)
    files, size = sum(one.files for one in gone), sum(one.bytes for one in gone)
    if json:
        from json import dumps

        told = {"dry_run": dry_run, "files": files, "bytes": size, "tables": [asdict(one) for one in gone]}
        typer.echo(dumps(told))
        return
    for one in gone:
        if one.files:
            typer.echo(f"{one.name}: {one.files:,} files, {one.bytes / _MIB:,.1f} MiB")
    typer.echo(f"{'would go' if dry_run else 'gone'}: {files:,} files, {size / _MIB:,.1f} MiB")
