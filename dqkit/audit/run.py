"""An audit: rules over a catalog, findings, problems, and the verdict with its evidence in the catalog."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dqkit import __version__
from dqkit.audit.answerable import shares_of
from dqkit.audit.by_expectations import count_by_expectations, with_expectation_counts
from dqkit.audit.causes import without_implied
from dqkit.audit.coverage import Coverage, coverage_from_json, coverage_of, coverage_to_json
from dqkit.audit.engine import Evaluation, evaluate
from dqkit.audit.findings import findings_of, problems_of
from dqkit.audit.incomplete import as_reason, reasons_of
from dqkit.audit.only import Only, check_only, keep_cohort, part_of
from dqkit.audit.outcomes import outcomes_of, with_accepted
from dqkit.audit.problem_states import BEFORE, Seen, note_audit, with_states
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
    accept
        Given the findings and the tables, returns them with `waived_by` filled in where somebody accepts them.
    """

    fail_on: Severity | None = Severity.CRITICAL
    engine: str = "polars"
    packs: tuple[Pack, ...] = ()
    only: Only = field(default_factory=Only)
    accept: Callable[[pl.DataFrame, Tables], pl.DataFrame] = lambda findings, _: findings


@dataclass(frozen=True)
class Audited:
    """What an audit leaves in the catalog."""

    run_id: str
    finished_at: datetime
    outcomes: pl.DataFrame
    findings: pl.DataFrame
    problems: pl.DataFrame
    judgement: Judgement
    coverage: Coverage
    not_expressible: tuple[str, ...] = ()


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
    options = options or AuditOptions()
    rules = tuple(rule for rule in rules if not rule.is_open)
    done = run_audit(catalog, rules, pseudonyms, options, progress)
    seen = part_of(catalog, options.only)
    return AuditResult(
        title=title_of(catalog),
        dqkit_version=__version__,
        run_id=done.run_id,
        finished_at=done.finished_at,
        rules=rules,
        outcomes=done.outcomes,
        findings=done.findings,
        problems=done.problems,
        judgement=done.judgement,
        glance=glance_of(seen),
        profile=profile_of(seen),
        tables=shares_of(seen, rules),
        coverage=done.coverage,
        only=options.only,
        engine=options.engine,
        not_expressible=done.not_expressible,
    )


def run_audit(
    catalog: Catalog,
    rules: Sequence[Rule],
    pseudonyms: Pseudonyms,
    options: AuditOptions,
    progress: Progress | None = None,
) -> Audited:
    """Judge `catalog` by `rules`, none of them open, and keep what was found as a run, without what reports need.

    Raises
    ------
    NothingToCheckError
        The catalog holds no file.
    """
    progress = progress or Silent()
    began = datetime.now(UTC)
    if not _holds_anything(catalog):
        raise NothingToCheckError("the catalog holds no file", "index a folder first: dqkit index FOLDER")
    check_only(catalog, options.only)
    preload_verdict()
    with catalog.write(lambda: progress.note("another dqkit is writing this catalog: waiting for it")) as writer:
        tables = part_of(writer, options.only)
        progress.stage("evaluating rules", len(rules))
        roles = recognised(tables, recognisers_of(options.packs))
        evaluation, not_expressible = _evaluated(rules, tables, options.engine, roles)
        kept, implied = without_implied(evaluation.failed, rules, tables)
        outcomes = outcomes_of(rules, evaluation, implied)
        progress.stage("collecting findings", kept.height)
        findings = options.accept(findings_of(kept, rules, tables, pseudonyms), tables)
        progress.stage("reaching a verdict")
        reasons = reasons_of(tables, evaluation.crashed, options.only.cohort)
        outcomes, judgement = judged(with_accepted(outcomes, findings, rules), rules, options.fail_on, reasons)
        coverage = coverage_of(rules, options.packs, tables, roles)
        before = writer.scan("findings").select(BEFORE).collect()
        noted = Seen(before, findings, outcomes, judgement.complete, options.only)
        problems = note_audit(writer, tables, noted, problems_of(findings), rules, roles)
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
        run_id = last(catalog.path).run_id
    return Audited(run_id, datetime.now(UTC), outcomes, findings, problems, judgement, coverage, not_expressible)


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
    run = last_audit_run(catalog)
    if run is None:
        raise NothingToCheckError("this catalog was not audited yet", "audit it first: dqkit audit CATALOG")
    only = Only.from_json(json.loads(run["counts"]).get("only"))
    seen = part_of(catalog, only)
    done = audited_then(catalog, run)
    return AuditResult(
        title=title_of(catalog),
        dqkit_version=run["dqkit_version"],
        run_id=done.run_id,
        finished_at=done.finished_at,
        rules=rules_of_run(rules, done.outcomes),
        outcomes=done.outcomes,
        findings=done.findings,
        problems=done.problems,
        judgement=done.judgement,
        glance=glance_of(seen),
        profile=profile_of(seen),
        tables=shares_of(seen, rules),
        coverage=done.coverage,
        only=only,
    )


def last_audit_run(catalog: Catalog) -> dict[str, Any] | None:
    """Return the row of `runs` of the last audit; None where there was none."""
    runs = catalog.scan("runs").filter(pl.col("command") == "audit").last().collect()
    return None if runs.is_empty() else runs.row(0, named=True)


def audited_then(catalog: Catalog, run: Mapping[str, Any]) -> Audited:
    """Return what the audit of the row `run`, the last one, left in `catalog`."""
    kept = json.loads(run["counts"])
    outcomes, findings = (catalog.scan(name).collect() for name in ("outcomes", "findings"))
    label = pl.concat_str("rule_id", pl.col("variant").fill_null(""), separator=" ").str.strip_chars_end()
    fails = outcomes.filter(pl.col("verdict") == Verdict.FAIL).select(label, "site", "severity").rows()
    worst = sorted(fails, key=lambda row: -Severity(row[2]).rank)
    judgement = Judgement(
        Verdict(kept["verdict"]),
        tuple((rule, site) for rule, site, _ in worst),
        kept["fail_on"] and Severity(kept["fail_on"]),
        not kept["incomplete"],
        tuple(map(as_reason, kept["incomplete"])),
        ExitCode(kept["exit_code"]),
    )
    coverage = coverage_from_json(kept.get("coverage"))
    problems = with_states(problems_of(findings), catalog.scan("problem_states").collect())
    return Audited(run["run_id"], run["ended_at"], outcomes, findings, problems, judgement, coverage)


def _evaluated(
    rules: Sequence[Rule], tables: Tables, engine: str, roles: pl.DataFrame
) -> tuple[Evaluation, tuple[str, ...]]:
    evaluation = evaluate(rules, tables, roles)
    if engine != "gx":
        return evaluation, ()
    by_gx = count_by_expectations([rule for rule in rules if rule.label not in evaluation.crashed], tables, roles)
    counts = with_expectation_counts(evaluation.counts, by_gx)
    return Evaluation(counts, evaluation.failed, evaluation.crashed), by_gx.not_expressible


def title_of(catalog: Catalog) -> str:
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
