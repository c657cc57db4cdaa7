"""Finds the entities that persons decided about by hand: by UID, PatientID, or the pseudonym that a report shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.cohort.policy import Decision
from dqkit.identity import Pseudonyms
from dqkit.model import Level

_UID = {Level.SERIES: "SeriesInstanceUID", Level.STUDY: "StudyInstanceUID", Level.PATIENT: "PatientID"}


@dataclass(frozen=True)
class Resolved:
    """A decision, and the key of the entity that it is about."""

    decision: Decision
    key: str


def resolve(decisions: Sequence[Decision], series: pl.DataFrame, pseudonyms: Pseudonyms) -> tuple[Resolved, ...]:
    """Find the entity of every decision.

    Parameters
    ----------
    series
        Keys, `site`, UIDs and PatientID of every series.

    Raises
    ------
    DqkitError
        An entity is not there, is at several sites, or is decided about twice; names the line, never the entity.
    """
    found: dict[tuple[Level, str], Decision] = {}
    resolved = []
    for decision in decisions:
        key = _key(decision, series, pseudonyms)
        other = found.get((decision.level, key))
        if other is not None:
            raise decision.mark.error(
                f"this {decision.level.value} is decided about in line {other.mark.line} too", "keep one of the two"
            )
        found[decision.level, key] = decision
        resolved.append(Resolved(decision, key))
    return tuple(resolved)


def _key(decision: Decision, series: pl.DataFrame, pseudonyms: Pseudonyms) -> str:
    key, level = KEY[decision.level], decision.level.value
    here = series.drop_nulls(key)
    if decision.site:
        here = here.filter(site=decision.site)
    matches = here.filter((pl.col(_UID[decision.level]) == decision.entity) | (pl.col(key) == decision.entity))
    keys = matches[key].unique().to_list()
    if not keys:
        keys = [one for one in here[key].unique() if decision.entity in _pseudonyms(level, one, pseudonyms)]
    if len(keys) == 1:
        return str(keys[0])
    if not keys:
        where = f" at the site {decision.site!r}" if decision.site else ""
        raise decision.mark.error(
            f"the catalog has no such {level}{where}", "give its UID, PatientID, or the pseudonym of a report"
        )
    sites = ", ".join(sorted(map(str, matches["site"].unique())))
    raise decision.mark.error(f"there are {len(keys)} such {level} entries in the catalog", f"add site: {sites}")


def _pseudonyms(level: str, key: str, pseudonyms: Pseudonyms) -> tuple[str, ...]:
    """Return what reports call an entity: its own pseudonym, or that of an entity that a finding speaks of."""
    own, entity = pseudonyms.of(level, key), pseudonyms.of("entity", key)
    return own, entity, f"{level} {own}", f"{level} {entity}"
