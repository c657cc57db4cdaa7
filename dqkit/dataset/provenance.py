"""Outputs: files that were made of files of a source, traced through the table `provenance`."""

import polars as pl

from dqkit.catalog.store import Catalog, Writer
from dqkit.dataset.sources import AUDITED, audited
from dqkit.dataset.states import How, State
from dqkit.index.checksums import Rehash, checksums, places_of
from dqkit.index.progress import Progress
from dqkit.index.sources import registered

_FINAL = (State.UNREAD.value, State.MISSING.value)


def by_provenance(
    files: pl.DataFrame, catalog: Catalog, writer: Writer, workers: int, progress: Progress
) -> pl.DataFrame:
    """Decide the files whose checksum is that of an output: TRACED where every source still has the bytes it had.

    A file that is an output by its place is traced through its own sources alone: the tables of gradients that one
    protocol makes of many patients are alike.

    Parameters
    ----------
    files
        place, sha256, state, how, detail and AUDITED.
    """
    made = (
        writer.scan("provenance")
        .join(files.lazy().filter(~pl.col("state").is_in(_FINAL)).select("sha256"), left_on="output_sha256",
              right_on="sha256", how="semi")
        .select("output_file_id", "output_sha256", "source_file_id", "source_sha256")
        .collect()
    )  # fmt: skip
    if made.is_empty():
        return files
    outputs = made.select(file_id="output_file_id", sha256="output_sha256", output="output_file_id").unique()
    files_as = files.join(outputs, on=["file_id", "sha256"], how="left", maintain_order="left")
    files_as = files_as.with_columns(pl.coalesce("output", "sha256").alias("output"))
    pairs = pl.concat(
        made.select(pl.col(name).alias("output"), "source_file_id", "source_sha256")
        for name in ("output_file_id", "output_sha256")
    )
    pairs = pairs.join(files_as, on="output", how="semi").unique()
    told = _told(_sources(pairs, catalog, writer, workers, progress))
    both = files_as.join(told, on="output", how="left", maintain_order="left", suffix="_of")
    is_output = pl.col("state_of").is_not_null() & ~pl.col("state").is_in(_FINAL)
    columns = ["state", "how", "detail", *AUDITED]
    return both.with_columns(
        pl.when(is_output).then(f"{name}_of").otherwise(name).alias(name) for name in columns
    ).select(files.columns)


def _sources(made: pl.DataFrame, catalog: Catalog, writer: Writer, workers: int, progress: Progress) -> pl.DataFrame:
    """Add to each pair of output and source what the catalog knows of the source, and its checksum now."""
    known = (
        made.lazy()
        .join(audited(catalog), left_on="source_file_id", right_on="file_id", how="left", coalesce=False)
        .collect()
    )
    wanted = known.filter(pl.col("file_id").is_not_null()).select(
        "file_id",
        "source_id",
        "path",
        pl.col("audited_size").alias("size"),
        pl.col("audited_mtime_ns").alias("mtime_ns"),
    )
    places = places_of(wanted.unique("file_id"), registered(catalog.scan("sources").collect()))
    sums = checksums(writer, places, Rehash.NONE, workers, progress)
    return known.join(sums.select("file_id", "sha256"), on="file_id", how="left")


def _told(pairs: pl.DataFrame) -> pl.DataFrame:
    """Say of each output what its sources together say; its keys are those of the first."""
    pairs = pairs.sort("output", "source_file_id").with_columns(
        gone=pl.col("file_id").is_null(),
        unseen=pl.col("file_id").is_not_null() & pl.col("sha256").is_null(),
        changed=(pl.col("sha256") != pl.col("source_sha256")).fill_null(value=False),
    )
    each = pairs.group_by("output", maintain_order=True).agg(
        pl.col("gone", "unseen", "changed").any(),
        *(pl.col(name).any() if name == "superseded" else pl.col(name).drop_nulls().first() for name in AUDITED),
    )
    gone, unseen, changed = pl.col("gone"), pl.col("unseen"), pl.col("changed")
    return each.select(
        "output",
        pl.when(gone).then(pl.lit(State.UNTRACEABLE.value)).when(changed).then(pl.lit(State.CHANGED.value))
        .when(unseen).then(pl.lit(State.UNREAD.value)).otherwise(pl.lit(State.TRACED.value)).alias("state"),
        pl.when(~gone & ~changed & ~unseen).then(pl.lit(How.PROVENANCE.value)).alias("how"),
        pl.when(gone).then(pl.lit("a file it was made of is not in the catalog"))
        .when(changed).then(pl.lit("a file it was made of has other bytes now"))
        .when(unseen).then(pl.lit("a file it was made of cannot be read")).alias("detail"),
        *AUDITED,
    )  # fmt: skip
