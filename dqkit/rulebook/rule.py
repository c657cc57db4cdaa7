"""A rule: one YAML file as a frozen object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.model import Level, Origin, Outcome, RuleStatus, Severity
from dqkit.rulebook.check import Check, Compiled, Expectation
from dqkit.rulebook.scope import Scope

LANGUAGES = ("en", "zh")

Text = Mapping[str, str]
"""A sentence by language code."""

WHO: dict[str, Text] = {
    "scanner": {"en": "the scanner's operators or its maker", "zh": "设备操作人员或设备厂商"},
    "pacs": {"en": "the PACS administrator", "zh": "PACS 管理员"},
    "export": {"en": "whoever exported or copied the files", "zh": "负责导出或拷贝文件的人员"},
    "deidentification": {"en": "whoever de-identified the data", "zh": "负责去标识化的人员"},
    "steward": {"en": "the steward of this archive", "zh": "本数据归档的管理员"},
    "it": {"en": "the administrator of the storage", "zh": "存储系统管理员"},
}
"""Who can mend a finding."""

FAMILIES: dict[str, Text] = {
    "FMT": {"en": "Files and format", "zh": "文件与格式"},
    "IDN": {"en": "Identity", "zh": "标识与归属"},
    "GEO": {"en": "Geometry", "zh": "几何"},
    "ACQ": {"en": "Acquisition", "zh": "采集参数"},
    "PIX": {"en": "Pixels", "zh": "像素"},
    "CON": {"en": "Consistency", "zh": "一致性"},
    "LBL": {"en": "Labels", "zh": "标注"},
    "PHI": {"en": "Privacy", "zh": "隐私"},
    "BAL": {"en": "Balance and bias", "zh": "均衡与偏倚"},
    "SPL": {"en": "Split leakage", "zh": "数据划分泄漏"},
}
"""The families of the book; a rule of one's own may name another."""

ALWAYS_KNOWN = frozenset(
    {
        "status", "size", "is_dicom", "is_image", "has_preamble", "has_file_meta", "has_pixel_data", "header_truncated",
        "n_copies", "n_files", "n_instances", "n_frames", "n_stacks", "n_localizers", "n_orientations", "is_survey",
        "n_unpositioned", "n_volumes", "n_series", "n_studies", "n_patients", "n_sites", "n_slices",
        "n_birth_dates", "n_sexes", "n_names", "n_study_dates", "n_accession_numbers", "n_frames_of_reference",
        "patients_without_id", "sites_with_this_id", "studies_with_this_series", "sites_with_this_series",
        "n_ages", "n_study_times", "n_institutions", "n_images", "only_localizers", "ids_of_this_person", "ids_alike",
        "extra_scanners", "series_of_protocol", "speaks_for_scanner", "speaks_for_device", "speaks_for_station",
        "speaks_for_model", "described_modality", "described_plane", "described_side", "described_contrast",
        "described_lying", "described_region", "body_part_region", "lying", "plane",
        "role", "role_by", "region", "region_by", "roles", "regions", "n_unrecognised",
        "patients_with_this_series", "sites_with_this_study", "patients_with_this_study", "order_inferred", "verdict",
        "is_volume", "is_tiled", "has_acquired_images", "at_blank_end", "alike_by",
    }
)  # fmt: skip
"""Columns that the frames always fill (has_* and the like: for every DICOM file)."""

PIXEL_COLUMNS = frozenset(
    {
        "decodes", "decode_error", "pixel_min", "pixel_max", "pixel_mean", "pixel_std", "grey_levels",
        "outside_bits_share", "neighbour_correlation", "byte_swap_gain", "blank_slices", "blank_end_slices",
        "identical_slices", "noise_slices", "mirrored_slices", "slice_clipped_shares",
        "slice_negative_shares", "undeclared_padding_share", "air_peak_hu", "tissue_peak_hu", "shows_air",
        "shows_tissue", "n_looked_at", "snr", "cnr", "sharpness", "n_alike", "n_sharing_pixels",
    }
)  # fmt: skip
"""Columns that are null until pixels were decoded: their absence says that nothing has looked."""


@dataclass(frozen=True)
class Allow:
    """How much may fail before the rule does: a share of passed + failed, or a count."""

    share: float | None = None
    count: int | None = None

    def __str__(self) -> str:
        return f"{(self.share or 0) * 100:g}%" if self.count is None else str(self.count)


@dataclass(frozen=True)
class Remedy:
    """What mends a finding: something a person does, or a step of a recipe."""

    manual: Text | None = None
    harmonize: str | None = None
    who: str | None = None
    """A key of WHO: who can do it."""


