"""Outputs become a source of the catalog: an audit sees them, and a gate finds what they were made of."""

import csv
import io
from pathlib import Path

import polars as pl

from dqkit import __version__
from dqkit.archive.paths import parent
from dqkit.archive.site import SiteRule
from dqkit.catalog.runs import Record
from dqkit.catalog.store import Catalog
from dqkit.harmonize.files import write_whole
from dqkit.harmonize.journal import SITES, images_of
from dqkit.harmonize.recipe import Recipe
from dqkit.index.build import IndexOptions, index
from dqkit.index.progress import Progress
from dqkit.index.sources import root_text


def as_source(
    catalog: Catalog, out: Path, recipe: Recipe, manifest: pl.DataFrame, workers: int, progress: Progress
) -> str:
    """Index the images below `out` into `catalog`, each under the site of its sources; return the new source's name.

    Parameters
    ----------
    manifest
        Schema HARMONIZED.

    Raises
    ------
    DqkitError
        The folder lies in another source.
    IncompleteError
        The disk of the catalog failed.
    """
    root = images_of(out, recipe).resolve()
    sites = _write_sites(out / SITES, manifest)
    options = IndexOptions(SiteRule.parse(f"file:{sites}"), workers, confirm_removed=True)
    index(catalog, [root], options, progress)
    with catalog.write() as writer:
        sources = writer.scan("sources").collect()
        here = pl.col("root") == root_text(root)
        made_by = pl.when(here).then(pl.lit(f"harmonize {recipe.name} {recipe.version}")).otherwise("made_by")
        marked = sources.with_columns(made_by.alias("made_by"))
        if not marked.equals(sources):
            writer.overwrite("sources", marked)
            writer.commit(Record("harmonize", __version__, counts=_counts(recipe, manifest)))
    return str(marked.filter(here)["name"][0])


def _write_sites(path: Path, manifest: pl.DataFrame) -> Path:
    """Write which folder holds the images of which site; one that holds several is left out."""
    rows = manifest.filter(pl.col("path").is_not_null() & pl.col("site").is_not_null()).select("path", "site")
    folders = rows.select(pl.col("path").map_elements(parent, return_dtype=pl.String).alias("folder"), "site").unique()
    sole = folders.filter((pl.len().over("folder") == 1) & (pl.col("folder") != "")).sort("folder")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("folder", "site"))
    writer.writerows(sole.iter_rows())
    return write_whole(path.resolve(), lambda file: file.write(text.getvalue().encode()), mode=0o600)


def _counts(recipe: Recipe, manifest: pl.DataFrame) -> dict[str, object]:
    return {
        "recipe": f"{recipe.name} {recipe.version}",
        "recipe_sha256": recipe.sha256,
        "files": manifest["path"].drop_nulls().len(),
        "refused": manifest.filter(pl.col("status") == "refused").height,
    }
