"""Adds to each series what it is for (role) and what it shows (region), and by what that was recognised.

Words are looked for in distinct texts, each of which becomes bits or a region: a million series have far fewer
descriptions.
"""

from collections.abc import Sequence

import polars as pl

from dqkit.catalog.schema import RECOGNISED
from dqkit.catalog.tables import Tables
from dqkit.model import Level
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.recogniser import (
    ATTRIBUTES,
    DESCRIPTION,
    Recogniser,
    Recognisers,
    normalised,
    usual_recognisers,
)
from dqkit.rulebook.vocabulary import load_table

_ROLE_TEXTS = ("SeriesDescription", "ProtocolName")
_REGION_TEXTS = (*_ROLE_TEXTS, "StudyDescription")
"""Where words are looked for: a text that says nothing leaves the word to the next."""

_OF_IMAGES = ("CT", "MR", "PT", "MG", "CR", "DX", "OP")
"""Modalities whose series have a role each."""

_BITS = 62
"""Recognisers whose hits one number holds."""


def recognised(tables: Tables, recognisers: Recognisers | None = None) -> pl.DataFrame:
    """Return series_key and the columns of RECOGNISED of every series.

    Parameters
    ----------
    tables
        The catalog.
    recognisers
        Those in use; None = those that ship.
    """
    using = recognisers or usual_recognisers()
    keys = ["series_key", "study_key"]
    read = {column for r in (*using.roles, *using.regions) for column in r.where.columns} - set(RECOGNISED)
    about = [name for name in sorted(read | {*_ROLE_TEXTS, "ContrastBolusAgent"}) if name not in keys]
    series = tables.scan("series")
    regions = _in_study(_with_regions(series.select(*keys, *_of_regions(using)).collect(), using.regions))
    regions = regions.select("series_key", "region", "region_by")
    return _with_roles(series.select("series_key", *about).collect().join(regions, on="series_key"), using)


def recognisers_of(packs: Sequence[Pack]) -> Recognisers:
    """Return the recognisers that ship, tried after those of `packs`."""
    return usual_recognisers().after(tuple(one for pack in packs for one in pack.recognisers))


def with_recognised(
    level: Level, frame: pl.LazyFrame, tables: Tables, roles: pl.DataFrame | None = None
) -> pl.LazyFrame:
    """Add to the frame of `level` what series were recognised as: their own columns, or lists of a study's."""
    if level not in (Level.SERIES, Level.STACK, Level.STUDY):
        return frame
    found = recognised(tables) if roles is None else roles
    if level is Level.SERIES:
        return frame.join(found.lazy(), on="series_key", how="left")
    if level is Level.STACK:
        return frame.join(found.lazy().select("series_key", "role", "region"), on="series_key", how="left")
    lists = [pl.col(name).filter(pl.col(name) != "").unique().sort().alias(f"{name}s") for name in ("role", "region")]
    keys = tables.scan("series").select("series_key", "study_key", "Modality")
    nameless = (pl.col("Modality").is_in(_OF_IMAGES) & (pl.col("role") == "")).sum().cast(pl.Int64)
    of_series = keys.join(found.lazy(), on="series_key")
    of_studies = of_series.group_by("study_key").agg(*lists, nameless.alias("n_unrecognised"))
    return frame.join(of_studies, on="study_key", how="left").with_columns(
        pl.col("roles", "regions").fill_null([]), pl.col("n_unrecognised").fill_null(0)
    )


def _of_regions(using: Recognisers) -> list[str]:
    """Return the columns that regions are recognised by."""
    read = (column for r in using.regions for column in r.where.columns)
    return list(dict.fromkeys(("BodyPartExamined", *_REGION_TEXTS, *read)))


