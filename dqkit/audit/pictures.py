"""Chooses which findings get a picture, and has it drawn: at most three a rule and site."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import polars as pl

from dqkit.archive.paths import unescape
from dqkit.audit.result import AuditResult, Picture
from dqkit.catalog.tables import Tables
from dqkit.index.progress import Progress, Silent
from dqkit.index.sources import root_path
from dqkit.model import Level
from dqkit.pixels.canvas import Rendered
from dqkit.pixels.picture import Kind, picture_of_image, picture_of_stack
from dqkit.rulebook.rule import Rule

PER_RULE_AND_SITE = 3
_TRIES = 6
_MOST_SITES = 20
"""Beyond so many sites only the first have pictures of a rule: the report has room for 2 MB of them."""

_CAPTIONS = {
    "gap": {
        "en": "A cut across the slices; the red band is where slices are missing. Beside it: the slices next to it.",
        "zh": "垂直于层面的切面；红色带为缺失层面的位置。旁边是缺口前后的层面。",
    },
    "tilt": {
        "en": "The volume as a reader that ignores the tilt sees it (red), and as it was measured (blue).",
        "zh": "忽略倾斜的读取程序所见的体数据（红），与实际测得的体数据（蓝）。",
    },
    "duplicate": {
        "en": "Two slices at one position, and where they differ.",
        "zh": "同一位置的两个层面，以及二者的差异。",
    },
    "orientation": {
        "en": "One slice of each orientation in this series, and how their planes lie.",
        "zh": "该序列中每种方向各一个层面，以及各平面的位置关系。",
    },
    "image": {
        "en": "The image; what the file does not hold is hatched in red.",
        "zh": "该图像；文件中缺失的部分以红色斜线标出。",
    },
}


def with_pictures(result: AuditResult, tables: Tables, progress: Progress | None = None) -> AuditResult:
    """Return `result` with pictures of geometry and pixel faults where the source is there and showing is allowed."""
    progress = progress or Silent()
    rules = {rule.id: rule for rule in result.rules if rule.picture}
    candidates = _candidates(result.findings, list(rules))
    if candidates.is_empty():
        return result
    progress.stage("drawing pictures", candidates.height)
    drawer = _Drawer(tables, candidates)
    taken: dict[tuple[str, str], int] = {}
    pictures: list[Picture] = []
    for row in candidates.iter_rows(named=True):
        progress.advance(1)
        place = (row["rule_id"], row["site"] or "")
        if taken.get(place, 0) >= PER_RULE_AND_SITE:
            continue
        if rendered := drawer.draw(row, rules[row["rule_id"]]):
            taken[place] = taken.get(place, 0) + 1
            pictures.append(_picture(row["finding_id"], rendered, rules[row["rule_id"]].picture))
    return replace(result, pictures=tuple(pictures))


def _candidates(findings: pl.DataFrame, rules: list[str]) -> pl.DataFrame:
    """Take a few findings of each rule and site, of different problems first."""
    known = findings.filter(pl.col("rule_id").is_in(rules) & pl.col("site").is_not_null())
    nth_of_problem = pl.int_range(pl.len()).over("problem_id")
    ordered = known.with_columns(nth_of_problem.alias("nth")).sort("rule_id", "site", "nth", "finding_id")
    nth_site = pl.col("site").rank("dense").over("rule_id")
    few = ordered.filter((pl.int_range(pl.len()).over("rule_id", "site") < _TRIES) & (nth_site <= _MOST_SITES))
    return few.select("finding_id", "rule_id", "site", "level", "entity", "paths")


def _picture(finding_id: str, rendered: Rendered, kind: str) -> Picture:
    return Picture(finding_id, rendered.mime, rendered.data, _CAPTIONS[kind], rendered.width, rendered.height)


class _Drawer:
    """Knows where the files of the candidates are."""

    def __init__(self, tables: Tables, candidates: pl.DataFrame) -> None:
        sources = tables.scan("sources").filter(pl.col("state") == "online").select("source_id", "root").collect()
        self._roots = {source: os.fsencode(root_path(root)) for source, root in sources.iter_rows()}
        entities = candidates["entity"].unique()
        by_stack = pl.col("stack_id").is_in(entities.implode())
        by_series = pl.col("series_key").is_in(entities.implode())
        self._stacks = tables.scan("stacks").filter(by_stack | by_series).collect()
        wanted = pl.concat([self._stacks["file_ids"].explode().drop_nulls(), entities]).unique()
        files = (
            tables.scan("instances")
            .filter(pl.col("file_id").is_in(wanted.implode()))
            .select("file_id", "source_id", "path")
            .collect()
        )
        self._files = {file: (source, path) for file, source, path in files.iter_rows()}

    def draw(self, finding: Mapping[str, Any], rule: Rule) -> Rendered | None:
        """Draw what `rule` wants to show of a finding; None where that is not possible or not allowed."""
        if rule.picture == "image":
            path = self._path(finding["entity"])
            return picture_of_image(path) if path else None
        key = "stack_id" if rule.level is Level.STACK else "series_key"
        stacks = self._stacks.filter(pl.col(key) == finding["entity"]).sort("n_slices", descending=True).to_dicts()
        if not stacks or not all(self._path(file) for file in _files(stacks)):
            return None
        kind = cast("Kind", rule.picture)
        return picture_of_stack(stacks[0], self._open, kind, sisters=stacks[1:])

    def _open(self, file_id: str) -> bytes:
        return self._path(file_id) or b""

    def _path(self, file_id: str) -> bytes | None:
        source, path = self._files.get(file_id, ("", ""))
        root = self._roots.get(source)
        return None if root is None else os.path.join(root, unescape(path))  # noqa: PTH118


def _files(stacks: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (file for stack in stacks for file in stack["file_ids"] or [])
