"""What a worker does: one image of a plan, from its files to its rows in the manifest."""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from dqkit.harmonize.gradient_table import gradient_table, write_gradient_table
from dqkit.harmonize.image import FollowedLabel, HarmonizedImage, LabelFile
from dqkit.harmonize.one_image import Pending, harmonized
from dqkit.harmonize.planar import harmonized_plane
from dqkit.harmonize.record import Row, row_of_refusal, rows_of_image, rows_of_labels, rows_of_tables
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.write import FOLLOWERS, WRITERS

_T = TypeVar("_T")

_NO_MORE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR}
)
"""What the system says where nothing more can be written."""


@dataclass(frozen=True)
class Done:
    """What became of one image.

    Attributes
    ----------
    rows
        Of the manifest; empty where nothing can be said of the image.
    slices
        How much of the work it was.
    failed
        Why nothing can be said: our fault or the disk's, never the data's.
    stop
        Nothing more can be written: the disk is full.
    """

    rows: tuple[Row, ...] = ()
    slices: int = 0
    failed: str = ""
    stop: bool = False


class OutputError(Exception):
    """The output cannot be written."""


def work(pending: Pending, formats: Sequence[str], images: Path) -> Done:
    """Harmonize one image and write it in `formats` below the folder `images`."""
    warnings: list[str] = []
    try:
        rows = _rows(pending, formats, images, warnings)
    except Refused as refused:
        rows = [row_of_refusal(pending.task, pending.task_hash, refused)]
    except OutputError as error:
        return Done(slices=pending.slices, failed=str(error), stop=True)
    except OSError as error:
        return Done(
            slices=pending.slices, failed=f"a file of the source could not be read: {error.strerror or 'I/O error'}"
        )
    except MemoryError:
        return Done(slices=pending.slices, failed="memory ran out")
    except Exception as error:  # noqa: BLE001 - a fault of ours costs one image, and makes the run incomplete
        return Done(slices=pending.slices, failed=_crash(error))
    return Done(tuple(rows), pending.slices)


def _rows(pending: Pending, formats: Sequence[str], images: Path, warnings: list[str]) -> list[Row]:
    if not all(stack.files for stack in pending.task.stacks):
        raise Refused(Reason.NO_FILES, "the catalog no longer holds the stack: plan again")
    if pending.is_stale:
        raise Refused(Reason.CHANGED, "the stack has other files than when it was planned: plan again")
    make = harmonized_plane if "image" in pending.planned.do else harmonized
    image = make(pending.task, warnings.append)
    written, refused = _in_formats(image, formats, images)
    can_be_weighted = "nifti" in written and make is harmonized and image.series.get("Modality") == "MR"
    table = gradient_table(image, warnings.append) if can_be_weighted else None
    tables = _written(partial(write_gradient_table, table, image, images)) if table else ()
    rows = rows_of_image(pending.task, pending.task_hash, image, written, images, list(dict.fromkeys(warnings)))
    rows += [row_of_refusal(pending.task, pending.task_hash, why) | {"format": name} for name, why in refused.items()]
    if not written:
        return rows
    rows += rows_of_tables(pending.task, pending.task_hash, image, tables, images)
    followed = _written(partial(_followed, pending.task.labels, image, images, tuple(written)))
    return rows + rows_of_labels(pending.task, pending.task_hash, image, followed, images)


def _in_formats(
    image: HarmonizedImage, formats: Sequence[str], images: Path
) -> tuple[dict[str, Sequence[Path]], dict[str, Refused]]:
    """Write an image in each of `formats`; return the files of each, and why it cannot be had in the others."""
    written: dict[str, Sequence[Path]] = {}
    refused: dict[str, Refused] = {}
    for name in formats:
        try:
            written[name] = _written(partial(WRITERS[name], image, images))
        except Refused as why:
            refused[name] = why
    return written, refused


def _followed(
    labels: Sequence[LabelFile], image: HarmonizedImage, images: Path, formats: Sequence[str]
) -> list[FollowedLabel]:
    found: list[FollowedLabel] = []
    for kind, follow in FOLLOWERS.items():
        if of_kind := [label for label in labels if label.kind == kind]:
            found += follow(of_kind, image, images, formats)
    return found


def _written(write: Callable[[], Sequence[_T]]) -> Sequence[_T]:
    """Call what writes; tell a disk that takes no more from a source that cannot be read."""
    try:
        return write()
    except OSError as error:
        if error.errno in _NO_MORE:
            raise OutputError(os.strerror(error.errno)) from error
        raise


def _crash(error: Exception) -> str:
    """Name a fault of ours by its kind and place: its message could hold a value of a file."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
    return f"{type(error).__name__} at {place}, a fault of dqkit"
