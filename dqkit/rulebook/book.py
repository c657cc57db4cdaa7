"""The book of rules: all that are known, what implies what, and how to name some of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.model import Level, RuleStatus
from dqkit.rulebook.document import Mark
from dqkit.rulebook.load import load_rule
from dqkit.rulebook.rule import Allow, Rule
from dqkit.rulebook.section import close_to
from dqkit.shipped import shipped

_NOT_RULES = frozenset({"frameworks", "mappings", "packs", "recipes", "recognisers", "vocabulary"})
"""Folders of rules/ that hold something else."""

_FILES = (Level.FILE, Level.INSTANCE)
_ABOVE_SERIES = (Level.STUDY, Level.PATIENT, Level.SITE, Level.ARCHIVE)
ANCESTORS: dict[Level, tuple[Level, ...]] = {
    Level.FILE: (Level.FILE, Level.INSTANCE, Level.SERIES, *_ABOVE_SERIES),
    Level.INSTANCE: (Level.FILE, Level.INSTANCE, Level.SERIES, *_ABOVE_SERIES),
    Level.LABEL: (Level.LABEL, Level.SERIES, *_ABOVE_SERIES),
    Level.STACK: (*_FILES, Level.STACK, Level.SERIES, *_ABOVE_SERIES),
    Level.SERIES: (*_FILES, Level.SERIES, *_ABOVE_SERIES),
    Level.STUDY: _ABOVE_SERIES,
    Level.PATIENT: _ABOVE_SERIES[1:],
    Level.SITE: _ABOVE_SERIES[2:],
    Level.ARCHIVE: (Level.ARCHIVE,),
}
"""Level of a consequence -> levels at which its cause may be found: the entity itself or one above it. A file and
its instance are one entity; one bad file is the cause of what is measured of the slices of its series together."""


@dataclass(frozen=True)
class Book:
    """Rules in the order of their ids."""

    rules: tuple[Rule, ...]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def get(self, name: str) -> Rule:
        """Return the rule of that id or name.

        Raises
        ------
        DqkitError
            There is none; says which are close.
        """
        for rule in self.rules:
            if name.lower() in (rule.id.lower(), rule.name):
                return rule
        raise self._unknown(name)

    def select(self, select: Sequence[str] = (), ignore: Sequence[str] = (), *, with_open: bool = False) -> "Book":
        """Return the rules that `select` names (all where empty), without those that `ignore` names.

        A selector is an id (``GEO-003``), a family (``GEO``), a name (``slice-gap``) or a pattern of either
        (``GEO-0*``, ``*-missing``), each with all its variants; or a pack (``prostate-mr``; ``general`` is the book) or
        one variant (``prostate-mr/t2-thickness``). Deprecated rules must be named. Open rules, which only a pack can
        use, are left out unless `with_open`.

        Raises
        ------
        DqkitError
            A selector names nothing; says which are close.
        NothingToCheckError
            Nothing is left.
        """
        left_out = {rule.key for selector in ignore for rule in self._named(selector)}
        if select:
            wanted = {rule.key for selector in select for rule in self._named(selector)}
        else:
            wanted = {rule.key for rule in self.rules if rule.status is not RuleStatus.DEPRECATED}
        named = tuple(rule for rule in self.rules if rule.key in wanted - left_out)
        rules = tuple(rule for rule in named if with_open or not rule.is_open)
        if named and not rules:
            raise NothingToCheckError("the rules named are judged only where a pack uses them", "name one with --pack")
        if not rules:
            raise NothingToCheckError("no rule is left to check", "loosen --select or --ignore")
        return Book(rules)

    def _named(self, selector: str) -> tuple[Rule, ...]:
        pattern = selector.strip().lower()
        found = tuple(
            rule
            for rule in self.rules
            if pattern in (rule.family.lower(), rule.pack or "general")
            or any(fnmatchcase(text, pattern) for text in (rule.id.lower(), rule.name, rule.variant))
        )
        if not found:
            raise self._unknown(selector)
        return found

    def _unknown(self, name: str) -> DqkitError:
        known = {text for rule in self.rules for text in (rule.id, rule.name, rule.family, rule.pack) if text}
        hint = close_to(name, known, "rules") or f"families: {', '.join(sorted({rule.family for rule in self.rules}))}"
        return DqkitError(f"there is no rule {name!r}", hint)


def load_book(paths: Iterable[Path] | None = None) -> Book:
    """Load the rules that ship with dqkit, and those of further files or folders.

    Raises
    ------
    DqkitError
        A file is no rule, an id or name stands twice, or `implied_by` makes no sense.
    """
    files: list[Path] = []
    for path in paths or ():
        files += _rule_files(path) if path.is_dir() else [path]
    return make_book([*_shipped_rules(shipped("rules")), *map(load_rule, files)])


@cache
def _shipped_rules(folder: Path) -> tuple[Rule, ...]:
    """Return the rules that ship with dqkit, which stay the same as long as it runs."""
    return tuple(map(load_rule, _rule_files(folder)))


def make_book(rules: Iterable[Rule]) -> Book:
    """Return a book of `rules`, checked as a whole.

    Raises
    ------
    DqkitError
        An id or name stands twice, or `implied_by` makes no sense.
    """
    ordered = sorted(rules, key=lambda rule: rule.id)
    by_id: dict[str, Rule] = {}
    names: dict[str, Rule] = {}
    for rule in ordered:
        for key, text, seen in (("id", rule.id, by_id), ("name", rule.name, names)):
            if text in seen:
                raise _mark(rule, key).error(
                    f"the {key} {text} stands in {seen[text].path} too", "ids are never reused"
                )
            seen[text] = rule
    for rule in ordered:
        for cause in rule.implied_by:
            _check_cause(rule, cause, by_id)
        _check_cycle(rule, by_id)
    return Book(tuple(ordered))


def _rule_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*.y*ml")
        if path.suffix in (".yaml", ".yml") and _NOT_RULES.isdisjoint(path.relative_to(folder).parts)
    )


def _mark(rule: Rule, key: str) -> Mark:
    return Mark(rule.path, rule.lines.get(key, 1))


def _check_cause(rule: Rule, cause_id: str, by_id: Mapping[str, Rule]) -> None:
    mark = _mark(rule, "implied_by")
    cause = by_id.get(cause_id)
    if cause is None:
        raise mark.error(f"implied_by names {cause_id!r}, and there is no such rule", close_to(cause_id, by_id, ""))
    if cause.level not in ANCESTORS[rule.level]:
        allowed = ", ".join(ANCESTORS[rule.level])
        raise mark.error(
            f"{cause_id} speaks of a {cause.level}, and {rule.id} of a {rule.level}",
            f"the cause may speak of: {allowed}",
        )
    if cause.severity.rank < rule.severity.rank:
        raise mark.error(f"{cause_id} is milder ({cause.severity}) than its consequence {rule.id} ({rule.severity})")
    if cause.status is RuleStatus.PREVIEW and rule.status is not RuleStatus.PREVIEW:
        raise mark.error(f"{cause_id} is a preview, which never fails a gate, and would silence {rule.id}")
    if not as_strict(cause.allow, rule.allow):
        raise mark.error(
            f"{cause_id} allows more failures ({cause.allow}) than its consequence {rule.id} ({rule.allow})"
        )


def as_strict(cause: Allow, consequence: Allow) -> bool:
    """Tell whether `cause` allows no more failures than `consequence`."""
    if not (cause.count or cause.share):
        return True
    if cause.count is not None and consequence.count is not None:
        return cause.count <= consequence.count
    if cause.count is None and consequence.count is None:
        return (cause.share or 0) <= (consequence.share or 0)
    return False


def _check_cycle(rule: Rule, by_id: Mapping[str, Rule]) -> None:
    open_ids, seen = list(rule.implied_by), set[str]()
    while open_ids:
        cause = open_ids.pop()
        if cause == rule.id:
            raise _mark(rule, "implied_by").error(f"implied_by leads from {rule.id} back to itself")
        if cause not in seen and cause in by_id:
            seen.add(cause)
            open_ids += by_id[cause].implied_by
