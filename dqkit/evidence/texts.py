"""The texts that judged: rules, packs, vocabulary, as they are at hand, held against what the verdict names."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from dqkit.rulebook.cases import run_cases
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.rule import Rule, Text
from dqkit.shipped import shipped

_ALSO_JUDGE = ("recognisers", "vocabulary")
"""Folders of rules/ whose tables rules and packs refer to."""


def rule_members(rules: Iterable[Rule]) -> Iterator[tuple[str, bytes]]:
    """Give the file of each rule, each once, whatever packs made of it."""
    by_id = {rule.id: rule for rule in rules}
    for rule in by_id.values():
        yield f"rules/{rule.id}-{rule.name}.yaml", rule.path.read_bytes()


def pack_members(packs: Iterable[Pack]) -> Iterator[tuple[str, bytes]]:
    """Give the text of each pack and of those that it extends."""
    texts = {name: text for pack in packs for name, text in reversed(pack.texts)}
    for name, text in texts.items():
        yield f"packs/{name}.yaml", text.encode()


def table_members() -> Iterator[tuple[str, bytes]]:
    """Give the tables that rules refer to, as they ship."""
    for folder in _ALSO_JUDGE:
        for path in sorted((shipped("rules") / folder).glob("*.yaml")):
            yield f"{folder}/{path.name}", path.read_bytes()


def rule_tests(rules: Iterable[Rule]) -> dict[str, Any]:
    """Run the cases that stand in the files of `rules`, and return what came out."""
    results = []
    cases = failed = 0
    for rule in sorted(rules, key=lambda one: one.id):
        ran = run_cases(rule)
        told = [{"name": one.case, "outcomes": list(one.outcomes), "passed": one.passed} for one in ran]
        results.append({"rule_id": rule.id, "sha256": rule.sha256, "cases": told})
        cases, failed = cases + len(ran), failed + sum(not one.passed for one in ran)
    return {"rules": len(results), "cases": cases, "failed": failed, "results": results}


def as_json(value: object) -> bytes:
    """Return `value` as readable JSON with a line at its end."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def sha256_of_text(text: str) -> str:
    """Return the hash of a text, as verdicts name it."""
    return hashlib.sha256(text.encode()).hexdigest()


def said(en: str, zh: str) -> Text:
    """Return a sentence in every language."""
    return {"en": en, "zh": zh}
