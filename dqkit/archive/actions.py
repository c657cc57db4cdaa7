"""What a walk does at an element, by the element's key."""

from collections.abc import Callable

SKIP, LONG, PIXELS, FRAMES, STRANGE = -1, -2, -3, -4, -5
"""Skip an element by its 2-byte (implicit VR: 4-byte) or its long-form length, stop at the pixel data, or hand the
file to pydicom. An action of 0 or more is the slot of a wanted value."""
_MOST_KNOWN = 100_000  # hostile files can hold any number of tags: forget them all beyond this

SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())

Unpack = Callable[[bytes, int], tuple[bytes, int]]
"""(window, place) -> (key of the element there: its tag, and VR in explicit form; its length, if short)."""


class Actions(dict[bytes, int]):
    """Element key (tag, and VR in explicit form) -> action; unknown keys are decided when first met."""

    def __init__(self, decide: Callable[[bytes], int]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, key: bytes) -> int:
        """Decide what to do at elements of this key, and remember it."""
        if len(self) > _MOST_KNOWN:
            self.clear()
        action = self[key] = self._decide(key)
        return action
