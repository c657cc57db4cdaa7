"""A policy: what a gate asks for before data may be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from dqkit.audit.only import Only
from dqkit.index.checksums import Rehash
from dqkit.model import Severity
from dqkit.rulebook.document import Mark
from dqkit.rulebook.rule import Allow
from dqkit.rulebook.scope import Scope


class Unknown(StrEnum):
    """Reasons of an unknown outcome."""

    MISSING = "missing"
    VARYING = "varying"
    NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True)
class Allowance:
    """How much of `rules` may fail (or be unknown) at `site`; None = at every site by itself.

    `rules` is a selector as `dqkit audit --select` takes it: an id, a family, a name, a pattern, a pack, a variant.
    `at_most` None = any number.
    """

    rules: str
    at_most: Allow | None
    site: str | None
    mark: Mark


@dataclass(frozen=True)
class MaxUnknown:
    """How many entities of a rule may have an unknown outcome at a site.

    Attributes
    ----------
    by_severity
        Severity -> share of the rule's entities, or a count; a severity that is not here is not limited.
    rules
        Limits of single rules, which win over those of their severity; later ones win over earlier ones.
    reasons
        Which unknowns count.
    """

    by_severity: Mapping[Severity, Allow] = field(default_factory=lambda: {Severity.CRITICAL: Allow(count=0)})
    rules: tuple[Allowance, ...] = ()
    reasons: frozenset[Unknown] = frozenset({Unknown.MISSING, Unknown.VARYING})


class Counted(StrEnum):
    """What a minimum counts."""

    PATIENTS = "patients"
    STUDIES = "studies"
    SERIES = "series"
    IMAGES = "images"


class Per(StrEnum):
    """For what each a minimum must hold."""

    SITE = "site"
    ARCHIVE = "archive"
    CLASS = "class"
    SITE_AND_CLASS = "site and class"

    @property
    def needs_classes(self) -> bool:
        """Whether there must be a dataset that names classes."""
        return self in {Per.CLASS, Per.SITE_AND_CLASS}


@dataclass(frozen=True)
class Minimum:
    """At least `number` of what `counted` says, among the series inside `scope`.

    Attributes
    ----------
    name
        Tells it from the others: what it counts and where.
    sites, classes
        For these alone, there or not; empty = for every one that is there.
    """

    name: str
    counted: Counted
    number: int
    scope: Scope
    per: Per
    sites: tuple[str, ...]
    classes: tuple[str, ...]
    severity: Severity
    mark: Mark


@dataclass(frozen=True)
class DatasetColumns:
    """What the columns of a dataset file are called; empty = found by their usual names."""

    file: str = ""
    label: str = ""
    split: str = ""
    root: Path | None = None
    """Where relative paths of the file hang; None = on its own folder."""


@dataclass(frozen=True)
class Pin:
    """A pack at the version that the policy relies on; `pack` is its name, or its file."""

    pack: str
    version: str
    mark: Mark

    @property
    def is_file(self) -> bool:
        """Whether it is a file of one's own."""
        return self.pack.endswith((".yaml", ".yml"))


@dataclass(frozen=True)
class Action:
    """Whom to tell: an Action of the Checkpoint.

    Attributes
    ----------
    kind
        ``slack``, ``teams`` or ``email``.
    always
        Whether it tells of every verdict, or of those alone that are not green.
    settings
        As the policy has them. A secret is never among them, but the name of the environment variable that holds it.
    """

    kind: str
    always: bool
    settings: Mapping[str, str | int | tuple[str, ...]]
    mark: Mark


@dataclass(frozen=True)
class Policy:
    """What a gate asks for; `text` and `sha256` are those of its file.

    Attributes
    ----------
    select, ignore
        Rules, as `dqkit audit` takes them.
    only
        The sites and modalities that are judged.
    fail_on
        The mildest severity that fails the gate.
    allow
        In the place of the allowances of rules; later ones win over earlier ones.
    max_catalog_age
        The oldest that the last look at any source may be; None = any age.
    required_sites
        Sites that must be there.
    """

    path: Path
    text: str
    sha256: str
    name: str
    packs: tuple[Pin, ...]
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    only: Only = field(default_factory=Only)
    fail_on: Severity = Severity.CRITICAL
    allow: tuple[Allowance, ...] = ()
    max_unknown: MaxUnknown = field(default_factory=MaxUnknown)
    minimum: tuple[Minimum, ...] = ()
    max_catalog_age: timedelta | None = None
    rehash: Rehash = Rehash.SAMPLE
    required_sites: tuple[str, ...] = ()
    dataset: DatasetColumns = field(default_factory=DatasetColumns)
    actions: tuple[Action, ...] = ()
