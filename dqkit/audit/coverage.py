"""What was recognised, and what was judged: series by role, and by the packs that speak of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dqkit.audit.frames import frame_of
from dqkit.catalog.schema import FLAG, INT, TEXT, Schema, empty
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome
from dqkit.rulebook.pack import GENERAL, Pack, general_pack
from dqkit.rulebook.rule import Rule, Text

ROLES: Schema = {"site": TEXT, "modality": TEXT, "role": TEXT, "by": TEXT, "series": INT}
"""Image series by what they were recognised as; `role` and `by` are empty where they were not."""

JUDGED: Schema = {"site": TEXT, "pack": TEXT, "series": INT, "judged": INT}
"""Image series that a pack speaks of, and those of which one of its rules said pass or fail, by itself or its study."""

UNJUDGED: Schema = {"site": TEXT, "modality": TEXT, "series": INT}
"""Image series that no pack but `general` speaks of."""

_SAID = [Outcome.PASS.value, Outcome.FAIL.value]


@dataclass(frozen=True)
class PackOfRun:
    """A pack that a run used; `rules` of its rules were evaluated."""

    name: str
    version: str
    title: Text
    sha256: str
    rules: int
    lineage: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Coverage:
    """What was recognised and what was judged; frames of ROLES, JUDGED and UNJUDGED."""

    packs: tuple[PackOfRun, ...] = ()
    roles: pl.DataFrame = field(default_factory=lambda: empty(ROLES))
    judged: pl.DataFrame = field(default_factory=lambda: empty(JUDGED))
    unjudged: pl.DataFrame = field(default_factory=lambda: empty(UNJUDGED))

    @property
    def has_protocol(self) -> bool:
        """Whether a pack beside `general` was used."""
        return any(pack.name != GENERAL for pack in self.packs)


def coverage_of(rules: Sequence[Rule], packs: Sequence[Pack], tables: Tables, roles: pl.DataFrame) -> Coverage:
    """Return what was recognised and what was judged.

    Parameters
    ----------
    rules
        Those evaluated.
    packs
        Those in use, without `general` unless it was named.
    tables
        The catalog.
    roles
        What `recognise.recognised` says of every series.
    """
    protocols = [pack for pack in packs if pack.uses and not pack.is_plain]
    series = _series(protocols, rules, tables, roles)
    flags = [pl.col(f"in {pack.name}") for pack in protocols]
    judged = [_counted(series, pack.name) for pack in protocols]
    unjudged = series.filter(~pl.any_horizontal(flags)) if flags else series.clear()
    return Coverage(
        packs=packs_of_run(rules, packs),
        roles=_count(series, ["site", "modality", "role", "by"]).select(list(ROLES)),
        judged=pl.concat([empty(JUDGED), *([_general(series)] if _has_plain(rules) else []), *judged]),
        unjudged=_count(unjudged, ["site", "modality"]).select(list(UNJUDGED)),
    )


def packs_of_run(rules: Sequence[Rule], packs: Sequence[Pack]) -> tuple[PackOfRun, ...]:
    """Return the packs of a run with how many rules each brought.

    The book stands as `general`, unless none of its rules ran or a plain pack stands in its place.
    """
    needs_general = _has_plain(rules) and not any(pack.is_plain for pack in packs)
    named = (general_pack(), *packs) if needs_general else packs
    return tuple(
        PackOfRun(
            name=pack.name,
            version=pack.version,
            title=dict(pack.title),
            sha256=pack.sha256,
            rules=sum(rule.pack == ("" if pack.is_plain else pack.name) for rule in rules),
            lineage=tuple(f"{name} {version}" for name, version in pack.lineage),
        )
        for pack in named
    )


def _has_plain(rules: Sequence[Rule]) -> bool:
    """Tell whether a rule of the book ran."""
    return any(not rule.pack for rule in rules)


def _series(packs: Sequence[Pack], rules: Sequence[Rule], tables: Tables, roles: pl.DataFrame) -> pl.DataFrame:
    """Return every image series with what it was recognised as, and which packs speak of it and judged it."""
    by_level = {level: _judged_at(level, packs, rules) for level in (Level.SERIES, Level.STUDY, Level.STACK)}
    scopes = [pack.series_scope().compile().fill_null(value=False).alias(f"in {pack.name}") for pack in packs]
    frame = frame_of(Level.SERIES, tables, roles)
    series = frame.select(
        "series_key", "study_key", "site", "role", "is_image", pl.col("Modality").alias("modality"),
        pl.col("role_by").alias("by"), *scopes, *by_level[Level.SERIES],
    )  # fmt: skip
    for level, key in ((Level.STUDY, "study_key"), (Level.STACK, "series_key")):
        said = by_level[level]
        if said:
            outcomes = frame_of(level, tables, roles).select(key, *said)
            series = series.join(outcomes.group_by(key).agg(pl.all().any()), on=key, how="left")
    return series.collect().filter(pl.col("is_image").fill_null(value=False))


def _judged_at(level: Level, packs: Sequence[Pack], rules: Sequence[Rule]) -> list[pl.Expr]:
    """Return an expression a pack: whether one of its rules of `level` says pass or fail."""
    found = []
    for pack in packs:
        own = [rule.outcome().is_in(_SAID) for rule in rules if rule.pack == pack.name and rule.level is level]
        if own:
            found.append(pl.any_horizontal(own).alias(f"{level.value} of {pack.name}"))
    return found


def _counted(series: pl.DataFrame, pack: str) -> pl.DataFrame:
    names = [f"{level.value} of {pack}" for level in (Level.SERIES, Level.STUDY, Level.STACK)]
    said = [pl.col(name).fill_null(value=False) for name in names if name in series.columns]
    judged = pl.any_horizontal(said) if said else pl.lit(value=False, dtype=FLAG)
    inside = series.filter(pl.col(f"in {pack}")).with_columns(judged.alias("judged"))
    counts = inside.group_by("site").agg(pl.len().cast(INT).alias("series"), pl.col("judged").sum().cast(INT))
    return counts.select("site", pl.lit(pack).alias("pack"), "series", "judged").sort("site")


def _general(series: pl.DataFrame) -> pl.DataFrame:
    counts = _count(series, ["site"])
    return counts.select("site", pl.lit(GENERAL).alias("pack"), "series", pl.col("series").alias("judged"))


def _count(series: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    return series.group_by(by).agg(pl.len().cast(INT).alias("series")).sort(*by, nulls_last=True)


def coverage_to_json(coverage: Coverage) -> dict[str, Any]:
    """Return `coverage` as plain JSON values."""
    packs = [
        {
            "name": pack.name, "version": pack.version, "title": dict(pack.title), "sha256": pack.sha256,
            "rules": pack.rules, "extends": list(pack.lineage), **_totals(coverage, pack.name),
        }
        for pack in coverage.packs
    ]  # fmt: skip
    return {
        "packs": packs,
        "series_without_pack": int(coverage.unjudged["series"].sum()) if coverage.has_protocol else None,
        "roles": coverage.roles.to_dicts(),
        "judged": coverage.judged.to_dicts(),
        "unjudged": coverage.unjudged.to_dicts(),
    }


def coverage_from_json(data: dict[str, Any] | None) -> Coverage:
    """Return the coverage that `coverage_to_json` wrote; an empty one for results of before."""
    if not data:
        return Coverage()
    packs = tuple(
        PackOfRun(
            str(row["name"]), str(row["version"]), dict(row["title"]), str(row["sha256"]), int(row["rules"]),
            tuple(row["extends"]),
        )
        for row in data["packs"]
    )  # fmt: skip
    frames = [pl.from_dicts(data[name], schema=kinds) for name, kinds in _FRAMES.items()]
    return Coverage(packs, *frames)


_FRAMES: dict[str, Schema] = {"roles": ROLES, "judged": JUDGED, "unjudged": UNJUDGED}


def _totals(coverage: Coverage, pack: str) -> dict[str, int]:
    rows = coverage.judged.filter(pl.col("pack") == pack)
    return {"series": int(rows["series"].sum()), "judged": int(rows["judged"].sum())}


def only_site_of(coverage: Coverage, site: str) -> Coverage:
    """Return what `coverage` says of `site` alone."""
    frames = [getattr(coverage, name).filter(pl.col("site") == site) for name in _FRAMES]
    return Coverage(coverage.packs, *frames)
