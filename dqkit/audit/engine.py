"""Runs all rules over all levels as one polars plan: counts by site, and every entity that fails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from dqkit.audit.answerable import Extracts
from dqkit.audit.frames import ANCESTRY, KEY, frame_of
from dqkit.audit.recognise import recognised
from dqkit.catalog.schema import conform
from dqkit.catalog.tables import Tables
from dqkit.model import Level, Outcome
from dqkit.rulebook.rule import Rule

COUNTS = {"rule_id": pl.String(), "variant": pl.String(), "site": pl.String()} | {
    outcome.name: pl.Int64() for outcome in Outcome
}

FAILED = {
    "rule_id": pl.String(),
    "variant": pl.String(),
    "level": pl.String(),
    **{key: pl.String() for key in ANCESTRY},
    "SOPInstanceUID": pl.String(),
    "path": pl.String(),
    "observed": pl.String(),
    "culprits": pl.List(pl.String()),
    "entity": pl.String(),
}


ANSWERS = {"rule_id": pl.String(), "variant": pl.String(), "entity": pl.String(), "outcome": pl.Int8()}

_ENTITY = "the entity"


@dataclass(frozen=True)
class Evaluation:
    """What the rules say, before causes silence consequences.

    Attributes
    ----------
    counts
        COUNTS: one row a rule and site, entities by outcome; site null for archive-level rules.
    failed
        FAILED: one row a rule and failing entity, with the keys of all entities above it.
    crashed
        Rules that could not be evaluated, as label of the rule -> class of the error.
    """

    counts: pl.DataFrame
    failed: pl.DataFrame
    crashed: dict[str, str] = field(default_factory=dict)


def evaluate(rules: Sequence[Rule], tables: Tables, roles: pl.DataFrame | None = None) -> Evaluation:
    """Evaluate `rules` together; where that fails, in halves, so that one bad rule stops no other.

    `roles` is what `recognise.recognised` says of every series; None = look now.
    """
    if not rules:
        return Evaluation(pl.DataFrame(schema=COUNTS), pl.DataFrame(schema=FAILED))
    roles = recognised(tables) if roles is None else roles
    levels = {level: frame_of(level, tables, roles) for level in {rule.level for rule in rules}}
    return _in_halves(rules, levels, Extracts.of(tables))


def outcomes_of_entities(
    wanted: pl.DataFrame, rules: Sequence[Rule], tables: Tables, roles: pl.DataFrame
) -> pl.DataFrame:
    """Return what rules say of single entities.

    Parameters
    ----------
    wanted
        rule_id, variant, entity.
    rules
        Of them, those that `wanted` names are asked.
    tables, roles
        As for `evaluate`.

    Returns
    -------
    The rows of `wanted` with `outcome` (model.Outcome); null where the entity is not there.
    """
    extracts = Extracts.of(tables)
    asked = {rule.key: rule for rule in rules}
    found = [wanted.clear().with_columns(outcome=pl.lit(None, dtype=pl.Int8))]
    for (rule_id, variant), rows in wanted.partition_by("rule_id", "variant", as_dict=True).items():
        rule = asked[str(rule_id), str(variant)]
        frame = frame_of(rule.level, tables, roles).with_columns(_entity(rule.level))
        answers = _asked(frame, [rule], extracts).collect()
        said = answers.select(entity=_ENTITY, outcome=pl.col(_name(rule)).cast(pl.Int8))
        found.append(rows.join(said, on="entity", how="left"))
    return pl.concat(found)


def _in_halves(rules: Sequence[Rule], levels: dict[Level, pl.LazyFrame], extracts: Extracts) -> Evaluation:
    """Evaluate `rules`; those that polars cannot evaluate are found by halving, as frames are dear to make."""
    try:
        return _run(rules, levels, extracts)
    except pl.exceptions.PolarsError as error:
        if len(rules) == 1:
            none = Evaluation(pl.DataFrame(schema=COUNTS), pl.DataFrame(schema=FAILED))
            return replace(none, crashed={rules[0].label: type(error).__name__})
    middle = len(rules) // 2
    halves = [_in_halves(half, levels, extracts) for half in (rules[:middle], rules[middle:])]
    return Evaluation(
        pl.concat(half.counts for half in halves),
        pl.concat(half.failed for half in halves),
        {label: error for half in halves for label, error in half.crashed.items()},
    )


def _run(rules: Sequence[Rule], levels: dict[Level, pl.LazyFrame], extracts: Extracts) -> Evaluation:
    """Ask every rule about every entity, then look closer at the entities that fail.

    A frame with its windows and joins is made twice, however many rules there are, and never as a whole.
    """
    by_level = {level: own for level in levels if (own := [rule for rule in rules if rule.level is level])}
    frames = {level: levels[level].with_columns(_entity(level)) for level in by_level}
    answers = dict(
        zip(
            by_level,
            pl.collect_all([_asked(frames[level], own, extracts) for level, own in by_level.items()]),
            strict=True,
        )
    )
    failing = {level: found for level, own in by_level.items() if (found := _that_fail(answers[level], own))}
    closer = pl.collect_all([_closer(frames[level], answers[level], own) for level, own in failing.items()])
    counts = [_counts(level, answers[level], own) for level, own in by_level.items()]
    failed = [
        _failed(rows, level, rule) for rows, (level, own) in zip(closer, failing.items(), strict=True) for rule in own
    ]
    return Evaluation(pl.concat(counts), pl.concat([pl.DataFrame(schema=FAILED), *failed]))


def answers_of(
    rules: Sequence[Rule], asked: pl.DataFrame, tables: Tables, roles: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return what `rules` say of single entities: rule_id, variant, entity, ``outcome`` (model.Outcome).

    An entity that is not there has no row, nor has a rule that cannot be evaluated.

    Parameters
    ----------
    asked
        rule_id, variant, entity.
    """
    answers = [pl.DataFrame(schema=ANSWERS)]
    for level in dict.fromkeys(rule.level for rule in rules):
        own = [rule for rule in rules if rule.level is level]
        frame = frame_of(level, tables, roles).with_columns(_entity(level))
        answers += _told(frame, own, asked, Extracts.of(tables))
    return pl.concat(answers)


