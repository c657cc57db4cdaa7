"""Which files a resend supersedes: the older ones of its site with their SOPInstanceUID, and those that name none.

Pure: frames in, a frame out (docs/adr/0012-resends-supersede-by-uid.md has the reasons). A file that is whole takes the
place of an older one that is no better. A file without UIDs (empty, cut, no DICOM at all) has nothing to be known by:
its name, and the one series of its folder, stand for it.
"""

import polars as pl

from dqkit.model import FileStatus

READ = (
    "file_id", "source_id", "bucket", "path", "folder", "status", "superseded_by", "SOPInstanceUID",
    "MediaStorageSOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient",
    "header_truncated", "has_pixel_data", "pixel_data_bytes", "pixel_data_present_bytes", "pixel_data_terminated",
    "pixel_data_expected_bytes", "LossyImageCompression", "InstitutionName", "StationName", "Manufacturer",
)  # fmt: skip
"""Columns of `instances` that are looked at (the last three name the site)."""

_SERIES = ("site", "StudyInstanceUID", "SeriesInstanceUID")
_FOLDER = ("source_id", "folder")


def superseded(files: pl.DataFrame) -> pl.DataFrame:
    """Return file_id and superseded_by of the files whose place a file of a resend has taken.

    Parameters
    ----------
    files
        READ, `site` and `rank`: 0 for files of ordinary sources, and the higher the later the resend.
    """
    known = files.with_columns(
        _whole().alias("whole"),
        _worth().alias("worth"),
        pl.col("path").str.split("/").list.last().alias("name"),
        pl.col("folder").str.split("/").list.last().alias("last_folder"),
    )
    named = known.filter((pl.col("status") == FileStatus.DICOM) & _uid().is_not_null()).with_columns(
        _uid().alias("uid")
    )
    new = named.filter("whole", pl.col("rank") > 0)
    nameless = _presumed(known.filter(is_nameless()), named)
    complete = _complete(named, new, nameless)
    by_uid = _by_uid(named, new, complete)
    by_name = _by_name(nameless, named, new)
    rest = nameless.filter(pl.col("status") != FileStatus.NOT_DICOM).join(by_name, on="file_id", how="anti")
    return pl.concat([by_uid, by_name, _by_series(rest, named, new, complete)])


def is_nameless() -> pl.Expr:
    """Tell which files name no UID: they are known by their name or their folder alone."""
    without = (pl.col("status") == FileStatus.DICOM) & _uid().is_null()
    return without | pl.col("status").is_in([FileStatus.EMPTY, FileStatus.DAMAGED, FileStatus.NOT_DICOM])


def _uid() -> pl.Expr:
    """Return the UID of the object, from the file's meta information where the header is cut before it (PS3.10 7.1)."""
    return pl.coalesce("SOPInstanceUID", "MediaStorageSOPInstanceUID")


def _whole() -> pl.Expr:
    """Tell which files are read to their end and hold as many pixels as they say."""
    length = pl.col("pixel_data_bytes")
    cut = pl.any_horizontal(
        pl.col("header_truncated"),
        pl.col("pixel_data_present_bytes") < length,
        length < pl.col("pixel_data_expected_bytes"),
        ~pl.col("pixel_data_terminated"),
    )
    return (pl.col("status") == FileStatus.DICOM) & pl.col("SOPInstanceUID").is_not_null() & ~cut.fill_null(value=False)


def _worth() -> pl.Expr:
    """Rank how much a file holds: first whether it is whole, then pixels, then pixels that lost nothing."""
    lossless = pl.col("LossyImageCompression").ne_missing("01")
    pixels = pl.col("has_pixel_data").fill_null(value=False)
    return 4 * _whole().cast(pl.Int8) + 2 * pixels.cast(pl.Int8) + lossless.cast(pl.Int8)


def _image() -> pl.Expr:
    """Tell images under one UID apart; null where the header is cut, which says nothing of the image."""
    known = ~pl.col("header_truncated").fill_null(value=False)
    place = pl.col("ImagePositionPatient").cast(pl.List(pl.String)).list.join("\\")
    return pl.when(known).then(pl.concat_str(pl.col("InstanceNumber"), place, separator=" ", ignore_nulls=True))


