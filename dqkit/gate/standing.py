"""Whether a verdict still stands: what changed since, and what could not be looked at."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from dqkit import __version__
from dqkit.archive.checksum import sha256_of
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError, ExitCode
from dqkit.gate.at_hand import changed_packs, changed_rules, judges_at_hand, packs_named
from dqkit.gate.policy_file import text_of
from dqkit.gate.standing_catalog import catalog_changes, run_changes, source_changes
from dqkit.gate.standing_dataset import dataset_changes
from dqkit.gate.verdict_file import VerdictFile
from dqkit.index.progress import Progress, Silent
from dqkit.rulebook.book import load_book
from dqkit.rulebook.rule import Text

_NAMED = 12


class About(StrEnum):
    """What a change is of."""

    VERDICT = "verdict"
    PROGRAM = "program"
    RULES = "rules"
    PACKS = "packs"
    POLICY = "policy"
    WAIVERS = "waivers"
    BASELINE = "baseline"
    COHORT = "cohort"
    CATALOG = "catalog"
    SOURCES = "sources"
    DATASET = "dataset"


@dataclass(frozen=True)
class Change:
    """Something that is not as it was when the verdict was given; `count` of what it counts, where it counts."""

    about: About
    text: Text
    count: int = 0


@dataclass(frozen=True)
class Standing:
    """What became of a verdict.

    Attributes
    ----------
    changes
        What changed, and so might lead to another verdict.
    not_looked_at
        What nobody could look at, or was not given.
    same
        What was looked at and is as it was.
    """

    changes: tuple[Change, ...] = ()
    not_looked_at: tuple[tuple[About, Text], ...] = ()
    same: tuple[About, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """1 something changed; else 3 something could not be looked at; else 0."""
        if self.changes:
            return ExitCode.FAILED
        return ExitCode.INCOMPLETE if self.not_looked_at else ExitCode.OK


@dataclass(frozen=True)
class Given:
    """What a person gives to hold a verdict against.

    Attributes
    ----------
    catalog
        The one that was judged; None = it cannot be opened, `catalog_error` says why.
    dataset, policy, waivers, baseline, cohort
        Files as they are now; None = not given.
    rules
        Files and folders of rules beside those that ship.
    reread
        Whether files of the dataset are read again though their size and time are as they were.
    today
        What day it is.
    """

    catalog: Catalog | None
    catalog_error: str = ""
    dataset: Path | None = None
    policy: Path | None = None
    waivers: Path | None = None
    baseline: Path | None = None
    cohort: Path | None = None
    rules: tuple[Path, ...] = ()
    reread: bool = False
    today: date = field(default_factory=date.today)


class _Looking:
    """What was found so far."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.unseen: list[tuple[About, Text]] = []
        self.looked: dict[About, None] = {}

    def change(self, about: About, en: str, zh: str, count: int = 0) -> None:
        self.changes.append(Change(about, {"en": en, "zh": zh}, count))

    def lack(self, about: About, en: str, zh: str) -> None:
        self.unseen.append((about, {"en": en, "zh": zh}))

    def standing(self) -> Standing:
        odd = {change.about for change in self.changes} | {about for about, _ in self.unseen}
        return Standing(
            tuple(self.changes), tuple(self.unseen), tuple(about for about in self.looked if about not in odd)
        )


def standing_of(verdict: VerdictFile, given: Given, progress: Progress | None = None) -> Standing:
    """Hold a verdict against what is there now; nothing is written.

    Raises
    ------
    DqkitError
        The catalog is not the one that was judged, or a file that was given cannot be read.
    """
    progress = progress or Silent()
    looking = _Looking()
    data = verdict.data
    _program(data, looking)
    _texts(data, given, verdict.path, looking)
    _waivers_expired(data, given.today, looking)
    if given.catalog is None:
        why = given.catalog_error
        looking.lack(About.CATALOG, f"the catalog: {why}", f"目录库：{why}")
    else:
        _catalog(given.catalog, data, looking, progress)
    if data["dataset"] is not None:
        _dataset(verdict, given, looking, progress)
    return looking.standing()


def _program(data: Any, looking: _Looking) -> None:
    looking.looked[About.PROGRAM] = None
    if data["dqkit_version"] != __version__:
        looking.change(
            About.PROGRAM,
            f"dqkit {data['dqkit_version']} judged, and this is {__version__}",
            f"判断时的程序为 dqkit {data['dqkit_version']}，现为 {__version__}",
        )


