"""Goes through a policy step by step; who is left at the end is the cohort."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.cohort.criteria import Judged
from dqkit.cohort.manual import Resolved
from dqkit.cohort.policy import Policy, Step
from dqkit.cohort.population import Population
from dqkit.model import Level
from dqkit.rulebook.rule import Text

LEVELS = (Level.PATIENT, Level.STUDY, Level.SERIES)

BY_HAND: Text = {"en": "Excluded by hand", "zh": "人工排除"}
BROUGHT_BACK: Text = {"en": "Included by hand", "zh": "人工纳入"}

_NO_PATIENT: Text = {"en": "PatientID missing or several values", "zh": "PatientID 缺失或有多个值"}

MARKS = {
    "stage": pl.Int32(),  # place of the stage that took the series out; null = it is in
    "by": pl.String(),  # level of that stage
    "reasons": pl.List(pl.String()),
    "reasons_zh": pl.List(pl.String()),
    "unknown": pl.Boolean(),
    "owner": pl.String(),
    "decided_on": pl.Date(),
}
"""What is known of the fate of a series, beside the columns of the population."""

OUT = {"entity": pl.String(), "site": pl.String()} | {name: MARKS[name] for name in list(MARKS)[2:]}


@dataclass(frozen=True)
class Stage:
    """One step as it was carried out.

    Attributes
    ----------
    kind
        A key of policies (where, roles …), or ``manual`` and ``included`` for what persons decided.
    out
        OUT: a row an entity of `level` that it took out (or brought back), in the order of the population.
    before, after
        Which series were in, as Booleans beside the series of the population.
    kept_unknown
        Entities that stay although the step cannot tell.
    """

    name: Text
    level: Level
    kind: str
    out: pl.DataFrame
    before: pl.Series
    after: pl.Series
    kept_unknown: int = 0


@dataclass(frozen=True)
class Selection:
    """What a policy chose: the series of the population with MARKS, and what each stage did."""

    policy: Policy
    series: pl.DataFrame
    stages: tuple[Stage, ...] = field(default=())

    @property
    def chosen(self) -> pl.DataFrame:
        """The series that are in."""
        return self.series.filter(pl.col("stage").is_null())


def choose(population: Population, policy: Policy, resolved: Sequence[Resolved] = ()) -> Selection:
    """Carry out `policy`: its steps in order, then what persons excluded, then what they included.

    What is out stays out: a later step speaks of what is left. A study without a series left is out, and so is a
    patient without a study. A decision to include undoes what was done at its level and above it.

    Parameters
    ----------
    resolved
        The decisions of the policy, with the entities that they are about. Those without effect make no stage.
    """
    series = population.series.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in MARKS.items())
    stages: list[Stage] = []
    for step in policy.steps:
        judged = step.criterion.judge(step.level, population, _alive(series))
        out, kept = _out(step, judged, _alive(series))
        series = _carried_out(series, stages, step.name, step.level, step.kind, out, kept)
    for level in reversed(LEVELS):
        if rows := [one for one in resolved if one.decision.level is level and not one.decision.included]:
            out = _decided(rows, _alive(series), level)
            if not out.is_empty():
                series = _carried_out(series, stages, BY_HAND, level, "manual", out)
    for level in LEVELS:
        if rows := [one for one in resolved if one.decision.level is level and one.decision.included]:
            series = _brought_back(series, stages, rows, level)
    return Selection(policy, series, tuple(stages))


def _alive(series: pl.DataFrame) -> pl.DataFrame:
    return series.filter(pl.col("stage").is_null())


def entity_of(level: Level) -> pl.Expr:
    """Return the key of the entity of `level` that a series belongs to; a study stands for a patient without ID."""
    return pl.col(KEY[level]) if level is not Level.PATIENT else pl.coalesce("patient_key", "study_key")


def _out(step: Step, judged: Judged, alive: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return OUT of what `step` takes out, and how many stay of which it cannot tell."""
    there = alive.group_by(entity_of(step.level).alias("entity"), maintain_order=True).agg(pl.col("site").first())
    # Of a series without a patient nothing can be told where patients are asked about
    nobody = pl.lit([len(judged.reasons)], dtype=pl.List(pl.Int32))
    found = there.join(judged.entities, on="entity", how="left", maintain_order="left")
    unclear = pl.col("met").is_null()
    taken = found.filter(~pl.col("met") if step.keeps_unknown else ~pl.col("met").fill_null(value=False))
    taken = taken.with_columns(pl.col("codes").fill_null(nobody))
    texts = (*judged.reasons, _NO_PATIENT)
    out = taken.select(
        "entity",
        "site",
        _spelled(texts, "en").alias("reasons"),
        _spelled(texts, "zh").alias("reasons_zh"),
        unclear.alias("unknown"),
        pl.lit(None, dtype=pl.String).alias("owner"),
        pl.lit(None, dtype=pl.Date).alias("decided_on"),
    )
    return out, found["met"].null_count() if step.keeps_unknown else 0


