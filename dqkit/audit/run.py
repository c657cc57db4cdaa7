"""An audit: rules over a catalog, findings, problems, and the verdict with its evidence in the catalog."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dqkit import __version__
from dqkit.audit.answerable import shares_of
from dqkit.audit.by_expectations import count_by_expectations, with_expectation_counts
from dqkit.audit.causes import without_implied
from dqkit.audit.coverage import coverage_from_json, coverage_of, coverage_to_json
from dqkit.audit.engine import Evaluation, evaluate
from dqkit.audit.findings import findings_of, problems_of
from dqkit.audit.incomplete import as_reason, reasons_of
from dqkit.audit.only import Only, check_only, keep_cohort, part_of
from dqkit.audit.outcomes import outcomes_of
from dqkit.audit.recognise import recognised, recognisers_of
from dqkit.audit.result import AuditResult, Judgement, rules_of_run
from dqkit.audit.states import SHA_KEPT
from dqkit.catalog.runs import Record, last
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import ExitCode, NothingToCheckError
from dqkit.identity import Pseudonyms
from dqkit.index.progress import Progress, Silent
from dqkit.model import RuleStatus, Severity, Verdict
from dqkit.profile.glance import glance_of
from dqkit.profile.profile import profile_of
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.rule import Rule, Text


@dataclass(frozen=True)
class AuditOptions:
    """What a person may ask of an audit.

    Attributes
    ----------
    fail_on
        The mildest severity whose failing fails the run; None = never.
    engine
        ``polars``, or ``gx`` to count with core expectations what they can express.
    packs
        Those that the rules come from beside the book.
    only
        The sites, modalities and cohort that are judged.
    """

    fail_on: Severity | None = Severity.CRITICAL
    engine: str = "polars"
    packs: tuple[Pack, ...] = ()
    only: Only = field(default_factory=Only)


def preload_verdict() -> threading.Thread:
    """Begin to import Great Expectations, which takes seconds, while something else works."""
    thread = threading.Thread(target=__import__, args=("dqkit.audit.verdict",), daemon=True)
    thread.start()
    return thread


def audit(
    catalog: Catalog,
    rules: Sequence[Rule],
    pseudonyms: Pseudonyms,
    options: AuditOptions | None = None,
    progress: Progress | None = None,
) -> AuditResult:
    """Judge `catalog` by `rules` (open ones aside); outcomes and findings are kept in it as a run.

    Raises
    ------
    NothingToCheckError
        The catalog holds no file.
    """
    options, progress = options or AuditOptions(), progress or Silent()
    rules = tuple(rule for rule in rules if not rule.is_open)
    began = datetime.now(UTC)
    if not _holds_anything(catalog):
        raise NothingToCheckError("the catalog holds no file", "index a folder first: dqkit index FOLDER")
    check_only(catalog, options.only)
    seen = part_of(catalog, options.only)
    preload_verdict()
    with catalog.write(lambda: progress.note("another dqkit is writing this catalog: waiting for it")) as writer:
        tables = part_of(writer, options.only)
        progress.stage("evaluating rules", len(rules))
        roles = recognised(tables, recognisers_of(options.packs))
        evaluation, not_expressible = _evaluated(rules, tables, options.engine, roles)
        kept, implied = without_implied(evaluation.failed, rules, tables)
        outcomes = outcomes_of(rules, evaluation, implied)
        progress.stage("collecting findings", kept.height)
        findings = findings_of(kept, rules, tables, pseudonyms)
        progress.stage("reaching a verdict")
        reasons = reasons_of(tables, evaluation.crashed, options.only.cohort)
        outcomes, judgement = judged(outcomes, rules, options.fail_on, reasons)
        coverage = coverage_of(rules, options.packs, tables, roles)
        writer.overwrite("outcomes", outcomes)
        writer.overwrite("findings", findings)
        keep_cohort(writer, options.only)
        writer.commit(
            Record(
                "audit",
                __version__,
                rules=rules_digest(rules),
                counts=_kept_of(judgement, findings.height, len(rules))
                | {"coverage": coverage_to_json(coverage), "only": options.only.to_json()}
                | {"rule_sha256": {rule.label: rule.sha256[:SHA_KEPT] for rule in rules}},
                complete=judgement.complete,
                started_at=began,
            )
        )
    return AuditResult(
        title=_title(catalog),
        dqkit_version=__version__,
        run_id=last(catalog.path).run_id,
        finished_at=datetime.now(UTC),
        rules=tuple(rules),
        outcomes=outcomes,
        findings=findings,
        problems=problems_of(findings),
        judgement=judgement,
        glance=glance_of(seen),
        profile=profile_of(seen),
        tables=shares_of(seen, rules),
        coverage=coverage,
        only=options.only,
        engine=options.engine,
        not_expressible=not_expressible,
    )


def _holds_anything(catalog: Catalog) -> bool:
    """Tell whether there is a file, or a series that a table tells of."""
    return any(catalog.scan(table).select(pl.len()).collect().item() for table in ("instances", "series"))


def _kept_of(judgement: Judgement, findings: int, rules: int) -> dict[str, Any]:
    """Return what the run's row keeps, from which `recall` makes the judgement again."""
    return {
        "findings": findings,
        "rules": rules,
        "verdict": judgement.verdict.value,
        "exit_code": int(judgement.exit_code),
        "fail_on": judgement.fail_on,
        "incomplete": [dict(reason) for reason in judgement.incomplete_because],
    }


