"""A gate: a catalog held against a policy, and the verdict kept in the catalog's runs."""

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from dqkit import __version__
from dqkit.audit.coverage import packs_of_run
from dqkit.audit.run import rules_digest, title_of
from dqkit.catalog.runs import Record, last
from dqkit.catalog.store import Catalog
from dqkit.gate.asked import Asked, GateOptions, Judges, judges_of
from dqkit.gate.baseline import Baseline
from dqkit.gate.decide import Accepted, Decision, Found, decide
from dqkit.gate.gathered import Gathered, gather
from dqkit.gate.notes import notes_of
from dqkit.gate.places import with_places
from dqkit.gate.policy import Policy
from dqkit.gate.result import GateResult, ToldAction
from dqkit.gate.telling import Told
from dqkit.gate.verdict_file import decision_digest, verdict_to_json
from dqkit.identity import Pseudonyms
from dqkit.index.progress import Progress, Silent
from dqkit.model import Origin

__all__ = ["GateOptions", "Judges", "baseline_of", "gate", "judges_of"]


def gate(
    catalog: Catalog,
    policy: Policy,
    judges: Judges,
    pseudonyms: Pseudonyms,
    options: GateOptions | None = None,
    progress: Progress | None = None,
) -> GateResult:
    """Hold `catalog` against `policy`; the last audit is taken where it still stands, else it is done again.

    The verdict is appended to the catalog's runs, with the versions of the tables that were judged.

    Raises
    ------
    NothingToCheckError
        The catalog holds no file.
    DqkitError
        The policy asks for what cannot be: a rule that is not judged, a site or modality that is not there, classes
        without a dataset.
    """
    options, progress = options or GateOptions(), progress or Silent()
    began = datetime.now(UTC)
    asked = Asked(policy, judges, options)
    there = gather(catalog, asked, pseudonyms, progress)
    progress.stage("reaching a verdict")
    told = Told(policy, there.titles(asked), options.lang)
    decision = decide(
        policy,
        judges.book,
        Found(
            there.audited.outcomes, there.audited.findings, there.conditions, there.audited.judgement.incomplete_because
        ),
        Accepted(options.waivers, options.baseline, rules_digest(judges.book.rules)),
        options.now.date(),
        lambda findings: with_places(findings, there.judged, pseudonyms),
        told.notices,
    )
    result = _result(asked, there, decision, told.outcome(), pseudonyms)
    return _kept(catalog, result, began, progress)


def _result(
    asked: Asked, there: Gathered, decision: Decision, actions: tuple[ToldAction, ...], pseudonyms: Pseudonyms
) -> GateResult:
    """Put everything together, but for the run that will keep it."""
    policy, judges, options = asked.policy, asked.judges, asked.options
    return GateResult(
        title=title_of(there.judged),
        dqkit_version=__version__,
        decided_at=options.now,
        run_id="",
        audit_run_id=there.audited.run_id,
        audit_reused=there.reused,
        catalog=there.judged.path,
        key_fingerprint=pseudonyms.fingerprint,
        table_versions=there.judged.versions,
        source_seen_at=there.seen_at,
        policy=policy,
        rules=judges.book.rules,
        rules_digest=rules_digest(judges.book.rules),
        packs=packs_of_run(judges.book.rules, judges.packs),
        outcomes=decision.outcomes,
        findings=decision.findings,
        conditions=decision.conditions,
        judgement=decision.judgement,
        deciding=decision.deciding,
        waivers=decision.waivers,
        baseline=decision.baseline,
        only=asked.only,
        dataset=there.trace,
        actions=actions,
        notes=tuple(notes_of(policy, decision, there.sites, options.now)),
    )


def baseline_of(result: GateResult) -> Baseline:
    """Return what `result` found of rules as a baseline; what is waived is part of it, and stays when its waiver ends.

    What the tool could not do is no part of it.
    """
    found = result.findings.filter(
        ~pl.col("rule_id").str.starts_with("GATE-") & (pl.col("origin") != Origin.TOOL.value)
    )
    return Baseline(
        result.decided_at, __version__, result.key_fingerprint, result.rules_digest, frozenset(found["finding"])
    )


def _kept(catalog: Catalog, result: GateResult, began: datetime, progress: Progress) -> GateResult:
    """Append the verdict to `runs`, with a digest that ties verdict.json to it."""
    judgement, policy = result.judgement, result.policy
    counts = {
        "verdict": judgement.verdict.value,
        "exit_code": int(judgement.exit_code),
        "decision_sha256": decision_digest(verdict_to_json(result)),
        "audit_run_id": result.audit_run_id,
        "judged_versions": dict(result.table_versions),
        "policy": {"name": policy.name, "sha256": policy.sha256},
        "packs": {pack.name: pack.version for pack in result.packs},
        "waivers_sha256": result.waivers.file.sha256,
        "baseline_sha256": result.baseline.baseline.sha256 if result.baseline else "",
        "findings": result.findings.height,
        "new": result.new_findings.height,
        "only": result.only.to_json(),
    }
    with catalog.write(lambda: progress.note("another dqkit is writing this catalog: waiting for it")) as writer:
        complete = judgement.complete
        writer.commit(Record("gate", __version__, result.rules_digest, counts, complete=complete, started_at=began))
        return replace(result, run_id=last(catalog.path).run_id)
