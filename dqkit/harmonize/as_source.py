"""Outputs become a source of the catalog: an audit sees them, and a gate finds what they were made of."""

import csv
import io
from pathlib import Path

import polars as pl

from dqkit import __version__
from dqkit.archive.paths import escape, parent
from dqkit.archive.site import SiteRule
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import PROVENANCE, conform
from dqkit.catalog.store import Catalog, Writer
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
        source_id, name = marked.filter(here).select("source_id", "name").row(0)
        made_of = _provenance(writer, source_id, manifest)
        if not marked.equals(sources) or not made_of.equals(writer.scan("provenance").collect()):
            writer.overwrite("sources", marked)
            writer.overwrite("provenance", made_of)
            writer.commit(Record("harmonize", __version__, counts=_counts(recipe, manifest)))
    return str(name)


def _provenance(writer: Writer, source_id: str, manifest: pl.DataFrame) -> pl.DataFrame:
    """Return the table `provenance` with what every output of a source was made of, a row a pair of files."""
    ours = writer.scan("instances").filter(pl.col("source_id") == source_id).select("path", output_file_id="file_id")
    pairs = (
        manifest.lazy()
        .select("path", "recipe", "source_file_ids", "source_sha256", output_sha256="sha256",
                stack_id=pl.col("stack_ids").list.first())
        .explode("source_file_ids", "source_sha256")
        .rename({"source_file_ids": "source_file_id"})
        .drop_nulls(["path", "source_file_id"])
        .with_columns(pl.col("path").map_elements(_escaped, return_dtype=pl.String))
        .join(ours, on="path")
        .unique()
    )  # fmt: skip
    kept = writer.scan("provenance").join(ours, on="output_file_id", how="anti")
    both = [conform(kept.collect(), PROVENANCE), conform(pairs.collect(), PROVENANCE)]
    return pl.concat(both).sort("output_file_id", "source_file_id")


def _escaped(path: str) -> str:
    return escape(path.encode())


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
