"""ComBat in the terminal and as JSON: what a model was fitted on, and what it did to a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqkit.harmonize.combat.apply import Applied
from dqkit.harmonize.combat.fit import Fitted
from dqkit.harmonize.combat.model import CombatModel
from dqkit.report.visible import visible
from dqkit.report.words import say

_SHOWN = 8


def print_fitted(fitted: Fitted, out: Path, console: Console, lang: str = "en") -> None:
    """Print what a model was fitted on, and how much of the variance lay between sites before and after."""
    model, training = fitted.model, fitted.model.training
    counts = {"n": training.rows, "of": training.of_rows, "features": len(model.features), "sites": len(model.sites)}
    console.print(Text(say("combat.fitted", lang, **counts), style="bold"))
    part = {"column": visible(training.column), "value": visible(training.value)}
    console.print(Text(say("combat.training" if training.column else "combat.training_all", lang, **part)))
    _print_sites(model.sites, console, lang)
    for key, names in (
        ("combat.features", model.features),
        ("combat.covariates", [one.name for one in model.covariates]),
        ("combat.left_alone", fitted.left_alone),
        ("combat.constant", model.constant),
    ):
        _print_names(key, names, console, lang)
    if training.skipped:
        console.print(Text(say("combat.skipped", lang, n=training.skipped), style="yellow"))
    if not model.pooled and len(model.features) - len(model.constant) < 2:  # noqa: PLR2004
        console.print(Text(say("combat.unpooled", lang), style="yellow"))
    _print_end(fitted.site_share_before, fitted.site_share_after, out, console, lang)


def print_applied(applied: Applied, model: CombatModel, out: Path, console: Console, lang: str = "en") -> None:
    """Print what was done to a table."""
    counts = {"n": applied.cells.height, "features": len(model.features), "sites": len(applied.sites)}
    console.print(Text(say("combat.applied", lang, **counts), style="bold"))
    _print_sites(applied.sites, console, lang)
    _print_names("combat.constant", model.constant, console, lang)
    _print_names("combat.missing", [f"{name} ({rows})" for name, rows in applied.lacking.items()], console, lang)
    for name, rows in applied.beyond.items():
        console.print(Text(say("combat.beyond", lang, n=rows, name=visible(name)), style="yellow"))
    _print_end(applied.site_share_before, applied.site_share_after, out, console, lang)


def fitted_to_json(fitted: Fitted) -> dict[str, Any]:
    """Return what `print_fitted` prints, for machines."""
    model = fitted.model
    return {
        "batch": model.batch,
        "sites": dict(model.sites),
        "training": vars(model.training),
        "features": list(model.features),
        "covariates": [one.name for one in model.covariates],
        "left_alone": list(fitted.left_alone),
        "constant": list(model.constant),
        "pooled": model.pooled,
        "site_share_before": fitted.site_share_before,
        "site_share_after": fitted.site_share_after,
    }


def applied_to_json(applied: Applied, model: CombatModel) -> dict[str, Any]:
    """Return what `print_applied` prints, for machines."""
    return {
        "rows": applied.cells.height,
        "sites": dict(applied.sites),
        "features": list(model.features),
        "constant": list(model.constant),
        "missing": dict(applied.lacking),
        "beyond_training": dict(applied.beyond),
        "site_share_before": applied.site_share_before,
        "site_share_after": applied.site_share_after,
    }


def _print_sites(sites: Mapping[str, int], console: Console, lang: str) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(say("combat.site", lang), overflow="fold")
    table.add_column(say("combat.rows", lang), justify="right", no_wrap=True)
    for site, rows in sites.items():
        table.add_row(Text(visible(site, 60)), Text(f"{rows:,}"))
    console.print(table)


def _print_names(key: str, names: Sequence[str], console: Console, lang: str) -> None:
    if not names:
        return
    shown = ", ".join(visible(name, 60) for name in names[:_SHOWN])
    more = f" … ({len(names):,})" if len(names) > _SHOWN else ""
    console.print(Text.assemble((say(key, lang) + ": ", "dim"), shown + more), soft_wrap=True)


def _print_end(before: float, after: float, out: Path, console: Console, lang: str) -> None:
    console.print(Text(say("combat.share", lang, before=f"{before:.1%}", after=f"{after:.1%}")))
    console.print(Text.assemble((say("combat.written", lang) + ": ", "dim"), str(out)), soft_wrap=True)
