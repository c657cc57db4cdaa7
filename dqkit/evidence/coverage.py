"""Which checks of a verdict are evidence for which chapter, with what result, and what was not checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dqkit.evidence.framework import Chapter, Framework
from dqkit.model import Verdict

_WORST = (Verdict.FAIL, Verdict.ERROR, Verdict.PASS, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
"""The verdict of a rule is the first of these that one of its sites has."""


@dataclass(frozen=True)
class Judged:
    """A rule or condition as a verdict judged it, over all sites.

    Attributes
    ----------
    label
        Id, and variant where there is one.
    verdict
        The worst of its sites.
    evaluated, failed, unknown
        Entities.
    """

    id: str
    label: str
    verdict: Verdict
    evaluated: int
    failed: int
    unknown: int
    waived: int


@dataclass(frozen=True)
class ChapterEvidence:
    """What is evidence for a chapter.

    Attributes
    ----------
    rules, conditions
        Those judged.
    without
        Families and ids that the chapter names and of which nothing was judged.
    left_out
        Ids of rules of the book that the chapter names and that the policy left out.
    present, absent
        Documents that are in the evidence, and that are not.
    """

    chapter: Chapter
    rules: tuple[Judged, ...]
    conditions: tuple[Judged, ...]
    without: tuple[str, ...]
    left_out: tuple[str, ...]
    present: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def has_any(self) -> bool:
        """Whether anything was judged that said pass or fail."""
        said = (Verdict.PASS, Verdict.FAIL)
        return any(one.verdict in said for one in (*self.rules, *self.conditions))


@dataclass(frozen=True)
class FrameworkEvidence:
    """A framework with the evidence for each of its chapters."""

    framework: Framework
    chapters: tuple[ChapterEvidence, ...]


def judged_of(verdict: Mapping[str, Any]) -> tuple[Judged, ...]:
    """Return every rule and condition of a verdict (the content of verdict.json), each once."""
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in verdict["outcomes"]:
        rows.setdefault((row["rule_id"], row["variant"] or ""), []).append(row)
    return tuple(_judged(*key, sites) for key, sites in sorted(rows.items()))


def _judged(rule_id: str, variant: str, sites: Sequence[Mapping[str, Any]]) -> Judged:
    said = {row["verdict"] for row in sites}
    verdict = next((one for one in _WORST if one.value in said), Verdict.NOT_APPLICABLE)
    counts = [sum(row[name] or 0 for row in sites) for name in ("evaluated", "failed", "unknown", "waived")]
    return Judged(rule_id, f"{rule_id} {variant}".strip(), verdict, *counts)


def coverage_of(
    frameworks: Iterable[Framework], verdict: Mapping[str, Any], members: Iterable[str], book: Iterable[str]
) -> tuple[FrameworkEvidence, ...]:
    """Return the evidence for each chapter.

    Parameters
    ----------
    verdict
        The content of verdict.json.
    members
        Names of the files that the evidence holds.
    book
        Ids of the rules that an audit could have judged.
    """
    judged = judged_of(verdict)
    names, ids = tuple(members), frozenset(book)
    return tuple(
        FrameworkEvidence(one, tuple(_of_chapter(chapter, judged, names, ids) for chapter in one.chapters))
        for one in frameworks
    )


def _of_chapter(
    chapter: Chapter, judged: Sequence[Judged], members: Sequence[str], book: frozenset[str]
) -> ChapterEvidence:
    rules = tuple(one for one in judged if chapter.speaks_of(one.id))
    conditions = tuple(one for one in judged if one.id in chapter.conditions)
    seen = {one.id for one in rules}
    families = {rule_id.partition("-")[0] for rule_id in seen}
    without = tuple(name for name in chapter.rules if name not in seen and name not in families)
    missing = tuple(name for name in chapter.conditions if name not in {one.id for one in conditions})
    present = tuple(name for name in chapter.documents if _holds(members, name))
    return ChapterEvidence(
        chapter,
        rules,
        conditions,
        (*without, *missing),
        tuple(sorted(rule_id for rule_id in book if chapter.speaks_of(rule_id) and rule_id not in seen)),
        present,
        tuple(name for name in chapter.documents if name not in present),
    )


def _holds(members: Sequence[str], name: str) -> bool:
    return any(member == name or member.startswith(f"{name}/") for member in members)


def coverage_to_json(coverage: Iterable[FrameworkEvidence]) -> dict[str, Any]:
    """Return `coverage` as plain JSON values."""
    return {
        "claims": "evidence for chapters; conformity is claimed with none of them",
        "frameworks": [
            {
                "id": one.framework.id,
                "title": dict(one.framework.title),
                "citation": one.framework.citation,
                "wording": one.framework.wording,
                "chapters": [_chapter_to_json(chapter) for chapter in one.chapters],
            }
            for one in coverage
        ],
    }


def _chapter_to_json(evidence: ChapterEvidence) -> dict[str, Any]:
    chapter = evidence.chapter
    return {
        "chapter": chapter.id,
        "title": dict(chapter.title),
        "has_evidence": evidence.has_any,
        "rules": [_judged_to_json(one) for one in evidence.rules],
        "conditions": [_judged_to_json(one) for one in evidence.conditions],
        "documents": list(evidence.present),
        "not_checked": {
            "nothing_judged": list(evidence.without),
            "left_out_by_policy": list(evidence.left_out),
            "no_outcome": [one.label for one in (*evidence.rules, *evidence.conditions) if not one.evaluated],
            "documents_missing": list(evidence.absent),
            "never_looked_at": {lang: list(texts) for lang, texts in (chapter.gaps or {}).items()},
        },
    }


def _judged_to_json(one: Judged) -> dict[str, Any]:
    return {
        "id": one.label,
        "verdict": one.verdict.value,
        "evaluated": one.evaluated,
        "failed": one.failed,
        "unknown": one.unknown,
        "waived": one.waived,
    }
