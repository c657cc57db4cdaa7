"""The rules and packs that are at hand now, held against those that a verdict names."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dqkit.errors import DqkitError
from dqkit.gate.policy_file import parse_policy, pinned_packs
from dqkit.gate.run import Judges
from dqkit.rulebook.book import Book
from dqkit.rulebook.pack import Pack, general_pack
from dqkit.rulebook.pack_rules import with_packs

Key = tuple[str, str]


def judges_at_hand(verdict: Mapping[str, Any], beside: Path, book: Book) -> tuple[Judges | None, str]:
    """Take the rules and packs that the policy of a verdict names, and say why where that cannot be.

    Parameters
    ----------
    beside
        The policy's file, or where it would lie: packs of one's own are named from there.
    book
        The rules at hand, those of one's own among them.
    """
    try:
        policy = parse_policy(verdict["policy"]["text"], beside)
        packs = pinned_packs(policy)
        return Judges(with_packs(book, packs).select(policy.select, policy.ignore), packs), ""
    except DqkitError as error:
        return None, error.message


def named_rules(verdict: Mapping[str, Any]) -> dict[Key, str]:
    """Return (id, variant) -> sha256 of the rules that judged."""
    return {(row["rule_id"], row["variant"] or ""): row["sha256"] for row in verdict["rules"]}


def changed_rules(verdict: Mapping[str, Any], judges: Judges) -> list[str]:
    """Return labels of the rules whose text is not the one that judged, and of those that are gone."""
    now = {rule.key: rule.sha256 for rule in judges.book.rules}
    named = named_rules(verdict)
    return [" ".join(key).strip() for key, sha256 in sorted(named.items()) if now.get(key) != sha256]


def changed_packs(verdict: Mapping[str, Any], packs: Iterable[Pack]) -> list[str]:
    """Return names of the packs whose text is not the one that judged, and of those that are gone."""
    now = {pack.name: pack.sha256 for pack in packs}
    return [row["name"] for row in verdict["packs"] if now.get(row["name"]) != row["sha256"]]


def packs_named(verdict: Mapping[str, Any], judges: Judges) -> tuple[Pack, ...]:
    """Return the packs at hand that a verdict names, the whole book among them where it judged."""
    names = {row["name"] for row in verdict["packs"]}
    return tuple({pack.name: pack for pack in (general_pack(), *judges.packs) if pack.name in names}.values())
