"""The files behind the entries of a dataset: each once, with what the file system says of it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from dqkit.archive.paths import escape, escape_text, unescape
from dqkit.archive.refused import status_of
from dqkit.archive.walk import walk
from dqkit.catalog.schema import INT, TEXT, Schema
from dqkit.dataset.entries import Dataset
from dqkit.index.progress import Progress
from dqkit.model import FileStatus

FILES: Schema = {
    "file": INT,  # one number a place: what frames are joined on, as millions of long paths cost memory
    "target": INT,  # of TARGETS: what names it
    "place": TEXT,  # absolute path without . and .., escaped (archive/paths.py)
    "size": INT,  # bytes; null where it is not there or cannot be looked at, and so the next
    "mtime_ns": INT,
    "status": TEXT,  # model.FileStatus: why it cannot be read; null where nothing is known against it
}
"""A file as the dataset leads to it; one that several entries lead to stands several times."""

_MET: Schema = {name: kind for name, kind in FILES.items() if name != "file"}

_SAID: Schema = {name: kind for name, kind in _MET.items() if name != "place"}
_Seen = tuple[int, int | None, int | None, str | None]
"""A row of _SAID."""

TARGETS: Schema = {"target": INT, "row": INT, "times": INT, "splits": INT}
"""A path that entries name: the first row that does, how many rows do, and in how many splits they stand."""

_CHUNK = 50_000

_PLAIN = r"^[0-9A-Za-z\u4E00-\u9FA5_.+=@,~ /-]+$"
_NO_NAME = r"(?:^|/)\.{0,2}(?:/|$)"
"""An entry of _PLAIN characters without such parts (empty, ``.``, ``..``) stands below the root as it is written."""


@dataclass(frozen=True)
class Listed:
    """What a dataset leads to.

    Attributes
    ----------
    entries
        row, target, label, split: one row an entry.
    targets
        TARGETS.
    files
        FILES.
    """

    entries: pl.DataFrame
    targets: pl.DataFrame
    files: pl.DataFrame


def files_of(dataset: Dataset, progress: Progress) -> Listed:
    """Look at every file that `dataset` names; folders stand for all files below them.

    Disk furniture (viewers, Thumbs.db, folders of the system) is left out as in sources (archive/walk.py).
    """
    named = dataset.entries.with_columns(pl.col("entry").fill_null(""))
    unique = named.select(pl.col("entry").unique(maintain_order=True))
    by_entry = unique.with_columns(_places(unique["entry"], os.fsencode(dataset.root)))
    by_entry = by_entry.with_columns(_numbers(by_entry["place"]).alias("target"))
    if by_entry.height < named.height:
        named = named.join(by_entry, on="entry", how="left", maintain_order="left")
    else:
        named = named.hstack(by_entry.select("place", "target"))
    entries = named.select("row", "target", "label", "split")
    targets = named.group_by("target", maintain_order=True).agg(
        pl.col("place").first(),
        pl.col("row").first(),
        pl.len().cast(INT).alias("times"),
        pl.col("split").drop_nulls().n_unique().cast(INT).alias("splits"),
    )
    del named, unique, by_entry
    progress.stage("looking at the files of the dataset", targets.height)
    files = pl.concat([pl.DataFrame(schema=_MET), *_looked_at(targets, progress)])
    files = files.with_columns(_numbers(files["place"]).alias("file")).select(list(FILES))
    return Listed(entries, targets.select(list(TARGETS)), files)


def _numbers(values: pl.Series) -> pl.Series:
    """Return a number for each value, from 0 in the order in which values first stand, the same for the same."""
    if values.n_unique() == values.len():
        return pl.int_range(values.len(), dtype=INT, eager=True)
    once = values.unique(maintain_order=True).alias("value").to_frame().with_row_index("number")
    numbered = values.alias("value").to_frame().join(once, on="value", how="left", maintain_order="left")
    return numbered["number"].cast(INT)


def _places(entries: pl.Series, root: bytes) -> pl.Series:
    """Return the place of each entry, some thousands at a time."""
    below = escape(os.path.normpath(root)).rstrip("/") + "/"
    parts = [pl.Series("place", [], dtype=TEXT)]
    for part in entries.alias("entry").to_frame().iter_slices(_CHUNK):
        entry = pl.col("entry")
        is_plain = part.select(entry.str.contains(_PLAIN) & ~entry.str.contains(_NO_NAME)).to_series().all()
        if is_plain and b".." not in root.split(b"/"):
            parts.append(part.select(place=below + entry).to_series())
        else:
            parts.append(pl.Series("place", [_place(root, one) for one in part["entry"]], dtype=TEXT))
    return pl.concat(parts)


def _place(root: bytes, entry: str) -> str:
    """Return the absolute path of an entry, escaped; empty where there can be no such file."""
    if not entry or "\x00" in entry:
        return ""
    path = os.path.join(root, os.fsencode(entry))  # noqa: PTH118
    if b".." in path.split(b"/"):  # what .. means after a link only the file system knows
        head, name = os.path.split(path)
        path = os.path.join(os.path.realpath(head), name)  # noqa: PTH118
    return escape(os.path.normpath(path))


def _looked_at(targets: pl.DataFrame, progress: Progress) -> Iterator[pl.DataFrame]:
    for part in targets.iter_slices(_CHUNK):
        seen: list[_Seen] = []
        for target, place in part.select("target", "place").iter_rows():
            folder = _look(target, place, seen)
            if folder is not None:
                yield folder
        said = pl.DataFrame(seen, _SAID, orient="row")
        yield part.select("target", "place").join(said, on="target", maintain_order="left").select(list(_MET))
        progress.advance(part.height)


def _look(target: int, place: str, seen: list[_Seen]) -> pl.DataFrame | None:
    """Add what the system says of a file to `seen`, or return the files of a folder."""
    try:
        met = os.stat(unescape(place))  # noqa: PTH116 - bytes, not text
    except OSError as error:
        seen.append((target, None, None, status_of(error).value))
        return None
    if stat.S_ISDIR(met.st_mode):
        return _folder(target, place)
    status = None if stat.S_ISREG(met.st_mode) else FileStatus.IO_ERROR.value
    seen.append((target, met.st_size, met.st_mtime_ns, status))
    return None


def _folder(target: int, place: str) -> pl.DataFrame:
    """Return the files below a folder; the folder itself stands for what could not be listed, or where it is empty."""
    try:
        listing = walk(unescape(place))
    except OSError as error:
        return pl.DataFrame([(target, place, None, None, status_of(error).value)], _MET, orient="row")
    files = listing.files.select(
        pl.lit(target, dtype=INT).alias("target"),
        pl.concat_str(pl.lit(place.rstrip("/") + "/"), "path").alias("place"),
        "size",
        "mtime_ns",
        pl.lit(None, dtype=TEXT).alias("status"),
    )
    unlisted = [(target, f"{place}/{path}", None, None, FileStatus.DENIED.value) for path in listing.unlisted]
    if not unlisted and files.is_empty():
        unlisted = [(target, place, None, None, FileStatus.VANISHED.value)]
    return pl.concat([files, pl.DataFrame(unlisted, _MET, orient="row")])


def real_places(places: pl.Series) -> pl.Series:
    """Return `places` with all links followed; folders are asked once each."""
    folders: dict[bytes, bytes] = {}

    def real(place: str) -> str:
        head, name = os.path.split(unescape(place))
        if head not in folders:
            folders[head] = os.path.realpath(head)
        path = os.path.join(folders[head], name)  # noqa: PTH118
        return escape_text(os.fsdecode(os.path.realpath(path) if os.path.islink(path) else path))  # noqa: PTH114

    return pl.Series("place", [real(place) for place in places], dtype=TEXT)