def _spelled(texts: Sequence[Text], lang: str) -> pl.Expr:
    spelled = {place: text[lang] for place, text in enumerate(texts)}
    return pl.col("codes").list.eval(pl.element().replace_strict(spelled, return_dtype=pl.String))


def _decided(rows: Sequence[Resolved], series: pl.DataFrame, level: Level) -> pl.DataFrame:
    """Return OUT of the entities of `rows` that series of `series` belong to."""
    there = series.group_by(entity_of(level).alias("entity"), maintain_order=True).agg(pl.col("site").first())
    table = pl.DataFrame(
        [
            (
                one.key, [one.decision.reason["en"]], [one.decision.reason["zh"]], False, one.decision.owner,
                one.decision.decided_on,
            )
            for one in rows
        ],
        schema={name: kind for name, kind in OUT.items() if name != "site"},
        orient="row",
    )  # fmt: skip
    return there.join(table, on="entity", maintain_order="left").select(list(OUT))


def _carried_out(
    series: pl.DataFrame, stages: list[Stage], name: Text, level: Level, kind: str, out: pl.DataFrame, kept: int = 0
) -> pl.DataFrame:
    """Mark the series of `out` as taken out, and add the stage to `stages`."""
    fresh = out.drop("site").with_columns(
        pl.lit(len(stages), dtype=pl.Int32).alias("stage"), pl.lit(level.value).alias("by")
    )
    joined = series.with_columns(entity_of(level).alias("entity")).join(
        fresh, on="entity", how="left", suffix="_new", maintain_order="left"
    )
    hit = pl.col("stage").is_null() & pl.col("stage_new").is_not_null()
    marked = joined.with_columns(pl.when(hit).then(f"{mark}_new").otherwise(mark).alias(mark) for mark in MARKS)
    marked = marked.select(series.columns)
    stages.append(Stage(name, level, kind, out, _is_in(series), _is_in(marked), kept))
    return marked


def _brought_back(series: pl.DataFrame, stages: list[Stage], rows: Sequence[Resolved], level: Level) -> pl.DataFrame:
    """Put series back in that were taken out at `level` or above it, where `rows` say so."""
    above = [one.value for one in LEVELS[: LEVELS.index(level) + 1]]
    returning = series.filter(pl.col("by").is_in(above))
    back = _decided(rows, returning, level)
    if back.is_empty():
        return series
    joined = series.with_columns(entity_of(level).alias("entity")).join(
        back.drop("site"), on="entity", how="left", suffix="_new", maintain_order="left"
    )
    hit = pl.col("owner_new").is_not_null() & pl.col("by").is_in(above)
    cleared = [pl.when(~hit.fill_null(value=False)).then(mark).alias(mark) for mark in ("stage", "by")]
    others = [
        pl.when(hit).then(f"{mark}_new").otherwise(mark).alias(mark) for mark in MARKS if mark not in ("stage", "by")
    ]
    marked = joined.with_columns(*cleared, *others).select(series.columns)
    stages.append(Stage(BROUGHT_BACK, level, "included", back, _is_in(series), _is_in(marked)))
    return marked


def _is_in(series: pl.DataFrame) -> pl.Series:
    return series["stage"].is_null()
