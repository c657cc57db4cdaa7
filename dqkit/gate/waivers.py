"""Waivers: findings that somebody accepts, answers for, and only until a day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property

import polars as pl

from dqkit.catalog.tables import Tables
from dqkit.gate.places import with_places
from dqkit.identity import Pseudonyms, digest
from dqkit.model import Origin

SCOPES: Mapping[str, str] = {
    "finding": "finding",
    "problem": "problem_id",
    "site": "site",
    "patient": "patient_hash",
    "series": "series",
    "modality": "modality",
    "scanner": "scanner",
    "protocol": "protocol",
}
"""What a waiver may be narrowed by -> the column of the findings (gate/places.py) that must have that value."""

_PLAIN_ID = 20
"""Characters of a finding_id, which stays in the house; its pseudonym has fewer."""


@dataclass(frozen=True)
class Waiver:
    """An accepted finding, or several.

    Attributes
    ----------
    rule, variant
        Whose findings; an empty variant is the rule of the book alone.
    scope
        A key of SCOPES -> the value it must have; all of them must hold.
    owner, reason
        Who answers for it, and why.
    expires
        The last day on which it holds.
    line
        Where it stands in its file.
    """

    rule: str
    variant: str
    scope: Mapping[str, str]
    owner: str
    reason: str
    expires: date
    line: int = 0

    @cached_property
    def id(self) -> str:
        """Name of what it accepts, whoever answers for it."""
        return digest("waiver", self.rule, self.variant, *(f"{k}={v}" for k, v in sorted(self.scope.items())))[:12]

    @property
    def label(self) -> str:
        """What `waived_by` of a finding says."""
        return f"{self.id} {self.owner}"

    @property
    def what(self) -> str:
        """Rule and scope in a few words."""
        narrowed = ", ".join(f"{key} {value}" for key, value in self.scope.items())
        return f"{f'{self.rule} {self.variant}'.strip()} ({narrowed})"

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the findings -> the value they must have."""
        found = {"rule_id": self.rule, "variant": self.variant}
        for key, value in self.scope.items():
            is_plain = key == "finding" and len(value) == _PLAIN_ID
            found["finding_id" if is_plain else SCOPES[key]] = value
        return found


@dataclass(frozen=True)
class WaiverFile:
    """The waivers of a file, its text and the hash of that."""

    waivers: tuple[Waiver, ...] = ()
    text: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class UsedWaivers:
    """What became of the waivers of a file.

    Attributes
    ----------
    used
        Each with the number of findings that it accepts.
    expired
        Each with the number of findings that it would accept.
    unmatched
        Those that speak of nothing that is there.
    """

    file: WaiverFile = field(default_factory=WaiverFile)
    used: tuple[tuple[Waiver, int], ...] = ()
    expired: tuple[tuple[Waiver, int], ...] = ()
    unmatched: tuple[Waiver, ...] = ()


def waive(findings: pl.DataFrame, file: WaiverFile, today: date) -> tuple[pl.DataFrame, UsedWaivers]:
    """Mark the findings that a waiver accepts in `waived_by`; of several, the first of the file is named.

    What the tool could not do (origin ``tool``) cannot be waived: incomplete is never green.

    Parameters
    ----------
    findings
        With the columns that places.with_places adds.
    """
    numbered = findings.with_row_index("row")
    hits = _hits(numbered.filter(pl.col("origin") != Origin.TOOL.value), file.waivers)
    counts = dict(hits.group_by("waiver").len().rows())
    expired = [number for number, waiver in enumerate(file.waivers) if waiver.expires < today]
    first = hits.filter(~pl.col("waiver").is_in(expired)).group_by("row").agg(pl.col("waiver").min())
    labels = pl.DataFrame(
        [(number, waiver.label) for number, waiver in enumerate(file.waivers)],
        {"waiver": pl.Int64, "label": pl.String},
        orient="row",
    )
    told = numbered.join(first.join(labels, on="waiver"), on="row", how="left", maintain_order="left")
    marked = findings.with_columns(told["label"].fill_null("").alias("waived_by"))
    counted = [(waiver, counts.get(number, 0)) for number, waiver in enumerate(file.waivers)]
    return marked, UsedWaivers(
        file,
        tuple(one for number, one in enumerate(counted) if number not in expired and one[1]),
        tuple(one for number, one in enumerate(counted) if number in expired),
        tuple(waiver for number, (waiver, n) in enumerate(counted) if number not in expired and not n),
    )


def accepting(file: WaiverFile, pseudonyms: Pseudonyms) -> Callable[[pl.DataFrame, Tables], pl.DataFrame]:
    """Return what marks the findings of an audit that a waiver accepts today (AuditOptions.accept)."""

    def accept(findings: pl.DataFrame, tables: Tables) -> pl.DataFrame:
        marked, _ = waive(with_places(findings, tables, pseudonyms), file, datetime.now(UTC).date())
        return findings.with_columns(marked["waived_by"])

    return accept


def _hits(findings: pl.DataFrame, waivers: Sequence[Waiver]) -> pl.DataFrame:
    """Return row of a finding and number of a waiver, of all that fit: a join for each set of columns they name."""
    found = [pl.DataFrame(schema={"row": pl.UInt32, "waiver": pl.Int64})]
    by_columns: dict[tuple[str, ...], list[tuple[int, Mapping[str, str]]]] = {}
    for number, waiver in enumerate(waivers):
        columns = waiver.columns
        by_columns.setdefault(tuple(sorted(columns)), []).append((number, columns))
    for names, wanted in by_columns.items():
        rows = [{"waiver": number, **columns} for number, columns in wanted]
        table = pl.DataFrame(rows, {"waiver": pl.Int64, **dict.fromkeys(names, pl.String)})
        found.append(findings.select("row", *names).join(table, on=names).select("row", "waiver"))
    return pl.concat(found)
