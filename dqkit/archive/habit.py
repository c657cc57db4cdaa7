"""What the last headers looked like, so that the next one of the same series is read by the stretch.

Files of one series hold the same elements with mostly the same lengths: two of them are recorded, and what they have
in common is a layout (archive/stretch.py). Layouts are remembered, for the next series of a scanner comes after those
of others: where files stop to be as expected, one is recorded and the layout most like it is gone on with.
"""

from collections.abc import Mapping

from dqkit.archive.actions import LONG, Actions, Unpack
from dqkit.archive.stretch import Element, Layout, element_at, runs_of

_LAYOUTS = 16
"""Layouts remembered: kinds of scanner whose series take turns."""

_FEW = 5
"""Files are of one kind where fewer than one in so many of their elements stand in one of them alone."""

_WORTH_IT, _LEAST_PATIENT, _MOST_PATIENT = 16, 1, 64
"""Strange files before the next recording: few where the last one served `_WORTH_IT` files, twice as many as before
where it did not, so that an archive without habits costs next to nothing."""

_PATIENT_WITH_ITS_OWN = 4
"""So many times as patient with strange files of the kind that is expected: few differ much."""

Log = list[bytes]
"""The first bytes of each top-level element: all of those that may stand in a stretch."""


class Habit:
    """The layouts of one form of elements.

    Attributes
    ----------
    plain
        A layout without a stretch, by which files are recorded.
    current
        The layout that files are read by.
    due
        Whether the next file is to be recorded.
    """

    def __init__(self, unpack: Unpack, plain: Actions, key_size: int) -> None:
        self.plain = self.current = Layout(plain, {})
        self._unpack = unpack
        self._plain = plain
        self._key_size = key_size
        self._layouts: list[Layout] = []
        self._first: Log | None = None
        self.due = True
        self._served = self._strange = 0
        self._patience = self._scale = _LEAST_PATIENT
        self._of_its_own = False

    def found(self, hits: int) -> None:
        """Note how many elements of a file stood in stretches, and whether it is time to record one."""
        if self.current.missed:
            self.current.heed(hits)
        if hits >= self.current.needed:
            self._served += 1
            self._strange = max(0, self._strange - 1)
            return
        self._strange += 1
        self.due = self._strange >= self._patience

    def end(self, log: Log) -> None:
        """Recall a layout by a recorded file, or learn one from this file and the next."""
        if self._first is not None:
            self._learn(self._first, log)
            return
        known = self._most_like(self._heads(log))
        if known is None or (known is self.current and self._of_its_own):
            self._first = log
        else:
            self._go_on(known, of_its_own=known is self.current)

    def _go_on(self, layout: Layout, *, of_its_own: bool) -> None:
        self._scale = _LEAST_PATIENT if self._served >= _WORTH_IT else min(2 * self._scale, _MOST_PATIENT)
        self._patience = self._scale * (_PATIENT_WITH_ITS_OWN if of_its_own else 1)
        self._of_its_own = of_its_own
        self._served = self._strange = 0
        self.due, self._first = False, None
        self._layouts = [layout, *(other for other in self._layouts if other is not layout)][:_LAYOUTS]
        self.current = layout

    def _most_like(self, heads: Mapping[bytes, bytes]) -> Layout | None:
        """Return the remembered layout of this kind of file; of several, that with the most elements as long."""
        alike = [one for one in self._layouts if _FEW * len(heads.keys() ^ one.heads.keys()) < len(heads)]
        return max(alike, key=lambda one: len(heads.items() & one.heads.items()), default=None)

    def _heads(self, log: Log) -> dict[bytes, bytes]:
        """Return tag, VR and length of each element by its key."""
        size, plain = self._key_size, self._plain
        return {start[:size]: start[: 12 if plain[start[:size]] == LONG else 8] for start in log}

    def _learn(self, first: Log, second: Log) -> None:
        heads = self._heads(second)
        before = self._most_like(heads)
        restless = _changed(self._heads(first), heads)
        if before:  # between series other lengths change than within one: those of the patient's name
            restless |= before.restless | _changed(before.heads, heads)
        elements = [self._element(start) for start in first]
        again = {element.key: element for element in map(self._element, second) if element}
        layout = Layout(self._plain, heads, restless, runs_of(elements, again, restless))
        self._layouts = [one for one in self._layouts if one is not before]
        self._go_on(layout, of_its_own=False)

    def _element(self, start: bytes) -> Element | None:
        return element_at(start, self._unpack, self._plain, self._key_size)


def _changed(heads: Mapping[bytes, bytes], again: Mapping[bytes, bytes]) -> set[bytes]:
    """Return the elements whose lengths changed, if they are few: else these are files of two kinds."""
    changed = {key for key, head in again.items() if heads.get(key, head) != head}
    return changed if _FEW * len(changed) < len(again) else set()
