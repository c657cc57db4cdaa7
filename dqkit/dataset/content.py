"""Copies: files outside all sources, traced by their bytes to a file of a source."""

import polars as pl

from dqkit.catalog.schema import TEXT
from dqkit.catalog.store import Catalog, Writer
from dqkit.dataset.sources import AUDITED, IMAGES, audited
from dqkit.dataset.states import How, State
from dqkit.index.checksums import Rehash, checksums, known_of, places_of
from dqkit.index.progress import Progress
from dqkit.index.read import read_files
from dqkit.index.sources import Source, registered

_CHUNK = 4000
_KEY = ["file_id", "size", "mtime_ns"]


def by_content(files: pl.DataFrame, catalog: Catalog, writer: Writer, workers: int, progress: Progress) -> pl.DataFrame:
    """Decide the files that have no `state` yet: TRACED, CHANGED, UNTRACEABLE, or UNREAD where nobody can know.

    Size and SOPInstanceUID narrow down which files of the sources could be the same; the checksum decides.

    Parameters
    ----------
    files
        place, size, mtime_ns, sha256, state, how, detail and AUDITED.
    """
    open_ = files.filter(pl.col("state").is_null())
    if open_.is_empty():
        return files
    found = _same_checksum(open_, catalog, writer)
    rest = open_.join(found, on="place", how="anti")
    if not rest.is_empty():
        found = pl.concat([found, _compared(rest, catalog, writer, workers, progress)], how="diagonal")
    told = open_.drop("state", "how", "detail", *AUDITED).join(found, on="place", how="left", maintain_order="left")
    return pl.concat([files.filter(pl.col("state").is_not_null()), told.select(files.columns)])


def _traced(places: pl.DataFrame) -> pl.DataFrame:
    """Say of `places` (place and AUDITED) that they are copies of those files."""
    return places.unique("place", keep="first", maintain_order=True).select(
        "place",
        pl.lit(State.TRACED.value).alias("state"),
        pl.lit(How.CONTENT.value).alias("how"),
        pl.lit(None, dtype=TEXT).alias("detail"),
        *AUDITED,
    )


def _same_checksum(files: pl.DataFrame, catalog: Catalog, writer: Writer) -> pl.DataFrame:
    """Find files of the catalog whose checksum is known to be that of one of `files`."""
    wanted = files.select("place", "sha256")
    keys = writer.scan("checksums").join(wanted.lazy(), on="sha256", how="semi").select(_KEY).unique()
    known = known_of(writer, keys.collect(engine="streaming"))
    known = known.filter(pl.col("sha256") == pl.col("first_sha256")).select(*_KEY, "sha256")
    known = known.join(wanted, on="sha256", how="semi")
    of_catalog = _images(catalog).join(
        known.lazy(), left_on=["file_id", "audited_size", "audited_mtime_ns"], right_on=_KEY, how="inner"
    )
    first = _first_of_each(of_catalog.collect(engine="streaming").lazy())
    return _traced(wanted.lazy().join(first, on="sha256").sort("place").collect())


def _first_of_each(files: pl.LazyFrame) -> pl.LazyFrame:
    """Return one file for each checksum, always the same: copies within an archive may be many."""
    return files.sort("file_id").unique("sha256", keep="first", maintain_order=True)


def _images(catalog: Catalog) -> pl.LazyFrame:
    return audited(catalog).filter(pl.col("audited_status").is_in(IMAGES))


