"""Colours of the page by theme; every pair of text and ground keeps WCAG AA (4.5:1), which a test computes."""

LIGHT = {
    "ground": "#f7f6f3",
    "panel": "#ffffff",
    "ink": "#1b2430",
    "muted": "#56606d",
    "line": "#dedbd3",
    "strong-line": "#8a8f98",
    "link": "#1a5694",
    "critical": "#ad241b",
    "critical-soft": "#fbeae8",
    "warning": "#855400",
    "warning-soft": "#fcf2dc",
    "info": "#1f5a96",
    "info-soft": "#e8f0f8",
    "pass": "#256a3c",
    "pass-soft": "#e6f2e9",
    "heat-1": "#eff3f8",
    "heat-2": "#dbe5ee",
    "heat-3": "#c5d4e4",
    "heat-4": "#aec4d9",
    "heat-5": "#98b3cf",
    "gap-1": "#fbf3ee",
    "gap-2": "#f5e5d9",
    "gap-3": "#efd4c1",
    "gap-4": "#e8c4a9",
    "gap-5": "#e2b391",
}

DARK = {
    "ground": "#11161c",
    "panel": "#19202a",
    "ink": "#e8ebef",
    "muted": "#a7b1bd",
    "line": "#2e3844",
    "strong-line": "#6d7885",
    "link": "#8dbcf2",
    "critical": "#ff938a",
    "critical-soft": "#3a1d1d",
    "warning": "#f0bd63",
    "warning-soft": "#352a14",
    "info": "#8dbcf2",
    "info-soft": "#182c41",
    "pass": "#86d09b",
    "pass-soft": "#16301f",
    "heat-1": "#212d3d",
    "heat-2": "#28384c",
    "heat-3": "#2e435b",
    "heat-4": "#354e6a",
    "heat-5": "#3b5879",
    "gap-1": "#2d2b2c",
    "gap-2": "#3d332d",
    "gap-3": "#4d3c2f",
    "gap-4": "#5d4430",
    "gap-5": "#6d4d32",
}

ON_SOFT = ("critical", "warning", "info", "pass")
"""Colours that stand as text on their own soft ground, and on panel and ground."""

SHADES = tuple(f"{name}-{step}" for name in ("heat", "gap") for step in range(1, 6))
"""Grounds of the profile's cells, on which `ink` stands."""


def as_css(theme: dict[str, str]) -> str:
    """Return `theme` as CSS custom properties."""
    return " ".join(f"--{name}: {value};" for name, value in theme.items())
