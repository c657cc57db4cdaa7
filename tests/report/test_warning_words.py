"""Every sentence that harmonize warns with is there in Chinese."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dqkit.harmonize
from dqkit.report.warning_words import warning


def warnings() -> Iterator[str]:
    for path in Path(dqkit.harmonize.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            (text,) = node.args[:1] or (None,)
            if name == "warn" and isinstance(text, ast.Constant):
                yield str(text.value)


def test_every_plain_sentence_has_its_chinese() -> None:
    told = list(warnings())
    assert len(told) > 10
    assert [text for text in told if warning(text)["zh"] == text] == []
