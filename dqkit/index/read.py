"""Files of a source -> rows of `instances`: one row a file, whatever it is."""

import errno
import gc
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import polars as pl

from dqkit import identity
from dqkit.archive.header import Header
from dqkit.archive.nifti import NiftiHeader, is_nifti, read_nifti
from dqkit.archive.paths import parent, unescape
from dqkit.archive.reader import read_header, starts_like_dicom
from dqkit.archive.refused import status_of
from dqkit.catalog.schema import BUCKETS, INSTANCES
from dqkit.index.derived import derived_columns
from dqkit.index.kinds import kinds
from dqkit.index.typed import Columns, typed_columns
from dqkit.model import FileStatus

READER_VERSION = 2
"""Grows whenever rows would come out otherwise: files read by an older version are read again."""

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(slots=True)
class _Outcome:
    """What became of one file."""

    status: FileStatus = FileStatus.NOT_DICOM
    detail: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    header: Header | None = None
    nifti: NiftiHeader | None = None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Hold the collector off while many small objects live: it would look at all of them, often."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_garbage_collection()
def read_files(root: bytes, source_id: str, files: Sequence[tuple[str, int, int]]) -> pl.DataFrame:
    """Read the headers of files.

    Parameters
    ----------
    root
        Folder of the source.
    source_id
        Its id.
    files
        (path relative to the root, escaped; size in bytes; mtime in ns) as listed.

    Returns
    -------
    One row a file, in the order of `files`, with the columns of `schema.INSTANCES`. `site`, the keys and
    `content_sha256` are null: they need more than the file. `size` and `mtime_ns` are those met at reading, or those
    of the listing where the file could not be opened.
    """
    paths = [unescape(path) for path, _, _ in files]
    outcomes = [_read(root + b"/" + path) for path in paths]
    headers = [outcome.header for outcome in outcomes]
    columns = _nulls(len(files)) | typed_columns(headers)
    columns |= derived_columns(headers, columns)
    columns |= _file_columns(source_id, paths, files, outcomes, columns["StudyInstanceUID"])
    columns |= _nifti_columns(outcomes)
    return _without_directories(pl.DataFrame({name: columns[name] for name in INSTANCES}, schema_overrides=INSTANCES))


def _without_directories(rows: pl.DataFrame) -> pl.DataFrame:
    """Call the tables of contents of exported disks what they are, whatever their file is called (PS3.10 8)."""
    is_directory = pl.col("MediaStorageSOPClassUID") == _MEDIA_DIRECTORY
    if not rows.select(is_directory.any()).item():
        return rows
    return rows.with_columns(
        pl.when(is_directory).then(pl.lit(FileStatus.SYSTEM.value)).otherwise("status").alias("status"),
        pl.when(is_directory).then(pl.lit("DICOMDIR")).otherwise("status_detail").alias("status_detail"),
    )


def _nulls(count: int) -> Columns:
    """Return every column of the schema, empty; polars shares what is the same."""
    of_kind = {kind: pl.Series([None] * count, dtype=kind) for kind in set(INSTANCES.values())}
    return {name: of_kind[kind] for name, kind in INSTANCES.items()}


def _read(path: bytes) -> _Outcome:
    """Read one file; no exception leaves here."""
    outcome = _Outcome()
    try:
        if is_nifti(path):
            _read_nifti(path, outcome)
        else:
            _read_dicom(path, outcome)
    except OSError as error:
        outcome.status, outcome.detail = status_of(error), errno.errorcode.get(error.errno or 0)
    except Exception as error:  # noqa: BLE001  # ours until shown otherwise; its text may hold values of the file
        outcome.status, outcome.detail = FileStatus.CRASHED, type(error).__name__
    return outcome


