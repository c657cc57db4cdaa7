"""A million real series: the index of NCI Imaging Data Commons, audited by every rule that it can answer.

Needs the package idc-index-data (the extra ``dqkit[idc]``). The yardstick is the same polars plan, with nothing around
it: outcomes counted by site, and the key of every failure on disk.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from dqkit.audit.answerable import Extracts
from dqkit.audit.causes import without_implied
from dqkit.audit.engine import evaluate
from dqkit.audit.findings import findings_of, problems_of
from dqkit.audit.frames import KEY, frame_of
from dqkit.audit.outcomes import outcomes_of
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.table import TableOptions, index_table
from dqkit.model import Level, Outcome
from dqkit.rulebook.book import load_book
from dqkit.rulebook.mapping import find_in_package, load_mapping
from dqkit.rulebook.rule import Rule
from tests.bench.clock import Figure, interleaved

_MOST_GB = 3


def measure(scratch: Path) -> list[Figure]:
    if find_spec("idc_index_data") is None:
        print("IDC is not measured: pip install 'dqkit[idc]'", flush=True)
        return []
    path = scratch / "idc"
    mapping = load_mapping("idc")
    indexed = index_table(
        Catalog.create(path, load_key().fingerprint, "bench"), find_in_package(mapping), TableOptions(mapping=mapping)
    )
    bare_seconds, audit_seconds, peak, rules, findings = one_process(path)
    detail = f"{audit_seconds:.1f} s against {bare_seconds:.1f} s: {rules:.0f} rules, {findings:,.0f} findings"
    return [
        Figure(f"audit of {indexed.series:,} series of IDC", audit_seconds / bare_seconds, "the bare plan", 2, detail),
        Figure("memory of that audit", peak, "1 GB", _MOST_GB, f"{peak:.2f} GB at its peak"),
    ]  # fmt: skip


def one_process(path: Path) -> tuple[float, ...]:
    """Measure in a process of its own, so that its peak of memory is that of the audit."""
    command = [sys.executable, "-m", "tests.bench.idc", str(path)]
    return tuple(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def bare(rules: list[Rule], tables: Catalog) -> int:
    extracts = Extracts.of(tables)
    plans: list[pl.LazyFrame] = []
    for level in dict.fromkeys(rule.level for rule in rules):
        frame = frame_of(level, tables)
        own = [rule for rule in rules if rule.level is level]
        site = pl.col("site") if level is not Level.ARCHIVE else pl.lit("archive").alias("site")
        outcomes = frame.select(site, *(extracts.outcome(rule).alias(rule.id) for rule in own))
        plans.append(
            outcomes.group_by("site").agg(
                (pl.col(rule.id) == outcome.value).sum().alias(f"{rule.id}{outcome.name}")
                for rule in own
                for outcome in Outcome
            )
        )
        judged = [rule for rule in own if level in KEY and not extracts.never_judge(rule)]
        for rule in judged:
            fails = pl.col("outcome") == Outcome.FAIL.value
            plans.append(frame.with_columns(extracts.outcome(rule).alias("outcome")).filter(fails).select(KEY[level]))
    with TemporaryDirectory() as folder:
        for i, result in enumerate(pl.collect_all(plans)):
            result.write_parquet(Path(folder) / f"{i}.parquet")
    return len(plans)


def whole(rules: list[Rule], tables: Catalog) -> int:
    """Do what `dqkit audit` does but for the checkpoint: outcomes, causes, findings on disk, problems."""
    evaluation = evaluate(rules, tables)
    kept, implied = without_implied(evaluation.failed, rules, tables)
    outcomes_of(rules, evaluation, implied)
    findings = findings_of(kept, rules, tables, load_key())
    problems_of(findings)
    with TemporaryDirectory() as folder:
        findings.write_parquet(Path(folder) / "findings.parquet")
    return findings.height


def main(path: Path) -> None:
    import resource

    catalog, rules = Catalog(path), list(load_book().select().rules)
    found: list[int] = []
    bare_seconds, audit_seconds = interleaved(
        lambda: bare(rules, catalog), lambda: found.append(whole(rules, catalog)), 3
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps([bare_seconds, audit_seconds, peak, len(rules), found[0]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
