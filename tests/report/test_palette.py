import itertools

import pytest

from dqkit.report.charts import MODALITY_COLOURS, OTHER_COLOUR
from dqkit.report.palette import DARK, LIGHT, ON_SOFT, SHADES

THEMES = {"light": LIGHT, "dark": DARK}


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_the_contrast_of_wcag_aa(theme: str) -> None:
    colours = THEMES[theme]
    texts = ("ink", "muted", "link", *ON_SOFT)
    pairs = [*itertools.product(texts, ("ground", "panel")), ("panel", "ink")]
    pairs += [(name, f"{name}-soft") for name in ON_SOFT]
    pairs += [(text, f"{name}-soft") for text in ("ink", "muted") for name in ON_SOFT]
    pairs += [("ink", name) for name in SHADES]
    weak = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_controls_and_dots_stand_out_at_three_to_one(theme: str) -> None:
    colours = THEMES[theme]
    shapes = [colours["strong-line"], *MODALITY_COLOURS.values(), OTHER_COLOUR]
    assert {
        colour: contrast(colour, colours["panel"]) for colour in shapes if contrast(colour, colours["panel"]) < 3
    } == {}


def test_themes_have_the_same_names() -> None:
    assert LIGHT.keys() == DARK.keys()
