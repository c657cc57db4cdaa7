"""What the HTML page carries: small tables of publishable values only, every text once.

Tables are lists of rows whose texts are numbers into one list of strings; a thousand findings of one scanner
name it once.
"""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dqkit.audit.result import AuditResult
from dqkit.model import ProblemState
from dqkit.report.charts import Chart
from dqkit.report.chinese import in_chinese
from dqkit.report.summary import mender_text, rules_by_key, worst_problems
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, pair
from dqkit.rulebook.rule import FAMILIES, WHO, Rule, mender

MOST_PROBLEMS = 1500
MOST_EXAMPLES = 6000
MOST_OUTCOMES = 4000

PROBLEM_COLUMNS = (
    "problem_id", "rule", "severity", "site", "modality", "scanner", "protocol", "findings", "patients", "studies",
    "series", "files", "first_year", "last_year", "observed", "who", "state", "since",
)  # fmt: skip
EXAMPLE_COLUMNS = ("problem", "location", "observed", "expected", "year", "n_paths")
OUTCOME_COLUMNS = (
    "rule", "severity", "site", "passed", "failed", "unknown_missing", "unknown_varying", "unknown_not_looked_at",
    "unknown", "not_applicable", "implied", "waived", "verdict",
)  # fmt: skip

_TEXT_COLUMNS = {
    "problem_id", "severity", "site", "modality", "scanner", "protocol", "observed", "who", "location", "expected",
    "verdict", "state", "since",
}  # fmt: skip


@dataclass
class Strings:
    """Every text of the page once, made safe to look at; a null is -1."""

    texts: list[str] = field(default_factory=list)
    _index: dict[str, int] = field(default_factory=dict)

    def of(self, value: str | None) -> int:
        """Return the number of `value`."""
        if value is None:
            return -1
        if value not in self._index:
            self._index[value] = len(self.texts)
            self.texts.append(visible(value))
        return self._index[value]