def _compared(files: pl.DataFrame, catalog: Catalog, writer: Writer, workers: int, progress: Progress) -> pl.DataFrame:
    """Read the files of the catalog that could be the same as one of `files`, and compare their bytes."""
    files = _with_uids(files, progress)
    candidates = _candidates(files, catalog)
    alike = candidates.join(files.select("uid", "size").unique(), on=["uid", "size"], how="semi", nulls_equal=True)
    sources = registered(catalog.scan("sources").collect())
    sums = checksums(writer, _wanted(alike, sources), Rehash.NONE, workers, progress)
    read = alike.join(
        sums.select(*_KEY, "sha256").drop_nulls("sha256"),
        left_on=["file_id", "audited_size", "audited_mtime_ns"],
        right_on=_KEY,
    )
    same = files.lazy().select("place", "sha256").join(_first_of_each(read.lazy()), on="sha256").sort("place")
    traced = _traced(same.collect())
    rest = files.join(traced, on="place", how="anti")
    unseen = alike.join(sums.drop_nulls("sha256"), on="file_id", how="anti")
    return pl.concat([traced, _not_the_same(rest, candidates, unseen)], how="diagonal")


def _with_uids(files: pl.DataFrame, progress: Progress) -> pl.DataFrame:
    """Add the SOPInstanceUID of each file; null where it is no DICOM."""
    progress.stage("reading headers of the dataset", files.height)
    uids = [pl.Series("uid", [], dtype=TEXT)]
    for part in files.select("place", "size", "mtime_ns").iter_slices(_CHUNK):
        rows = [(place.removeprefix("/"), size, mtime) for place, size, mtime in part.iter_rows()]
        uids.append(read_files(b"", "", rows)["SOPInstanceUID"].alias("uid"))
        progress.advance(part.height)
    return files.select("place", "size", "sha256").with_columns(pl.concat(uids))


def _candidates(files: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """Return images of the catalog with the SOPInstanceUID of a file, or its size where neither has one.

    Returns
    -------
    AUDITED, source_id, path, uid and size, each file of the catalog once.
    """
    images = _images(catalog).with_columns(pl.col("SOPInstanceUID").alias("uid"), pl.col("audited_size").alias("size"))
    wanted = files.lazy()
    by_uid = images.join(wanted.filter(pl.col("uid").is_not_null()).select("uid"), on="uid", how="semi")
    nameless = wanted.filter(pl.col("uid").is_null()).select("size")
    by_size = images.filter(pl.col("uid").is_null()).join(nameless, on="size", how="semi")
    columns = [*AUDITED, "source_id", "path", "uid", "size"]
    return pl.concat([by_uid.select(columns), by_size.select(columns)]).collect(engine="streaming")


def _wanted(candidates: pl.DataFrame, sources: list[Source]) -> pl.DataFrame:
    files = candidates.select(
        "file_id", "source_id", "path", "size", pl.col("audited_mtime_ns").alias("mtime_ns")
    )  # fmt: skip
    return places_of(files, sources)


def _not_the_same(files: pl.DataFrame, candidates: pl.DataFrame, unseen: pl.DataFrame) -> pl.DataFrame:
    """Say why files are not traced: nobody could look, the same UID has other bytes, or nothing is like them.

    Parameters
    ----------
    files
        place, uid, size.
    unseen
        Candidates of the same UID and size that could not be read.
    """
    keys = ["uid", "size"]
    unread = files.join(unseen.select(keys).unique(), on=keys, how="semi", nulls_equal=True)
    same_uid = files.filter(pl.col("uid").is_not_null()).join(candidates.select("uid"), on="uid", how="semi")
    flagged = files.select("place").with_columns(
        unseen=pl.col("place").is_in(unread["place"].implode()),
        changed=pl.col("place").is_in(same_uid["place"].implode()),
    )
    return flagged.select(
        "place",
        pl.when("unseen")
        .then(pl.lit(State.UNREAD.value))
        .when("changed")
        .then(pl.lit(State.CHANGED.value))
        .otherwise(pl.lit(State.UNTRACEABLE.value))
        .alias("state"),
        pl.when("unseen")
        .then(pl.lit("the file it may be a copy of cannot be read"))
        .when("changed")
        .then(pl.lit("an audited image has this SOPInstanceUID and other bytes"))
        .otherwise(pl.lit("no audited file has these bytes"))
        .alias("detail"),
    )
