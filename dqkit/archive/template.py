"""The header of a series as a template: what all files have word for word, and the places of what changes.

Files of a series differ in a dozen elements: UID, number, position, times. A file in which all bytes between these are
those of a file that was walked is read by one comparison for each piece between them: a walk would come to the same.
Any other file is walked.
"""

import struct
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from dqkit.archive.actions import LONG, SHORT_VRS, SKIP
from dqkit.archive.header import WINDOW, Header, Pread
from dqkit.archive.pixeldata import locate
from dqkit.archive.sequences import UNDEFINED, skip_items

if TYPE_CHECKING:
    from dqkit.archive.wanted import Wanted

_PREFIX = b"DICM"
_BEHIND_PREAMBLE = 128

_LONGEST_TEXT = 4096
"""Bytes of a longer element are not compared: it counts as one that changes."""

_NOTHING, _PRIVATE, _SEQUENCE = -1, -2, -3
"""Slots of elements that are skipped, that are private, and of sequences of undefined length."""

_TRANSFER_SYNTAX, _SERIES = b"\x02\x00\x10\x00", b"\x20\x00\x0e\x00"

_u16, _u32 = struct.Struct("<H").unpack_from, struct.Struct("<I").unpack_from


class Mark(NamedTuple):
    """An element that was walked: where it stands in the file, and in a window of it."""

    offset: int
    window: bytes
    pos: int
    key: bytes
    action: int


def series_of(header: Header, wanted: "Wanted") -> bytes | None:
    """Return the SeriesInstanceUID of a file, if it is read."""
    slot = wanted.slots.get(_SERIES)
    return None if slot is None else header.values[slot]


class Recorded:
    """A file that was walked element by element, from the prefix to its pixel data (`marks`, the last one)."""

    def __init__(self, marks: Sequence[Mark], header: Header, wanted: "Wanted", *, explicit: bool) -> None:
        self.marks = marks
        self.header = header
        self.explicit = explicit
        self.wanted = wanted
        self.keys = tuple(mark.key for mark in marks)

    @cached_property
    def texts(self) -> list[bytes | None]:
        """All bytes of each element; None if it is long."""
        sizes = [after.offset - mark.offset for mark, after in zip(self.marks, self.marks[1:], strict=False)]
        texts = [mark.window[mark.pos : mark.pos + size] for mark, size in zip(self.marks, sizes, strict=False)]
        return [text if len(text) == size <= _LONGEST_TEXT else None for text, size in zip(texts, sizes, strict=True)]

    @property
    def series(self) -> bytes | None:
        """SeriesInstanceUID, if it is read."""
        return series_of(self.header, self.wanted)

    def changed_since(self, other: "Recorded") -> set[int]:
        """Return which elements differ from those of a file with the same keys."""
        return {index for index, (one, before) in enumerate(zip(self.texts, other.texts, strict=True)) if one != before}


class _Piece(NamedTuple):
    """Bytes up to the length of a value that changes, and what to do with that value."""

    text: bytes
    size: int
    length_of: Callable[[bytes, int], tuple[int]]
    width: int
    slot: int
    tag: bytes


class Template:
    """One series, as `recorded`; `changing` says which of its elements change, `slots` where their values go."""

    def __init__(
        self, recorded: Recorded, changing: AbstractSet[int], pieces: Sequence[_Piece], tail: tuple[bytes, int]
    ) -> None:
        self.recorded = recorded
        self.changing = changing
        self.slots = frozenset(piece.slot for piece in pieces if piece.slot >= 0)
        self._pieces = pieces
        self._tail, self._pixels_at = tail
        self._row = recorded.header.values
        self._odd, self._has_meta = recorded.header.odd, recorded.header.has_file_meta

    def read(self, pread: Pread, size: int, start: bytes) -> Header | None:
        """Read a file that begins with `start`; None if it is not of this series.

        Raises
        ------
        UnusualError
            pydicom must read it.
        """
        of = self.recorded
        window, base, pos = start, 0, _BEHIND_PREAMBLE
        row, private = self._row.copy(), of.header.private
        try:
            for text, text_size, length_of, width, slot, tag in self._pieces:
                if not window.startswith(text, pos):
                    return None
                pos += text_size
                if slot == _SEQUENCE:
                    pos = skip_items(window, pos, of.wanted, explicit=True)
                    continue
                (length,) = length_of(window, pos)
                begin = pos + width
                pos = begin + length
                if slot >= 0:
                    row[slot] = window[begin:pos]
                elif slot == _PRIVATE:
                    private = {**private, tag: window[begin:pos]}
                elif pos > len(window):
                    window, base, pos = pread(WINDOW, base + pos), base + pos, 0
        except struct.error:  # the window ends
            return None
        if not window.startswith(self._tail, pos):
            return None
        pos += self._pixels_at
        head = window[pos : pos + 12]
        if len(head) < 12:  # noqa: PLR2004
            return None
        pixels = locate(pread, size, base + pos, explicit=of.explicit, head=head)
        return Header(row, private, self._odd, True, self._has_meta, pixels, False, "walker", None, None, self)


def template_of(recorded: Recorded, changing: AbstractSet[int]) -> Template | None:
    """Make the template of a series; None where something changes that only a walk can read."""
    pieces: list[_Piece] = []
    texts = [_PREFIX]
    for index, (mark, text) in enumerate(zip(recorded.marks, recorded.texts, strict=False)):
        if text is not None and index not in changing:
            texts.append(text)
            continue
        piece = _piece(b"".join(texts), mark, recorded)
        if piece is None:
            return None
        pieces.append(piece)
        texts = []
    last = recorded.marks[-1]
    before = b"".join(texts)
    head = last.window[last.pos : last.pos + (8 if recorded.explicit else 4)]
    return Template(recorded, changing, pieces, (before + head, len(before)))


def _piece(before: bytes, mark: Mark, recorded: Recorded) -> _Piece | None:
    """Return the piece that ends at the value of `mark`."""
    slot = _slot(mark, recorded)
    if slot is None:
        return None
    tag, vr = mark.key[:4], mark.key[4:]
    head = mark.window[mark.pos : mark.pos + 12]
    if vr and vr not in SHORT_VRS:
        if _u32(head, 8)[0] == UNDEFINED:
            return _Piece(before + head, len(before) + 12, _u32, 0, _SEQUENCE, tag) if slot == _NOTHING else None
        return _Piece(before + head[:8], len(before) + 8, _u32, 4, slot, tag)
    length_of, width = (_u16, 2) if vr else (_u32, 4)
    return _Piece(before + mark.key, len(before) + len(mark.key), length_of, width, slot, tag)


def _slot(mark: Mark, recorded: Recorded) -> int | None:
    """Return where the value of an element goes; None where a walk looks into it."""
    if mark.key[:4] == _TRANSFER_SYNTAX:
        return None
    if mark.action >= 0:
        return mark.action
    if mark.action in (SKIP, LONG):
        return _NOTHING
    return _PRIVATE if recorded.wanted.is_private(mark.action) else None
