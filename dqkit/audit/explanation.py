"""One finding in full: its rule, the values it rests on, and the slices or files at fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dqkit.audit.frames import KEY, frame_of
from dqkit.catalog.schema import INSTANCES, RECOGNISED, TEXT, empty
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.identity import Pseudonyms
from dqkit.model import Level
from dqkit.privacy.identifying import is_identifying
from dqkit.rulebook.book import Book
from dqkit.rulebook.rule import Rule

_SHOWN = 12

_PLUMBING = {"varying", "varying_values", "file_ids", "slice_positions_mm", *KEY.values()}
"""Columns that rules read and that say nothing to a person here."""


@dataclass(frozen=True)
class Explanation:
    """What a person needs in order to believe a finding.

    Attributes
    ----------
    finding
        Its row of FINDINGS.
    rule
        The rule.
    values
        attribute, value: of the entity, for the columns that the rule reads and that identify nobody.
    spread
        attribute, value, files: how the values of the varying attributes are spread over the entity's files.
    slices
        For stacks: position_mm, step_mm, fault (gap before | duplicate | at fault | empty), at_fault, path.
    alike
        How many findings share rule, site, scanner and protocol.
    """

    finding: Mapping[str, Any]
    rule: Rule
    values: pl.DataFrame
    spread: pl.DataFrame
    slices: pl.DataFrame
    alike: int


def explanation_of(catalog: Catalog, name: str, book: Book, pseudonyms: Pseudonyms | None = None) -> Explanation:
    """Explain the finding whose id, or whose pseudonym, starts with `name`.

    Parameters
    ----------
    pseudonyms
        What makes the names of findings that leave the house; None = the id alone is looked for.

    Raises
    ------
    DqkitError
        No finding, or several, start so; or its rule is not in the book.
    """
    findings = catalog.scan("findings")
    finding = finding_named(catalog, name, pseudonyms)
    rule = book.get(finding["rule_id"])
    level = Level(finding["level"])
    alike = findings.filter(pl.col("problem_id") == finding["problem_id"]).select(pl.len()).collect().item()
    return Explanation(
        finding,
        rule,
        _values(rule, level, finding["entity"], catalog),
        _spread(rule, level, finding["entity"], catalog),
        _blaming(_slices(finding["entity"], catalog), finding["paths"]) if level is Level.STACK else pl.DataFrame(),
        int(alike),
    )


def finding_named(catalog: Catalog, name: str, pseudonyms: Pseudonyms | None = None) -> dict[str, Any]:
    """Return the row of the finding whose id, or whose pseudonym, starts with `name`.

    Raises
    ------
    DqkitError
        No finding, or several, start so.
    """
    name = name.lower()
    findings = catalog.scan("findings")
    hits = findings.filter(pl.col("finding_id").str.starts_with(name)).head(3).collect()
    if hits.is_empty() and pseudonyms is not None:
        ids = findings.select("finding_id").collect()["finding_id"]
        meant = [one for one in ids if pseudonyms.of("finding", one).startswith(name)]
        hits = findings.filter(pl.col("finding_id").is_in(meant[:3])).collect()
    if hits.is_empty():
        raise DqkitError(f"no finding starts with {name!r}", "the report and `dqkit audit --json` show the ids")
    if hits.height > 1:
        raise DqkitError(f"several findings start with {name!r}", "give more characters of the id")
    return hits.row(0, named=True)


_NO_ROLES = {"series_key": TEXT, **RECOGNISED}
_READ_ROLES = frozenset({*RECOGNISED, "roles", "regions"})
"""Columns for which every series must be recognised, which takes seconds where there are a million."""


def _values(rule: Rule, level: Level, entity: str, tables: Tables) -> pl.DataFrame:
    frame = frame_of(level, tables, None if _READ_ROLES & set(rule.columns) else empty(_NO_ROLES))
    if level in KEY:
        frame = frame.filter(pl.col(KEY[level]) == entity)
    columns = [name for name in rule.columns if not is_identifying(name) and name not in _PLUMBING]
    rows = frame.select(columns).head(1).collect()
    values = rows.row(0, named=True) if rows.height and columns else {}
    shown = [(name, _shown(value)) for name, value in values.items()]
    return pl.DataFrame(shown, {"attribute": pl.String, "value": pl.String}, orient="row")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "\\".join(_shown(one) for one in value[:_SHOWN]) + (" …" if len(value) > _SHOWN else "")
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _spread(rule: Rule, level: Level, entity: str, tables: Tables) -> pl.DataFrame:
    """Count the files by value of each attribute that the rule reads and that varies in the series."""
    schema = {"attribute": pl.String, "value": pl.String, "files": pl.Int64}
    if level is not Level.SERIES:
        return pl.DataFrame(schema=schema)
    rows = tables.scan("instances").filter(pl.col("series_key") == entity)
    found = []
    for name in rule.columns:
        if name not in INSTANCES or is_identifying(name) or name in KEY.values():
            continue
        kind = INSTANCES[name]
        text = (
            pl.col(name).cast(pl.List(pl.String)).list.join("\\")
            if isinstance(kind, pl.List)
            else pl.col(name).cast(pl.String)
        )
        counts = rows.group_by(text.alias("value")).agg(pl.len().cast(pl.Int64).alias("files")).collect()
        if counts.height > 1:
            found.append(
                counts.sort("files", descending=True)
                .head(_SHOWN)
                .select(pl.lit(name).alias("attribute"), "value", "files")
            )
    return pl.concat([pl.DataFrame(schema=schema), *found])


def _slices(stack_id: str, tables: Tables) -> pl.DataFrame:
    """Return the slices of a stack in order, with the place of each fault."""
    stack = tables.scan("stacks").filter(pl.col("stack_id") == stack_id).head(1).collect()
    if stack.is_empty():
        return pl.DataFrame()
    row = stack.row(0, named=True)
    gaps, duplicates = set(row["gap_after"] or []), set(row["duplicates_at"] or [])
    slices = pl.DataFrame({"position_mm": row["slice_positions_mm"], "file_id": row["file_ids"]}).with_row_index("i")
    paths = (
        tables.scan("instances").select("file_id", "path").filter(pl.col("file_id").is_in(row["file_ids"])).collect()
    )
    faults = ["duplicate" if i in duplicates else "gap before" if i - 1 in gaps else "" for i in range(slices.height)]
    return (
        slices.join(paths, on="file_id", how="left", maintain_order="left")
        .with_columns(pl.col("position_mm").diff().alias("step_mm"), pl.Series("fault", faults, dtype=pl.String))
        .with_columns((pl.col("fault") != "").alias("at_fault"))
        .select("position_mm", "step_mm", "fault", "at_fault", "path")
    )


def _blaming(slices: pl.DataFrame, paths: list[str]) -> pl.DataFrame:
    """Mark the slices whose files the finding names, where it names some of them and geometry blames none."""
    if slices.is_empty() or slices["at_fault"].any() or not 0 < len(paths) < slices["path"].n_unique():
        return slices
    named = pl.col("path").is_in(paths).fill_null(value=False)
    return slices.with_columns(
        pl.when(named).then(pl.lit("at fault")).otherwise("fault").alias("fault"), at_fault=named
    )


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """Return `explanation` as plain JSON values; for the user's own screen, because it names files."""
    return {
        "finding": dict(explanation.finding),
        "rule": dict(explanation.rule.source),
        "values": explanation.values.to_dicts(),
        "spread": explanation.spread.to_dicts(),
        "slices": explanation.slices.to_dicts(),
        "alike": explanation.alike,
    }
