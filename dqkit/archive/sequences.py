"""Sequences of undefined length, and first items (PS3.5 7.5); little endian.

Every function works on a window of the file: ``struct.error`` says that the window is too short.
"""

import struct
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dqkit.archive.actions import LONG_VRS, SHORT_VRS, SKIP
from dqkit.archive.header import UnusualError

if TYPE_CHECKING:
    from dqkit.archive.wanted import Wanted

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_DEEPEST = 24

_implicit = struct.Struct("<4sI").unpack_from
_explicit = struct.Struct("<4s2sH").unpack_from
_long = struct.Struct("<I").unpack_from

Values = dict[int, bytes]


class _Take(NamedTuple):
    """What to keep of an item: tag -> slot, and slot -> value as it is found."""

    slots: Mapping[bytes, int]
    values: Values


_NOTHING = _Take({}, {})


def skip_items(window: bytes, pos: int, wanted: "Wanted", *, explicit: bool, depth: int = 0) -> int:
    """Return the place behind a sequence of undefined length whose first item starts at `pos`."""
    if depth > _DEEPEST:
        raise UnusualError("deep sequence")
    while True:
        tag, length = _implicit(window, pos)
        pos += 8
        if tag == SEQUENCE_END:
            return pos
        if tag != ITEM:
            raise UnusualError("broken sequence")
        pos = _item(window, pos, length, wanted, _NOTHING, explicit=explicit, depth=depth)


def first_item(
    window: bytes, pos: int, end: int | None, wanted: "Wanted", slots: Mapping[bytes, int], *, explicit: bool
) -> tuple[Values, int]:
    """Read wanted elements of a sequence's first item.

    Parameters
    ----------
    window, pos
        The first item starts at `pos`.
    end
        Where the sequence ends; None for undefined length.
    wanted, slots
        The tables of the walk, and tag -> slot of the wanted elements.

    Returns
    -------
    Slot -> raw value, and the place behind the sequence.
    """
    values: Values = {}
    if end == pos:
        return values, pos
    tag, length = _implicit(window, pos)
    if end is None and tag == SEQUENCE_END:
        return values, pos + 8
    if tag != ITEM:
        raise UnusualError("broken sequence")
    behind = _item(window, pos + 8, length, wanted, _Take(slots, values), explicit=explicit, depth=0)
    if end is None:
        return values, skip_items(window, behind, wanted, explicit=explicit)
    if behind > end:
        raise UnusualError("broken sequence")
    return values, end


def _item(
    window: bytes,
    pos: int,
    length: int,
    wanted: "Wanted",
    take: _Take,
    *,
    explicit: bool,
    depth: int,
) -> int:
    """Walk one item, and return the place behind it."""
    stop = None if length == UNDEFINED else pos + length
    # Items may be in implicit VR although the data set is explicit (PS3.5 6.2.2, and some writers): pydicom looks at
    # the first element of every item, so do we.
    form = wanted.explicit if explicit and _has_vr(window, pos, stop) else wanted.implicit
    unpack, actions = form.unpack, form.actions
    while stop is None or pos < stop:
        key, size = unpack(window, pos)
        if actions[key] >= SKIP and size != UNDEFINED and not take.slots:
            pos += 8 + size
            continue
        tag = key[:4]
        if tag == ITEM_END and stop is None and _implicit(window, pos)[1] == 0:
            return pos + 8
        if tag[:2] == ITEM[:2]:
            raise UnusualError("broken item")
        pos, size = _length(window, pos, explicit=form.explicit)
        if size == UNDEFINED:
            pos = _undefined(window, pos, tag, key[4:], wanted, depth)
            if tag in take.slots:
                raise UnusualError("undefined length")
            continue
        if tag in take.slots:
            take.values[take.slots[tag]] = _value(window, pos, size)
        pos += size
    if pos != stop:
        raise UnusualError("broken item")
    return pos


def _has_vr(window: bytes, pos: int, stop: int | None) -> bool:
    if stop is not None and stop - pos < 6:  # noqa: PLR2004
        return False
    _, vr, _ = _explicit(window, pos)
    return bool(vr.isalpha() and vr.isupper())


def _length(window: bytes, pos: int, *, explicit: bool) -> tuple[int, int]:
    """Return where the value starts, and its length."""
    _, vr, short = _explicit(window, pos)
    if not explicit:
        return pos + 8, _implicit(window, pos)[1]
    if vr in SHORT_VRS:
        return pos + 8, short
    if vr in LONG_VRS:
        return pos + 12, _long(window, pos + 8)[0]
    raise UnusualError("unknown VR")


def _undefined(window: bytes, pos: int, tag: bytes, vr: bytes, wanted: "Wanted", depth: int) -> int:
    if not is_sequence(window, pos, tag, vr):
        raise UnusualError("undefined length")
    return skip_items(window, pos, wanted, explicit=bool(vr), depth=depth + 1)


def is_sequence(window: bytes, pos: int, tag: bytes, vr: bytes) -> bool:
    """Tell whether the value of undefined length at `pos` consists of items; `vr` is empty in implicit VR."""
    if vr:
        return vr in (b"SQ", b"UN")
    listed = _undefined_means_sequence(tag)
    return _implicit(window, pos)[0] == ITEM if listed is None else listed


def _value(window: bytes, pos: int, size: int) -> bytes:
    if pos + size > len(window):
        raise struct.error
    return window[pos : pos + size]


@cache
def _undefined_means_sequence(tag: bytes) -> bool | None:
    """Tell whether an implicit-VR element of undefined length is a sequence; None where PS3.6 lists no such tag."""
    from pydicom.datadict import dictionary_VR

    group, element = struct.unpack("<HH", tag)
    try:
        return bool(dictionary_VR((group, element)) == "SQ")
    except KeyError:
        return None
