"""A plan for people: what would be written and what would not, a line for all stacks that are treated alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqkit.harmonize.plan import Plan, PlannedImage
from dqkit.harmonize.recipe import Recipe
from dqkit.report.visible import visible
from dqkit.report.words import say


def print_plan(plan: Plan, console: Console, lang: str = "en", path: str = "") -> None:
    """Print a plan, grouped; `path` is where it was written."""
    if plan.images:
        console.print(_written(plan, lang))
    if plan.refusals:
        console.print()
        console.print(_refused(plan, lang))
    _print_remaining(plan, console, lang)
    if plan.out_of_scope:
        what = ", ".join(f"{visible(name or '–', 16)} {count:,}" for name, count in plan.out_of_scope.items())
        total = sum(plan.out_of_scope.values())
        key = "hz.out_of_scope" if plan.recipe.takes == "stacks" else "hz.images_out_of_scope"
        console.print(Text(say(key, lang, n=total, what=what), style="dim"), soft_wrap=True)
        if not plan.images and not plan.refusals:
            console.print(Text(say("hz.scope", lang, scope=_scope(plan.recipe)), style="dim"), soft_wrap=True)
    stacks = len({stack for image in plan.images for stack in image.stacks})
    told = say("hz.plan_total", lang, recipe=f"{plan.recipe.name} {plan.recipe.version}", images=len(plan.images),
               stacks=stacks, refused=len(plan.refusals))  # fmt: skip
    console.print(Text(told, style="bold"), soft_wrap=True)
    if path and plan.images:
        console.print(Text(say("hz.next", lang, plan=path), style="dim"), soft_wrap=True)


def _scope(recipe: Recipe) -> str:
    """Return what a recipe is for as it stands in its file."""
    return yaml.safe_dump(dict(recipe.scope_plain), default_flow_style=True, sort_keys=False, width=10_000).strip()


def _written(plan: Plan, lang: str) -> Table:
    table = Table(title=say("hz.would_write", lang), title_justify="left", box=None, pad_edge=False)
    table.add_column(say("modality", lang))
    for name in ("hz.images", "hz.stacks"):
        table.add_column(say(name, lang), justify="right", no_wrap=True)
    table.add_column(say("hz.how", lang), overflow="fold")
    table.add_column(say("hz.mends", lang), overflow="fold")
    groups: dict[tuple[str, tuple[str, ...]], list[PlannedImage]] = {}
    for image in plan.images:
        groups.setdefault((image.modality, image.do), []).append(image)
    for (modality, do), images in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])):
        stacks = sum(len(image.stacks) for image in images)
        table.add_row(
            Text(visible(modality or "–", 16)), f"{len(images):,}", f"{stacks:,}",
            Text(how(do, plan.recipe, lang)), Text(_counted(rule for image in images for rule in image.mends)),
        )  # fmt: skip
    return table


def how(do: Sequence[str], recipe: Recipe, lang: str) -> str:
    """Say the steps of an image in words."""
    steps = recipe.spacing_mm[: 3 if recipe.takes == "stacks" else 2]
    spacing = " x ".join("keep" if step is None else f"{step:g}" for step in steps)
    said = {"axes": recipe.orientation.axes, "mm": spacing, "steps": ", ".join(step.name for step in recipe.intensity)}
    said |= {"crop": recipe.planar.crop, "size": " x ".join(map(str, recipe.planar.size or ()))}
    words = [say(f"step.{step}", lang, **said) for step in do]
    return say("comma", lang).join(words) if words else say("hz.as_is", lang)


def _refused(plan: Plan, lang: str) -> Table:
    table = Table(title=say("hz.refused", lang), title_justify="left", box=None, pad_edge=False)
    table.add_column(say("modality", lang))
    table.add_column(say("hz.stacks", lang), justify="right", no_wrap=True)
    table.add_column(say("hz.why", lang), overflow="fold")
    table.add_column(say("hz.do", lang), overflow="fold")
    counts = Counter((one.modality, str(one.reason)) for one in plan.refusals)
    for (modality, reason), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        table.add_row(
            Text(visible(modality or "–", 16)), f"{count:,}",
            Text(say(f"refusal.{reason}", lang)), Text(say(f"ask.{reason}", lang), style="dim"),
        )  # fmt: skip
    return table


def _print_remaining(plan: Plan, console: Console, lang: str) -> None:
    told = _counted(rule for image in plan.images for rule in image.remains)
    if told:
        console.print()
        console.print(Text.assemble((say("hz.remain", lang) + say("colon", lang), "dim"), told), soft_wrap=True)


def _counted(rules: Any) -> str:
    return ", ".join(f"{rule} x {count:,}" for rule, count in sorted(Counter(rules).items()))


def plan_summary(plan: Plan) -> dict[str, Any]:
    """Return the figures of a plan as plain JSON values."""
    mended = Counter(rule for image in plan.images for rule in image.mends)
    remain = Counter(rule for image in plan.images for rule in image.remains)
    steps = Counter(step for image in plan.images for step in image.do)
    return {
        "recipe": f"{plan.recipe.name} {plan.recipe.version}",
        "recipe_sha256": plan.recipe.sha256,
        "write": len(plan.images),
        "stacks": len({stack for image in plan.images for stack in image.stacks}),
        "steps": _plain(steps),
        "refuse": _plain(Counter(str(one.reason) for one in plan.refusals)),
        "out_of_scope": dict(plan.out_of_scope),
        "mends": _plain(mended),
        "remains": _plain(remain),
    }


def _plain(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
