"""Pictures that show a fault of a stack or of an image at a glance; no text is drawn, captions stand beside them.

Only CT, MR, PT and MG are shown, never where BurnedInAnnotation is YES, never secondary captures.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dqkit.pixels import canvas, reformat
from dqkit.pixels.canvas import AFTER, BEFORE, LOST, OUTLINE, Picture, Rendered, encode
from dqkit.pixels.slices import SHOWN, OpenFile, Slice, Values, frame_of, grey, read_slice, read_slices

Kind = Literal["gap", "tilt", "duplicate", "orientation", "single"]

_MOST_SLICES = 160
"""Decoded for a cut; of larger stacks every second, third … slice, and all those next to a fault."""

_MOST_GAPS = 20

_CUT = (390, 560)
"""Most pixels (height, width) of a cut."""

_LEAST_GAP = 9
_SIDE = 24
_SLICE = 184
"""Pixels (height) of a slice beside a cut."""

Stack = Mapping[str, Any]


def picture_of_stack(
    stack: Stack, open_file: OpenFile, kind: Kind, *, at: int | None = None, sisters: Sequence[Stack] = ()
) -> Rendered | None:
    """Show a fault of a stack.

    Parameters
    ----------
    stack
        A row of `catalog.schema.STACKS`.
    open_file
        Returns the path of a file_id.
    kind
        ``gap``: a cut across the slices with the missing place hatched in red, next to the slices on either side
        (blue before, yellow after); slices that cannot be decoded are hatched in grey. ``tilt``: the cut as if slices
        lay flush (in red), next to the cut where they were measured (in blue). ``duplicate``: the two slices of one
        position, and where they differ (blue: the first is brighter, yellow: the second). ``orientation``: one slice
        of the stack and of each of its `sisters`, and how their planes lie. ``single``: one image between its
        neighbours.
    at
        Index of the slice: the gap after it, the duplicate, or the single image; by default the worst.
    sisters
        Other stacks of the series.

    Returns
    -------
    Rendered or None
        None where the images must not be shown, or one of them cannot be decoded.
    """
    if stack.get("Modality") not in SHOWN or not stack.get("file_ids"):
        return None
    makers: dict[str, Callable[[], Picture | None]] = {
        "gap": lambda: _gap(stack, open_file, at),
        "tilt": lambda: _tilt(stack, open_file),
        "duplicate": lambda: _duplicate(stack, open_file, at),
        "orientation": lambda: _orientations([stack, *sisters], open_file),
        "single": lambda: _single(stack, open_file, at or 0),
    }
    try:
        picture = makers[kind]()
    except Exception:  # noqa: BLE001 - a picture is an extra; geometry in files is hostile in more ways than we foresee
        return None
    return None if picture is None else encode(picture)


def picture_of_image(path: bytes) -> Rendered | None:
    """Show one image; rows that the file does not hold are hatched in red."""
    one = read_slice(path)
    try:
        return encode(_image(one, grey([one]), *_CUT)) if isinstance(one, Slice) else None
    except Exception:  # noqa: BLE001
        return None


# --- one slice ---


def _image(one: Slice, shade: Callable[[Values], NDArray[np.uint8]], most_height: int, most_width: int) -> Picture:
    """Draw a slice in true proportions within the given pixels, with the rows that are lost hatched."""
    picture = canvas.colour(shade(one.values))
    height_mm, width_mm = one.size_mm
    scale = min(most_height / height_mm, most_width / width_mm)
    picture = canvas.scaled(picture, round(width_mm * scale), round(height_mm * scale))
    if one.lost_from_row is None:
        return picture
    lost = np.zeros(picture.shape[:2], bool)
    lost[round(one.lost_from_row / one.values.shape[0] * picture.shape[0]) :] = True
    return canvas.hatch(picture, lost)


def _single(stack: Stack, open_file: OpenFile, at: int) -> Picture | None:
    """Draw a slice between its neighbours, so that an empty or a constant one is told from a dark window."""
    n = len(stack["file_ids"])
    one = read_slice(open_file(stack["file_ids"][at]), frame_of(stack, at))
    if not isinstance(one, Slice):
        return None
    around = read_slices(stack, open_file, [i for i in (at - 1, at + 1) if 0 <= i < n]) or {}
    slices = {**around, at: one}
    shade = grey(list(around.values()) or [one])
    edges = {at: LOST}
    return canvas.beside([
        canvas.frame(_image(slices[i], shade, 270, 270), edges.get(i, OUTLINE)) for i in sorted(slices)
    ])  # fmt: skip


def _duplicate(stack: Stack, open_file: OpenFile, at: int | None) -> Picture | None:
    second = at if at is not None else next(iter(stack.get("duplicates_at") or []), None)
    if second is None or second < 1:
        return None
    slices = read_slices(stack, open_file, [second - 1, second])
    if slices is None:
        return None
    one, other = slices[second - 1], slices[second]
    shade = grey([one, other])
    panels = [canvas.frame(_image(s, shade, 270, 270), edge) for s, edge in ((one, BEFORE), (other, AFTER))]
    if one.values.shape == other.values.shape:
        height, width = panels[0].shape[:2]
        panels.append(canvas.frame(canvas.scaled(_difference(one, other), width - 6, height - 6), OUTLINE))
    return canvas.beside(panels)


def _difference(one: Slice, other: Slice) -> Picture:
    """Return where two slices differ: yellow where the second is brighter, blue where the first is."""
    difference = np.nan_to_num(other.values - one.values)
    strength = np.clip(np.abs(difference) / max(1e-9, float(np.percentile(np.abs(difference), 99.5))), 0, 1)
    if not difference.any():
        strength = np.zeros_like(difference)
    edge = np.where((difference > 0)[..., None], np.array(AFTER), np.array(BEFORE))
    return np.asarray(strength[..., None] * edge).astype(np.uint8)


# --- cuts ---


def _chosen(n: int, always: Sequence[int]) -> list[int]:
    stride = -(-n // _MOST_SLICES)
    return sorted({*range(0, n, stride), n - 1, *always})


def _slice_mm(stack: Stack) -> float:
    """Return how thick a slice is drawn: the step, whatever SliceThickness says."""
    step = stack.get("slice_step_mm")
    positions = stack["slice_positions_mm"]
    return float(step) if step else max(1e-3, (positions[-1] - positions[0]) / max(1, len(positions) - 1))


def _gaps_mm(stack: Stack) -> dict[int, tuple[float, float]]:
    """Return the stretches that no slice covers, by the slice before them."""
    positions, half = stack["slice_positions_mm"], _slice_mm(stack) / 2
    return {i: (positions[i] + half, positions[i + 1] - half) for i in stack.get("gap_after") or []}


def _gap(stack: Stack, open_file: OpenFile, at: int | None) -> Picture | None:
    gaps = _gaps_mm(stack)
    before = at if at in gaps else max(gaps, key=lambda i: gaps[i][1] - gaps[i][0], default=None)
    if before is None:
        return None
    positions = stack["slice_positions_mm"]
    widest = sorted(gaps, key=lambda i: gaps[i][0] - gaps[i][1])[:_MOST_GAPS]
    chosen = _chosen(len(positions), [j for i in {before, *widest} for j in (i, i + 1)])
    slices = read_slices(stack, open_file, chosen, needed=(before, before + 1))
    if slices is None:
        return None
    cut = reformat.cut(slices, positions, lost=[i for i in chosen if i not in slices])
    shade = grey([slices[before], slices[before + 1], slices[min(slices)]])
    most = _CUT if cut.rows_are_slices else _CUT[::-1]
    view = reformat.zoomed(reformat.whole(cut, *most, slice_mm=_slice_mm(stack)), gaps[before], _LEAST_GAP)
    across = canvas.frame(_cut_with_gaps(cut, view, list(gaps.values()), shade), canvas.FAINT, 1)
    marks = [(positions[before], BEFORE), (sum(gaps[before]) / 2, LOST), (positions[before + 1], AFTER)]
    across = _point_at(across, cut, view, marks)
    pair = [(slices[before], BEFORE), (slices[before + 1], AFTER)]
    return _with_neighbours(across, pair[::-1] if cut.flip_positions else pair, shade)


def _with_neighbours(
    across: Picture, pair: Sequence[tuple[Slice, canvas.Colour]], shade: Callable[[Values], NDArray[np.uint8]]
) -> Picture:
    """Put two slices where the cut leaves room: under a low one, else beside it."""
    room = canvas.MOST_HEIGHT - across.shape[0] - 3 * canvas.MARGIN
    if room > _SLICE:
        low = [canvas.frame(_image(one, shade, room - 6, 300), edge) for one, edge in pair]
        return canvas.above([across, canvas.beside(low)])
    return canvas.beside(
        [across, canvas.above([canvas.frame(_image(one, shade, _SLICE, 230), edge) for one, edge in pair])]
    )


def _cut_with_gaps(
    cut: reformat.Cut,
    view: reformat.View,
    gaps: list[tuple[float, float]],
    shade: Callable[[Values], NDArray[np.uint8]],
) -> Picture:
    drawn = reformat.upright(cut, reformat.draw(cut, view, []))
    missing = np.repeat(reformat.gap_mask(view, gaps, _LEAST_GAP // 2)[:, None], view.shape[1], axis=1)
    picture = canvas.hatch(_shaded(drawn, shade), np.isnan(drawn), canvas.UNREADABLE)
    return canvas.hatch(picture, reformat.upright(cut, missing))


def _shaded(drawn: Values, shade: Callable[[Values], NDArray[np.uint8]]) -> Picture:
    """Return values as grey, and ground where there are none."""
    nothing = np.isnan(drawn)
    picture = canvas.colour(shade(np.where(nothing, 0.0, drawn)))
    picture[nothing] = canvas.GROUND
    return picture


def _point_at(
    picture: Picture, cut: reformat.Cut, view: reformat.View, marks: Sequence[tuple[float, canvas.Colour]]
) -> Picture:
    """Put marks beside a cut: a triangle that points at the gap, ticks at the slices next to it."""
    upright = cut.rows_are_slices
    height, width = picture.shape[:2]
    picture = canvas.pad(picture, _SIDE, 0, _SIDE, 0) if upright else canvas.pad(picture, 0, _SIDE, 0, _SIDE)
    ends = ((_SIDE, 0, -1), (_SIDE + width, 0, 1)) if upright else ((_SIDE, 0, -1), (_SIDE + height, 0, 1))
    for place_mm, edge in marks:
        x, y = reformat.pixel(cut, view, place_mm, view.left_mm)
        at = y if upright else x
        for end, _, outward in ends:
            picture = _mark(picture, end, at, outward, edge, swap=not upright)
    return picture


def _mark(picture: Picture, end: float, at: float, outward: int, edge: canvas.Colour, *, swap: bool) -> Picture:
    near, far = end + 3 * outward, end + (_SIDE - 4) * outward
    triangle = [(near, at), (far, at - 9), (far, at + 9)]
    tick = [(near, at), (far, at)]
    points = triangle if edge == LOST else tick
    turned = [(y, x) for x, y in points] if swap else points
    return canvas.solid(picture, turned, edge) if edge == LOST else canvas.lines(picture, turned, edge, 3)


def _tilt(stack: Stack, open_file: OpenFile) -> Picture | None:
    positions = stack["slice_positions_mm"]
    slices = read_slices(stack, open_file, _chosen(len(positions), []))
    if slices is None or len(slices) < 3:  # noqa: PLR2004
        return None
    cut = reformat.cut(slices, positions, keep=reformat.drifting_axis(slices))
    shade = grey([slices[min(slices)], slices[sorted(slices)[len(slices) // 2]], slices[max(slices)]])
    wide = reformat.whole(cut, 1e6, 1.0, slice_mm=_slice_mm(stack), offsets=True)
    low = (wide.end_mm - wide.start_mm) * 2 < wide.right_mm - wide.left_mm  # then one picture above the other
    most = (180, 640) if low else (390, 420)
    view = reformat.whole(cut, *most, slice_mm=_slice_mm(stack), offsets=True)
    gaps = list(_gaps_mm(stack).values())
    panels = []
    for measured, edge in ((False, LOST), (True, BEFORE)):
        picture = _shaded(reformat.upright(cut, reformat.draw(cut, view, gaps, offsets=measured)), shade)
        picture = canvas.pad(picture, 2, 2, 2, 2)
        for offsets, outline in ((False, OUTLINE), (measured, edge)):
            box = [(x + 2, y + 2) for x, y in _box(cut, view, offsets=offsets)]
            picture = canvas.lines(picture, box, outline)
        panels.append(picture)
    return canvas.above(panels) if low == cut.rows_are_slices else canvas.beside(panels)


def _box(cut: reformat.Cut, view: reformat.View, *, offsets: bool) -> list[tuple[float, float]]:
    """Return the outline of a stack, as if its slices lay flush or where they were measured."""
    first, last = min(cut.positions_mm), max(cut.positions_mm)
    width = len(cut.lines[first]) * cut.step_mm
    corners = []
    for i, place_mm in ((first, view.start_mm), (last, view.end_mm)):
        left = cut.offsets_mm[i] if offsets else 0.0
        corners.append([(place_mm, left), (place_mm, left + width)])
    around = [*corners[0], *corners[1][::-1], corners[0][0]]
    return [reformat.pixel(cut, view, along, across) for along, across in around]


# --- orientations ---

_EDGES = (BEFORE, AFTER, (126, 231, 135), (255, 123, 172))


def _orientations(stacks: Sequence[Stack], open_file: OpenFile) -> Picture | None:
    """Draw the middle slice of each stack that stands differently, and the planes of all of them in one box."""
    slices: list[Slice] = []
    for stack in stacks:
        read = read_slices(stack, open_file, [len(stack["file_ids"]) // 2]) if stack.get("file_ids") else None
        if read is None:
            return None
        (one,) = read.values()
        if one.row is not None and all(_differ(one, other) for other in slices):
            slices.append(one)
    if len(slices) < 2:  # noqa: PLR2004
        return None
    slices = slices[: len(_EDGES)]
    side = 270 if len(slices) == 2 else 200  # noqa: PLR2004
    panels = [
        canvas.frame(_image(one, grey([one]), side, side), edge) for one, edge in zip(slices, _EDGES, strict=False)
    ]
    return canvas.beside([*panels, _planes(slices, side)])


def _differ(one: Slice, other: Slice) -> bool:
    if one.row is None or one.column is None or other.row is None or other.column is None:
        return False
    return bool(min(one.row @ other.row, one.column @ other.column) < 0.99)  # noqa: PLR2004


def _planes(slices: Sequence[Slice], side: int) -> Picture:
    """Draw the planes of slices as seen from the front, the left and above."""
    picture: Picture = np.empty((side, side, 3), np.uint8)
    picture[:] = canvas.GROUND
    # LPS to the picture: left of the patient to the right, head up, back away to the upper right
    view = np.array([[0.82, 0.36, 0.0], [0.10, -0.30, -0.84]]) * side * 0.42
    middle = side / 2
    cube = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    for a in range(8):
        for b in range(a):
            if np.abs(cube[a] - cube[b]).sum() == 2:  # noqa: PLR2004 - corners that share an edge
                ends = [tuple(view @ cube[k] + middle) for k in (a, b)]
                picture = canvas.lines(picture, ends, (70, 75, 86), 1)
    for one, edge in zip(slices, _EDGES, strict=False):
        if one.row is not None and one.column is not None:
            corners = [one.row * s + one.column * t for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            picture = canvas.area(picture, [tuple(view @ corner + middle) for corner in corners], edge, edge)
    return picture
