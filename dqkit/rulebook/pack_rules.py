"""Packs and the book -> the rules of a run.

The plain rules of the book always run, as the pack `general`; what other packs use stands beside them as variants, so
that a pack never changes what the book says. A pack that is plain (it extends `general`) may change and drop rules of
the book itself.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dqkit.model import Level
from dqkit.rulebook.book import Book, as_strict
from dqkit.rulebook.checks.value_in import ValueIn
from dqkit.rulebook.checks.within import Within
from dqkit.rulebook.document import Mark
from dqkit.rulebook.narrowing import excludes, widens
from dqkit.rulebook.pack import Pack, Use
from dqkit.rulebook.params import instantiate
from dqkit.rulebook.rule import Rule
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section, close_to

_ABOVE = (Level.PATIENT, Level.SITE, Level.ARCHIVE)


@dataclass(frozen=True)
class Variant:
    """A rule as a pack made it, and the entry that it was made of."""

    rule: Rule
    use: Use


def with_packs(book: Book, packs: Sequence[Pack]) -> Book:
    """Return the rules of a run: those of the book, and the variants of `packs` beside them.

    Raises
    ------
    DqkitError
        A pack names no rule of the book, gives a param that a rule does not declare, widens a scope, contradicts
        itself, or makes a cause milder than its consequence; names the file and the line.
    """
    found = [(pack, variants_of(pack, book)) for pack in packs]
    replaced = {key for pack, variants in found for key in _replaced(pack, variants, book)}
    plain = [rule for rule in book.rules if rule.id not in replaced]
    variants = [variant for _, made in found for variant in made]
    rules = (*plain, *(variant.rule for variant in variants))
    _check_causes(variants, rules)
    return Book(tuple(sorted(rules, key=lambda rule: rule.key)))


def variants_of(pack: Pack, book: Book) -> tuple[Variant, ...]:
    """Return the rules that `pack` makes of those of the book.

    Raises
    ------
    DqkitError
        As `with_packs`.
    """
    made = tuple(Variant(_variant(pack, use, book), use) for use in pack.uses)
    seen: dict[str, Use] = {}
    for variant in made:
        name = variant.rule.variant
        if name in seen:
            raise variant.use.mark.error(
                f"{name!r} stands at line {seen[name].mark.line} too", "give each entry a name of its own with 'as'"
            )
        seen[name] = variant.use
    _check_agreement(made)
    return made


def causes_of(rule: Rule, by_id: Mapping[str, Sequence[Rule]]) -> tuple[Rule, ...]:
    """Return the rules whose failure explains that `rule` fails on the same entity.

    A plain rule is explained by plain rules alone. A rule of a pack is explained by what its own pack makes of the
    cause, else by the plain cause; and by the plain rule that it is a variant of, where that is at least as strict.
    """
    found: list[Rule] = []
    for cause_id in rule.implied_by:
        of_pack = [cause for cause in by_id.get(cause_id, ()) if cause.pack == rule.pack]
        found += of_pack or [cause for cause in by_id.get(cause_id, ()) if not cause.pack]
    if rule.pack:
        found += [same for same in by_id.get(rule.id, ()) if not same.pack and _is_harder(same, rule)]
    return tuple(found)


def by_rule_id(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Return the rules of each id: the plain one and its variants."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.id, []).append(rule)
    return found


def _variant(pack: Pack, use: Use, book: Book) -> Rule:
    base = _base(use, book)
    filled = instantiate(base, use.values, use.mark)
    _check_bounds(filled, use)
    text = f"{base.sha256}{pack.sha256}{use.name}"
    return replace(
        filled,
        scope=_scope(pack, use, filled),
        severity=use.severity or base.severity,
        allow=use.allow or base.allow,
        cite=use.cite or base.cite,
        variant=f"{pack.name}/{use.name or base.name}",
        pack="" if _changes_the_book(pack, use, base) else pack.name,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _base(use: Use, book: Book) -> Rule:
    for rule in book.rules:
        if use.rule.lower() == rule.id.lower() or use.rule == rule.name:
            return rule
    known = {text for rule in book.rules for text in (rule.id, rule.name)}
    raise use.mark.error(
        f"there is no rule {use.rule!r}", close_to(use.rule, known, "rules") or "see: dqkit rules list"
    )


def _changes_the_book(pack: Pack, use: Use, base: Rule) -> bool:
    """Tell whether an entry stands in the place of the plain rule: of a plain pack, under the rule's own name."""
    return pack.is_plain and not base.is_open and (use.name or base.name) == base.name


