"""What two files of one series taught: stretches of elements that are read by one `struct` call each.

A stretch is consecutive elements whose tags, VRs and lengths were equal in both files. It is used only where all of
these are found again, byte by byte: what is read is what an element-wise walk would read.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from dqkit.archive.actions import LONG, SKIP, Actions, Unpack

STRETCHES = -10_000_000
"""Actions from here down are stretches: ``STRETCHES - index``."""

NO_SLOT = 1 << 30

_LARGEST_VALUE = 512
"""Longer values stand in no stretch."""

LONGEST_START = 12 + _LARGEST_VALUE
"""Bytes of an element that tell whether it may stand in one."""

_SHORTEST, _LONGEST = 3, 64

_MISSES = 2
"""Files of its kind that may miss a stretch before it is cut."""

_u32 = struct.Struct("<I").unpack_from


class Element(NamedTuple):
    """An element that has a place in a stretch: skipped or wanted, not long."""

    key: bytes
    head: bytes
    length: int
    action: int
    text: bytes
    """Head and value."""


def element_at(start: bytes, unpack: Unpack, plain: Actions, key_size: int) -> Element | None:
    """Return the element that begins with `start`, its first bytes, if it has a place in a stretch."""
    key = start[:key_size]
    action, length = plain[key], unpack(start, 0)[1]
    head = start[:8]
    if action == LONG and len(start) >= 12:  # noqa: PLR2004
        head, length = start[:12], _u32(start, 8)[0]
    elif action < SKIP:
        return None
    text = start[: len(head) + length]
    if length > _LARGEST_VALUE or len(text) < len(head) + length:
        return None
    return Element(key, head, length, action, text)


class Stretch:
    """Consecutive elements of fixed lengths.

    Attributes
    ----------
    action
        Of the first element, if the stretch is not found.
    size, count
        In bytes, and in elements.
    heads_of, heads
        Unpacks tags, VRs and lengths, and what they must be.
    first, behind
        First slot, and behind the last one; both beyond all slots where no value is wanted.
    text
        All of it, as several files in a row had it.
    values
        What `text` puts into the slots from `first` to `behind`.
    run
        The elements as they were recorded.
    misses
        Files that had its first element, but not all as they were.
    """

    __slots__ = ("_seen", "_slots", "_values_of", "action", "behind", "count", "first", "heads", "heads_of", "misses",
                 "run", "size", "text", "values")  # fmt: skip

    def __init__(self, run: Sequence[Element]) -> None:
        self.run, self.misses = run, 0
        heads = struct.Struct("<" + "".join(f"{len(e.head)}s{e.length}x" for e in run))
        values = "".join(f"{len(e.head)}x{e.length}{'s' if e.action >= 0 else 'x'}" for e in run)
        self.action, self.size, self.count = run[0].action, heads.size, len(run)
        self.heads_of, self.heads = heads.unpack_from, tuple(element.head for element in run)
        self._values_of = struct.Struct("<" + values).unpack_from
        self._slots = _slots(run)
        self.first = self._slots[0] if self._slots else NO_SLOT
        self.behind = self._slots[-1] + 1 if self._slots else NO_SLOT
        self._seen = b""
        self._adopt(b"".join(element.text for element in run))

    def read(self, window: bytes, pos: int, row: list[bytes | None]) -> None:
        """Put the values found at `pos` into their slots."""
        for slot, value in zip(self._slots, self._values_of(window, pos), strict=True):
            row[slot] = value
        text = window[pos : pos + self.size]
        if text == self._seen:
            self._adopt(text)
        self._seen = text

    def _adopt(self, text: bytes) -> None:
        self.text = text
        self.values: list[bytes | None] = [None] * (self.behind - self.first)
        for slot, value in zip(self._slots, self._values_of(text, 0), strict=True):
            self.values[slot - self.first] = value


class Layout:
    """The stretches of one kind of file.

    Attributes
    ----------
    actions
        Those of the walk, in which the first elements of stretches stand as such.
    needed
        Elements of a file that must stand in stretches, or it is strange.
    missed
        Stretches that the present file has otherwise, and the tags, VRs and lengths that it has in their place.
    heads
        Key -> tag, VR and length, of the elements that may stand in stretches.
    restless
        Keys of elements whose lengths change.
    """

    __slots__ = ("_kin", "actions", "heads", "missed", "needed", "restless", "stretches")

    def __init__(
        self,
        plain: Actions,
        heads: Mapping[bytes, bytes],
        restless: AbstractSet[bytes] = frozenset(),
        runs: Iterable[Sequence[Element]] = (),
    ) -> None:
        self.actions = Actions(plain.__getitem__)
        self.stretches: list[Stretch] = []
        self.missed: list[tuple[Stretch, tuple[bytes, ...]]] = []
        self.heads = heads
        self.restless = set(restless)
        for run in runs:
            self._add(run)
        self._kin = self._covered() // 2
        self.needed = self._needed()

    def _add(self, run: Sequence[Element]) -> None:
        """Make a stretch of consecutive elements, if they are several and their slots ascend."""
        if len(run) >= _SHORTEST and all(a < b for a, b in pairwise(_slots(run))):
            self.actions[run[0].key] = STRETCHES - len(self.stretches)
            self.stretches.append(Stretch(run))

    def _covered(self) -> int:
        return sum(stretch.count for stretch in self.stretches if stretch.misses < _MISSES)

    def _needed(self) -> int:
        return max(1, 3 * max(self._covered(), len(self.heads) // 2) // 4) if self.heads else 0

    def heed(self, hits: int) -> None:
        """Look at the stretches that a file missed, of which `hits` elements stood in others.

        One that several files of this kind missed is cut where they differ.
        """
        for stretch, heads in self.missed if hits >= self._kin else ():
            stretch.misses += 1
            if stretch.misses == _MISSES:
                self._cut(stretch, heads)
        self.missed.clear()

    def _cut(self, stretch: Stretch, heads: Sequence[bytes]) -> None:
        """Cut a stretch at the element that is longer or shorter, or not there, where `heads` stand."""
        at = next(index for index, head in enumerate(stretch.heads) if heads[index] != head)
        key = stretch.run[at].key
        del self.actions[stretch.run[0].key]
        self._add(stretch.run[:at])
        if heads[at].startswith(key):
            self.restless.add(key)
            self._add(stretch.run[at + 1 :])
        else:
            self._add(stretch.run[at:])
        self.needed = self._needed()


def runs_of(
    first: Sequence[Element | None], again: Mapping[bytes, Element], restless: AbstractSet[bytes]
) -> Iterator[Sequence[Element]]:
    """Yield consecutive elements of two files whose tags, VRs and lengths are the same in both."""
    runs: list[list[Element]] = [[]]
    for element in first:
        twin = again.get(element.key) if element and element.key not in restless else None
        if element is None or twin is None or twin.head != element.head:
            runs.append([])
        else:
            runs[-1].append(element)
    texts = {element.text for element in again.values()}
    return chain.from_iterable(_pieces(run, texts) for run in runs)


def _pieces(run: list[Element], again: AbstractSet[bytes]) -> Iterator[list[Element]]:
    """Cut a run so that elements whose values stay from file to file stand by themselves, if they are several."""
    mixed: list[Element] = []
    for stays, group in groupby(run, key=lambda element: element.text in again):
        elements = list(group)
        if stays and len(elements) >= _SHORTEST:
            yield from (*_cut(mixed), *_cut(elements))
            mixed = []
        else:
            mixed += elements
    yield from _cut(mixed)


def _cut(run: list[Element]) -> list[list[Element]]:
    return [run[at : at + _LONGEST] for at in range(0, len(run), _LONGEST)]


def _slots(run: Sequence[Element]) -> list[int]:
    return [element.action for element in run if element.action >= 0]