def _texts(data: Any, given: Given, beside: Path, looking: _Looking) -> None:
    judges, why = judges_at_hand(data, given.policy or beside, load_book(given.rules))
    if judges is None:
        looking.lack(About.RULES, f"rules and packs: {why}", f"规则与规则包：{why}")
    else:
        looking.looked |= dict.fromkeys((About.RULES, About.PACKS))
        if rules := changed_rules(data, judges):
            names = _some(rules)
            looking.change(About.RULES, f"rules changed or gone: {names}", f"规则已改变或不存在：{names}", len(rules))
        if packs := changed_packs(data, packs_named(data, judges)):
            names = _some(packs)
            looking.change(About.PACKS, f"packs changed or gone: {names}", f"规则包已改变或不存在：{names}", len(packs))
    for about, path, what_en, what_zh in _files_given(given):
        _text(data, about, path, looking, (what_en, what_zh))


def _files_given(given: Given) -> Iterator[tuple[About, Path, str, str]]:
    for about, path, en, zh in (
        (About.POLICY, given.policy, "the policy", "策略"),
        (About.WAIVERS, given.waivers, "the waivers", "豁免"),
        (About.BASELINE, given.baseline, "the baseline", "基线"),
        (About.COHORT, given.cohort, "the cohort", "队列"),
    ):
        if path is not None:
            yield about, path, en, zh


def _text(data: Any, about: About, path: Path, looking: _Looking, what: tuple[str, str]) -> None:
    """Hold a file against the hash that the verdict has of it; it may have been given without such a file."""
    looking.looked[about] = None
    named = data["only"].get("cohort") if about is About.COHORT else data[about.value]
    if named is None:
        looking.change(about, f"it was judged without {what[0]}", f"判断时没有{what[1]}")
    elif _digest(about, path) != named["sha256"]:
        looking.change(about, f"{what[0]} changed", f"{what[1]}已改变")


def _digest(about: About, path: Path) -> str:
    """Return the hash of a file as verdicts name it: of its text where a person wrote it, else of its bytes."""
    if about in {About.POLICY, About.WAIVERS}:
        return hashlib.sha256(text_of(path, about.value).encode()).hexdigest()
    try:
        return sha256_of(path)
    except OSError as error:
        raise DqkitError(f"the {about.value} {path} cannot be read: {error.strerror}", "check the path") from error


def _waivers_expired(data: Any, today: date, looking: _Looking) -> None:
    looking.looked[About.WAIVERS] = None
    for waiver in (data["waivers"] or {}).get("used", ()):
        if date.fromisoformat(waiver["expires"]) < today:
            label = f"{waiver['rule']} {waiver['variant']}".strip()
            looking.change(
                About.WAIVERS,
                f"the waiver of {label} ended on {waiver['expires']} (owner: {waiver['owner']})",
                f"对 {label} 的豁免已于 {waiver['expires']} 到期（负责人：{waiver['owner']}）",
                waiver["findings"],
            )


def _catalog(catalog: Catalog, data: Any, looking: _Looking, progress: Progress) -> None:
    looking.looked |= dict.fromkeys((About.VERDICT, About.CATALOG, About.SOURCES))
    for en, zh in run_changes(catalog, data):
        looking.change(About.VERDICT, en, zh)
    progress.stage("comparing the catalog")
    for en, zh, count in catalog_changes(catalog, data["catalog"]["table_versions"]):
        looking.change(About.CATALOG, en, zh, count)
    progress.stage("looking at the sources")
    for change, lack in source_changes(catalog, data["catalog"]["table_versions"], progress):
        if change is not None:
            looking.change(About.SOURCES, *change)
        if lack is not None:
            looking.lack(About.SOURCES, *lack)


def _dataset(verdict: VerdictFile, given: Given, looking: _Looking, progress: Progress) -> None:
    if given.dataset is None:
        looking.lack(About.DATASET, "the dataset: name it with --dataset", "数据集：请用 --dataset 指定")
        return
    looking.looked[About.DATASET] = None
    found = dataset_changes(verdict, given.dataset, given.catalog, given.policy, reread=given.reread, progress=progress)
    for en, zh, count in found.changes:
        looking.change(About.DATASET, en, zh, count)
    for en, zh in found.unseen:
        looking.lack(About.DATASET, en, zh)


def _some(names: list[str]) -> str:
    more = f" … (+{len(names) - _NAMED})" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def standing_to_json(standing: Standing) -> dict[str, Any]:
    """Return what became of a verdict as plain JSON values."""
    return {
        "stands": standing.exit_code == ExitCode.OK,
        "exit_code": int(standing.exit_code),
        "changes": [
            {"about": one.about.value, "count": one.count, "message": dict(one.text)} for one in standing.changes
        ],
        "not_looked_at": [{"about": about.value, "message": dict(text)} for about, text in standing.not_looked_at],
        "same": [about.value for about in standing.same],
    }
