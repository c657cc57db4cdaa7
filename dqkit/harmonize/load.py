"""A stack -> its slices: decoded, rescaled one by one, each with its place in the patient, in order of position."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.placed import directions
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.source import SourceSlice
from dqkit.harmonize.stack import SourceFile, Stack
from dqkit.harmonize.tiles import mosaic_tiles, vframe_tiles
from dqkit.harmonize.values import Scale, dtype_for, rescale_into, scale_of
from dqkit.pixels.frame import Frame, PixelFault, decode_frame
from dqkit.pixels.isolated import decode_isolated

MOST_BYTES = 16 << 30
"""Of the voxels of one image in memory; a header can declare any number of them."""

PEAK = 3
"""Volumes of one image that memory holds at the most, while it is resampled (docs/benchmarks.md)."""

_XYZ = 3
_FINEST_MM, _COARSEST_MM = 1e-4, 1e3
"""Between which lengths a Pixel Spacing lies: micro-CT to whole-body scouts. House style."""


@dataclass(frozen=True)
class Slices:
    """The slices of a stack, ascending along their normal.

    Attributes
    ----------
    voxels
        Shape (slices, rows, columns), floating point, rescaled.
    sources
        One a slice.
    axes
        Unit vectors along a row, along a column and along the normal, as columns, shape (3, 3), LPS.
    spacing_mm
        Between rows, between columns.
    thickness_mm
        Depth of a slice where there is one only; None where nothing says it.
    is_whole
        All values are whole numbers.
    padding
        How many voxels were declared as padding and became background.
    """

    voxels: NDArray[Any]
    sources: tuple[SourceSlice, ...]
    axes: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    scale: Scale
    background: float
    thickness_mm: float | None = None
    is_whole: bool = False
    padding: int = 0

    @property
    def origins_mm(self) -> NDArray[np.float64]:
        """Centres of the first voxels, shape (slices, 3), LPS."""
        return np.array([source.position_mm for source in self.sources], dtype=np.float64)

    @property
    def positions_mm(self) -> NDArray[np.float64]:
        """Projections of the origins on the normal, shape (slices,)."""
        along: NDArray[np.float64] = self.origins_mm @ self.axes[:, 2]
        return along

    def take(self, indices: Sequence[int]) -> "Slices":
        """Return some of the slices; a run of them shares its voxels with these."""
        run = bool(len(indices)) and list(indices) == list(range(indices[0], indices[-1] + 1))
        chosen: Any = slice(indices[0], indices[-1] + 1) if run else list(indices)
        return replace(self, voxels=self.voxels[chosen], sources=tuple(self.sources[i] for i in indices))


def load_stack(stack: Stack, recipe: Recipe, tick: Callable[[], None] = lambda: None) -> Slices:
    """Read a stack from its files.

    Parameters
    ----------
    tick
        Called after each slice.

    Raises
    ------
    Refused
        A file changed since it was indexed, its pixels cannot be had, slices do not go together, or what places them
        is missing.
    OSError
        A file cannot be opened: nothing is said about the data.
    """
    hashes = {file.file_id: hash_of(file) for file in dict.fromkeys(stack.files)}
    slices = _of_tiles if stack.kind in {"mosaic", "vframe"} else _of_frames
    if stack.kind == "plain":
        raise Refused(Reason.POSITIONS_UNKNOWN, "frames of a multi-frame image have no place of their own")
    read = _Reading(stack, recipe)
    for file, frame, source in slices(stack, hashes):
        read.add(file, frame, source)
        tick()
    return read.finished()


class _Reading:
    """The slices of a stack while they are read."""

    def __init__(self, stack: Stack, recipe: Recipe) -> None:
        self._stack, self._recipe = stack, recipe
        self._background = recipe.padding.of(stack.modality)
        self._sources: list[SourceSlice] = []
        self._voxels: NDArray[Any] = np.empty((0, 0, 0))
        self._first: tuple[Frame, Scale] | None = None
        self._is_whole = True
        self._padding = 0

    def add(self, count: int, frame: Frame, source: SourceSlice) -> None:
        """Take the next of `count` slices."""
        scale = scale_of(frame, self._recipe)
        if self._first is None:
            self._begin(count, frame, scale)
        self._check(frame, scale)
        k = len(self._sources)
        self._padding += rescale_into(self._voxels[k], frame, scale, self._background)
        self._is_whole &= scale.is_whole and frame.pixels.dtype.kind in "iu"
        self._sources.append(source)

    def _begin(self, count: int, frame: Frame, scale: Scale) -> None:
        shape, kind = (count, *frame.pixels.shape), dtype_for(frame)
        check_room(np.prod(shape, dtype=np.float64) * kind.itemsize)
        self._voxels = np.empty(shape, kind)
        self._first = frame, scale

    def _check(self, frame: Frame, scale: Scale) -> None:
        """Refuse a slice that is no sister of the first."""
        if self._first is None or frame.pixels.shape != self._voxels.shape[1:]:
            raise Refused(Reason.SIZES_DIFFER)
        first, same = self._first
        if (scale.unit, scale.convention, scale.inverted) != (same.unit, same.convention, same.inverted):
            raise Refused(Reason.UNITS_DIFFER, f"{same.unit or 'no unit'} and {scale.unit or 'no unit'}")
        if frame.spacing_mm is None or first.spacing_mm is None:
            raise Refused(Reason.NO_SPACING)

    def finished(self) -> Slices:
        """Return what was read, in the order of the positions."""
        if self._first is None:
            raise Refused(Reason.NO_FILES)
        frame, scale = self._first
        floor = self._recipe.padding.floor
        if floor is not None:
            np.maximum(self._voxels, floor, out=self._voxels)
        slices = Slices(
            voxels=self._voxels,
            sources=tuple(self._sources),
            axes=directions([source.orientation for source in self._sources]),
            spacing_mm=_checked_spacing(frame),
            scale=scale,
            background=self._background,
            thickness_mm=self._stack.thickness_mm,
            is_whole=self._is_whole and float(self._background).is_integer(),
            padding=self._padding,
        )
        order = np.argsort(slices.positions_mm, kind="stable").tolist()
        return slices if order == sorted(order) else slices.take(order)


def check_room(size: float) -> None:
    """Refuse to begin what memory cannot hold: a process that runs out of it is killed, and takes the others with it.

    Raises
    ------
    Refused
        An image of `size` bytes is too large for any machine that this was made for.
    MemoryError
        It is too large for this one.
    """
    if size > MOST_BYTES:
        raise Refused(Reason.TOO_LARGE, f"its voxels take {size / 2**30:.0f} GB")
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if PEAK * size > here:
        raise MemoryError


def _checked_spacing(frame: Frame) -> tuple[float, float]:
    rows, columns = frame.spacing_mm or (0.0, 0.0)
    if not (_FINEST_MM < rows < _COARSEST_MM and _FINEST_MM < columns < _COARSEST_MM):
        raise Refused(Reason.NO_SPACING, "Pixel Spacing is no length")
    return rows, columns


def _of_frames(stack: Stack, hashes: dict[str, str]) -> Iterator[tuple[int, Frame, SourceSlice]]:
    """Yield the number of slices, and each of them, of a stack whose slices are files or frames."""
    for file, number in zip(stack.files, stack.frames, strict=True):
        frame = frame_of_file(file, number - 1)
        if frame.position_mm is None or frame.orientation is None or len(frame.position_mm) != _XYZ:
            raise Refused(Reason.POSITIONS_UNKNOWN, "a slice has no position or orientation in the patient")
        if len(frame.orientation) != 2 * _XYZ:
            raise Refused(Reason.NO_ORIENTATION)
        yield len(stack.files), frame, _source(file, hashes, number, frame.position_mm, frame.orientation)


def _of_tiles(stack: Stack, hashes: dict[str, str]) -> Iterator[tuple[int, Frame, SourceSlice]]:
    """Yield the number of slices, and each of them, of a mosaic or VFRAME."""
    file = stack.files[0]
    frame = frame_of_file(file, 0)
    header = _source(file, hashes, 1, (0.0,) * _XYZ, (0.0,) * 2 * _XYZ).header()
    tiles = (mosaic_tiles if stack.kind == "mosaic" else vframe_tiles)(header, stack.tiles)
    for i, pixels in enumerate(tiles.cut(frame.pixels)):
        source = _source(file, hashes, 1, tuple(tiles.origins_mm[i].tolist()), tiles.orientation)
        yield tiles.count, replace(frame, pixels=pixels), replace(source, tile=i)


def frame_of_file(file: SourceFile, k: int) -> Frame:
    """Decode a frame; compressed ones in a process of their own, which takes nothing with it when it dies."""
    decode = decode_frame if file.is_native else decode_isolated
    frame = decode(file.path, k, all_bits=True)
    if frame is PixelFault.UNREADABLE or frame is PixelFault.TIMEOUT:  # a slow share, perhaps
        raise OSError("a file of the source cannot be read")
    if isinstance(frame, PixelFault):
        raise Refused(Reason.PIXELS, str(frame))
    return frame


def _source(
    file: SourceFile, hashes: dict[str, str], number: int, position: Sequence[float], cosines: Sequence[float]
) -> SourceSlice:
    x, y, z = position
    a, b, c, d, e, f = cosines
    return SourceSlice(
        file.file_id, file.path, number, file.sop_instance_uid, file.sop_class_uid, (x, y, z), (a, b, c, d, e, f),
        sha256=hashes[file.file_id],
    )  # fmt: skip


def hash_of(file: SourceFile) -> str:
    """Return the SHA-256 of a file that is as it was when it was indexed."""
    with open(file.path, "rb") as opened:  # noqa: PTH123 - the path is bytes
        stat = os.fstat(opened.fileno())
        if (stat.st_size, stat.st_mtime_ns) != (file.size, file.mtime_ns):
            raise Refused(Reason.CHANGED, "a file is not as it was when it was indexed")
        return hashlib.file_digest(opened, "sha256").hexdigest()
