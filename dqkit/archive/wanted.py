"""What the header walker looks for, compiled once into tables that cost one look-up an element."""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from dqkit.archive.actions import FRAMES, LONG, LONG_VRS, PIXELS, SHORT_VRS, SKIP, STRANGE, Actions, Unpack
from dqkit.archive.habit import Habit
from dqkit.archive.private import PRIVATE_TAGS, TagBytes, tag_bytes
from dqkit.archive.templates import Templates

_ODD, _NESTED = -1000, -100_000
_META = 0x0002

_PIXEL_TAGS = frozenset(tag_bytes(0x7FE0, element) for element in (0x0008, 0x0009, 0x0010))
_FRAME_TAGS = frozenset(tag_bytes(0x5200, element) for element in (0x9229, 0x9230))
_DELIMITERS = tag_bytes(0xFFFE, 0)[:2]


@dataclass(frozen=True)
class Form:
    """One way to write elements (PS3.5 7.1.2 and 7.1.3): explicit or implicit VR, little endian.

    Attributes
    ----------
    unpack
        Reads the first 8 bytes of an element: (key, length); the length is not valid for long-form VRs.
    """

    explicit: bool
    unpack: Unpack
    actions: Actions
    habit: Habit


@dataclass(frozen=True)
class Wanted:
    """What to read of every header.

    Attributes
    ----------
    names
        Slot -> name of the value; those of the top level come first, ascending by tag.
    meta
        How many of them are of group 0002.
    vrs
        Slot -> VR of PS3.6.
    slots
        Tag -> slot, top level only.
    sequences
        Tags of sequences of which the first item is read.
    inner
        Aligned with `sequences`: tag -> slot.
    """

    names: tuple[str, ...]
    meta: int
    vrs: tuple[str, ...]
    slots: Mapping[TagBytes, int]
    sequences: tuple[TagBytes, ...]
    inner: tuple[Mapping[TagBytes, int], ...]
    explicit: Form
    implicit: Form
    templates: Templates = field(default_factory=Templates)

    def blank(self) -> list[bytes | None]:
        """Return a row without a value."""
        return [None] * len(self.names)

    def is_private(self, action: int) -> bool:
        """Tell whether `action` is that at private elements of interest."""
        return odd_slot(action) == len(self.names)


def compile_wanted(keywords: Iterable[str], nested: Mapping[str, tuple[str, str]]) -> Wanted:
    """Compile the tables of a walk.

    Parameters
    ----------
    keywords
        PS3.6 keywords of top-level attributes, group 0002 included.
    nested
        Name -> (keyword of a sequence, keyword of an attribute of its first item).
    """
    top = sorted(keywords, key=_tag)
    slots = {_tag_bytes(_tag(keyword)): slot for slot, keyword in enumerate(top)}
    names = (*top, *nested)
    vrs = (*(_vr(keyword) for keyword in top), *(_vr(keyword) for _, keyword in nested.values()))
    sequences = tuple(dict.fromkeys(sequence for sequence, _ in nested.values()))
    inner = tuple(
        {
            _tag_bytes(_tag(keyword)): names.index(name)
            for name, (within, keyword) in nested.items()
            if within == sequence
        }
        for sequence in sequences
    )
    tags = tuple(_tag_bytes(_tag(sequence)) for sequence in sequences)
    plan = _Plan(slots, [vr.encode() for vr in vrs], tags)
    return Wanted(
        names,
        sum(_tag(keyword) >> 16 == _META for keyword in top),
        vrs,
        slots,
        tags,
        inner,
        explicit=_form("<6sH", plan.explicit),
        implicit=_form("<4sI", plan.implicit),
    )


def _form(head: str, decide: Callable[[bytes], int]) -> Form:
    unpack: Unpack = struct.Struct(head).unpack_from
    actions, key_size = Actions(decide), int(head[1])
    return Form(key_size == 6, unpack, actions, Habit(unpack, actions, key_size))  # noqa: PLR2004


class _Plan:
    """Decides the action of an element from its key."""

    def __init__(self, slots: Mapping[TagBytes, int], vrs: list[bytes], sequences: tuple[TagBytes, ...]) -> None:
        self._slots = slots
        self._vrs = vrs
        self._sequences = {tag: i for i, tag in enumerate(sequences)}

    def explicit(self, key: bytes) -> int:
        tag, vr = key[:4], key[4:]
        if vr not in SHORT_VRS and vr not in LONG_VRS:
            return STRANGE
        if tag in self._sequences and vr != b"SQ":
            return STRANGE
        special = self._special(tag)
        if special is not None:
            return special
        slot = self._slots.get(tag)
        if slot is None:
            return SKIP if vr in SHORT_VRS else LONG
        if vr == b"SQ":
            return STRANGE
        return slot if vr == self._vrs[slot] and vr in SHORT_VRS else _ODD - slot

    def implicit(self, key: bytes) -> int:
        special = self._special(key)
        return self._slots.get(key, SKIP) if special is None else special

    def _special(self, tag: TagBytes) -> int | None:
        if tag in _PIXEL_TAGS:
            return PIXELS
        if tag in _FRAME_TAGS:
            return FRAMES
        if tag[:2] == _DELIMITERS:
            return STRANGE
        if tag in self._sequences:
            return _NESTED - self._sequences[tag]
        return _ODD - len(self._vrs) if tag in PRIVATE_TAGS else None


def odd_slot(action: int) -> int:
    """Return the slot of an element whose VR is another than PS3.6's; ``len(names)`` for private elements."""
    return _ODD - action


def nested_index(action: int) -> int | None:
    """Return which of the wanted sequences `action` stands for, if one."""
    return _NESTED - action if action <= _NESTED else None


def _tag(keyword: str) -> int:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"PS3.6 knows no keyword {keyword}")
    return int(tag)


def _vr(keyword: str) -> str:
    from pydicom.datadict import dictionary_VR

    return str(dictionary_VR(_tag(keyword)))


def _tag_bytes(tag: int) -> TagBytes:
    return tag_bytes(tag >> 16, tag & 0xFFFF)
