"""Whether the files of a table are as its log says; polars 2.1 panics over one that is cut short."""

import os
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from dqkit.errors import DqkitError

_MAGIC = b"PAR1"
"""Last bytes of every Parquet file."""


def check_whole(table: DeltaTable, folder: Path) -> None:
    """Look at the size and the last bytes of every file of `table`, which lies in `folder`.

    Raises
    ------
    DqkitError
        A file is gone, cut short, or no Parquet at its end.
    """
    added = pl.DataFrame(table.get_add_actions().select(["path", "size_bytes"]))
    for name, size in added.iter_rows():
        if not _is_whole(folder / name, size):
            raise DqkitError(
                f"the catalog {folder.parent} is damaged: a file of its table {folder.name} is gone or cut short",
                "restore it from a copy, or index into a new folder with --catalog",
            )


def _is_whole(path: Path, size: int) -> bool:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != size:
                return False
            file.seek(-len(_MAGIC), os.SEEK_END)
            return file.read() == _MAGIC
    except FileNotFoundError:
        return False
