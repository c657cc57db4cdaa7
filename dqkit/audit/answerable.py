"""Which rules a table can answer: those whose every column it has something to say about.

A table of metadata never had the attributes that nobody exported. For its series a rule that needs one of them was not
looked at (unknown), and does not fire as "missing"; where what the table does say puts an entity out of a rule's scope,
the rule is not applicable as ever.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dqkit.audit import acquisition_columns, consistency_columns
from dqkit.audit.result import TableShare
from dqkit.catalog.schema import DATES, FRAMES
from dqkit.catalog.tables import Tables
from dqkit.index.sources import is_folder
from dqkit.index.table_mapping import TARGETS
from dqkit.model import Level, Outcome
from dqkit.rulebook.rule import Rule
from dqkit.rulebook.scope import Condition, Scope

LEVELS = (Level.SERIES, Level.STUDY, Level.PATIENT, Level.SITE, Level.ARCHIVE)
"""Levels at which a table has anything to say."""

_ALWAYS = frozenset(
    {
        "site", "patient_key", "study_key", "series_key", "source_id", "n_series", "n_studies", "n_sites",
        "sites_with_this_series", "studies_with_this_series", "sites_with_this_study", "role", "role_by", "region",
        "region_by", "roles", "regions",
    }
)  # fmt: skip
"""Columns that do not depend on any attribute, or make the best of those that are there."""

_ANY_OF: Mapping[str, tuple[str, ...]] = {
    "is_image": ("SOPClassUID", "Rows", "Modality"),
    "is_localizer": ("ImageType", "SeriesDescription"),
    "n_localizers": ("ImageType", "SeriesDescription"),
    "protocol_key": ("ProtocolName", "SeriesDescription"),
    "laterality": ("ImageLaterality", "Laterality"),
    "tracer_start": ("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime"),
}
"""Derived column -> attributes of which one suffices."""

_ALL_OF: Mapping[str, tuple[str, ...]] = {
    **acquisition_columns.MADE_OF,
    **consistency_columns.MADE_OF,
    **{typed: (raw,) for raw, typed in DATES.items()},
    "patient_age_years": ("PatientAge",),
    "is_derived": ("ImageType",),
    "n_files": ("n_instances",),
    "modalities": ("Modality",),
    "patients_with_this_series": ("PatientID",),
    "patients_with_this_study": ("PatientID",),
    "patients_without_id": ("PatientID",),
    "n_patients": ("PatientID",),
    "n_study_dates": ("StudyDate",),
    "n_study_times": ("StudyTime",),
    "n_accession_numbers": ("AccessionNumber",),
    "n_frames_of_reference": ("FrameOfReferenceUID",),
    "n_birth_dates": ("PatientBirthDate",),
    "n_sexes": ("PatientSex",),
    "n_names": ("PatientName",),
    "n_ages": ("PatientAge",),
    "n_institutions": ("InstitutionName",),
    "sites_with_this_id": ("PatientID",),
    "weight_spread_kg": ("PatientWeight",),
    "days_of_images": ("SOPClassUID", "SeriesDate", "ImageType"),
    "n_images": ("SOPClassUID", "n_frames"),
    "only_localizers": ("SOPClassUID", "n_localizers", "n_instances"),
    "extra_scanners": ("SOPClassUID", "Manufacturer", "ManufacturerModelName"),
    "ids_of_this_person": ("PatientID", "PatientName", "PatientBirthDate"),
    "ids_alike": ("PatientID",),
    "follow_up_fields": ("MagneticFieldStrength",),
    "follow_up_models": ("ManufacturerModelName",),
    "follow_up_thickness_mm": ("SliceThickness",),
    "ct_thickness_mm": ("SliceThickness",),
    "ct_thickness_elsewhere_mm": ("SliceThickness",),
}
"""Derived column -> attributes that all must be there. One that is in neither table is never told by a table."""

_WITNESSES = frozenset({"varying", "varying_values", "partly_missing"})
"""List columns of a series that a check reads beside the attributes that it is about."""

_TELLS_VARIATION = ("sole",)
"""Kinds of check that are about variation itself."""


def told_by(given: Collection[str]) -> frozenset[str]:
    """Return the columns of frames that a table has something to say about.

    Parameters
    ----------
    given
        `sources.columns` of the table: attributes, columns derived from them, ``varying:X``.
    """
    told = _ALWAYS | frozenset(given)
    told |= {name for name, parts in _ANY_OF.items() if not told.isdisjoint(parts)}
    return told | {name for name, parts in _ALL_OF.items() if parts and name not in _ANY_OF and told.issuperset(parts)}


def can_answer(rule: Rule, told: frozenset[str]) -> bool:
    """Tell whether `rule` can be judged where only the columns `told` are known."""
    if rule.level not in LEVELS or any(not _is_told(condition, told) for condition in rule.scope.conditions):
        return False
    if rule.check.needs:
        return all(not told.isdisjoint(group) for group in rule.check.needs)
    columns = [name for name in rule.check.columns if name not in _WITNESSES]
    if rule.check_kind in _TELLS_VARIATION:
        return all(f"varying:{name}" in told for name in columns)
    return told.issuperset(columns)


def answerable(rules: Sequence[Rule], given: Collection[str]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Return the rules that a table can answer, and the others."""
    told = told_by(given)
    yes = tuple(rule for rule in rules if can_answer(rule, told))
    return yes, tuple(rule for rule in rules if not can_answer(rule, told))


