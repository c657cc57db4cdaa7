"""A policy: what a gate asks for before data may be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from dqkit.model import Severity
from dqkit.rulebook.rule import Allow
from dqkit.rulebook.scope import Scope


class Rehash(StrEnum):
    """Which files of a dataset are read again, to be sure that they are those that were audited."""

    NONE = "none"
    SAMPLE = "sample"
    ALL = "all"


class Unknown(StrEnum):
    """Reasons of an unknown outcome."""

    MISSING = "missing"
    VARYING = "varying"
    NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True)
class Allowance:
    """How much of `rules` may fail (or be unknown) at `site`; None = at every site by itself.

    `rules` is a selector as `dqkit audit --select` takes it: an id, a family, a name, a pattern, a pack, a variant.
    """

    rules: str
    at_most: Allow
    site: str | None = None


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


@dataclass(frozen=True)
class Minimum:
    """At least `number` of what `counted` says, among the series inside `scope`.

    Attributes
    ----------
    sites, classes
        For these alone; empty = for every one that is there.
    """

    name: str
    counted: Counted
    number: int
    scope: Scope = field(default_factory=Scope)
    per: Per = Per.SITE
    sites: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    severity: Severity = Severity.CRITICAL


@dataclass(frozen=True)
class DatasetColumns:
    """What the columns of a dataset file are called; empty = found by their usual names."""

    file: str = ""
    label: str = ""
    root: Path | None = None
    """Where relative paths of the file hang; None = on its own folder."""


@dataclass(frozen=True)
class Action:
    """Whom to tell: an Action of the Checkpoint. Secrets stand in environment variables, here are their names."""

    kind: str
    on: str
    settings: Mapping[str, str | int | bool | tuple[str, ...]]
    line: int


@dataclass(frozen=True)
class Policy:
    """What a gate asks for; `text` and `sha256` are those of its file.

    Attributes
    ----------
    packs
        References with a version (``lung-screening-ct@1.0.0``) or files; none = the book as `general`, pinned too.
    select, ignore
        Rules, as `dqkit audit` takes them.
    fail_on
        The severities that fail the gate.
    allow
        In the place of the allowances of rules; later ones win over earlier ones.
    max_catalog_age
        The oldest that the last look at every source may be; None = any age.
    required_sites
        Sites that must be there.
    """

    path: Path
    text: str
    sha256: str
    name: str
    packs: tuple[str, ...]
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: frozenset[Severity] = frozenset({Severity.CRITICAL})
    allow: tuple[Allowance, ...] = ()
    max_unknown: MaxUnknown = field(default_factory=MaxUnknown)
    minimum: tuple[Minimum, ...] = ()
    max_catalog_age: timedelta | None = None
    rehash: Rehash = Rehash.NONE
    required_sites: tuple[str, ...] = ()
    dataset: DatasetColumns = field(default_factory=DatasetColumns)
    actions: tuple[Action, ...] = ()
