"""The params of a rule: values in its text that a pack may change, and rules that are open until one does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.check import EVERYONE, Check, Compiled, Expectation, Needs
from dqkit.rulebook.checks import CHECKS
from dqkit.rulebook.document import Mark, Node, as_node
from dqkit.rulebook.rule import Case, Rule
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section, close_to


@dataclass(frozen=True)
class Open:
    """The check of an open rule: what it will read, without the values that a pack gives.

    `sample` is the check with the values of the rule's first case that has some.
    """

    sample: Check
    params: tuple[str, ...]

    @classmethod
    def read(cls, section: Section) -> "Open":
        """Refuse: no rule file names this kind."""
        raise section.error("is no kind of check")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return self.sample.columns

    @property
    def needs(self) -> Needs:
        """Columns whose absence makes the outcome unknown."""
        return self.sample.needs

    def expected(self) -> str:
        """Say who decides what passes."""
        return f"what a pack asks for ({', '.join(self.params)})" if self.params else self.sample.expected()

    def compile(self, inside: pl.Expr = EVERYONE) -> Compiled:
        """Return the expressions of the sample, whose values are examples."""
        return self.sample.compile(inside)

    def expectation(self, inside: pl.Expr = EVERYONE) -> Expectation | None:
        """Return the expectation of the sample."""
        return self.sample.expectation(inside)


@dataclass(frozen=True)
class Filled:
    """The check and the scope of a rule with its params filled in."""

    kind: str
    check: Check
    scope: Scope


def read_params(section: Section, *, is_open: bool) -> Mapping[str, Node]:
    """Read ``params:``; only those of an open rule may be without a value.

    Raises
    ------
    DqkitError
        It is no mapping, or a value is missing.
    """
    node = section.take("params")
    if node is None:
        return {}
    if not isinstance(node.value, Mapping):
        raise node.mark.error(f"params is a mapping of name to value, not {node.word}")
    for name, value in node.value.items():
        if value.value is None and not is_open:
            raise value.mark.error(f"the param {name!r} has no value", "only an open rule may leave that to packs")
    return node.value


def sample_of(params: Mapping[str, Node], cases: Sequence[Case]) -> Mapping[str, Node]:
    """Return `params` with the values of the first case that gives some."""
    values: Mapping[str, Any] = next((case.params for case in cases if case.params), {})
    return {name: as_node(values[name], node.mark) if name in values else node for name, node in params.items()}


def fill(section: Section, level: Level, params: Mapping[str, Node]) -> Filled:
    """Read ``check:`` and ``scope:`` of a rule file with every ``{param: name}`` replaced by its value.

    A param without a value leaves its key out, and with it a mapping that nothing else stands in.

    Raises
    ------
    DqkitError
        A param is not declared or not used, or the check or scope makes no sense with these values.
    """
    used: set[str] = set()
    node = _filled(section.need("check"), params, used)
    kind, check = _check(node or section.need("check"), level)
    scope_node = section.take("scope")
    scope_node = scope_node and _filled(scope_node, params, used)
    scope = read_scope(Section(scope_node, "scope", level)) if scope_node else Scope()
    for name in params:
        if name not in used:
            raise params[name].mark.error(f"no check or scope uses the param {name!r}")
    return Filled(kind, check, scope)


def instantiate(rule: Rule, values: Mapping[str, Node], mark: Mark | None = None) -> Rule:
    """Return `rule` with other values of its params; no rule is open after that.

    Errors name the place of the value, or `mark` where one is missing.

    Raises
    ------
    DqkitError
        The rule declares no such param, a value does not fit, or an open rule gets no value at all.
    """
    here = mark or Mark(rule.path, rule.lines.get("params", 1))
    for name, node in values.items():
        if name not in rule.params:
            known = close_to(name, rule.params, "its params") or f"its params: {', '.join(rule.params)}"
            raise node.mark.error(
                f"{rule.id} has no param {name!r}", known if rule.params else f"{rule.id} has no params"
            )
    params = {name: values.get(name) or as_node(value, here) for name, value in rule.params.items()}
    if rule.is_open and params and all(node.value is None for node in params.values()):
        raise here.error(f"{rule.id} is open and gets no value", f"give at least one of: {', '.join(rule.params)}")
    filled = fill(Section(_source(rule), "the rule", rule.level), rule.level, params)
    plain = {name: node.plain() for name, node in params.items()}
    return replace(rule, check=filled.check, scope=filled.scope, params=plain, is_open=False)


def _source(rule: Rule) -> Node:
    """Return check and scope as the file has them, each at its own line."""
    parts = {
        key: as_node(rule.source[key], Mark(rule.path, rule.lines.get(key, 1)))
        for key in ("check", "scope")
        if key in rule.source
    }
    return Node(parts, Mark(rule.path, 1))


def _check(node: Node, level: Level) -> tuple[str, Check]:
    outer = Section(node, "check", level)
    if len(outer.keys()) != 1:
        raise node.mark.error("check names one kind of check", f"kinds: {', '.join(CHECKS)}")
    kind = outer.keys()[0]
    if kind not in CHECKS:
        raise outer.need(kind).mark.error(f"there is no kind of check {kind!r}", close_to(kind, CHECKS, "kinds"))
    inner = Section(outer.need(kind), f"check {kind}", level)
    check = CHECKS[kind].read(inner)
    inner.finish()
    return kind, check


def _filled(node: Node, params: Mapping[str, Node], used: set[str]) -> Node | None:
    """Return `node` with its params filled in; None where nothing is left of it."""
    if isinstance(node.value, Mapping):
        if tuple(node.value) == ("param",):
            return _value_of(node, params, used)
        found = {key: _filled(child, params, used) for key, child in node.value.items()}
        kept = {key: child for key, child in found.items() if child is not None}
        return Node(kept, node.mark) if kept or not found else None
    if isinstance(node.value, tuple):
        items = [_filled(child, params, used) for child in node.value]
        return Node(tuple(item for item in items if item is not None), node.mark)
    return node


def _value_of(node: Node, params: Mapping[str, Node], used: set[str]) -> Node | None:
    name = str(node.value["param"].value)
    if name not in params:
        raise node.mark.error(f"the param {name!r} is not declared under params", close_to(name, params, ""))
    used.add(name)
    given = params[name]
    if given.value is None:
        return None
    # an error about a value of the rule's own is at the check, of a pack's at the line of the pack
    return Node(given.value, node.mark if given.mark.path == node.mark.path else given.mark)
