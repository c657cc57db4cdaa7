"""What a step asks for: conditions on attributes, counts and roles of what is left; each says why an entity is out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.cohort.population import Population
from dqkit.cohort.words import scope_text, unclear_text, unmet_text
from dqkit.model import Level
from dqkit.rulebook.rule import Text
from dqkit.rulebook.scope import Scope
from dqkit.rulebook.vocabulary import load_table


@dataclass(frozen=True)
class Judged:
    """What a criterion says.

    Attributes
    ----------
    entities
        ``entity`` (key at the level of the step), ``met`` (null = cannot be told) and ``codes`` (places in
        `reasons`, of all that speaks against it).
    reasons
        Sentences, free of identifying values.
    """

    entities: pl.DataFrame
    reasons: tuple[Text, ...]


class Criterion(Protocol):
    """What a step asks for."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads of the frame of its level."""
        ...

    def judge(self, level: Level, population: Population, alive: pl.DataFrame) -> Judged:
        """Judge the entities of `level` that the series of `alive` belong to."""
        ...


@dataclass(frozen=True)
class Where:
    """In are those that meet every condition."""

    scope: Scope

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the conditions read."""
        return self.scope.columns

    def judge(self, level: Level, population: Population, alive: pl.DataFrame) -> Judged:
        """Judge by the conditions; what is missing or varies leaves one open."""
        met = [condition.compile() for condition in self.scope.conditions]
        unmet = _codes([(~one).fill_null(value=False) for one in met])
        unclear = _codes([one.is_null() for one in met], first=len(met))
        whole = pl.all_horizontal(met)
        codes = pl.when(whole.is_null()).then(unclear).otherwise(unmet)
        reasons = [unmet_text(condition) for condition in self.scope.conditions]
        reasons += [unclear_text([condition.column]) for condition in self.scope.conditions]
        return Judged(_entities(population.of(level, alive), level, whole, codes), tuple(reasons))


@dataclass(frozen=True)
class Exclude:
    """Out are those that meet all conditions of one of the scopes."""

    scopes: tuple[Scope, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the conditions read."""
        return tuple(dict.fromkeys(column for scope in self.scopes for column in scope.columns))

    def judge(self, level: Level, population: Population, alive: pl.DataFrame) -> Judged:
        """Judge by the scopes; what is missing or varies leaves one open."""
        caught = [scope.compile() for scope in self.scopes]
        surely = _codes([one.fill_null(value=False) for one in caught])
        perhaps = _codes([one.is_null() for one in caught], first=len(caught))
        whole = ~pl.any_horizontal(caught)
        codes = pl.when(whole.is_null()).then(perhaps).otherwise(surely)
        reasons = [scope_text(scope) for scope in self.scopes]
        reasons += [unclear_text(scope.columns) for scope in self.scopes]
        return Judged(_entities(population.of(level, alive), level, whole, codes), tuple(reasons))


@dataclass(frozen=True)
class Counted:
    """In are those of whose series enough are left, or not too many.

    `limits` maps studies, series, images, frames (sums) or slices (of the largest volume) to a number.
    """

    limits: Mapping[str, int]
    level: Level
    at_least: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """It counts series, and reads no frame."""
        return ()

    def judge(self, level: Level, population: Population, alive: pl.DataFrame) -> Judged:  # noqa: ARG002
        """Count what is left; a series without a number leaves open what the others do not settle."""
        counted = alive.drop_nulls(KEY[level]).group_by(KEY[level], maintain_order=True)
        frame = counted.agg(self._met(name, limit).alias(name) for name, limit in self.limits.items())
        met = [pl.col(name) for name in self.limits]
        whole = pl.all_horizontal(met)
        unmet = _codes([(~one).fill_null(value=False) for one in met])
        unclear = _codes([one.is_null() for one in met], first=len(met))
        codes = pl.when(whole.is_null()).then(unclear).otherwise(unmet)
        reasons = [self._reason(name, limit) for name, limit in self.limits.items()]
        reasons += [_number_unknown(name) for name in self.limits]
        return Judged(_entities(frame, level, whole, codes), tuple(reasons))

    def _met(self, name: str, limit: int) -> pl.Expr:
        number, known = _NUMBERS[name]
        if self.at_least:
            return pl.when(number >= limit).then(pl.lit(value=True)).when(known).then(pl.lit(value=False))
        return pl.when(number > limit).then(pl.lit(value=False)).when(known).then(pl.lit(value=True))

    def _reason(self, name: str, limit: int) -> Text:
        one, many, zh = _COUNTED_WORDS[name]
        words = one if limit == 1 else many
        if self.at_least:
            return {"en": f"fewer than {limit:,} {words}", "zh": f"{zh}少于 {limit:,}"}
        return {"en": f"more than {limit:,} {words}", "zh": f"{zh}多于 {limit:,}"}


