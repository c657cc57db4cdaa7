"""A run of harmonize as one HTML file that works offline: what was written, what was not, and how some images look."""

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dqkit.harmonize.before_after import BeforeAfter
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.run import label_counts, warning_counts
from dqkit.report.page import as_script_data, rendered
from dqkit.report.plan_view import how
from dqkit.report.visible import visible
from dqkit.report.warning_words import warning
from dqkit.report.words import LANGUAGES, Pair, pair


def render_run(
    recipe: Recipe, manifest: pl.DataFrame, pairs: Sequence[BeforeAfter], version: str, lang: str = "en"
) -> str:
    """Render the page of a folder of outputs; it holds no identifying value (PS3.15 Table E.1-1).

    Parameters
    ----------
    manifest
        Schema HARMONIZED.
    lang
        The language that it opens in; it holds both.
    """
    images = manifest.filter(pl.col("kind") == "image")
    written = images.filter(pl.col("status") == "written").unique("image_id", maintain_order=True)
    refused = images.filter(pl.col("status") == "refused").join(written, on="image_id", how="anti")
    refused = refused.unique("image_id", maintain_order=True)
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    return rendered(
        "harmonize",
        lang,
        with_charts=False,
        script="profile",
        made=pair("prof.made", when=when, version=visible(version, 40)),
        recipe=f"{recipe.name} {recipe.version}",
        why=dict(recipe.why),
        tiles=_tiles(written, refused, manifest),
        written=_written(recipe, written),
        refused=_refused(refused),
        warned=[(warning(text), f"{count:,}") for text, count in warning_counts(manifest).items()],
        pairs=[_figure(recipe, one) for one in pairs],
        data=as_script_data({}),
    )


def _tiles(written: pl.DataFrame, refused: pl.DataFrame, manifest: pl.DataFrame) -> list[tuple[Pair, str]]:
    labels = label_counts(manifest).get("followed", 0)
    stacks = written["stack_ids"].explode().n_unique() if written.height else 0
    figures = [("hz.images", written.height), ("hz.stacks", stacks), ("hz.labels", labels)]
    return [(pair(name), f"{value:,}") for name, value in figures] + [(pair("hz.not_written"), f"{refused.height:,}")]


def _written(recipe: Recipe, written: pl.DataFrame) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    mends: dict[tuple[str, tuple[str, ...]], Counter[str]] = {}
    for modality, do, rules in written.select("Modality", "do", "mends").iter_rows():
        key = (modality or "", tuple(do or ()))
        counts[key] += 1
        mends.setdefault(key, Counter()).update(rules or ())
    return [
        {
            "modality": visible(modality or "–", 16),
            "how": _how(do, recipe),
            "mends": _counted(mends[modality, do]),
            "images": f"{count:,}",
        }
        for (modality, do), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    ]


def _how(do: Sequence[str], recipe: Recipe) -> Pair:
    return {lang: how(do, recipe, lang) for lang in LANGUAGES}


def _counted(rules: Counter[str]) -> list[str]:
    return [f"{rule} × {count:,}" for rule, count in sorted(rules.items())]


def _refused(refused: pl.DataFrame) -> list[dict[str, Any]]:
    counts = Counter((reason, modality or "–") for reason, modality in refused.select("reason", "Modality").iter_rows())
    ordered: Iterable[tuple[tuple[str, str], int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "why": pair(f"refusal.{reason}"),
            "ask": pair(f"ask.{reason}"),
            "modality": visible(modality, 16),
            "stacks": f"{count:,}",
        }
        for (reason, modality), count in ordered
    ]


def _figure(recipe: Recipe, one: BeforeAfter) -> dict[str, Any]:
    data = base64.b64encode(one.picture.data).decode()
    return {
        "src": f"data:{one.picture.mime};base64,{data}",
        "width": one.picture.width,
        "height": one.picture.height,
        "modality": visible(one.row["Modality"] or "–", 16),
        "caption": _how(one.row["do"], recipe),
        "name": one.row["path"],
    }
