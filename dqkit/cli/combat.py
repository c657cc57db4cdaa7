"""``dqkit combat``: takes the effect of sites out of a table of features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import Group
from dqkit.errors import DqkitError

app = typer.Typer(cls=Group, no_args_is_help=True, help="Take the effect of sites out of a table of features.")

Missing = Annotated[
    str,
    typer.Option(
        "--missing", metavar="refuse|skip", help="Where a value is missing: stop and say where, or go on without."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


@app.command()
def fit(
    table: Annotated[Path, typer.Argument(metavar="FEATURES", help="CSV or parquet: a row an image or a patient.")],
    batch: Annotated[str, typer.Option("--batch", metavar="COLUMN", help="Column that names the site or scanner.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The model to write, as JSON.")],
    train_column: Annotated[
        str | None,
        typer.Option("--train-column", metavar="COLUMN=VALUE", help="Which rows are the training part: split=train."),
    ] = None,
    all_rows: Annotated[bool, typer.Option("--all-rows", help="The whole table is the training part.")] = False,
    covariates: Annotated[
        list[str] | None,
        typer.Option("--covariates", metavar="COLUMN,…", help="Columns whose effect is kept, such as age,sex."),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", metavar="COLUMN,…", help="Columns to harmonize; else all others that are numbers."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="COLUMN,…", help="Columns that are no features.")
    ] = None,
    reference: Annotated[
        str, typer.Option("--reference", metavar="SITE", help="A site that stays as it is; the others come to it.")
    ] = "",
    min_rows: Annotated[
        int, typer.Option("--min-rows", min=2, help="Training rows that a site needs.", show_default=True)
    ] = 10,
    no_pooling: Annotated[
        bool, typer.Option("--no-pooling", help="Estimate each feature alone, without empirical Bayes.")
    ] = False,
    missing: Missing = "refuse",
    force: Force = False,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Learn what each site does to each feature, from the training part alone.

    [bold]Examples[/bold]

      dqkit combat fit features.csv --batch site --covariates age,sex --train-column split=train -o model.json

      dqkit combat fit train.csv --batch scanner --all-rows --ignore patient -o model.json
    """
    from dqkit.harmonize.combat.fit import FitOptions
    from dqkit.harmonize.combat.fit import fit as run

    if bool(train_column) == all_rows:
        raise DqkitError(
            "which rows are the training part?" if not all_rows else "--train-column and --all-rows exclude each other",
            "say --train-column split=train, or --all-rows where the table holds nothing else",
        )
    options = FitOptions(
        batch, tuple(opt.many(covariates)), tuple(opt.many(features)), tuple(opt.many(ignore)),
        _pair(train_column) if train_column else None, _skips(missing), min_rows, not no_pooling, reference,
    )  # fmt: skip
    _may_write(out, (table,), force=force)
    fitted = run(table, options)
    from json import dumps

    from dqkit.harmonize.combat.model import to_json
    from dqkit.report.terminal_combat import fitted_to_json, print_fitted

    _write(out, (dumps(to_json(fitted.model), indent=1, ensure_ascii=False) + "\n").encode())
    if json:
        typer.echo(dumps(fitted_to_json(fitted), ensure_ascii=False))
        return
    from dqkit.cli.screen import screen

    print_fitted(fitted, out, screen(), lang.value)


@app.command()
def apply(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="What dqkit combat fit wrote.")],
    table: Annotated[Path, typer.Argument(metavar="FEATURES", help="CSV or parquet with the model's columns.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The table to write: .csv or .parquet.")],
    missing: Missing = "refuse",
    force: Force = False,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> None:
    """Take the effect of sites out of a table: training rows and new ones of sites that the model knows.

    [bold]Example[/bold]

      dqkit combat apply model.json features.csv -o harmonized.csv
    """
    from dqkit.harmonize.combat.apply import apply as run
    from dqkit.harmonize.combat.model import load_model

    _may_write(out, (table, model), force=force)
    loaded = load_model(model)
    applied = run(loaded, table, skip_missing=_skips(missing))
    from io import BytesIO

    data = BytesIO()
    if out.suffix == ".parquet":
        applied.cells.write_parquet(data)
    else:
        applied.cells.write_csv(data)
    _write(out, data.getvalue())
    from dqkit.report.terminal_combat import applied_to_json, print_applied

    if json:
        from json import dumps

        typer.echo(dumps(applied_to_json(applied, loaded), ensure_ascii=False))
        return
    from dqkit.cli.screen import screen

    print_applied(applied, loaded, out, screen(), lang.value)


def _pair(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign or not column.strip() or not value.strip():
        raise DqkitError(f"--train-column {text} names no column and value", "write it as split=train")
    return column.strip(), value.strip()


def _skips(missing: str) -> bool:
    if missing not in {"refuse", "skip"}:
        raise DqkitError(f"--missing takes refuse or skip, not {missing}", "choose one of them")
    return missing == "skip"


def _may_write(out: Path, inputs: tuple[Path, ...], *, force: bool) -> None:
    """Refuse to write over an input, over what is there, or where there is no folder, before any work is done."""
    if any(out.resolve() == one.resolve() for one in inputs):
        raise DqkitError(f"{out.name} is what is read", "name another file with --out")
    if out.exists() and not force:
        raise DqkitError(f"{out} is there already", "name another file with --out, or say --force")
    if not out.parent.is_dir():
        raise DqkitError(f"there is no folder {out.parent}", "make it first")


def _write(out: Path, data: bytes) -> None:
    from dqkit.catalog.store import write_atomically

    write_atomically(out, data)