@dataclass(frozen=True)
class Case:
    """A rule's own test: rows of its level's frame and what it must say of them.

    `expect` has one word a row: pass | fail | not_applicable | unknown, or the reason of the unknown. `observed` is
    what the finding of the first row must say; empty = anything. `params` are the values that the case gives to params
    (``with:``).
    """

    name: str
    expect: tuple[str, ...]
    given: tuple[Mapping[str, Any], ...]
    observed: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A rule of the book; `check` is compiled with `params` filled in."""

    id: str
    name: str
    family: str
    level: Level
    title: Text
    scope: Scope
    check_kind: str
    check: Check
    params: Mapping[str, Any]
    severity: Severity
    allow: Allow
    per: str  # site | archive
    why: Text
    remedy: Remedy
    standard: str
    cite: tuple[str, ...]
    implied_by: tuple[str, ...]
    origin: Origin
    status: RuleStatus
    since: str
    cases: tuple[Case, ...]
    path: Path
    sha256: str
    picture: str = ""
    """What a picture of a finding shows: gap, tilt, duplicate, orientation or image; empty = none."""
    is_open: bool = False
    """It is judged only where a pack uses it and fills in its params."""
    variant: str = ""
    """Where a pack made it: ``<pack>/<as>``."""
    pack: str = ""
    """The pack that it stands in beside the book; empty for rules of the book, even where a pack changed them."""
    source: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The YAML as read, for `dqkit rules show` and for packs."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    """Key -> its line in the file."""

    @property
    def key(self) -> tuple[str, str]:
        """Id and variant: what tells it from every other rule of a run."""
        return self.id, self.variant

    @property
    def label(self) -> str:
        """Id, and variant where a pack made it (``ACQ-101 prostate-mr/t2``)."""
        return f"{self.id} {self.variant}".strip()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the level's frame that scope and check read, each once."""
        found = dict.fromkeys((*self.scope.columns, *self.check.columns))
        if self.level is Level.SERIES:
            found |= dict.fromkeys(("varying",))
        return tuple(found)

    @property
    def can_be_unknown(self) -> bool:
        """Whether a missing value can leave the outcome open."""
        known = ALWAYS_KNOWN | self.scope.guarded
        in_scope = {c.column for c in self.scope.conditions if c.kind != "present"}
        return bool(in_scope - known) or any(known.isdisjoint(group) for group in self.check.needs)

    def outcome(self) -> pl.Expr:
        """Return model.Outcome as Int8; evaluate it over the whole frame of the level."""
        inside, passes = self.scope.compile(), self._compiled().passes
        return (
            pl.when(~inside)
            .then(_code(Outcome.NOT_APPLICABLE))
            .when(inside & passes)
            .then(_code(Outcome.PASS))
            .when(inside & ~passes)
            .then(_code(Outcome.FAIL))
            .otherwise(self._reason())
        )

    def observed(self) -> pl.Expr:
        """Return what was found, as text; meant for failures, of which it needs the row alone."""
        return self._compiled().observed

    def culprits(self) -> pl.Expr:
        """Return the file_ids at fault as a list; null = the entity as a whole."""
        return self._compiled().culprits

    def expectation(self) -> Expectation | None:
        """Return the core expectation of Great Expectations that judges alike, or None."""
        return self.check.expectation(self.scope.compile())

    def message(self, lang: str = "en") -> str:
        """Return the sentence that a finding says."""
        return self.title[lang]

    def _compiled(self) -> Compiled:
        return self.check.compile(self.scope.compile())

    def _reason(self) -> pl.Expr:
        """Return why an outcome is unknown."""
        read = [name for name in dict.fromkeys((*self.scope.columns, *self.check.columns)) if name not in ALWAYS_KNOWN]
        missing = _code(Outcome.MISSING)
        pixels = [name for name in read if name in PIXEL_COLUMNS]
        if pixels:
            unseen = pl.any_horizontal(pl.col(name).is_null() for name in pixels)
            return pl.when(unseen).then(_code(Outcome.NOT_LOOKED_AT)).otherwise(missing)
        if self.level is Level.SERIES and read:
            varies = pl.any_horizontal(
                pl.col(name).is_null() & pl.col("varying").list.contains(name) for name in read if name != "varying"
            )
            return pl.when(varies).then(_code(Outcome.VARYING)).otherwise(missing)
        return missing


def mender(rule: Rule | None, origin: str | None) -> str:
    """Return who can mend a problem: a key of WHO, ``dqkit`` (a recipe), ``operator`` or ``site``."""
    if rule is not None and rule.remedy.who:
        return rule.remedy.who
    if rule is not None and rule.remedy.harmonize:
        return "dqkit"
    return "operator" if origin == Origin.TOOL else "site"


def _code(outcome: Outcome) -> pl.Expr:
    return pl.lit(int(outcome), dtype=pl.Int8)
