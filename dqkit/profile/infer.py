"""Learns the reference protocol of an archive: what its groups of series keep to, as uses of open rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from dqkit.catalog.schema import SERIES
from dqkit.errors import DqkitError
from dqkit.model import Level
from dqkit.profile.learn import (
    Usual,
    usual_cover,
    usual_presence,
    usual_range,
    usual_set,
    usual_values,
)
from dqkit.rulebook.rule import Rule
from dqkit.rulebook.section import close_to

DEFAULT_BY = ("Modality", "ProtocolName", "ManufacturerModelName")
STUDIES_BY = "StudyDescription"
"""What tells one kind of examination from another where sets of series are learnt."""

WITHOUT_RULE = (
    "PixelBandwidth", "EchoTrainLength", "NumberOfAverages", "ScanningSequence", "SequenceVariant", "PatientPosition",
    "InPlanePhaseEncodingDirection", "SpiralPitchFactor", "ReconstructionDiameter", "AttenuationCorrectionMethod",
)  # fmt: skip
"""Attributes that belong to a protocol and may have no open rule: the pack says so."""

_NOT_PART_OF_A_SET = frozenset({"localizer", ""})
_ENDS = ("min", "max")


@dataclass(frozen=True)
class Line:
    """One use of an open rule for one group."""

    rule: str  # id
    name: str  # of the rule, without what all protocol rules end in
    usual: Usual
    level: Level


@dataclass(frozen=True)
class Group:
    """Entities that share the values `where`, how many they are, and what they keep to."""

    where: Mapping[str, Any]
    n: int
    lines: tuple[Line, ...]
    unsettled: tuple[str, ...]  # names of rules whose attribute varies too much to be a protocol


@dataclass(frozen=True)
class Inferred:
    """A reference protocol, and what it leaves out.

    Attributes
    ----------
    small
        How many groups have fewer entities than asked for, and how many series these are.
    unnamed
        Series that lack one of the attributes that groups are made by.
    """

    by: tuple[str, ...]
    series: tuple[Group, ...]
    studies: tuple[Group, ...]
    small: tuple[int, int]
    unnamed: int
    only_original: bool
    without_rule: tuple[str, ...]


@dataclass(frozen=True)
class _Teacher:
    """How one open rule is learnt: the columns it reads, and what makes them something usual."""

    rule: Rule
    columns: tuple[str, ...]
    learn: Callable[[pl.DataFrame], Usual | None]


def infer(
    series: pl.LazyFrame,
    studies: pl.LazyFrame,
    rules: Sequence[Rule],
    by: Sequence[str] = DEFAULT_BY,
    min_support: int = 20,
    site: str | None = None,
) -> Inferred:
    """Learn what series of each group keep to, and which series an examination of a kind has.

    Parameters
    ----------
    series, studies
        The frames that rules of these levels see (audit.frames).
    rules
        The book; its open rules are what can be learnt.
    by
        Columns of a series that make a group.
    min_support
        Series (studies) that a group has at least.
    site
        Learn from this site alone.

    Raises
    ------
    DqkitError
        `by` names no column of a series, or one that holds lists.
    """
    names = _checked(by)
    if site is not None:
        series, studies = (frame.filter(pl.col("site") == site) for frame in (series, studies))
    taught = [teacher for rule in rules if rule.is_open and (teacher := _teacher(rule))]
    of_series = [one for one in taught if one.rule.level is Level.SERIES]
    of_studies = [one for one in taught if one.rule.level is Level.STUDY]
    original = ~pl.col("is_derived").fill_null(value=False)
    rows = series.filter(original).select(_needed(of_series, (*names, "is_derived"))).collect()
    named = rows.filter(pl.all_horizontal(pl.col(names).is_not_null()))
    found, small = _groups(named, names, of_series, min_support)
    exams = studies.select(_needed(of_studies, (STUDIES_BY,))).filter(pl.col(STUDIES_BY).is_not_null()).collect()
    kinds, _ = _groups(exams, (STUDIES_BY,), of_studies, min_support)
    return Inferred(
        by=names,
        series=found,
        studies=tuple(group for group in kinds if group.lines),
        small=small,
        unnamed=rows.height - named.height,
        only_original=bool(rows.height and rows.get_column("is_derived").is_not_null().all()),
        without_rule=_without_rule(taught),
    )


def _checked(by: Sequence[str]) -> tuple[str, ...]:
    known = {name.lower(): name for name, kind in SERIES.items() if not isinstance(kind, pl.List)}
    names = []
    for word in by:
        if word.lower() not in known:
            hint = close_to(word, list(known.values()), "columns") or f"such as {', '.join(DEFAULT_BY)}"
            raise DqkitError(f"groups cannot be made by {word[:60]!r}: a series has no one value of that name", hint)
        names.append(known[word.lower()])
    return tuple(dict.fromkeys(names))


def _needed(teachers: Sequence[_Teacher], more: Sequence[str]) -> list[str]:
    columns = [column for one in teachers for column in (*one.columns, *one.rule.scope.columns)]
    return list(dict.fromkeys((*more, *columns)))


def _groups(
    rows: pl.DataFrame, names: tuple[str, ...], teachers: Sequence[_Teacher], min_support: int
) -> tuple[tuple[Group, ...], tuple[int, int]]:
    """Return what each group of `min_support` rows keeps to, and how many groups and rows were too few."""
    if rows.is_empty():
        return (), (0, 0)
    sizes = rows.group_by(names).len()
    few = sizes.filter(pl.col("len") < min_support)
    large = rows.join(sizes.filter(pl.col("len") >= min_support), on=names)
    scopes = {one.rule.id: one.rule.scope.compile() for one in teachers}
    told = large.with_columns(expression.alias(f"scope {name}") for name, expression in scopes.items())
    groups = [_group(part, names, teachers, min_support) for part in told.partition_by(names)]
    groups.sort(key=lambda group: (-group.n, [str(value) for value in group.where.values()]))
    return tuple(groups), (few.height, int(few["len"].sum()))


def _group(part: pl.DataFrame, names: tuple[str, ...], teachers: Sequence[_Teacher], min_support: int) -> Group:
    lines, unsettled = [], []
    for one in teachers:
        inside = part.filter(pl.col(f"scope {one.rule.id}").fill_null(value=False))
        has_value = pl.any_horizontal(pl.col(column).is_not_null() for column in one.columns)
        seen = inside if one.rule.source["check"].get("present") else inside.filter(has_value)
        if seen.height < min_support:
            continue
        usual = one.learn(seen)
        name = one.rule.name.removesuffix("-off-protocol")
        says_nothing = usual is not None and one.rule.params and not usual.values
        if says_nothing:
            continue
        if usual is not None:
            lines.append(Line(one.rule.id, name, usual, one.rule.level))
        elif "present" not in one.rule.source["check"]:
            unsettled.append(name)
    where = part.select(names).row(0, named=True)
    return Group(where, part.height, tuple(lines), tuple(unsettled))


def _teacher(rule: Rule) -> _Teacher | None:
    """Return how `rule` is learnt; None for kinds of check that hold nothing to learn."""
    (kind, arguments), *_ = rule.source["check"].items()
    if kind == "all_within":
        return _of_several(rule, arguments)
    columns = _as_tuple(arguments.get("of", ()))
    learn = _LEARNT.get(kind)
    if learn is None or rule.level not in {Level.SERIES, Level.STUDY} or not columns:
        return None
    return _Teacher(rule, columns, partial(learn, columns, arguments))


def _of_several(rule: Rule, arguments: Mapping[str, Any]) -> _Teacher:
    """Learn one range a column, for a check that bounds several."""

    def learn(part: pl.DataFrame) -> Usual | None:
        found = [_learn_range((column,), bounds, part) for column, bounds in arguments.items()]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        values = {name: value for one in known for name, value in one.values.items()}
        return Usual(values, min(one.kept for one in known), min(one.n for one in known))

    return _Teacher(rule, tuple(arguments), learn)


def _as_tuple(of: Any) -> tuple[str, ...]:
    return (of,) if isinstance(of, str) else tuple(of)


def _param(argument: Any) -> str | None:
    return str(argument["param"]) if isinstance(argument, Mapping) and "param" in argument else None


def _learn_range(columns: tuple[str, ...], arguments: Mapping[str, Any], part: pl.DataFrame) -> Usual | None:
    least, most = (_param(arguments.get(end)) for end in _ENDS)
    kinds = part.schema

    def end_of(column: str, end: str) -> pl.Expr:
        value = pl.col(column)
        return getattr(value.list, end)() if isinstance(kinds[column], pl.List) else value

    ends = part.select(
        pl.min_horizontal(end_of(column, "min") for column in columns).alias("low"),
        pl.max_horizontal(end_of(column, "max") for column in columns).alias("high"),
    ).drop_nulls()
    finite = ends.filter(pl.col("low").cast(pl.Float64).is_finite() & pl.col("high").cast(pl.Float64).is_finite())
    if finite.is_empty():
        return None
    whole = all(kinds[column] == pl.Int64() for column in columns)
    return usual_range(finite["low"], finite["high"], least, most, whole=whole)


def _learn_values(columns: tuple[str, ...], arguments: Mapping[str, Any], part: pl.DataFrame) -> Usual | None:
    param = _param(arguments.get("values"))
    return usual_values(part[columns[0]].drop_nulls(), param) if param else None


def _learn_set(columns: tuple[str, ...], arguments: Mapping[str, Any], part: pl.DataFrame) -> Usual | None:
    param = _param(arguments.get("values")) or _param(arguments.get("sets"))
    return usual_set(part[columns[0]].drop_nulls(), param, _NOT_PART_OF_A_SET) if param else None


def _learn_cover(columns: tuple[str, ...], arguments: Mapping[str, Any], part: pl.DataFrame) -> Usual | None:
    param = _param(arguments.get("ranges"))
    return usual_cover(part[columns[0]].drop_nulls(), param) if param else None


def _learn_presence(columns: tuple[str, ...], arguments: Mapping[str, Any], part: pl.DataFrame) -> Usual | None:
    present = [part[column].is_not_null() for column in columns]
    first, *others = present
    for other in others:
        first = (first | other) if arguments.get("any") else (first & other)
    return usual_presence(first)


_LEARNT: Mapping[str, Callable[[tuple[str, ...], Mapping[str, Any], pl.DataFrame], Usual | None]] = {
    "within": _learn_range,
    "value_in": _learn_values,
    "holds_all": _learn_set,
    "holds_one_of_each": _learn_set,
    "covers": _learn_cover,
    "present": _learn_presence,
}


def _without_rule(teachers: Sequence[_Teacher]) -> tuple[str, ...]:
    taught = {column for one in teachers for column in one.columns}
    return tuple(name for name in WITHOUT_RULE if name not in taught)
