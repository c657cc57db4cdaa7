"""Catalog + recipe -> plan."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from dqkit.catalog.cohort import Cohort
from dqkit.catalog.runs import last
from dqkit.catalog.store import Catalog
from dqkit.errors import NothingToCheckError
from dqkit.harmonize.plan import Mend, Namer, Plan, images_of
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.selection import parse_selection
from dqkit.harmonize.stack_rows import check_any, image_rows, series_in_scope, stack_rows
from dqkit.identity import Pseudonyms
from dqkit.index.progress import Progress, Silent
from dqkit.model import Level
from dqkit.rulebook.rule import Rule
from dqkit.rulebook.vocabulary import image_modalities

if TYPE_CHECKING:
    from dqkit.catalog.tables import Tables

_BEARING = (Level.STACK, Level.SERIES)


def make_plan(
    catalog: Catalog,
    recipe: Recipe,
    rules: Sequence[Rule],
    pseudonyms: Pseudonyms,
    select: Sequence[str] = (),
    cohort: Cohort | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Decide what `recipe` makes of every stack of a catalog; nothing is written.

    Parameters
    ----------
    rules
        The book: what findings of the last audit ask for.
    select
        Conditions on series, each ``COLUMN=VALUE[,VALUE…]``.
    cohort
        The series that somebody chose; None = all.

    Raises
    ------
    NothingToCheckError
        The catalog holds no stack (or image) at all.
    DqkitError
        A condition is not understood, or nothing meets it.
    """
    progress = progress or Silent()
    progress.stage("planning")
    series = series_in_scope(catalog, recipe.scope, parse_selection(select))
    if cohort is not None:
        series = series.join(cohort.keys(catalog).collect(), on="series_key", how="semi")
    selected = (*select, *([f"cohort {cohort.name} {cohort.sha256[:12]}"] if cohort else ()))
    check_any(series, selected)
    rows = (stack_rows if recipe.takes == "stacks" else image_rows)(catalog, series)
    if rows.is_empty():
        raise NothingToCheckError(f"there are no {recipe.takes} to harmonize", "index a folder: dqkit index FOLDER")
    outside = Counter(rows.filter(~pl.col("in_scope"))["Modality"].fill_null("").to_list())
    namer = Namer(recipe.naming, recipe.name, pseudonyms, frozenset(image_modalities()))
    inside = list(rows.filter("in_scope").iter_rows(named=True))
    images, refusals = images_of(inside, recipe, namer, mends_of(catalog, rules))
    return Plan(
        recipe=recipe,
        catalog=catalog.path.absolute(),
        run=last(catalog.path).run,
        selected=selected,
        images=tuple(images),
        refusals=tuple(refusals),
        out_of_scope=dict(sorted(outside.items())),
    )


def mends_of(tables: "Tables", rules: Sequence[Rule]) -> dict[str, list[Mend]]:
    """Return the findings of the last audit on stacks and series: stack id or series key -> what bears on it."""
    asked = {rule.id: rule.remedy.harmonize or "" for rule in rules}
    findings = tables.scan("findings").filter(pl.col("level").is_in([str(level) for level in _BEARING]))
    found: dict[str, list[Mend]] = {}
    for entity, rule_id in (
        findings.select("entity", "rule_id").unique().sort("entity", "rule_id").collect().iter_rows()
    ):
        found.setdefault(entity, []).append(Mend(rule_id, asked.get(rule_id, "")))
    return found
