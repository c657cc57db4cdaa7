"""How many were left after each step, and why the others went: what the flow picture of a study shows."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from dqkit.cohort.choose import Selection, Stage
from dqkit.model import Level
from dqkit.rulebook.rule import Text


@dataclass(frozen=True)
class Count:
    """Patients (of those that have an ID), studies and series."""

    patients: int = 0
    studies: int = 0
    series: int = 0

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.patients - other.patients, self.studies - other.studies, self.series - other.series)


@dataclass(frozen=True)
class ReasonCount:
    """A reason, and of how many entities it is the first; `unknown` = it could not be told."""

    text: Text
    n: int
    unknown: bool


@dataclass(frozen=True)
class StepCount:
    """What a step did.

    Attributes
    ----------
    kind
        A key of policies, or ``manual`` and ``included`` for what persons decided.
    entities
        How many of `level` it took out (brought back, where `kind` is ``included``).
    unknown
        Those among them of which it could not tell; `kept_unknown` stay all the same.
    reasons
        The commonest first.
    out, left
        What went with them, and what is left; `sites` has both by site.
    """

    name: Text
    level: Level
    kind: str
    entities: int
    unknown: int
    kept_unknown: int
    reasons: tuple[ReasonCount, ...]
    out: Count
    left: Count
    sites: Mapping[str, tuple[Count, Count]]

    @property
    def brings_back(self) -> bool:
        """Whether persons put entities back here."""
        return self.kind == "included"


@dataclass(frozen=True)
class Attrition:
    """The way from the catalog to the cohort."""

    start: Count
    start_sites: Mapping[str, Count]
    steps: tuple[StepCount, ...]

    @property
    def end(self) -> Count:
        """What is left."""
        return self.steps[-1].left if self.steps else self.start

    @property
    def end_sites(self) -> Mapping[str, Count]:
        """What is left of each site."""
        return {site: left for site, (_, left) in self.steps[-1].sites.items()} if self.steps else self.start_sites


def attrition_of(selection: Selection) -> Attrition:
    """Count what each stage of `selection` did."""
    series = selection.series
    return Attrition(
        start=_count(series),
        start_sites=_by_site(series, series),
        steps=tuple(_step(stage, series) for stage in selection.stages),
    )


def _step(stage: Stage, series: pl.DataFrame) -> StepCount:
    before, after = series.filter(stage.before), series.filter(stage.after)
    left, had = _by_site(after, series), _by_site(before, series)
    return StepCount(
        name=stage.name,
        level=stage.level,
        kind=stage.kind,
        entities=stage.out.height,
        unknown=int(stage.out["unknown"].sum()),
        kept_unknown=stage.kept_unknown,
        reasons=_reasons(stage.out),
        out=_count(before) - _count(after),
        left=_count(after),
        sites={site: (had[site] - left[site], left[site]) for site in had},
    )


def _reasons(out: pl.DataFrame) -> tuple[ReasonCount, ...]:
    first = out.select(
        pl.col("reasons").list.first().alias("en"), pl.col("reasons_zh").list.first().alias("zh"), "unknown"
    )
    counted = first.group_by("en", "zh", "unknown").len("n").sort("unknown", -pl.col("n").cast(pl.Int64), "en")
    return tuple(
        ReasonCount({"en": row["en"], "zh": row["zh"]}, row["n"], row["unknown"])
        for row in counted.iter_rows(named=True)
    )


_COUNTED = (
    pl.col("patient_key").drop_nulls().n_unique().alias("patients"),
    pl.col("study_key").n_unique().alias("studies"),
    pl.len().alias("series"),
)


def _count(series: pl.DataFrame) -> Count:
    return Count(*series.select(_COUNTED).row(0))


def _by_site(series: pl.DataFrame, whole: pl.DataFrame) -> dict[str, Count]:
    """Count `series` by site; every site of `whole` is there."""
    counts = {str(row[0]): Count(*row[1:]) for row in series.group_by("site").agg(_COUNTED).iter_rows()}
    return {site: counts.get(site, Count()) for site in sorted(map(str, whole["site"].unique()))}
