"""The second split: where slice places repeat, what tells one volume from the next."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dqkit.geometry.frames import SOFT, Flags, Floats, Ints
from dqkit.geometry.tolerances import COVERAGE, COVERAGE_INFERRED, FEWEST_SLICES, GRID_MM, GRID_RATIO, STEP_RATIO

Codes = NDArray[np.uint64]

SPARSE = 0.05
"""Below this filling a table of volumes by places is not even drawn up: hostile input would make it huge."""

THICKNESS = SOFT.index("SliceThickness")


@dataclass(frozen=True)
class Part:
    """Frames that belong together, and what told them from their sisters.

    Attributes
    ----------
    members
        Indices of the frames inside the group, shape (m,), ascending.
    by
        Attributes that were split on, outermost first.
    inferred
        Text of the volume's place in the inferred order, empty where attributes tell the volumes apart.
    """

    members: Ints
    by: tuple[str, ...] = ()
    inferred: str = ""


@dataclass(frozen=True)
class Group:
    """One hard group: arrays over its frames.

    Attributes
    ----------
    place
        Index of each frame's place along the slice normal, shape (n,), 0 = lowest.
    position_mm
        The position itself, shape (n,).
    codes
        A code for the value of each of `SOFT`, shape (n, len(SOFT)); equal codes mean equal values.
    order
        What may order the volumes: TriggerTime, AcquisitionTime, ContentTime, InstanceNumber, shape (n, 4); NaN
        where absent.
    slice_location_mm
        SliceLocation, shape (n,); NaN where absent.
    """

    place: Ints
    position_mm: Floats
    codes: Codes
    order: Floats
    slice_location_mm: Floats


ORDERING = ("TriggerTime", "AcquisitionTime", "ContentTime", "InstanceNumber")


def volumes(group: Group) -> list[Part]:
    """Return the volumes of a hard group whose slice places repeat or whose SliceThickness differs.

    A part whose places still repeat could not be told apart further.
    """
    whole = Part(np.arange(group.place.size))
    if _contradictory(group):
        return [whole]
    parts = list(_told_apart(group, whole))
    return [piece for part in parts for piece in _by_thickness(group, part)]


def _contradictory(group: Group) -> bool:
    """Whether all frames claim one place while their SliceLocation says otherwise: the positions were lost."""
    known = group.slice_location_mm[np.isfinite(group.slice_location_mm)]
    return bool(group.place.max() == group.place.min() and known.size and np.ptp(known) > GRID_MM)


def _told_apart(group: Group, part: Part) -> Iterator[Part]:
    place = group.place[part.members]
    if _most_repeats(place) == 1:
        yield part
        return
    codes = group.codes[part.members]
    for column in np.flatnonzero((codes != codes[0]).any(axis=0)):
        labels = np.unique(codes[:, column], return_inverse=True)[1].reshape(-1)
        if _tells_volumes_apart(place, labels):
            for piece in _pieces(part, labels, SOFT[column]):
                yield from _told_apart(group, piece)
            return
    yield from _inferred(group, part)


def _pieces(part: Part, labels: Ints, name: str) -> Iterator[Part]:
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    for indices in np.split(order, starts[1:]):
        yield replace(part, members=part.members[indices], by=(*part.by, name))


def _most_repeats(place: Ints) -> int:
    return int(np.unique(place, return_counts=True)[1].max())


def _tells_volumes_apart(place: Ints, labels: Ints) -> bool:
    """Whether parts look like volumes: no more of them than repeats, and each covers the places it spans."""
    places = np.unique(place, return_inverse=True)[1].reshape(-1)
    n_labels, n_places = int(labels.max()) + 1, int(places.max()) + 1
    if n_labels > _most_repeats(place) or places.size < SPARSE * n_labels * n_places:
        return False
    held, slices, once = _slices_of_parts(places, labels, n_labels, n_places)
    if slices.mean() / n_places >= COVERAGE:
        return True
    lowest = np.array([h.argmax() for h in held])
    highest = n_places - 1 - np.array([h[::-1].argmax() for h in held])
    own = slices / (highest - lowest + 1)
    return once and bool(slices.min() >= FEWEST_SLICES and own.mean() >= COVERAGE)


def _slices_of_parts(places: Ints, labels: Ints, n_labels: int, n_places: int) -> tuple[Flags, Ints, bool]:
    """Return which part holds which place (parts, places), how many each holds, and whether none holds one twice."""
    held = np.zeros((n_labels, n_places), dtype=np.bool_)
    held[labels, places] = True
    slices = held.sum(axis=1)
    return held, slices.astype(np.int64), int(slices.sum()) == places.size


def _inferred(group: Group, part: Part) -> Iterator[Part]:
    """Yield volumes by the numbering of the slices, else by their order at each place, else the part as it is."""
    place = np.unique(group.place[part.members], return_inverse=True)[1].reshape(-1).astype(np.int64)
    order = group.order[part.members]
    found = _by_number(place, order[:, -1]) if place.max() > 0 else None
    name = ORDERING[-1]
    if found is None and place.max() > 0:
        name, found = _by_rank(place, order)
    if found is None:
        yield part
        return
    for piece in _pieces(part, np.unique(found, return_inverse=True)[1].reshape(-1), name):
        value = found[np.searchsorted(part.members, piece.members[0])]
        yield replace(piece, inferred=f"volume {int(value) + 1}")


def _by_number(place: Ints, number: Floats) -> Ints | None:
    """Return the volume of each slice when numbers run through one volume, or one place, after the other."""
    if not np.isfinite(number).all() or np.unique(number).size < number.size or np.abs(number).max() > 2**53:
        return None
    n_places, repeats = int(place.max()) + 1, _most_repeats(place)
    for base in (1.0, number.min()):
        for volume in ((number - base) // n_places, (number - base) % repeats):
            labels = np.unique(volume, return_inverse=True)[1].reshape(-1)
            if _covers_once(place, labels, repeats):
                return np.asarray(volume.astype(np.int64))
    return None


def _covers_once(place: Ints, labels: Ints, repeats: int) -> bool:
    n_labels, n_places = int(labels.max()) + 1, int(place.max()) + 1
    if not 1 < n_labels <= repeats or place.size < SPARSE * n_labels * n_places:
        return False
    _, slices, once = _slices_of_parts(place, labels, n_labels, n_places)
    return once and bool(slices.mean() / n_places >= COVERAGE_INFERRED)


def _by_rank(place: Ints, order: Floats) -> tuple[str, Ints | None]:
    """Return volumes by the order of the slices at each place, where every place has as many of them."""
    counts = np.bincount(place)
    if (counts != counts[0]).any():
        return "", None
    for name, value in zip(ORDERING, order.T, strict=True):
        if not np.isfinite(value).all():
            continue
        sequence = np.lexsort((value, place))
        sorted_value = value[sequence].reshape(-1, counts[0])
        if (np.diff(sorted_value, axis=1) > 0).all():
            rank = np.empty(place.size, dtype=np.int64)
            rank[sequence] = np.tile(np.arange(counts[0]), counts.size)
            return name, rank
    return "", None


def _by_thickness(group: Group, part: Part) -> Iterator[Part]:
    """Split an uneven part by SliceThickness when each thickness by itself is an even volume.

    Scanners put the thin slices of the skull base and the thick ones above it in one series.
    """
    code = group.codes[part.members, THICKNESS]
    uneven = (code != code[0]).any() and "SliceThickness" not in part.by
    if not uneven or _is_even(group.position_mm[part.members]):
        yield part
        return
    pieces = list(_pieces(part, np.unique(code, return_inverse=True)[1].reshape(-1), "SliceThickness"))
    whole = all(p.members.size >= FEWEST_SLICES and _is_even(group.position_mm[p.members]) for p in pieces)
    yield from pieces if whole else [part]


def _is_even(position_mm: Floats) -> bool:
    """Whether positions (n,) have one step."""
    steps = np.diff(np.sort(position_mm))
    if steps.size == 0:
        return True
    middle = float(np.sort(steps)[(steps.size - 1) // 2])
    tolerance = max(STEP_RATIO * middle, min(GRID_MM, GRID_RATIO * middle))
    return bool(middle > 0 and np.abs(steps - middle).max() <= tolerance)
