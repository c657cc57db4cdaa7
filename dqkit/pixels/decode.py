"""Measures the pixels of many files; what an executor's worker calls."""

import os
from collections.abc import Sequence
from typing import Any

import polars as pl

from dqkit.archive.paths import unescape
from dqkit.catalog.schema import PIXEL_MEASURES
from dqkit.pixels.frame import PixelFault
from dqkit.pixels.isolated import ask

MEASURE_VERSION = 1
"""Measures of another version are made again."""

FileRow = tuple[str, str, int, int, int]
"""file_id, escaped path relative to the root, size (bytes), mtime (ns), bucket."""


def measure_files(root: bytes, rows: Sequence[FileRow]) -> pl.DataFrame:
    """Decode the first frame of each file and measure its stored values.

    Parameters
    ----------
    root
        Folder that the paths are relative to.
    rows
        The files, as `FileRow`.

    Returns
    -------
    polars.DataFrame
        Schema `catalog.schema.PIXEL_MEASURES`, a row a file in the order given; files that cannot be opened have none,
        so that the next run looks at them again.
    """
    measured = []
    for file_id, path, size, mtime_ns, bucket in rows:
        answer, _ = ask({"do": "measure", "path": os.fsdecode(os.path.join(root, unescape(path)))})  # noqa: PTH118
        fault = answer.pop("fault", None)
        if fault != PixelFault.UNREADABLE:
            row: dict[str, Any] = {"file_id": file_id, "size": size, "mtime_ns": mtime_ns, "bucket": bucket}
            measured.append(row | answer | {"decodes": fault is None, "decode_error": fault})
    frame = pl.DataFrame(measured, schema=PIXEL_MEASURES)
    return frame.with_columns(pl.lit(MEASURE_VERSION, PIXEL_MEASURES["measure_version"]).alias("measure_version"))