def _presumed(nameless: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Join the one series of its folder to each nameless file, null where that holds none or several."""
    in_folders = named.drop_nulls(["StudyInstanceUID", "SeriesInstanceUID"]).select(*_FOLDER, *_SERIES).unique()
    sole = in_folders.filter(pl.len().over(_FOLDER) == 1)
    presumed = nameless.drop("StudyInstanceUID", "SeriesInstanceUID").join(
        sole.rename({"site": "site_of_series"}), on=_FOLDER, how="left", nulls_equal=True
    )
    return presumed.with_columns(pl.coalesce("site_of_series", "site").alias("site")).drop("site_of_series")


def _complete(named: pl.DataFrame, new: pl.DataFrame, nameless: pl.DataFrame) -> pl.DataFrame:
    """Return the series (with the rank of the older files) that later resends hold in full.

    That is: every UID of the older files came again, and at least as many images as there were images and files
    without a name.
    """
    by = [*_SERIES, "rank"]
    old = named.drop_nulls(_SERIES).with_columns(_image().alias("image"))
    later = new.select(*_SERIES, "uid", rank_new="rank").unique()
    came = old.join(later, on=[*_SERIES, "uid"]).filter(pl.col("rank_new") > pl.col("rank"))
    came_again = came.group_by(by).agg(pl.col("uid").n_unique().alias("came"))
    there = old.group_by(by).agg(
        pl.col("uid").n_unique().alias("uids"), pl.struct("uid", "image").n_unique().alias("images")
    )
    sent = there.select(by).join(later, on=_SERIES).filter(pl.col("rank_new") > pl.col("rank"))
    lost = nameless.filter(pl.col("status") != FileStatus.NOT_DICOM).group_by(by).agg(pl.len().alias("lost"))
    counted = (
        there.join(came_again, on=by)
        .join(sent.group_by(by).agg(pl.col("uid").n_unique().alias("sent")), on=by)
        .join(lost, on=by, how="left")
        .filter(pl.col("came") == pl.col("uids"))
        .filter(pl.col("sent") >= pl.col("images") + pl.col("lost").fill_null(0))
    )
    return counted.select(by).with_columns(complete=True)


def _by_uid(named: pl.DataFrame, new: pl.DataFrame, complete: pl.DataFrame) -> pl.DataFrame:
    """Let files give way to later ones with their UID that are no worse.

    Where several images stand under one UID, each gives way to itself alone, or to a resend of the whole series.
    """
    old = named.with_columns(_image().alias("image")).with_columns(
        (pl.col("image").drop_nulls().n_unique().over("site", "uid", "rank") > 1).alias("clash")
    )
    later = new.with_columns(_image().alias("image_new")).select(
        "site", "uid", "image_new", rank_new="rank", worth_new="worth", by="file_id", path_new="path"
    )
    pairs = (
        old.join(later, on=["site", "uid"])
        .filter(pl.col("rank_new") > pl.col("rank"), pl.col("worth_new") >= pl.col("worth"))
        .join(complete, on=[*_SERIES, "rank"], how="left")
    )
    same = pl.col("image").is_null() | (pl.col("image") == pl.col("image_new"))
    meant = pairs.filter(~pl.col("clash") | same | pl.col("complete").fill_null(value=False))
    return _first(meant.sort(["rank_new", "worth_new", "path_new", "by"], descending=[True, True, False, False]))


def _first(pairs: pl.DataFrame) -> pl.DataFrame:
    first = pairs.unique("file_id", keep="first", maintain_order=True)
    return first.select("file_id", pl.col("by").alias("superseded_by"))


def _by_name(nameless: pl.DataFrame, named: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Let nameless files give way to the one later file of their name.

    It must be of the series presumed (where nothing is presumed, in a folder of the same name), and no copy of another
    older file.
    """
    later = new.select(
        "site", "uid", "name", "last_folder", rank_new="rank", by="file_id", study="StudyInstanceUID",
        series="SeriesInstanceUID",
    )  # fmt: skip
    pairs = nameless.join(later, on=["site", "name"], suffix="_new").filter(pl.col("rank_new") > pl.col("rank"))
    presumed = pl.col("SeriesInstanceUID").is_not_null()
    of_series = (pl.col("study") == pl.col("StudyInstanceUID")) & (pl.col("series") == pl.col("SeriesInstanceUID"))
    fits = pl.when(presumed).then(of_series).otherwise(pl.col("last_folder") == pl.col("last_folder_new"))
    holders = named.select("site", "uid", rank_held="rank")
    held = (
        pairs.select("file_id", "site", "uid", "by", "rank_new")
        .join(holders, on=["site", "uid"])
        .filter(pl.col("rank_held") < pl.col("rank_new"))
        .select("file_id", "by")
        .unique()
    )
    fitting = pairs.filter(fits).join(held, on=["file_id", "by"], how="anti")
    latest = fitting.filter(pl.col("rank_new") == pl.col("rank_new").max().over("file_id"))
    sole = latest.filter((pl.len().over("file_id") == 1) & (pl.len().over("by", "rank") == 1))
    return _first(sole)


def _by_series(nameless: pl.DataFrame, named: pl.DataFrame, new: pl.DataFrame, complete: pl.DataFrame) -> pl.DataFrame:
    """Let nameless files give way to the images that a complete resend of their series adds, in order."""
    by = [*_SERIES, "rank"]
    lost = nameless.join(complete, on=by).sort("path").with_columns(pl.int_range(pl.len()).over(by).alias("n"))
    later = new.select(*_SERIES, "uid", rank_new="rank", by="file_id", path_new="path")
    added = lost.select(by).unique().join(later, on=_SERIES).filter(pl.col("rank_new") > pl.col("rank"))
    added = (
        added.join(named.select("uid", *by), on=["uid", *by], how="anti")
        .sort(["rank_new", "path_new"], descending=[True, False])
        .unique([*by, "uid"], keep="first", maintain_order=True)
        .with_columns(pl.int_range(pl.len()).over(by).alias("n"))
    )
    return _first(lost.join(added, on=[*by, "n"], suffix="_new"))
