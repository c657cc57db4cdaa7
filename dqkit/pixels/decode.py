"""Measures the pixels of many files; what an executor's worker calls."""

import base64
import os
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from dqkit.archive.paths import unescape
from dqkit.catalog.schema import PIXEL_MEASURES
from dqkit.pixels.frame import PixelFault
from dqkit.pixels.isolated import ask

MEASURE_VERSION = 3
"""Measures of another version are made again."""

MOST_FRAMES = 4096
"""Of a file; of one with more, so many evenly spaced ones."""

_FRAMES_A_REQUEST = 16
"""Frames that share the time limit of a file (isolated.SECONDS_A_FILE)."""

FileRow = tuple[str, str, int, int, int, int]
"""file_id, escaped path relative to the root, size (bytes), mtime (ns), bucket, frames that the header declares."""


def frames_of(declared: int | None, *, every: bool) -> list[int]:
    """Return which frames (from 0) of a file are measured: all, or the first, the middle and the last."""
    count = max(1, declared or 1)
    if not every:
        return sorted({0, (count - 1) // 2, count - 1})
    if count <= MOST_FRAMES:
        return list(range(count))
    return [i * (count - 1) // (MOST_FRAMES - 1) for i in range(MOST_FRAMES)]


def measure_files(root: bytes, rows: Sequence[FileRow], *, every: bool = True) -> pl.DataFrame:
    """Decode frames of each file and measure their values.

    Parameters
    ----------
    root
        Folder that the paths are relative to.
    rows
        The files, as `FileRow`.
    every
        Measure each frame of a multi-frame file; otherwise the first, the middle and the last.

    Returns
    -------
    polars.DataFrame
        Schema `catalog.schema.PIXEL_MEASURES`, a row a frame, in the order given, up to the first frame of a file that
        cannot be had; files that cannot be opened have none, so that the next run looks at them again.
    """
    measured: list[dict[str, Any]] = []
    for file_id, path, size, mtime_ns, bucket, declared in rows:
        frames = frames_of(declared, every=every)
        of_file = {"file_id": file_id, "size": size, "mtime_ns": mtime_ns, "bucket": bucket}
        of_file |= {"frames_looked_at": len(frames), "measure_version": MEASURE_VERSION}
        whole_path = os.fsdecode(os.path.join(root, unescape(path)))  # noqa: PTH118
        measured += (of_file | row for row in _of_frames(whole_path, frames))
    return pl.DataFrame(measured, schema=PIXEL_MEASURES)


def _of_frames(path: str, frames: Sequence[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(frames), _FRAMES_A_REQUEST):
        asked = frames[start : start + _FRAMES_A_REQUEST]
        answer, _ = ask({"do": "measure", "path": path, "frames": asked})
        for k, found in zip(asked, answer.get("frames", [answer]), strict=False):
            fault = found.pop("fault", None)
            if fault == PixelFault.UNREADABLE:
                return
            if "signature" in found:
                found["signature"] = base64.b64decode(found["signature"])
            yield found | {"frame": k + 1, "decodes": fault is None, "decode_error": fault}
            if fault is not None:
                return
