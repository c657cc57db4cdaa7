"""The shipped book, read once, and a rule file to change one thing of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.load import parse_rule
from dqkit.rulebook.rule import Rule

PLAIN = """\
id: GEO-903
name: house-step
title: {en: The step is too large, zh: 层面间距过大}
level: stack
scope: {Modality: [CT, MR]}
check: {within: {of: slice_step_mm, max: {param: most_mm}}}
params: {most_mm: 5}
severity: warning
allow: 2%
per: site
cite: [house style]
standard: PS3.3 C.7.6.2
why: {en: Small findings fall between slices., zh: 小病灶会落在层面之间。}
remedy:
  who: scanner
  manual: {en: Agree on thinner slices., zh: 约定更薄的层厚。}
status: stable
since: 0.1.0
cases:
  - {name: 8 mm, expect: fail, given: {Modality: CT, slice_step_mm: 8}}
  - {name: 3 mm, expect: pass, given: {Modality: CT, slice_step_mm: 3}}
  - {name: no step, expect: unknown, given: {Modality: CT}}
"""


@pytest.fixture(scope="session")
def book() -> Book:
    return load_book()


@pytest.fixture
def plain() -> str:
    """Return the text of a rule in which everything is right."""
    return PLAIN


def changed(**lines: str | None) -> str:
    """Return the plain rule with the lines of some keys replaced, or left out (None)."""
    kept = []
    for line in PLAIN.splitlines():
        key = line.split(":")[0]
        if key in lines and not line.startswith(" "):
            if lines[key] is not None:
                kept.append(lines.pop(key))
            else:
                lines.pop(key)
        else:
            kept.append(line)
    assert not lines, f"no such key: {lines}"
    return "\n".join(kept) + "\n"


@pytest.fixture
def rule_with() -> Callable[..., Rule]:
    """Return a maker of rules: the plain one, with some lines replaced."""
    return lambda **lines: parse_rule(changed(**lines), Path("rule.yaml"))
