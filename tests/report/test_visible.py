import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.report.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 文字", "plain 文字"),
        ("St\u202eevil", "St‹U+202E›evil"),
        ("a\x1b[31m", "a‹U+001B›[31m"),
        ("two\nlines\tand", "two lines and"),
        ("\u2028", "‹U+2028›"),
        ("\ufeff\u200b", "‹U+FEFF›‹U+200B›"),
        ("x" * 200, "x" * 119 + "…"),
        (None, "None"),
    ],
)
def test_spells_out_what_cannot_be_seen(text: str | None, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_hidden_remains(text: str) -> None:
    categories = {unicodedata.category(c) for c in visible(text) if c not in "\u200c\u200d"}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
