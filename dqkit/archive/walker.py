"""Reads the wanted elements of a header straight from its bytes.

One dictionary look-up an element says what to do with it; unwanted elements are skipped by their length, unread.
Explicit and implicit VR little endian are read; for anything unusual `UnusualError` hands the file to pydicom
(archive/fallback.py). docs/adr/0002-own-header-walker.md has the reasons and figures.
"""

import re
import struct
from collections.abc import Iterator

from dqkit.archive.actions import FRAMES, LONG, PIXELS, SHORT_VRS, SKIP, STRANGE, Unpack
from dqkit.archive.header import NO_PRIVATE, WINDOW, Header, PixelData, Pread, UnusualError
from dqkit.archive.pixeldata import locate
from dqkit.archive.sequences import UNDEFINED, first_item, is_sequence, skip_items
from dqkit.archive.stretch import LONGEST_START, NO_SLOT, STRETCHES, Layout
from dqkit.archive.template import Mark, Recorded, series_of
from dqkit.archive.wanted import Form, Wanted, nested_index, odd_slot

_LONGEST_VALUE = 1 << 20
_LONGEST_SEQUENCE = 1 << 24
_MAGIC = slice(128, 132)

_long = struct.Struct("<I").unpack_from
_standard_syntax = re.compile(rb"1\.2\.840\.10008\.1\.2(\.[0-9.]+)?\0*").fullmatch
_IMPLICIT, _DEFLATED, _BIG_ENDIAN = (b"1.2.840.10008.1.2" + suffix for suffix in (b"", b".1.99", b".2"))
_KNOWN_VR = re.compile(b"[A-Z]{2}").fullmatch


def has_magic(start: bytes) -> bool:
    """Tell whether `start`, the first bytes of a file, holds preamble and prefix of PS3.10 7.1."""
    return start[_MAGIC] == b"DICM"


def may_be_dicom(start: bytes) -> bool:
    """Tell whether `start` may be that of a DICOM file: prefix, or group 0002 or 0008 (either endian) first."""
    return has_magic(start) or start[:2] in (b"\x02\x00", b"\x08\x00") or start[:3] == b"\x00\x08\x00"


def walk(pread: Pread, size: int, wanted: Wanted, start: bytes) -> Header:
    """Read the header of a file.

    Parameters
    ----------
    pread, size
        The file.
    start
        Its first `WINDOW` bytes.

    Raises
    ------
    UnusualError
        pydicom must read it.
    """
    has_prefix = has_magic(start)
    header = wanted.templates.read(pread, size, start) if has_prefix else None
    if header is not None:
        return header
    marks: list[Mark] | None = [] if has_prefix and wanted.templates.due else None
    state = _Walk(pread, size, wanted, start, marks)
    state.meta()
    form = state.form()
    state.run(form)
    header = state.header(has_preamble=has_prefix)
    if marks is not None:
        whole = marks[-1].action == PIXELS
        wanted.templates.learn(Recorded(marks, header, wanted, explicit=form.explicit) if whole else None)
    elif has_prefix:
        wanted.templates.heed(series_of(header, wanted))
    return header