def page_data(result: AuditResult, charts: list[Chart], pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the page's script reads; no column of a finding but those that may leave the house."""
    strings = Strings()
    known = rules_by_key(result)
    keys = _rule_keys(result)
    problems = worst_problems(result.problems).head(MOST_PROBLEMS)
    examples = _examples(result.findings, problems)
    return {
        "words": WORDS,
        "families": {name: dict(text) for name, text in FAMILIES.items()},
        "menders": {key: mender_text(key) for key in (*WHO, "dqkit", "operator", "site")},
        "rules": [_rule(known.get(key), *key) for key in keys],
        "problems": _table(_problem_frame(problems, keys, known), PROBLEM_COLUMNS, strings),
        "examples": _table(examples, EXAMPLE_COLUMNS, strings),
        "outcomes": _table(_outcome_frame(result.outcomes, keys), OUTCOME_COLUMNS, strings),
        "totals": {"problems": result.problems.height, "findings": int(result.problems.get_column("findings").sum())},
        "charts": [{"measure": c.measure, "about": c.about, "views": chart_views(c)} for c in charts],
        "pictures": pictures,
        "strings": strings.texts,
        "zh": _in_chinese([problems, examples]),
    }


def _in_chinese(frames: list[pl.DataFrame]) -> dict[str, str]:
    """Return what checks said of values, as the page shows it -> the same in Chinese, where that differs."""
    columns = [frame.get_column(name) for frame in frames for name in ("observed", "expected") if name in frame.columns]
    texts = {text for column in columns for text in column.drop_nulls().unique().to_list()}
    said = {visible(text): visible(in_chinese(text)) for text in sorted(texts)}
    return {english: chinese for english, chinese in said.items() if english != chinese}


def rule_title(rule: Rule | None, rule_id: str) -> dict[str, str]:
    """Return a rule's title in every language; its id where the rule is not in the book any more."""
    return {lang: rule.title.get(lang, rule_id) if rule else rule_id for lang in LANGUAGES}


def remedy_text(rule: Rule | None) -> dict[str, str]:
    """Return what to do, in every language."""
    if rule is not None and rule.remedy.manual:
        return {lang: str(rule.remedy.manual.get(lang, "")) for lang in LANGUAGES}
    if rule is not None and rule.remedy.harmonize:
        return pair("harmonize", step=rule.remedy.harmonize)
    return pair("no_remedy")


def _rule_keys(result: AuditResult) -> list[tuple[str, str]]:
    frames = (result.outcomes, result.problems)
    keys = {key for frame in frames for key in frame.select("rule_id", "variant").unique().iter_rows()}
    return sorted((rule_id or "", variant or "") for rule_id, variant in keys)


def _rule(rule: Rule | None, rule_id: str, variant: str) -> dict[str, Any]:
    return {
        "id": rule_id,
        "variant": variant,
        "family": rule.family if rule else rule_id.partition("-")[0],
        "severity": rule.severity.value if rule else "info",
        "level": rule.level.value if rule else "",
        "standard": rule.standard if rule else "",
        "title": rule_title(rule, rule_id),
        "why": {lang: str(rule.why.get(lang, "")) if rule else "" for lang in LANGUAGES},
        "remedy": remedy_text(rule),
    }


def _problem_frame(problems: pl.DataFrame, keys: list[tuple[str, str]], known: dict[Any, Rule]) -> pl.DataFrame:
    """Give each problem the number of its rule, its years, who can mend it, and the day since which its state holds."""
    pairs = list(problems.select(pl.col("rule_id", "variant").fill_null(""), "origin").iter_rows())
    return problems.with_columns(
        rule=_rule_number(keys),
        who=pl.Series([mender(known.get((rule, variant)), origin) for rule, variant, origin in pairs], dtype=pl.String),
        first_year=_year("first_period"),
        last_year=_year("last_period"),
        state=pl.col("state").fill_null(ProblemState.OPEN.value),
        since=pl.col("state_since").dt.strftime("%Y-%m-%d"),
    )


def _examples(findings: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """Return as many findings of each problem as keep the whole at `MOST_EXAMPLES`, the first of each at least."""
    numbered = problems.select("problem_id").with_row_index("problem")
    own = findings.lazy().select("problem_id", "location", "observed", "expected", "period", "n_paths", "finding_id")
    ranked = (
        own.join(numbered.lazy(), on="problem_id")
        .with_columns(rank=pl.col("finding_id").rank("ordinal").over("problem_id"))
        .collect()
    )
    reach = ranked.group_by("rank").len().sort("rank").with_columns(total=pl.col("len").cum_sum())
    depth = reach.filter(pl.col("total") <= MOST_EXAMPLES).get_column("rank").max() or 1
    return ranked.filter(pl.col("rank") <= depth).sort("problem", "rank").with_columns(year=_year("period"))


def _outcome_frame(outcomes: pl.DataFrame, keys: list[tuple[str, str]]) -> pl.DataFrame:
    """Return the outcomes; where there are too many, those that say more than "passed"."""
    shown = outcomes.with_columns(rule=_rule_number(keys))
    if shown.height > MOST_OUTCOMES:
        order = {"fail": 0, "error": 1, "unknown": 2, "not_applicable": 4}
        rank = pl.col("verdict").replace_strict(order, default=3, return_dtype=pl.Int8)
        shown = shown.sort(rank, maintain_order=True).head(MOST_OUTCOMES)
    return shown.sort("rule", maintain_order=True)


def _rule_number(keys: list[tuple[str, str]]) -> pl.Expr:
    numbers = {f"{rule_id}\x1f{variant}": i for i, (rule_id, variant) in enumerate(keys)}
    key = pl.format("{}\x1f{}", pl.col("rule_id").fill_null(""), pl.col("variant").fill_null(""))
    return key.replace_strict(numbers, return_dtype=pl.Int64)


def _year(period: str) -> pl.Expr:
    return pl.col(period).str.slice(0, 4).cast(pl.Int64, strict=False)


def _table(frame: pl.DataFrame, columns: tuple[str, ...], strings: Strings) -> dict[str, Any]:
    rows = [
        [strings.of(value) if name in _TEXT_COLUMNS else value for name, value in zip(columns, row, strict=True)]
        for row in frame.select(columns).iter_rows()
    ]
    return {"columns": columns, "text": sorted(_TEXT_COLUMNS & set(columns)), "rows": rows}


def chart_views(chart: Chart) -> dict[str, Any]:
    """Return what charts.js draws of `chart`."""
    return {name: {"rows": view.rows, "spec": view.spec} for name, view in chart.views.items()}