def _with_roles(series: pl.DataFrame, using: Recognisers) -> pl.DataFrame:
    """Add `role` and `role_by`: of the first recogniser that holds."""
    bits = _Bits(using)
    contrast = pl.col("ContrastBolusAgent").is_not_null() | bits.hit(len(using.roles))
    tests = [r.holds(bits.hit(i) if r.words else None) for i, r in enumerate(using.roles)]
    tests = [test & pl.col("with contrast") if r.contrast else test for test, r in zip(tests, using.roles, strict=True)]
    found = bits.joined(series).with_columns(contrast.alias("with contrast"))
    found = found.with_columns(_first(tests).alias("first"))
    return found.with_columns(
        _property([r.name for r in using.roles]).alias("role"), _property([r.by for r in using.roles]).alias("role_by")
    ).select("series_key", *RECOGNISED)


def _with_regions(series: pl.DataFrame, recognisers: Sequence[Recogniser]) -> pl.DataFrame:
    """Add `region` and `region_by`; a description may say more exactly what BodyPartExamined says."""
    plain = [r for r in recognisers if not r.words]
    worded = [r for r in recognisers if r.words]
    any_word = "|".join(f"(?:{r.words})" for r in worded)  # most texts hold none: one look instead of fifteen
    for column in ("BodyPartExamined", *_REGION_TEXTS):
        texts = _distinct(series, column).filter(pl.col("text").str.contains(any_word) | (column == "BodyPartExamined"))
        texts = texts.with_columns(_first([_matches("text", r.words, r.without) for r in worded]).alias("first"))
        told = _property([r.name for r in worded]).replace("", None)
        if column == "BodyPartExamined":
            told = pl.coalesce(_body_part(column), told)
        series = series.join(texts.select(column, told.alias(f"by {column}")), on=column, how="left")
    by_modality = pl.coalesce(*(pl.when(r.holds(None)).then(pl.lit(r.name)) for r in plain)) if plain else pl.lit(None)
    attribute = pl.coalesce(by_modality, pl.col("by BodyPartExamined"))
    description = pl.coalesce(f"by {column}" for column in _REGION_TEXTS)
    parts = [f"{name} of {held}" for name, row in load_table("regions").items() for held in row.get("within", ())]
    narrower = pl.concat_str(description, attribute, separator=" of ").is_in(parts)
    by_words = description.is_not_null() & (attribute.is_null() | narrower)
    by = pl.when(by_words).then(pl.lit(DESCRIPTION)).when(attribute.is_not_null()).then(pl.lit(ATTRIBUTES))
    return series.with_columns(
        pl.when(by_words).then(description).otherwise(attribute).fill_null("").alias("region"),
        by.otherwise(pl.lit("")).alias("region_by"),
    ).drop(f"by {column}" for column in ("BodyPartExamined", *_REGION_TEXTS))


def _in_study(series: pl.DataFrame) -> pl.DataFrame:
    """Let a study name the region of series that do not: its only one, or one that is examined alone (prostate)."""
    alone = {name: row["within"] for name, row in load_table("regions").items() if row.get("alone")}
    named = pl.col("region").filter(pl.col("region") != "").unique()
    studies = series.group_by("study_key").agg(named.alias("of study"))
    sole = pl.when(pl.col("of study").list.len() == 1).then(pl.col("of study").list.first())
    exam = pl.coalesce(*(pl.when(pl.col("of study").list.contains(name)).then(pl.lit(name)) for name in alone))
    studies = studies.select("study_key", sole.alias("sole"), exam.alias("exam"))
    wider = pl.any_horizontal((pl.col("exam") == name) & pl.col("region").is_in(held) for name, held in alone.items())
    unnamed = pl.col("region") == ""
    told = pl.coalesce(pl.when(wider | unnamed).then(pl.col("exam")), pl.when(unnamed).then(pl.col("sole")))
    return (
        series.join(studies, on="study_key", how="left")
        .with_columns(told.alias("told"))
        .with_columns(
            pl.coalesce("told", "region").alias("region"),
            pl.when(pl.col("told").is_not_null()).then(pl.lit(DESCRIPTION)).otherwise("region_by").alias("region_by"),
        )
        .drop("sole", "exam", "told")
    )