def recall(catalog: Catalog, rules: Sequence[Rule]) -> AuditResult:
    """Return the last audit of `catalog` as it was judged then.

    Raises
    ------
    NothingToCheckError
        It was never audited.
    """
    runs = catalog.scan("runs").filter(pl.col("command") == "audit").last().collect()
    if runs.is_empty():
        raise NothingToCheckError("this catalog was not audited yet", "audit it first: dqkit audit CATALOG")
    run = runs.row(0, named=True)
    kept = json.loads(run["counts"])
    only = Only.from_json(kept.get("only"))
    seen = part_of(catalog, only)
    outcomes, findings = (catalog.scan(name).collect() for name in ("outcomes", "findings"))
    used = rules_of_run(rules, outcomes)
    rank = {rule.label: rule.severity.rank for rule in used}
    label = pl.concat_str("rule_id", pl.col("variant").fill_null(""), separator=" ").str.strip_chars_end()
    fails = outcomes.filter(pl.col("verdict") == Verdict.FAIL).select(label, "site").rows()
    return AuditResult(
        title=_title(catalog),
        dqkit_version=run["dqkit_version"],
        run_id=run["run_id"],
        finished_at=run["ended_at"],
        rules=used,
        outcomes=outcomes,
        findings=findings,
        problems=problems_of(findings),
        judgement=Judgement(
            Verdict(kept["verdict"]),
            tuple(sorted(fails, key=lambda row: -rank.get(row[0], 0))),
            kept["fail_on"] and Severity(kept["fail_on"]),
            not kept["incomplete"],
            tuple(map(as_reason, kept["incomplete"])),
            ExitCode(kept["exit_code"]),
        ),
        glance=glance_of(seen),
        profile=profile_of(seen),
        tables=shares_of(seen, rules),
        coverage=coverage_from_json(kept.get("coverage")),
        only=only,
    )


def _evaluated(
    rules: Sequence[Rule], tables: Tables, engine: str, roles: pl.DataFrame
) -> tuple[Evaluation, tuple[str, ...]]:
    evaluation = evaluate(rules, tables, roles)
    if engine != "gx":
        return evaluation, ()
    by_gx = count_by_expectations([rule for rule in rules if rule.label not in evaluation.crashed], tables, roles)
    counts = with_expectation_counts(evaluation.counts, by_gx)
    return Evaluation(counts, evaluation.failed, evaluation.crashed), by_gx.not_expressible


def _title(catalog: Catalog) -> str:
    """Name the archive by its sources, which are names of folders that the user gave."""
    return ", ".join(catalog.scan("sources").select("name").sort("name").collect()["name"].head(5))


def rules_digest(rules: Sequence[Rule]) -> str:
    """Return a hash of the texts of `rules`, which names what judged."""
    return hashlib.sha256("".join(sorted(rule.sha256 for rule in rules)).encode()).hexdigest()


def judged(
    outcomes: pl.DataFrame, rules: Sequence[Rule], fail_on: Severity | None, incomplete: tuple[Text, ...]
) -> tuple[pl.DataFrame, Judgement]:
    """Let the checkpoint say which outcomes fail; return them marked, and what follows from it."""
    from dqkit.audit.verdict import failing

    over = failing(outcomes)
    marks = pl.DataFrame(over, {"rule_id": pl.String, "variant": pl.String, "site": pl.String}, orient="row")
    marked = outcomes.join(
        marks.with_columns(fails=True), on=["rule_id", "variant", "site"], how="left", nulls_equal=True,
        maintain_order="left",
    )  # fmt: skip
    verdict = pl.when("fails").then(pl.lit(Verdict.FAIL.value)).otherwise("verdict").alias("verdict")
    marked = marked.with_columns(verdict).select(outcomes.columns)
    by_id = {(rule.id, rule.variant): rule for rule in rules}
    worst = sorted(over, key=lambda row: -by_id[row[0], row[1]].severity.rank)
    fatal = [row for row in worst if fail_on is not None and _fails_run(by_id[row[0], row[1]], fail_on)]
    if fatal:
        verdict_word, code = Verdict.FAIL, ExitCode.FAILED
    elif incomplete:
        verdict_word, code = Verdict.ERROR, ExitCode.INCOMPLETE
    else:
        verdict_word, code = Verdict.PASS, ExitCode.OK
    failing_rows = tuple((by_id[rule_id, variant].label, site) for rule_id, variant, site in worst)
    return marked, Judgement(verdict_word, failing_rows, fail_on, not incomplete, incomplete, code)


def _fails_run(rule: Rule, fail_on: Severity) -> bool:
    return rule.status is not RuleStatus.PREVIEW and rule.severity.rank >= fail_on.rank
