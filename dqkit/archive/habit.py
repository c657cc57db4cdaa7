"""What the last headers looked like, so that the next one of the same series is read by the stretch.

Files of one series hold the same elements with mostly the same lengths. Two of them are recorded; every stretch of
elements whose tags, VRs and lengths were equal in both is compiled to one `struct` call. A stretch is used only where
all tags, VRs and lengths are found again, byte by byte: what is read is what an element-wise walk would read.
"""

import struct
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from dqkit.archive.actions import LONG, SKIP, Actions, Unpack

STRETCHES = -10_000_000
"""Actions from here down are stretches: ``STRETCHES - index``."""
NO_SLOT = 1 << 30
_SHORTEST, _LONGEST = 3, 64
_LARGEST_VALUE = 512
_FEW = 5
_MOST_PATIENT, _LEAST_PATIENT, _WORTH_IT = 64, 4, 16
"""Strange files before the next recording: few where the last recording served `_WORTH_IT` files, twice as many as
before where it did not, so that an archive without habits costs next to nothing."""

_REMEMBERED = 4
"""Recordings through which an element whose length changed stands by itself."""

_u32 = struct.Struct("<I").unpack_from


class _Element(NamedTuple):
    key: bytes
    head: bytes
    length: int
    action: int
    text: bytes
    """Head and value."""


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
    """

    __slots__ = ("_seen", "_slots", "_values_of", "action", "behind", "count", "first", "heads", "heads_of", "size",
                 "text", "values")  # fmt: skip

    def __init__(self, run: Sequence[_Element]) -> None:
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


Log = list[bytes]
"""The first bytes of each top-level element: all of those that may stand in a stretch."""


class Habit:
    """The stretches of one form of elements.

    Attributes
    ----------
    current
        Actions in which the first elements of stretches stand as such, and the stretches.
    """

    def __init__(self, unpack: Unpack, plain: Actions, key_size: int) -> None:
        self.current: tuple[Actions, list[Stretch]] = (plain, [])
        self._unpack = unpack
        self._plain = plain
        self._key_size = key_size
        self._first: Log | None = None
        self._due = True
        self._needed = 0
        self._served = self._strange = 0
        self._patience = _LEAST_PATIENT
        self._volatile: dict[bytes, int] = {}

    def begin(self) -> Log | None:
        """Begin a file; return a log where it is to be recorded."""
        return [] if self._due else None

    def found(self, hits: int) -> None:
        """Note how many elements of a file stood in stretches, and whether it is time to learn again."""
        if hits >= self._needed:
            self._served += 1
            self._strange = max(0, self._strange - 1)
            return
        self._strange += 1
        if self._strange >= self._patience:
            self._due = True
            self._patience = _LEAST_PATIENT if self._served >= _WORTH_IT else min(2 * self._patience, _MOST_PATIENT)

    def recording(self, log: Log) -> Unpack:
        """Return the unpacking function that keeps a log."""
        unpack = self._unpack

        def logged(window: bytes, pos: int) -> tuple[bytes, int]:
            log.append(window[pos : pos + 12 + _LARGEST_VALUE])
            return unpack(window, pos)

        return logged

    def end(self, log: Log) -> None:
        """Learn from the second of two recorded files."""
        if self._first is None:
            self._first = log
            return
        stretches = self._learn(self._first, log)
        actions = Actions(self._plain.__getitem__)
        for index, stretch in enumerate(stretches):
            actions[stretch.heads[0][: self._key_size]] = STRETCHES - index
        covered = sum(stretch.count for stretch in stretches)
        self._needed = max(1, 3 * max(covered, len(log) // 2) // 4)
        self._first, self._due, self._served, self._strange = None, False, 0, 0
        self.current = actions, stretches

    def _learn(self, first: Log, second: Log) -> list[Stretch]:
        elements = [self._element(head) for head in first]
        again = {element.key: element for element in map(self._element, second) if element}
        changed = {e.key for e in elements if e and again.get(e.key, e).head != e.head}
        self._volatile = {key: left - 1 for key, left in self._volatile.items() if left > 1}
        if _FEW * len(changed) < len(elements):  # of one series: its position, number and UID vary
            self._volatile |= dict.fromkeys(changed, _REMEMBERED)
        runs: list[list[_Element]] = [[]]
        for element in elements:
            twin = again.get(element.key) if element and element.key not in self._volatile else None
            if element is None or twin is None or twin.head != element.head:
                runs.append([])
            else:
                runs[-1].append(element)
        texts = {element.text for element in again.values()}
        pieces = chain.from_iterable(_pieces(run, texts) for run in runs)
        return [Stretch(piece) for piece in pieces if len(piece) >= _SHORTEST and _is_ascending(piece)]

    def _element(self, start: bytes) -> _Element | None:
        """Return an element that has a place in a stretch: skipped or wanted, not long."""
        key = start[: self._key_size]
        action, length = self._plain[key], self._unpack(start, 0)[1]
        head = start[:8]
        if action == LONG and len(start) == 12:  # noqa: PLR2004
            head, length = start, _u32(start, 8)[0]
        elif action < SKIP:
            return None
        text = start[: len(head) + length]
        if length > _LARGEST_VALUE or len(text) < len(head) + length:
            return None
        return _Element(key, head, length, action, text)


def _pieces(run: list[_Element], again: AbstractSet[bytes]) -> Iterator[list[_Element]]:
    """Cut a run so that elements whose values stay from file to file stand by themselves, if they are several."""
    mixed: list[_Element] = []
    for stays, group in groupby(run, key=lambda element: element.text in again):
        elements = list(group)
        if stays and len(elements) >= _SHORTEST:
            yield from (*_cut(mixed), *_cut(elements))
            mixed = []
        else:
            mixed += elements
    yield from _cut(mixed)


def _cut(run: list[_Element]) -> list[list[_Element]]:
    return [run[at : at + _LONGEST] for at in range(0, len(run), _LONGEST)]


def _slots(run: Sequence[_Element]) -> list[int]:
    return [element.action for element in run if element.action >= 0]


def _is_ascending(run: Sequence[_Element]) -> bool:
    return all(a < b for a, b in pairwise(_slots(run)))