class _Bits:
    """Which words stand in the descriptions of a series, a bit for each recogniser and one for contrast."""

    def __init__(self, using: Recognisers) -> None:
        worded = [(i, r) for i, r in enumerate(using.roles) if r.words]
        self._patterns = [(i, r.words, r.without, r.modalities) for i, r in worded]
        self._patterns.append((len(using.roles), using.contrast_words, using.contrast_without, ("CT", "MR")))
        self._places = {i: place for place, (i, *_) in enumerate(self._patterns)}
        self.columns = [f"hits {n}" for n in range(-(-len(self._patterns) // _BITS))]

    def hit(self, i: int) -> pl.Expr:
        """Return whether the words of recogniser `i` stand in a description."""
        number, bit = divmod(self._places[i], _BITS)
        return (pl.col(self.columns[number]) & (1 << bit)) != 0

    def joined(self, series: pl.DataFrame) -> pl.DataFrame:
        """Return `series` with the bits of its first text that says anything."""
        first, second = _ROLE_TEXTS
        for column in (first, second):
            series = series.join(self._of_texts(series, column), on=["Modality", column], how="left", nulls_equal=True)
        says = pl.any_horizontal(pl.col(f"{first} {name}") != 0 for name in self.columns)
        return series.with_columns(
            pl.when(says).then(f"{first} {name}").otherwise(f"{second} {name}").fill_null(0).alias(name)
            for name in self.columns
        )

    def _of_texts(self, series: pl.DataFrame, column: str) -> pl.DataFrame:
        """Return the bits of each text, modality by modality: each has recognisers of its own."""
        texts = _distinct(series, column, "Modality")
        parts = [
            part.select(
                "Modality",
                column,
                *(self._bits(n, modality).alias(f"{column} {c}") for n, c in enumerate(self.columns)),
            )
            for (modality,), part in texts.partition_by("Modality", as_dict=True).items()
        ]
        hits = {f"{column} {name}": pl.Int64() for name in self.columns}
        return pl.concat([pl.DataFrame(schema={"Modality": pl.String(), column: pl.String(), **hits}), *parts])

    def _bits(self, number: int, modality: object) -> pl.Expr:
        found = pl.lit(0, dtype=pl.Int64)
        for place, (_, words, without, modalities) in enumerate(self._patterns):
            if place // _BITS == number and (not modalities or modality is None or modality in modalities):
                bit = pl.lit(1 << (place % _BITS), dtype=pl.Int64)
                found |= pl.when(_matches("text", words, without)).then(bit).otherwise(0)
        return found


def _distinct(series: pl.DataFrame, column: str, *beside: str) -> pl.DataFrame:
    """Return each text of `column` once (with each value `beside` it), and as recognisers read it in ``text``."""
    texts = series.filter(pl.col(column).is_not_null()).select(*beside, column).unique()
    return texts.with_columns(normalised(column).alias("text"))


def _matches(column: str, words: str, without: str) -> pl.Expr:
    found = pl.col(column).str.contains(words)
    return found & ~pl.col(column).str.contains(without) if without else found


def _first(tests: Sequence[pl.Expr]) -> pl.Expr:
    """Return the number of the first test that is met, null where none is."""
    return pl.coalesce(pl.when(test).then(pl.lit(i, dtype=pl.Int16)) for i, test in enumerate(tests))


def _property(values: Sequence[str]) -> pl.Expr:
    """Return what the number in ``first`` stands for, empty for none."""
    return pl.col("first").replace_strict(dict(enumerate(values)), default="", return_dtype=pl.String)


def _body_part(column: str) -> pl.Expr:
    """Return the region of a term of BodyPartExamined, null for other texts."""
    regions = {term: str(row["region"]) for term, row in load_table("body-parts").items()}
    term = pl.col(column).str.to_uppercase().str.replace_all(r"[^A-Z]+", "")
    return term.replace_strict(regions, default=None, return_dtype=pl.String)
