"""Selects a cohort: a catalog and a policy -> every patient, study and series, in or out with its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dqkit.audit.recognise import recognised, recognisers_of
from dqkit.catalog.cohort import Basis, basis_of
from dqkit.catalog.store import Catalog
from dqkit.cohort.attrition import Attrition, attrition_of
from dqkit.cohort.choose import Selection, choose
from dqkit.cohort.decisions import decisions_of
from dqkit.cohort.failing import ExcludeFailing
from dqkit.cohort.last_audit import last_audit_of
from dqkit.cohort.manual import Resolved, resolve
from dqkit.cohort.policy import Policy
from dqkit.cohort.population import Population, population_of
from dqkit.errors import NothingToCheckError
from dqkit.identity import Pseudonyms
from dqkit.index.progress import Progress, Silent
from dqkit.model import Level
from dqkit.rulebook.rule import Rule


@dataclass(frozen=True)
class Selected:
    """A cohort, ready to be written.

    Attributes
    ----------
    decisions
        COHORT.
    idle
        Lines of the policy where a person decided what was so anyway.
    """

    policy: Policy
    basis: Basis
    attrition: Attrition
    decisions: pl.DataFrame
    idle: tuple[int, ...] = ()


def select(
    catalog: Catalog,
    policy: Policy,
    rules: Sequence[Rule],
    pseudonyms: Pseudonyms,
    progress: Progress | None = None,
) -> Selected:
    """Choose the cohort of `policy` from the last complete run of `catalog`; nothing is written.

    Parameters
    ----------
    rules
        Those at hand, variants of the policy's packs among them: for steps that leave out what fails rules.

    Raises
    ------
    NothingToCheckError
        The catalog holds no series.
    DqkitError
        A step asks what fails and the last audit cannot tell, or a decision names nobody.
    """
    progress = progress or Silent()
    progress.stage("recognising series")
    roles = recognised(catalog, recognisers_of(policy.packs))
    if roles.is_empty():
        raise NothingToCheckError("the catalog holds no series", "index a folder first: dqkit index FOLDER")
    progress.stage("reading what the policy asks for")
    population = _population(catalog, policy, rules, roles)
    resolved = resolve(policy.decisions, _named(catalog), pseudonyms) if policy.decisions else ()
    progress.stage("choosing", len(policy.steps))
    chosen = choose(population, policy, resolved)
    return Selected(
        policy,
        basis_of(catalog, policy.name, policy.sha256),
        attrition_of(chosen),
        decisions_of(chosen),
        _idle(chosen, resolved),
    )


def _population(catalog: Catalog, policy: Policy, rules: Sequence[Rule], roles: pl.DataFrame) -> Population:
    columns: dict[Level, list[str]] = {}
    for step in policy.steps:
        columns.setdefault(step.level, []).extend(step.criterion.columns)
    asks_audit = any(isinstance(step.criterion, ExcludeFailing) for step in policy.steps)
    population = population_of(catalog, roles, columns)
    if not asks_audit:
        return population
    return Population(population.series, population.frames, last_audit_of(catalog, rules, roles))


def _named(catalog: Catalog) -> pl.DataFrame:
    """Return what names a series, its study and its patient."""
    names = ("site", "patient_key", "study_key", "series_key", "PatientID", "StudyInstanceUID", "SeriesInstanceUID")
    return catalog.scan("series").select(names).collect()


def _idle(chosen: Selection, resolved: Sequence[Resolved]) -> tuple[int, ...]:
    kinds = {"manual": False, "included": True}
    done = {
        (kinds[stage.kind], stage.level, entity)
        for stage in chosen.stages
        if stage.kind in kinds
        for entity in stage.out["entity"]
    }
    return tuple(
        one.decision.mark.line for one in resolved if (one.decision.included, one.decision.level, one.key) not in done
    )
