"""A selection as the rows of a cohort file: every patient, study and series, in or out with its reasons."""

import polars as pl

from dqkit.catalog.schema import COHORT, conform
from dqkit.cohort.choose import Selection
from dqkit.model import Level

_LEFT_NOTHING = {
    Level.STUDY: ("no series left", "没有剩余的序列"),
    Level.PATIENT: ("no study left", "没有剩余的检查"),
}
_OF = {
    "study": ("its study: ", "所属检查："),
    "patient": ("its patient: ", "所属患者："),
}
_OF_A_STUDY = (pl.col("patient_key").drop_nulls().first(), pl.col("StudyInstanceUID").first())
_ORDER = {"patient": 0, "study": 1, "series": 2}


def decisions_of(selection: Selection) -> pl.DataFrame:
    """Return a row a patient, study and series, in the schema COHORT."""
    named = selection.series.with_columns(_step_name(selection))
    parts = [_grouped(named, Level.PATIENT), _grouped(named, Level.STUDY), _series(named)]
    rows = pl.concat([conform(part, COHORT) for part in parts])
    order = pl.col("level").replace_strict(_ORDER, return_dtype=pl.Int8)
    return rows.sort(order, "site", "patient_key", "study_key", "series_key", nulls_last=True)


def _step_name(selection: Selection) -> pl.Expr:
    names = {place: stage.name["en"] for place, stage in enumerate(selection.stages)}
    return pl.col("stage").replace_strict(names, default=None, return_dtype=pl.String).alias("step")


def _series(named: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of series; what came with its study or patient says so."""
    return named.with_columns(
        pl.lit("series").alias("level"),
        pl.col("stage").is_null().alias("included"),
        pl.col("unknown").fill_null(value=False),
        *(_prefixed(column, place) for place, column in enumerate(("reasons", "reasons_zh"))),
    )


def _prefixed(column: str, place: int) -> pl.Expr:
    of_study, of_patient = (
        pl.col(column).list.eval(pl.lit(words[place]) + pl.element()) for words in (_OF["study"], _OF["patient"])
    )
    return (
        pl.when(pl.col("by") == "study").then(of_study).when(pl.col("by") == "patient").then(of_patient)
        .otherwise(column).fill_null([]).alias(column)
    )  # fmt: skip


def _grouped(named: pl.DataFrame, level: Level) -> pl.DataFrame:
    """Return the rows of studies or patients: out where nothing of them is left, for the reason of what went last."""
    key = "study_key" if level is Level.STUDY else "patient_key"
    last = pl.col("stage") == pl.col("stage").max()
    own = last & (pl.col("by") == level.value)
    above = last & (pl.col("by") == Level.PATIENT.value) & pl.lit(level is Level.STUDY)
    by_hand = pl.col("stage").is_null() & pl.col("owner").is_not_null()
    grouped = named.drop_nulls(key).group_by(key, maintain_order=True)
    rows = grouped.agg(
        pl.lit(level.value).first().alias("level"),
        pl.col("site").first(),
        *(_OF_A_STUDY if level is Level.STUDY else ()),
        pl.col("stage").is_null().any().alias("included"),
        pl.col("step").filter(last).first(),
        *(pl.col(name).filter(own | above).first().alias(name) for name in ("reasons", "reasons_zh")),
        (own & pl.col("unknown")).any().alias("unknown"),
        above.any().alias("with_patient"),
        pl.col("owner", "decided_on").filter(own | by_hand).first(),
    )  # fmt: skip
    en, zh = _LEFT_NOTHING[level]
    return rows.with_columns(
        _reasons("reasons", en, _OF["patient"][0]),
        _reasons("reasons_zh", zh, _OF["patient"][1]),
        pl.when(~pl.col("included")).then("step").alias("step"),
        (pl.col("unknown").fill_null(value=False) & ~pl.col("included")).alias("unknown"),
    )


def _reasons(column: str, nothing_left: str, with_patient: str) -> pl.Expr:
    said = pl.col(column)
    of_patient = said.list.eval(pl.lit(with_patient) + pl.element())
    return (
        pl.when("included").then(pl.lit([], dtype=pl.List(pl.String)))
        .when("with_patient").then(of_patient)
        .when(said.is_not_null()).then(said)
        .otherwise(pl.lit([nothing_left], dtype=pl.List(pl.String))).alias(column)
    )  # fmt: skip