def lacking(rule: Rule, told: frozenset[str]) -> tuple[str, ...]:
    """Return the attributes that a table would need for `rule`; empty where it takes the images themselves."""
    if rule.level not in LEVELS:
        return ()
    wanted = [condition.column for condition in rule.scope.conditions if condition.column not in told]
    if rule.check.needs:
        wanted += [group[0] for group in rule.check.needs if told.isdisjoint(group)]
    elif rule.check_kind not in _TELLS_VARIATION:
        wanted += [name for name in rule.check.columns if name not in told | _WITNESSES]
    found: dict[str, None] = {}
    for name in wanted:
        parts = [*_ANY_OF.get(name, ())[:1], *_ALL_OF.get(name, ())] or [name]
        found |= dict.fromkeys(part for part in parts if part not in told)
    return tuple(found) if found and all(_is_exported(name) for name in found) else ()


def _is_exported(name: str) -> bool:
    """Tell whether a table could have a column for this."""
    return name in TARGETS


def _is_told(condition: Condition, told: frozenset[str]) -> bool:
    return condition.column in told


@dataclass(frozen=True)
class Extracts:
    """The tables among the sources of a catalog.

    Attributes
    ----------
    told
        source_id -> the columns that this table has something to say about.
    alone
        Whether the catalog holds nothing but tables.
    """

    told: Mapping[str, frozenset[str]]
    alone: bool

    @classmethod
    def of(cls, tables: Tables) -> "Extracts":
        """Return those of a catalog."""
        sources = tables.scan("sources").select("source_id", "kind", "columns").collect()
        extracts = sources.filter(~is_folder())
        told = {source: told_by(columns or ()) for source, _, columns in extracts.iter_rows()}
        return cls(told, bool(told) and extracts.height == sources.height)

    def never_judge(self, rule: Rule) -> bool:
        """Tell whether nothing in the catalog can be judged by `rule`, as no table answers it."""
        return self.alone and rule.level in LEVELS and not any(can_answer(rule, told) for told in self.told.values())

    def outcome(self, rule: Rule) -> pl.Expr:
        """Return model.Outcome as Int8, as `Rule.outcome` does, with what no table told as not looked at."""
        mute = [source for source, told in self.told.items() if not can_answer(rule, told)]
        if not mute or rule.level not in LEVELS:
            return rule.outcome()
        told_to_all = frozenset.intersection(*(self.told[source] for source in mute))
        known = Scope(tuple(condition for condition in rule.scope.conditions if _is_told(condition, told_to_all)))
        unseen = pl.when(~known.compile()).then(_code(Outcome.NOT_APPLICABLE)).otherwise(_code(Outcome.NOT_LOOKED_AT))
        if self.never_judge(rule):
            return unseen
        if "source_id" not in FRAMES[rule.level]:
            return rule.outcome()
        return pl.when(pl.col("source_id").is_in(mute)).then(unseen).otherwise(rule.outcome())


def shares_of(tables: Tables, rules: Sequence[Rule]) -> tuple[TableShare, ...]:
    """Return what the tables among the sources of a catalog can answer of `rules`, by name."""
    sources = tables.scan("sources").filter(~is_folder()).select("source_id", "name", "columns").sort("name").collect()
    if sources.is_empty():
        return ()
    held = tables.scan("series").group_by("source_id").agg(pl.len().alias("series"), pl.col("site").unique()).collect()
    known = {row["source_id"]: row for row in held.iter_rows(named=True)}
    shares = []
    for source, name, columns in sources.iter_rows():
        own = known.get(source, {"series": 0, "site": []})
        yes, _ = answerable(rules, columns or ())
        shares.append(TableShare(name, own["series"], frozenset(own["site"]), len(yes), len(rules)))
    return tuple(shares)


def _code(outcome: Outcome) -> pl.Expr:
    return pl.lit(int(outcome), dtype=pl.Int8)
