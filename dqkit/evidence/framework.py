"""Frameworks (rules/frameworks/*.yaml): which rules and conditions are evidence for which chapter of a text.

A chapter is paraphrased, never quoted, and nothing here says that a chapter is met.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dqkit.errors import DqkitError
from dqkit.rulebook.document import Node, parse_document
from dqkit.rulebook.load import read_text
from dqkit.rulebook.rule import LANGUAGES, Text
from dqkit.rulebook.section import Section
from dqkit.shipped import shipped

_RULE = re.compile(r"[A-Z]{2,8}(-[0-9]{3})?")


@dataclass(frozen=True)
class Chapter:
    """A chapter of a framework.

    Attributes
    ----------
    id
        As the text numbers it.
    rules
        Families and ids of rules that are evidence for it.
    conditions
        Ids of conditions of a gate that are.
    documents
        Members of the evidence that are; a folder stands for all in it.
    gaps
        Language -> what dqkit never looks at, and the chapter asks for.
    """

    id: str
    title: Text
    rules: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    gaps: Mapping[str, tuple[str, ...]] | None = None

    def speaks_of(self, rule_id: str) -> bool:
        """Tell whether a rule is evidence for this chapter."""
        return rule_id in self.rules or rule_id.partition("-")[0] in self.rules


@dataclass(frozen=True)
class Framework:
    """A text whose chapters ask for evidence about data; `wording` says that its chapters are paraphrased."""

    id: str
    title: Text
    citation: str
    wording: str
    chapters: tuple[Chapter, ...]


def load_frameworks() -> tuple[Framework, ...]:
    """Load the frameworks that ship with dqkit, in the order of their names."""
    return tuple(load_framework(path) for path in sorted((shipped("rules") / "frameworks").glob("*.yaml")))


def load_framework(path: Path) -> Framework:
    """Load the framework of one file.

    Raises
    ------
    DqkitError
        It cannot be read, or is wrong: says file, line and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DqkitError(f"the framework {path} cannot be read ({type(error).__name__})", "check the path") from error
    section = Section(parse_document(text, path, "a framework"), "the framework")
    chapters = section.need("chapters")
    if not isinstance(chapters.value, tuple) or not chapters.value:
        raise chapters.mark.error("'chapters' is a list of chapters")
    framework = Framework(
        section.text("id"),
        read_text(section, "title"),
        section.text("citation"),
        section.choice("wording", ("paraphrase",)),
        tuple(_chapter(node) for node in chapters.value),
    )
    section.finish()
    return framework


def _chapter(node: Node) -> Chapter:
    section = Section(node, "the chapter")
    chapter = Chapter(
        section.text("id"),
        read_text(section, "title"),
        _ids(section, "rules"),
        _ids(section, "conditions"),
        section.texts("documents"),
        _gaps(section),
    )
    section.finish()
    return chapter


def _ids(section: Section, key: str) -> tuple[str, ...]:
    ids = section.texts(key)
    for name in ids:
        if not _RULE.fullmatch(name):
            raise section.need(key).mark.error(f"{name!r} is no family and no id", "such as GEO or GEO-003")
    return ids


def _gaps(section: Section) -> Mapping[str, tuple[str, ...]]:
    node = section.take("gaps")
    if node is None:
        return dict.fromkeys(LANGUAGES, ())
    inner = Section(node, "gaps")
    gaps = {language: inner.texts(language) for language in LANGUAGES}
    inner.finish()
    if len({len(texts) for texts in gaps.values()}) > 1:
        raise node.mark.error("'gaps' says as much in every language")
    return gaps
