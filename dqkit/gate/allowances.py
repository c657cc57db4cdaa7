"""What a policy allows to fail, in the place of what rules allow themselves."""

from collections.abc import Mapping, Sequence

import polars as pl

from dqkit.audit.outcomes import allowed
from dqkit.errors import DqkitError
from dqkit.gate.policy import Allowance
from dqkit.rulebook.book import Book
from dqkit.rulebook.rule import Allow, Rule

ANY_NUMBER = 2**62
"""What stands for "any number" where a count is needed."""

Key = tuple[str, str]


class Allowances:
    """Finds the last entry of a list that speaks of a rule at a site.

    Raises
    ------
    DqkitError
        An entry names no rule that is judged, or a site where the rule is judged for the archive as a whole; names
        the line.
    """

    def __init__(self, entries: Sequence[Allowance], book: Book) -> None:
        self._entries = [(entry, _keys(entry, book)) for entry in entries]

    def of(self, key: Key, site: str | None) -> Allowance | None:
        """Return the entry that holds, or None."""
        for entry, keys in reversed(self._entries):
            if key in keys and entry.site in {None, site}:
                return entry
        return None


def _keys(entry: Allowance, book: Book) -> frozenset[Key]:
    try:
        rules = book.select([entry.rules]).rules
    except DqkitError as error:
        raise entry.mark.error(f"no rule that the policy judges goes by {entry.rules!r}", error.hint) from error
    if entry.site is not None and (whole := [rule.label for rule in rules if rule.per == "archive"]):
        raise entry.mark.error(f"{whole[0]} is judged for the archive as a whole", "leave site out")
    return frozenset(rule.key for rule in rules)


def at_most(limit: Allow | None, judged: int) -> int:
    """Return how many of `judged` entities `limit` lets pass; None = any number."""
    return ANY_NUMBER if limit is None else allowed(limit, judged)


def with_allowances(outcomes: pl.DataFrame, rules: Mapping[Key, Rule], allowances: Allowances) -> pl.DataFrame:
    """Return `outcomes` with `allowed` as the policy wants it."""
    counts = []
    for row in outcomes.select("rule_id", "variant", "site", "passed", "failed", "allowed").iter_rows(named=True):
        key = row["rule_id"], row["variant"]
        entry = allowances.of(key, row["site"]) if key in rules else None
        judged = row["passed"] + row["failed"]
        counts.append(row["allowed"] if entry is None else at_most(entry.at_most, judged))
    return outcomes.with_columns(pl.Series("allowed", counts, dtype=pl.Int64))