def _replaced(pack: Pack, variants: Sequence[Variant], book: Book) -> set[str]:
    """Return the ids of plain rules that a plain pack drops or puts its own in the place of."""
    found = {variant.rule.id for variant in variants if not variant.rule.pack}
    for name in pack.dropped:
        rule = next((r for r in book.rules if name.lower() == r.id.lower() or name == r.name), None)
        if rule is None:
            known = {text for r in book.rules for text in (r.id, r.name)}
            raise Mark(pack.path, 1).error(f"drop: there is no rule {name!r}", close_to(name, known, ""))
        found.add(rule.id)
    return found


def _scope(pack: Pack, use: Use, rule: Rule) -> Scope:
    """Return the scope of the rule, of the pack and of the entry together."""
    where = read_scope(Section(use.where, "where", rule.level)) if use.where is not None else Scope()
    of_pack = Scope() if _changes_the_book(pack, use, rule) else _scope_of_pack(pack, use, rule)
    limit = Scope((*rule.scope.conditions, *of_pack.conditions))
    mark = use.where.mark if use.where is not None else use.mark
    if wider := widens(limit, where):
        raise mark.error(f"{rule.id}: {wider}", "a pack may only narrow what a rule speaks of")
    for one, other in ((rule.scope, of_pack), (limit, where)):
        if never := excludes(one, other):
            raise mark.error(f"{rule.id} would never apply: {never}", "drop the entry, or change its scope")
    return Scope((*limit.conditions, *where.conditions))


def _scope_of_pack(pack: Pack, use: Use, rule: Rule) -> Scope:
    if rule.level in _ABOVE:
        raise use.mark.error(
            f"{rule.id} speaks of a {rule.level}", "a pack judges series and studies, and what they hold"
        )
    if rule.level is Level.STUDY:
        if pack.studies is None:
            raise use.mark.error(
                f"{rule.id} speaks of studies, and the pack does not say which", "studies: {modalities: MR}"
            )
        return read_scope(Section(pack.studies, "studies", Level.STUDY))
    if pack.scope is None:
        return Scope()
    section = Section(pack.scope, "scope", rule.level)
    for column in section.keys():  # noqa: SIM118 - a Section is no dict
        if column not in section.schema():
            raise use.mark.error(
                f"the pack judges by {column}, which a {rule.level} does not have", f"{rule.id} cannot be used here"
            )
    return read_scope(section)


def _check_bounds(rule: Rule, use: Use) -> None:
    least, most = _bounds(rule)
    if least is not None and most is not None and least > most:
        raise use.mark.error(f"{rule.id} asks for at least {least} and at most {most}: nothing passes")


def _bounds(rule: Rule) -> tuple[float | None, float | None]:
    if not isinstance(rule.check, Within):
        return None, None
    bounds = {key: value for key, value in rule.check.bounds if isinstance(value, int | float)}
    return bounds.get("min", bounds.get("above")), bounds.get("max", bounds.get("below"))


def _check_agreement(variants: Sequence[Variant]) -> None:
    """Refuse two entries of one rule that speak of the same entities and that nothing can pass together."""
    for i, one in enumerate(variants):
        for other in variants[:i]:
            if one.rule.id != other.rule.id or set(one.rule.scope.conditions) != set(other.rule.scope.conditions):
                continue
            if _contradict(one.rule, other.rule):
                raise one.use.mark.error(
                    f"{one.rule.variant} asks for what {other.rule.variant} (line {other.use.mark.line}) forbids",
                    f"{one.rule.check.expected()}; {other.rule.check.expected()}",
                )


def _contradict(one: Rule, other: Rule) -> bool:
    if isinstance(one.check, ValueIn) and isinstance(other.check, ValueIn):
        return set(one.check.values).isdisjoint(other.check.values)
    lows, highs = zip(_bounds(one), _bounds(other), strict=True)
    least = max((bound for bound in lows if bound is not None), default=None)
    most = min((bound for bound in highs if bound is not None), default=None)
    return least is not None and most is not None and least > most


def _check_causes(variants: Sequence[Variant], rules: Sequence[Rule]) -> None:
    """Refuse what a pack's severity or allowance would hide: a cause that is milder than its consequence."""
    by_id = by_rule_id(rules)
    uses = {variant.rule.key: variant.use for variant in variants}
    for rule in rules:
        for cause in causes_of(rule, by_id):
            named = [uses[one.key] for one in (rule, cause) if one.key in uses]
            if not named or _is_harder(cause, rule):
                continue
            use = next((use for use in named if use.severity or use.allow), named[0])
            raise use.mark.error(
                f"{cause.label} ({cause.severity}, allows {cause.allow}) would be milder than {rule.label} "
                f"({rule.severity}, allows {rule.allow}), which it explains",
                f"use {cause.id} too, as severe and as strict",
            )


def _is_harder(cause: Rule, rule: Rule) -> bool:
    return cause.severity.rank >= rule.severity.rank and as_strict(cause.allow, rule.allow)