def _told(
    frame: pl.LazyFrame, rules: Sequence[Rule], asked: pl.DataFrame, extracts: Extracts
) -> Iterator[pl.DataFrame]:
    """Give what `rules`, all of one level, say of the entities that `asked` names with them."""
    ids = asked.join(_keys_of(rules), on=["rule_id", "variant"], how="semi")["entity"].unique()
    try:
        wide = _asked(frame, rules, extracts).filter(pl.col(_ENTITY).is_in(ids.implode())).collect()
    except pl.exceptions.PolarsError:
        for rule in rules if len(rules) > 1 else ():
            yield from _told(frame, [rule], asked, extracts)
        return
    for rule in rules:
        said = wide.select(
            pl.lit(rule.id).alias("rule_id"),
            pl.lit(rule.variant).alias("variant"),
            pl.col(_ENTITY).alias("entity"),
            pl.col(_name(rule)).alias("outcome"),
        )
        yield said.join(asked, on=["rule_id", "variant", "entity"], how="semi")


def _keys_of(rules: Sequence[Rule]) -> pl.DataFrame:
    return pl.DataFrame([rule.key for rule in rules], schema=dict(list(ANSWERS.items())[:2]), orient="row")


def _entity(level: Level) -> pl.Expr:
    return (pl.col(KEY[level]) if level in KEY else pl.lit("archive")).alias(_ENTITY)


def _name(rule: Rule) -> str:
    return f"{rule.id}/{rule.variant}"  # an id holds no slash


def _asked(frame: pl.LazyFrame, rules: Sequence[Rule], extracts: Extracts) -> pl.LazyFrame:
    """Return a row an entity: its key, its site, and the outcome of every rule."""
    site = pl.col("site") if "site" in frame.collect_schema() else pl.lit(None, dtype=pl.String).alias("site")
    return frame.select(_ENTITY, site, *(extracts.outcome(rule).alias(_name(rule)) for rule in rules))


def _that_fail(answers: pl.DataFrame, rules: Sequence[Rule]) -> list[Rule]:
    found = answers.select((pl.col(_name(rule)) == Outcome.FAIL.value).any() for rule in rules)
    return [rule for rule in rules if found[_name(rule)].item()]


def _counts(level: Level, answers: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Count entities by site, rule and outcome."""
    site = pl.lit(None, dtype=pl.String).alias("site") if level is Level.ARCHIVE else pl.col("site")
    wide = answers.group_by(site).agg(
        (pl.col(_name(rule)) == outcome.value).sum().cast(pl.Int64).alias(f"{_name(rule)}/{outcome.name}")
        for rule in rules
        for outcome in Outcome
    )
    return _long_counts(wide, rules)


def _closer(frame: pl.LazyFrame, answers: pl.DataFrame, rules: Sequence[Rule]) -> pl.LazyFrame:
    """Return the entities that fail one of `rules`, with the columns that say what was found."""
    names = [_name(rule) for rule in rules]
    failing = answers.filter(pl.any_horizontal(pl.col(name) == Outcome.FAIL.value for name in names))
    told = [expr for rule in rules for expr in (rule.observed(), rule.culprits())]
    wanted = dict.fromkeys([_ENTITY, *ANCESTRY, "SOPInstanceUID", "path", "file_ids"])
    wanted |= dict.fromkeys(name for expr in told for name in expr.meta.root_names())
    have = frame.collect_schema().names()
    rows = frame.select(name for name in wanted if name in have)
    return rows.join(failing.lazy().select(_ENTITY, *names), on=_ENTITY, nulls_equal=True)


def _failed(rows: pl.DataFrame, level: Level, rule: Rule) -> pl.DataFrame:
    """Return every entity that fails `rule`, with its keys, what was observed, and the files at fault."""
    culprits = rule.culprits()
    if level is Level.STACK:  # its files are not those of its series
        culprits = pl.coalesce(culprits, pl.col("file_ids").list.unique(maintain_order=True))
    found = rows.filter(pl.col(_name(rule)) == Outcome.FAIL.value).with_columns(
        pl.lit(rule.id).alias("rule_id"),
        pl.lit(rule.variant).alias("variant"),
        pl.lit(level.value).alias("level"),
        rule.observed().cast(pl.String).alias("observed"),
        culprits.alias("culprits"),
    )
    return conform(found.rename({_ENTITY: "entity"}), FAILED)


def _long_counts(wide: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    return pl.concat(
        wide.select(
            pl.lit(rule.id).alias("rule_id"),
            pl.lit(rule.variant).alias("variant"),
            "site",
            *(pl.col(f"{_name(rule)}/{outcome.name}").alias(outcome.name) for outcome in Outcome),
        )
        for rule in rules
    )