def _read_dicom(path: bytes, outcome: _Outcome) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO must not hang us
    try:
        met = os.fstat(descriptor)
        outcome.size, outcome.mtime_ns = met.st_size, met.st_mtime_ns
        if not stat.S_ISREG(met.st_mode):
            outcome.detail = "not a regular file"
            return
        if not met.st_size:
            outcome.status = FileStatus.EMPTY
            return
        pread = partial(os.pread, descriptor)
        outcome.header = read_header(pread, met.st_size, kinds().wanted)
        if outcome.header is not None:
            outcome.status = FileStatus.DICOM
        elif starts_like_dicom(pread):
            outcome.status = FileStatus.DAMAGED
    finally:
        os.close(descriptor)


def _read_nifti(path: bytes, outcome: _Outcome) -> None:
    met = os.stat(path)  # noqa: PTH116  # bytes, not text
    outcome.size, outcome.mtime_ns = met.st_size, met.st_mtime_ns
    if not stat.S_ISREG(met.st_mode):
        outcome.detail = "not a regular file"
    elif not met.st_size:
        outcome.status = FileStatus.EMPTY
    else:
        outcome.nifti = read_nifti(path)
        outcome.status = FileStatus.NIFTI if outcome.nifti else FileStatus.DAMAGED


def _file_columns(
    source_id: str,
    raw_paths: list[bytes],
    files: Sequence[tuple[str, int, int]],
    outcomes: Sequence[_Outcome],
    studies: pl.Series,
) -> Columns:
    paths = [path for path, _, _ in files]
    folders = [parent(path) for path in paths]
    headers = [outcome.header for outcome in outcomes]
    buckets = _buckets(studies.to_list(), folders)
    return {
        "file_id": pl.Series(identity.digests("file", source_id, last=raw_paths), dtype=pl.String),
        "source_id": pl.Series([source_id] * len(files), dtype=pl.String),
        "path": pl.Series(paths, dtype=pl.String),
        "folder": pl.Series(folders, dtype=pl.String),
        "bucket": pl.Series(buckets, dtype=pl.Int32),
        "size": pl.Series(_met([o.size for o in outcomes], [size for _, size, _ in files]), dtype=pl.Int64),
        "mtime_ns": pl.Series(_met([o.mtime_ns for o in outcomes], [at for _, _, at in files]), dtype=pl.Int64),
        "status": pl.Series([outcome.status.value for outcome in outcomes], dtype=pl.String),
        "status_detail": pl.Series([outcome.detail for outcome in outcomes], dtype=pl.String),
        "reader": pl.Series([_reader(outcome) for outcome in outcomes], dtype=pl.String),
        "reader_reason": pl.Series([header.reason if header else None for header in headers], dtype=pl.String),
        "reader_version": pl.Series([READER_VERSION] * len(files), dtype=pl.Int32),
    }


def _reader(outcome: _Outcome) -> str | None:
    if outcome.nifti is not None:
        return "nibabel"
    return outcome.header.reader if outcome.header else None


def _met(met: list[int | None], listed: list[int]) -> list[int]:
    return [there if here is None else here for here, there in zip(met, listed, strict=True)]


def _buckets(studies: list[str | None], folders: list[str]) -> list[int]:
    keys = list(zip(studies, folders, strict=True))
    known = {key: identity.bucket_of(*key, BUCKETS) for key in dict.fromkeys(keys)}
    return [known[key] for key in keys]


def _nifti_columns(outcomes: Sequence[_Outcome]) -> Columns:
    headers = [outcome.nifti for outcome in outcomes]
    return {
        "nifti_shape": pl.Series([h.shape if h else None for h in headers], dtype=pl.List(pl.Int64)),
        "nifti_affine": pl.Series([h.affine if h else None for h in headers], dtype=pl.List(pl.Float64)),
        "nifti_dtype": pl.Series([h.dtype if h else None for h in headers], dtype=pl.String),
        "nifti_orientation_known": pl.Series([h.orientation_known if h else None for h in headers], dtype=pl.Boolean),
    }