@dataclass(frozen=True)
class Roles:
    """In are studies (or patients) with a series of each role, or of one of several, among those that are left."""

    wanted: tuple[tuple[str, ...], ...]
    level: Level

    @property
    def columns(self) -> tuple[str, ...]:
        """It reads what series were recognised as, and no frame."""
        return ()

    def judge(self, level: Level, population: Population, alive: pl.DataFrame) -> Judged:  # noqa: ARG002
        """Look for every role; an image series that was not recognised may be the one that is missing."""
        grouped = alive.drop_nulls(KEY[level]).group_by(KEY[level], maintain_order=True)
        frame = grouped.agg(
            pl.col("role").unique().alias("roles"),
            (pl.col("is_image").fill_null(value=False) & (pl.col("role") == "")).any().alias("unrecognised"),
        )
        found = [pl.any_horizontal(pl.col("roles").list.contains(name) for name in names) for names in self.wanted]
        lacking = ~pl.all_horizontal(found)
        whole = pl.when(~lacking).then(pl.lit(value=True)).when(~pl.col("unrecognised")).then(pl.lit(value=False))
        surely = _codes([~one for one in found])
        perhaps = _codes([~one for one in found], first=len(found))
        codes = pl.when("unrecognised").then(perhaps).otherwise(surely)
        missing = [_no_role(names) for names in self.wanted]
        reasons = missing + [_perhaps_role(reason) for reason in missing]
        return Judged(_entities(frame, level, whole, codes), tuple(reasons))


_NUMBERS: dict[str, tuple[pl.Expr, pl.Expr]] = {
    # The number, and whether it is known of every series
    "studies": (pl.col("study_key").n_unique(), pl.lit(value=True)),
    "series": (pl.len(), pl.lit(value=True)),
    "images": (pl.col("n_instances").sum(), pl.col("n_instances").null_count() == 0),
    "frames": (pl.col("n_frames").sum(), pl.col("n_frames").null_count() == 0),
    "slices": (pl.col("n_slices").max(), pl.col("n_slices").null_count() == 0),
}

_COUNTED_WORDS = {
    "studies": ("study", "studies", "检查数"),
    "series": ("series", "series", "序列数"),
    "images": ("image", "images", "图像数"),
    "frames": ("frame", "frames", "帧数"),
    "slices": ("slice", "slices", "层数"),
}


def _entities(frame: pl.DataFrame, level: Level, met: pl.Expr, codes: pl.Expr) -> pl.DataFrame:
    return frame.select(pl.col(KEY[level]).alias("entity"), met.alias("met"), codes.alias("codes"))


def _codes(tests: Sequence[pl.Expr], first: int = 0) -> pl.Expr:
    """Return the places of the tests that hold, as a list, counted from `first`."""
    places = [pl.when(test).then(pl.lit(first + i, dtype=pl.Int32)) for i, test in enumerate(tests)]
    return pl.concat_list(places).list.drop_nulls() if places else pl.lit([], dtype=pl.List(pl.Int32))


def _number_unknown(name: str) -> Text:
    _, many, zh = _COUNTED_WORDS[name]
    return {"en": f"number of {many} not known", "zh": f"{zh}未知"}


def _no_role(names: Sequence[str]) -> Text:
    known = load_table("roles")
    either = {lang: [str(known[name][lang]) for name in names] for lang in ("en", "zh")}
    return {"en": f"no {' or '.join(either['en'])}", "zh": f"缺少{' 或 '.join(either['zh'])}"}


def _perhaps_role(missing: Text) -> Text:
    return {
        "en": f"{missing['en']}, but series that were not recognised",
        "zh": f"{missing['zh']}，但有未识别的序列",
    }
