"""What a gate is asked: a policy, the rules that it calls for, and what a person gives beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dqkit.audit.only import Only
from dqkit.catalog.cohort import Cohort
from dqkit.gate.baseline import Baseline
from dqkit.gate.policy import Policy
from dqkit.gate.policy_file import pinned_packs
from dqkit.gate.waivers import WaiverFile
from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.pack_rules import with_packs


@dataclass(frozen=True)
class GateOptions:
    """What a person may give a gate beside its policy.

    Attributes
    ----------
    dataset
        The file or folder that names what training will read.
    cohort
        The series that are judged.
    lang
        Language of what actions say.
    now
        What time it is.
    """

    waivers: WaiverFile = field(default_factory=WaiverFile)
    baseline: Baseline | None = None
    dataset: Path | None = None
    cohort: Cohort | None = None
    lang: str = "en"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Judges:
    """The rules that a policy asks for, and the packs that they come from beside the book."""

    book: Book
    packs: tuple[Pack, ...]


@dataclass(frozen=True)
class Asked:
    """What a gate was asked."""

    policy: Policy
    judges: Judges
    options: GateOptions

    @property
    def only(self) -> Only:
        """What alone is judged."""
        return replace(self.policy.only, cohort=self.options.cohort)


def judges_of(policy: Policy, rules: Sequence[Path] = ()) -> Judges:
    """Load the rules that `policy` asks for; `rules` are files and folders of further ones.

    Raises
    ------
    DqkitError
        A rule, a pack or a selector is wrong, or a pack has another version than the policy relies on.
    NothingToCheckError
        The policy leaves no rule.
    """
    packs = pinned_packs(policy)
    return Judges(with_packs(load_book(rules), packs).select(policy.select, policy.ignore), packs)
