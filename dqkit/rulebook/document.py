"""A YAML file as a tree in which every value knows its line, so that errors can say where they are.

Only plain data is read: no tags, anchors or aliases, and ``yes``, ``no``, ``on`` and ``off`` are text (YAML 1.2),
since YES and NO are values of DICOM attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dqkit.errors import DqkitError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where the wheel carries it: ten times faster over a hundred rule files."""

_SCALARS = yaml.constructor.SafeConstructor()
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)
_MAX_DEPTH = 20


@dataclass(frozen=True)
class Mark:
    """A place in a rule file."""

    path: Path
    line: int

    def error(self, message: str, hint: str = "") -> DqkitError:
        """Return an error that names this place."""
        return DqkitError(f"{self.path}:{self.line}: {message}", hint)


@dataclass(frozen=True)
class Node:
    """A value of a rule file: a scalar, a tuple of nodes, or a mapping of key to node."""

    value: Any
    mark: Mark

    def plain(self) -> Any:
        """Return the value as ordinary Python data, without the lines."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    @property
    def word(self) -> str:
        """What kind of value this is, in the words of error messages."""
        if isinstance(self.value, Mapping):
            return "a mapping"
        if isinstance(self.value, tuple):
            return "a list"
        return "nothing" if self.value is None else f"{self.value!r}"


def as_node(value: Any, mark: Mark) -> Node:
    """Return plain data as a tree of nodes that all stand at `mark`; the reverse of `Node.plain`."""
    if isinstance(value, Mapping):
        return Node({str(key): as_node(child, mark) for key, child in value.items()}, mark)
    if isinstance(value, list | tuple):
        return Node(tuple(as_node(child, mark) for child in value), mark)
    return Node(value, mark)


def parse_document(text: str, path: Path, what: str = "a rule") -> Node:
    """Read the one mapping that a rule file is (or `what` else, for errors).

    Raises
    ------
    DqkitError
        The text is no YAML, is empty, is no mapping, repeats a key, or uses tags, anchors or aliases.
    """
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise Mark(path, mark.line + 1 if mark else 1).error(f"this is not YAML: {problem}") from error
    if root is None:
        hint = (
            "start from a rule of the book: dqkit rules show GEO-003" if what == "a rule" else f"write {what} into it"
        )
        raise Mark(path, 1).error("the file is empty", hint)
    node = _node(root, path, set(), 0)
    if not isinstance(node.value, Mapping):
        raise node.mark.error(f"{what} is a mapping of keys to values, not {node.word}")
    return node


def _node(raw: Any, path: Path, seen: set[int], depth: int) -> Node:
    mark = Mark(path, raw.start_mark.line + 1)
    if id(raw) in seen:
        raise mark.error("anchors and aliases (& and *) are not allowed", "write the value out")
    if depth > _MAX_DEPTH:
        raise mark.error(f"values are nested deeper than {_MAX_DEPTH} levels")
    seen.add(id(raw))
    if raw.tag not in _PLAIN_TAGS:
        raise mark.error(f"the tag {raw.tag!r} is not allowed", "such files hold plain text, numbers, dates and lists")
    if isinstance(raw, yaml.MappingNode):
        return Node(_mapping(raw, path, seen, depth), mark)
    if isinstance(raw, yaml.SequenceNode):
        return Node(tuple(_node(item, path, seen, depth + 1) for item in raw.value), mark)
    return Node(_scalar(raw, mark), mark)


def _mapping(raw: Any, path: Path, seen: set[int], depth: int) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for key, value in raw.value:
        mark = Mark(path, key.start_mark.line + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise mark.error("a key must be a word")
        if key.value in found:
            raise mark.error(f"the key {key.value!r} stands twice")
        found[key.value] = _node(value, path, seen, depth + 1)
    return found


def _scalar(raw: Any, mark: Mark) -> Any:
    if raw.tag.endswith(":bool") and raw.value.lower() not in {"true", "false"}:
        return raw.value
    try:
        return _SCALARS.construct_object(raw)
    except ValueError as error:
        raise mark.error(f"{raw.value!r} is no value of YAML: {error}") from error
    finally:
        _SCALARS.constructed_objects.clear()
