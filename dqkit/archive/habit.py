"""What the last headers looked like, so that the next one of the same series is read by the stretch.

Files of one series hold the same elements with mostly the same lengths. Two of them are recorded; every stretch of
elements whose tags, VRs and lengths were equal in both is compiled to one `struct` call. A stretch is used only where
all tags, VRs and lengths are found again, byte by byte: what is read is what an element-wise walk would read.
"""

import struct
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from dqkit.archive.actions import LONG, SKIP, Actions, Unpack

STRETCHES = -10_000_000
"""Actions from here down are stretches: ``STRETCHES - index``."""
_NO_SLOT = 1 << 30
_SHORTEST, _LONGEST = 4, 24
_LARGEST_VALUE = 512
_FEW = 5
_MOST_PATIENT, _LEAST_PATIENT, _WORTH_IT = 64, 4, 16
"""Strange files before the next recording: few where the last recording served `_WORTH_IT` files, twice as many as
before where it did not, so that an archive without habits costs next to nothing."""

_u32 = struct.Struct("<I").unpack_from


class Stretch(NamedTuple):
    """Consecutive elements of fixed lengths."""

    action: int
    """Of its first element, if the stretch is not found."""
    size: int
    heads_of: Callable[[bytes, int], tuple[bytes, ...]]
    heads: tuple[bytes, ...]
    values_of: Callable[[bytes, int], tuple[bytes, ...]]
    slots: tuple[int, ...]
    first: int
    """First slot; beyond all slots where no value is wanted."""


class _Element(NamedTuple):
    key: bytes
    head: bytes
    length: int
    action: int


Log = list[bytes]
"""The first 12 bytes of each top-level element."""


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
        self._volatile: set[bytes] = set()

    def begin(self) -> Log | None:
        """Begin a file; return a log where it is to be recorded."""
        return [] if self._due else None

    def found(self, hits: int) -> None:
        """Note how many stretches a file had, and whether it is time to learn again."""
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
            log.append(window[pos : pos + 12])
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
        self._needed = max(1, 3 * max(len(stretches), len(log) // _LONGEST) // 4)
        self._first, self._due, self._served, self._strange = None, False, 0, 0
        self.current = actions, stretches

    def _learn(self, first: Log, second: Log) -> list[Stretch]:
        elements = [self._element(head) for head in first]
        again = {element.key: element.head for element in map(self._element, second) if element}
        changed = {e.key for e in elements if e and again.get(e.key, e.head) != e.head}
        if _FEW * len(changed) < len(elements):  # of one series: its position, number and UID vary
            self._volatile |= changed
        elements = [e if e and e.key not in self._volatile else None for e in elements]
        runs: list[list[_Element]] = [[]]
        for element in elements:
            if element is None or again.get(element.key) != element.head:
                runs.append([])
                continue
            if len(runs[-1]) == _LONGEST:
                runs.append([])
            runs[-1].append(element)
        return [_stretch(run) for run in runs if len(run) >= _SHORTEST]

    def _element(self, start: bytes) -> _Element | None:
        """Return an element that has a place in a stretch: skipped or wanted, not long."""
        key = start[: self._key_size]
        action, length = self._plain[key], self._unpack(start, 0)[1]
        head = start[:8]
        if action == LONG and len(start) == 12:  # noqa: PLR2004
            head, length = start, _u32(start, 8)[0]
        elif action < SKIP:
            return None
        return _Element(key, head, length, action) if length <= _LARGEST_VALUE else None


def _stretch(run: list[_Element]) -> Stretch:
    heads = struct.Struct("<" + "".join(f"{len(e.head)}s{e.length}x" for e in run))
    values = struct.Struct("<" + "".join(f"{len(e.head)}x{e.length}{'s' if e.action >= 0 else 'x'}" for e in run))
    slots = tuple(element.action for element in run if element.action >= 0)
    ascending = all(a < b for a, b in pairwise(slots))
    return Stretch(
        run[0].action,
        heads.size,
        heads.unpack_from,
        tuple(element.head for element in run),
        values.unpack_from,
        slots,
        (slots[0] if slots else _NO_SLOT) if ascending else -1,
    )
