"""Text from files made harmless to look at: nothing hidden, nothing that moves its neighbours."""

import unicodedata

_JOINERS = {"\u200c", "\u200d"}
"""Invisible, and part of correct spelling in several scripts."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories that a terminal obeys, that reorder text (U+202E), or that nobody sees."""

LONGEST = 120
"""Characters of a value that a report shows."""


def visible(text: object, longest: int = LONGEST) -> str:
    """Return `text` on one line with control and direction characters spelled out, cut to `longest` characters.

    Escaping for HTML or for a terminal's markup is not done here: whoever writes there uses text nodes.
    """
    raw = str(text)
    cut = raw[: longest - 1] + "…" if len(raw) > longest else raw
    if cut.isprintable():
        return cut
    return "".join(_spelled(character) for character in cut)


def _spelled(character: str) -> str:
    if character in "\t\r\n":
        return " "
    if unicodedata.category(character) in _HIDDEN and character not in _JOINERS:
        return f"‹U+{ord(character):04X}›"
    return character
