"""The top of the page in words: the verdict, why, and what to do first."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from dqkit.audit.result import AuditResult, TableShare
from dqkit.catalog.cohort import Cohort
from dqkit.report.page_data import remedy_text, rule_title
from dqkit.report.summary import SEVERITIES, deciding, failing_rules, rules_by_key, verdict_key, worst_problems
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, fill, pair
from dqkit.rulebook.rule import Rule

_MOST_DECIDING = 6
_FIRST = 3


def headline(result: AuditResult, site: str | None = None) -> Pair:
    """Return the verdict as one sentence."""
    key = verdict_key(result)
    if site is not None:
        return pair(f"verdict.site.{key}", site=visible(site))
    return pair(f"verdict.{key}")


def because(result: AuditResult) -> list[Pair]:
    """Return the sentences that say why the verdict is what it is."""
    return [
        *_why(result), *(_of_table(share) for share in result.tables), *_of_pixels(result), *_of_waivers(result)
    ]  # fmt: skip


def _of_waivers(result: AuditResult) -> list[Pair]:
    """Say how many findings somebody accepts: they are there, and fail nothing."""
    waived = result.findings.filter(pl.col("waived_by").fill_null("") != "").height
    return [pair("gate.waived", n=waived)] if waived else []


def _of_pixels(result: AuditResult) -> list[Pair]:
    """Say how many images were decoded, where any was: a sample speaks for itself alone."""
    sites = result.glance.sites
    if "images_decoded" not in sites.columns or not sites["images_decoded"].sum():
        return []
    return [pair("because.pixels", n=sites["images"].sum(), decoded=f"{sites['images_decoded'].sum():,}")]


def _of_table(share: TableShare) -> Pair:
    name, series = visible(share.name, 60), f"{share.series:,}"
    return pair("because.table", name=name, series=series, answers=share.answers, rules=share.rules)


def _why(result: AuditResult) -> list[Pair]:
    if verdict_key(result) == "nothing":
        return [*_part(result), pair("because.nothing")]
    failing = failing_rules(result)
    fail_on = result.judgement.fail_on
    if fail_on is None:
        return [*_part(result), pair("because.never")]
    at_or_above = SEVERITIES[: SEVERITIES.index(fail_on.value) + 1]
    deciding_rules = len({rule for rule, _ in deciding(result)})
    milder = sum(n for severity, n in failing.items() if severity not in at_or_above)
    sentences = [_with_severity("because.fail" if deciding_rules else "because.pass", fail_on.value, deciding_rules)]
    if milder:
        sentences.append(pair("because.milder", n=milder))
    return [*_part(result), *sentences]


def _part(result: AuditResult) -> list[Pair]:
    """Say what alone was judged, where that is not everything."""
    only, cohort = result.only, result.only.cohort
    parts = [_named(f"only.{key}", names) for key in ("sites", "modalities") if (names := getattr(only, key))]
    if cohort is not None:
        parts.append(pair("only.cohort", n=cohort.n_series, name=visible(cohort.name, 60)))
    if not parts:
        return []
    what = {lang: ("；" if lang == "zh" else "; ").join(part[lang] for part in parts) for lang in LANGUAGES}
    said = [{lang: fill(WORDS["because.only"], lang, what=what[lang]) for lang in LANGUAGES}]
    return [*said, *_moved_on(cohort)]


def _named(key: str, names: Sequence[str]) -> Pair:
    listed = {lang: ("、" if lang == "zh" else ", ").join(visible(name, 60) for name in names) for lang in LANGUAGES}
    return {lang: fill(WORDS[key], lang, names=listed[lang]) for lang in LANGUAGES}


def _moved_on(cohort: Cohort | None) -> list[Pair]:
    """Say how the catalog moved on since the cohort was chosen."""
    if cohort is None or not cohort.standing:
        return []
    standing = cohort.standing
    counts = {name: f"{getattr(standing, name):,}" for name in ("gone", "changed", "new")}
    return [pair("because.cohort_moved", **counts)]


def decides(result: AuditResult) -> tuple[list[dict[str, Any]], Pair | None]:
    """Return the rules that fail the run with the sites they fail at, and a word on those left out."""
    sites: dict[str, list[str | None]] = {}
    for rule_id, site in deciding(result):
        sites.setdefault(rule_id, []).append(site)
    known = {rule.label: rule for rule in result.rules}
    rows = [
        {
            "id": rule_id,
            "severity": known[rule_id].severity.value if rule_id in known else "critical",
            "title": rule_title(known.get(rule_id), rule_id),
            "where": _places(where),
        }
        for rule_id, where in list(sites.items())[:_MOST_DECIDING]
    ]
    left = len(sites) - len(rows)
    return rows, pair("decides_more", n=left) if left > 0 else None


def first_steps(result: AuditResult) -> list[dict[str, Any]]:
    """Return the worst problems with one action each, of different rules."""
    failing = result.problems.filter(pl.col("severity") != "info")
    worst = worst_problems(failing).unique(subset=["rule_id", "variant"], keep="first", maintain_order=True)
    known = rules_by_key(result)
    return [_step(row, known.get((row["rule_id"], row["variant"] or ""))) for row in worst.head(_FIRST).to_dicts()]


def reading(result: AuditResult) -> list[Pair]:
    """Return how to read the report, and what was not checked."""
    fail_on = result.judgement.fail_on
    verdict = _with_severity("read.verdict", fail_on.value) if fail_on else pair("read.verdict_never")
    texts = [pair("read.levels"), verdict, pair("read.private"), pair("read.not_checked")]
    texts.append(pair("read.engine", engine=visible(result.engine)))
    if result.not_expressible:
        names = ", ".join(visible(name, 40) for name in result.not_expressible)
        texts.append(pair("read.not_expressible", n=len(result.not_expressible), rules=names))
    return [*texts, pair("read.licences")]


def _step(row: dict[str, Any], rule: Rule | None) -> dict[str, Any]:
    site = row["site"]
    return {
        "title": rule_title(rule, row["rule_id"]),
        "site": pair("archive") if site is None else dict.fromkeys(LANGUAGES, visible(site)),
        "remedy": remedy_text(rule),
        "extent": pair("count.findings", n=row["findings"] or 0),
        "scanner": visible(row["scanner"]) if row["scanner"] else "",
    }


def _places(sites: list[str | None]) -> Pair:
    """Name the sites, in every language, as many as a line holds."""
    shown = {
        lang: [WORDS["archive"][lang] if site is None else visible(site, 60) for site in sites] for lang in LANGUAGES
    }
    cut = {lang: names[:4] + (["…"] if len(names) > 4 else []) for lang, names in shown.items()}  # noqa: PLR2004
    return {lang: ("、" if lang == "zh" else ", ").join(names) for lang, names in cut.items()}


def _with_severity(key: str, severity: str, n: int = 0) -> Pair:
    return {lang: fill(WORDS[key], lang, n=n, severity=WORDS[severity][lang]) for lang in LANGUAGES}