class _Walk:
    """Where a walk stands: `pos` in `window`, which starts at `base` in the file; `marks` records it."""

    __slots__ = ("base", "has_meta", "marks", "odd", "pixels", "pos", "pread", "private", "row", "size", "wanted",
                 "window")  # fmt: skip

    def __init__(self, pread: Pread, size: int, wanted: Wanted, start: bytes, marks: list[Mark] | None) -> None:
        self.marks = marks
        self.pread = pread
        self.size = size
        self.wanted = wanted
        self.window = start
        self.base = 0
        self.pos = 132 if has_magic(start) else 0
        self.row = wanted.blank()
        self.private: dict[bytes, bytes] = {}
        self.odd: list[tuple[int, str]] = []
        self.pixels: PixelData | None = None
        self.has_meta = False

    def meta(self) -> None:
        """Read the file meta information: always explicit VR little endian (PS3.10 7.1)."""
        window, pos, row = self.window, self.pos, self.row
        form = self.wanted.explicit
        unpack, actions = form.unpack, form.actions
        try:
            while window[pos : pos + 2] == b"\x02\x00":
                key, length = unpack(window, pos)
                action = actions[key]
                if self.marks is not None:
                    self.marks.append(Mark(pos, window, pos, key, action))
                start = pos + 8
                if action == LONG:
                    length = _long(window, start)[0]
                    start += 4
                elif action != SKIP and action < 0:
                    raise UnusualError("file meta information")
                pos = start + length
                if action >= 0:
                    row[action] = window[start:pos]
        except struct.error:
            raise UnusualError("file meta information") from None
        if pos >= len(window):
            raise UnusualError("file meta information" if pos > self.size or pos < self.size else "no data set")
        self.has_meta = pos > self.pos
        self.pos = pos

    def form(self) -> Form:
        """Return how the data set is written: as TransferSyntaxUID says, and its first element agrees."""
        head = self.window[self.pos : self.pos + 8]
        if len(head) < 8:  # noqa: PLR2004
            raise UnusualError("no data set")
        if head[:2] == b"\0\0":
            raise UnusualError("command set")
        letters = _KNOWN_VR(head, 4, 6) is not None
        if self._says_explicit(head, letters=letters) != letters:
            raise UnusualError("VR form is not that of the transfer syntax")
        return self.wanted.explicit if letters else self.wanted.implicit

    def _says_explicit(self, head: bytes, *, letters: bool) -> bool:
        syntax = self.row[self.wanted.slots[b"\x02\x00\x10\x00"]]
        if syntax is None:
            if letters and (head[4:6] not in SHORT_VRS or head[1] >= 4):  # noqa: PLR2004
                raise UnusualError("big endian or unknown VR")
            return letters
        if not _standard_syntax(syntax):
            raise UnusualError("private transfer syntax")
        name = syntax.rstrip(b"\0")
        if name == _BIG_ENDIAN:
            raise UnusualError("big endian")
        if name == _DEFLATED:
            raise UnusualError("deflated")
        return name != _IMPLICIT

    def run(self, form: Form) -> None:
        """Walk the data set until the pixel data or the end of the file."""
        habit = form.habit
        if self.marks is None and not habit.due:
            habit.found(self._run(form, form.unpack, habit.current))
            return
        marks = self.marks if self.marks is not None else []
        of_the_meta = len(marks)
        self._run(form, self._recording(form, marks), habit.plain)
        if habit.due:
            habit.end([mark.window[mark.pos : mark.pos + LONGEST_START] for mark in marks[of_the_meta:]])

    def _recording(self, form: Form, marks: list[Mark]) -> Unpack:
        """Return the unpacking function that marks each element."""
        unpack, actions = form.unpack, form.actions

        def marked(window: bytes, pos: int) -> tuple[bytes, int]:
            key, length = unpack(window, pos)
            offset = self.base + pos
            if marks and marks[-1].offset == offset:  # its value did not fit into the window
                marks.pop()
            marks.append(Mark(offset, window, pos, key, actions[key]))
            return key, length

        return marked

    def header(self, *, has_preamble: bool) -> Header:
        """Return what was read."""
        private = self.private or NO_PRIVATE
        return Header(self.row, private, self.odd, has_preamble, self.has_meta, self.pixels, False, "walker", None)

    def _run(self, form: Form, unpack: Unpack, layout: Layout) -> int:  # noqa: C901, PLR0912
        """Do the work of `run`, and return how many elements stood in stretches.

        It is one function, for a call an element would double its time.
        """
        row, hits = self.row, 0
        actions, stretches, missed = layout.actions, layout.stretches, layout.missed
        previous = self.wanted.meta - 1  # group 0002 has no place here
        while True:
            window, pos = self.window, self.pos
            last, end = len(window) - 8, len(window)
            key, length, action = b"", 0, SKIP
            while pos <= last:
                key, length = unpack(window, pos)
                action = actions[key]
                if action <= STRETCHES:
                    stretch = stretches[STRETCHES - action]
                    first, size = stretch.first, stretch.size
                    if first > previous and pos + size <= end:
                        known = window.startswith(stretch.text, pos) and not self.odd  # an odd one may stand between
                        if known or (heads := stretch.heads_of(window, pos)) == stretch.heads:
                            if known:
                                row[first : stretch.behind] = stretch.values
                            else:
                                stretch.read(window, pos, row)
                            if first != NO_SLOT:
                                previous = stretch.behind - 1
                            pos += size
                            key, length, action = b"", 0, SKIP
                            hits += stretch.count
                            continue
                        missed.append((stretch, heads))
                    action = stretch.action
                if action >= 0:
                    if action <= previous:
                        raise UnusualError("tags out of order")
                    start = pos + 8
                    pos = start + length
                    if pos > end:
                        break
                    previous = action
                    row[action] = window[start:pos]
                elif action == SKIP:
                    pos += 8 + length
                elif action == LONG and pos + 12 <= end and (length := _long(window, pos + 8)[0]) != UNDEFINED:
                    pos += 12 + length
                else:
                    self.pos = pos
                    if self._special(form, key, length, action):
                        return hits
                    window, pos = self.window, self.pos
                    last, end = len(window) - 8, len(window)
                    key, length, action = b"", 0, SKIP
            if not self._slide(form, pos, key, length, action):
                return hits

    def _slide(self, form: Form, pos: int, key: bytes, length: int, action: int) -> bool:
        """Move the window to `pos`, behind the element just met; False at the end of the file."""
        if length == UNDEFINED:  # implicit VR: explicit ones are _special
            if action >= 0:
                raise UnusualError("undefined length")
            self.pos = pos - length - 8
            self._skip_undefined(form, key, 8)
            return True
        needed = 8
        if action >= 0 and pos > len(self.window):  # its value reaches beyond the window
            needed = 8 + length
            pos -= needed
        return self._move(pos, needed)

    def _move(self, pos: int, needed: int) -> bool:
        offset = self.base + pos
        if offset == self.size:
            return False
        if offset + needed > self.size:
            raise UnusualError("truncated")
        if needed > _LONGEST_VALUE:
            raise UnusualError("long value")
        self.window = self.pread(max(WINDOW, needed), offset)
        if len(self.window) < needed:
            raise UnusualError("truncated")
        self.base, self.pos = offset, 0
        return True

    def _special(self, form: Form, key: bytes, length: int, action: int) -> bool:
        """Handle the element at `pos`; True at the pixel data."""
        if action == STRANGE:
            raise UnusualError("unknown VR or stray delimiter")
        if action == FRAMES:
            raise UnusualError("functional groups")
        header = 12 if form.explicit and key[4:] not in SHORT_VRS else 8
        if self.pos + header > len(self.window) and not self._move(self.pos, header):
            raise UnusualError("truncated")
        if action == PIXELS:
            head = self.window[self.pos : self.pos + 12]
            self.pixels = locate(self.pread, self.size, self.base + self.pos, explicit=form.explicit, head=head)
            return True
        if header == 12:  # noqa: PLR2004
            length = _long(self.window, self.pos + 8)[0]
        nested = nested_index(action)
        if nested is not None:
            self._nested(form, nested, header, length)
        elif action == LONG:
            self._skip_long(form, key, header, length)
        else:
            self._keep(odd_slot(action), key, header, length)
        return False

    def _skip_long(self, form: Form, key: bytes, header: int, length: int) -> None:
        if length == UNDEFINED:
            self._skip_undefined(form, key, header)
        else:
            self.pos += header + length

    def _keep(self, slot: int, key: bytes, header: int, length: int) -> None:
        """Keep a private value, or one whose VR is another than that of PS3.6."""
        if length == UNDEFINED or slot < self.wanted.meta:
            raise UnusualError("undefined length" if length == UNDEFINED else "group 0002 in the data set")
        if self.pos + header + length > len(self.window):
            self._move(self.pos, header + length)
        start = self.pos + header
        self.pos = start + length
        value = self.window[start : self.pos]
        if slot == len(self.row):
            self.private[key[:4]] = value
            return
        self.row[slot] = value
        self.odd.append((slot, key[4:].decode()))

    def _nested(self, form: Form, nested: int, header: int, length: int) -> None:
        """Read the first item of a wanted sequence."""
        slots = self.wanted.inner[nested]
        for slot in slots.values():  # of a repeated sequence, the last one counts
            self.row[slot] = None
        for window in self._windows():
            start = self.pos + header
            end = None if length == UNDEFINED else start + length
            try:
                values, self.pos = first_item(window, start, end, self.wanted, slots, explicit=form.explicit)
            except struct.error:
                continue
            for slot, value in values.items():
                self.row[slot] = value
            return

    def _skip_undefined(self, form: Form, key: bytes, header: int) -> None:
        """Skip a sequence of undefined length."""
        for window in self._windows():
            start = self.pos + header
            try:
                if not is_sequence(window, start, key[:4], key[4:]):
                    raise UnusualError("undefined length")
                self.pos = skip_items(window, start, self.wanted, explicit=form.explicit)
            except struct.error:
                continue
            return

    def _windows(self) -> Iterator[bytes]:
        """Yield windows that start at the present element or before, each longer than the last."""
        yield self.window
        self.base += self.pos
        self.pos = 0
        length = WINDOW
        while True:
            if length > _LONGEST_SEQUENCE:
                raise UnusualError("long sequence")
            length *= 4
            self.window = self.pread(length, self.base)
            yield self.window
            if self.base + len(self.window) >= self.size:
                raise UnusualError("truncated")
