"""Figures that every renderer shows: what decides the verdict, and how each site stands."""

from dataclasses import dataclass

import polars as pl

from dqkit.audit.result import AuditResult
from dqkit.errors import ExitCode
from dqkit.model import Severity, Verdict
from dqkit.report.words import LANGUAGES, WORDS, Pair
from dqkit.rulebook.rule import WHO, Rule

SEVERITIES = ("critical", "warning", "info")
"""Worst first, as people read them."""

Failing = tuple[str, str | None]
"""A rule's label (id, and variant of a pack) and its site, None for the archive."""


@dataclass(frozen=True)
class SiteRow:
    """How one site stands; `site` is None for outcomes that speak of the whole archive.

    `problems` and `findings` are counts by severity, `passed` and `judged` count rules.
    """

    site: str | None
    problems: dict[str, int]
    findings: dict[str, int]
    passed: int
    judged: int
    unknown: int


def sites_of(result: AuditResult) -> list[str]:
    """Return every site of `result`: those of the glance in its order, then those that only outcomes name."""
    named = [
        frame.get_column("site").drop_nulls().unique().sort().to_list()
        for frame in (result.outcomes, result.problems, result.findings)
    ]
    first = result.glance.sites.get_column("site").drop_nulls().to_list()
    return list(dict.fromkeys([*first, *(site for names in named for site in names)]))


def deciding(result: AuditResult) -> list[Failing]:
    """Return the failing outcomes at or above the severity that fails the run, in the judgement's order."""
    fail_on = result.judgement.fail_on
    if fail_on is None:
        return []
    rank = _rank_by_rule(result)
    return [(rule, site) for rule, site in result.judgement.failing if rank.get(rule, 2) >= fail_on.rank]


def verdict_key(result: AuditResult) -> str:
    """Return ``fail``, ``incomplete``, ``nothing`` or ``pass``: the one word that the report opens with."""
    judgement = result.judgement
    if judgement.verdict == Verdict.FAIL:
        return "fail"
    if not judgement.complete or judgement.verdict == Verdict.ERROR:
        return "incomplete"
    if judgement.exit_code == ExitCode.NOTHING or judgement.verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE):
        return "nothing"
    return "pass"


def failing_rules(result: AuditResult) -> dict[str, int]:
    """Return how many rules (variants counted apart) fail at any site, by severity."""
    failed = result.outcomes.filter(pl.col("verdict") == Verdict.FAIL.value)
    rules = failed.unique(subset=["rule_id", "variant"])
    return by_severity(rules, pl.len())


def by_severity(frame: pl.DataFrame, measure: pl.Expr) -> dict[str, int]:
    """Aggregate `measure` over `frame` by severity; every severity is there, worst first."""
    found = dict(frame.group_by("severity").agg(measure.alias("n")).iter_rows())
    return {severity: int(found.get(severity) or 0) for severity in SEVERITIES}


def site_rows(result: AuditResult) -> list[SiteRow]:
    """Return a row a site, and one of the whole archive where outcomes or problems speak of it."""
    sites: list[str | None] = [*sites_of(result)]
    if result.outcomes.get_column("site").has_nulls() or result.problems.get_column("site").has_nulls():
        sites.append(None)
    return [_site_row(result, site) for site in sites]


def worst_problems(problems: pl.DataFrame) -> pl.DataFrame:
    """Sort problems as a person should meet them: by severity, then by how many files they touch.

    Files compare across levels; a finding is one slice for one rule and a whole series for another.
    """
    order = {severity: i for i, severity in enumerate(SEVERITIES)}
    return (
        problems.with_columns(
            pl.col("severity").replace_strict(order, default=len(order), return_dtype=pl.Int8).alias("_order")
        )
        .sort(
            ["_order", "files", "findings", "rule_id", "problem_id"],
            descending=[False, True, True, False, False],
            nulls_last=True,
        )
        .drop("_order")
    )


def rules_by_key(result: AuditResult) -> dict[tuple[str, str], Rule]:
    """Return the rules by (id, variant)."""
    return {rule.key: rule for rule in result.rules}


def mender_text(key: str) -> Pair:
    """Return who that is, in every language, as a label."""
    text = WHO.get(key) or WORDS[f"mender.{key}"]
    return {lang: str(text[lang][:1].upper() + text[lang][1:]) for lang in LANGUAGES}


def _site_row(result: AuditResult, site: str | None) -> SiteRow:
    here = pl.col("site").eq_missing(pl.lit(site, dtype=pl.String))
    verdicts = dict(result.outcomes.filter(here).get_column("verdict").value_counts().iter_rows())
    problems = result.problems.filter(here)
    passed, failed = verdicts.get(Verdict.PASS.value, 0), verdicts.get(Verdict.FAIL.value, 0)
    return SiteRow(
        site=site,
        problems=by_severity(problems, pl.len()),
        findings=by_severity(problems, pl.col("findings").sum()),
        passed=passed,
        judged=passed + failed,
        unknown=verdicts.get(Verdict.UNKNOWN.value, 0) + verdicts.get(Verdict.ERROR.value, 0),
    )


def _rank_by_rule(result: AuditResult) -> dict[str, int]:
    ranks: dict[str, int] = {}
    named = result.outcomes.select("rule_id", pl.col("variant").fill_null(""), "severity").unique()
    for rule_id, variant, severity in named.iter_rows():
        if severity in SEVERITIES:
            ranks[f"{rule_id} {variant}".strip()] = Severity(severity).rank
    return ranks
