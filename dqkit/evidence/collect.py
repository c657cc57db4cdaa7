"""Collects the evidence of a verdict: every file that goes into evidence.zip but its pages and its seal."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from dqkit.archive.checksum import sha256_of
from dqkit.catalog import runs
from dqkit.catalog.schema import FORMAT_VERSION as CATALOG_FORMAT
from dqkit.catalog.store import Catalog
from dqkit.dataset import croissant, manifest
from dqkit.errors import DqkitError
from dqkit.evidence import texts
from dqkit.evidence.chain import chain_lines
from dqkit.evidence.container import Content
from dqkit.evidence.coverage import FrameworkEvidence, coverage_of, coverage_to_json
from dqkit.evidence.environment import environment
from dqkit.evidence.framework import load_frameworks
from dqkit.gate.at_hand import changed_packs, changed_rules, judges_at_hand, packs_named
from dqkit.gate.policy_file import text_of
from dqkit.gate.run import Judges
from dqkit.gate.verdict_file import VerdictFile, decision_digest
from dqkit.identity import Pseudonyms
from dqkit.index.progress import Progress, Silent
from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.rule import Text

VERDICT, POLICY, WAIVERS, BASELINE = "verdict.json", "policy.yaml", "waivers.yaml", "baseline.json"
OUTCOMES, TESTS, CHAIN = "outcomes.csv", "rule-tests.json", "chain/runs.jsonl"
CATALOG, ENVIRONMENT, COVERAGE = "catalog.json", "environment.json", "coverage.json"
DATASET, MANIFEST, CROISSANT = "dataset/dataset.json", f"dataset/{manifest.NAME}", f"dataset/{croissant.NAME}"


@dataclass(frozen=True)
class EvidenceOptions:
    """What a person may give beside the verdict.

    Attributes
    ----------
    policy
        Its file, from whose folder packs of one's own are named; None = they lie beside the verdict.
    rules
        Files and folders of rules beside those that ship.
    baseline
        The file that the gate was given.
    pseudonymous_paths
        Whether the manifest names files by pseudonyms.
    """

    policy: Path | None = None
    rules: tuple[Path, ...] = ()
    baseline: Path | None = None
    pseudonymous_paths: bool = False


@dataclass(frozen=True)
class Evidence:
    """The evidence of a verdict.

    Attributes
    ----------
    members
        Name in the zip -> content.
    missing
        What belongs to it and is not at hand: it is then incomplete, and says so.
    tests
        What the rules' own cases gave.
    titles
        Id of a rule or condition -> its sentence, of those at hand.
    """

    verdict: VerdictFile
    members: dict[str, Content]
    coverage: tuple[FrameworkEvidence, ...]
    missing: tuple[Text, ...]
    tests: dict[str, Any]
    runs: int
    pseudonymous_paths: bool
    titles: Mapping[str, Text]

    @property
    def complete(self) -> bool:
        """Whether everything that belongs to it is in it."""
        return not self.missing


@dataclass
class _Collecting:
    """What was collected so far."""

    members: dict[str, Content] = field(default_factory=dict)
    missing: list[Text] = field(default_factory=list)

    def lack(self, en: str, zh: str) -> None:
        self.missing.append(texts.said(en, zh))


def collect(
    verdict: VerdictFile,
    catalog: Catalog,
    pseudonyms: Pseudonyms,
    options: EvidenceOptions,
    scratch: ExitStack,
    progress: Progress | None = None,
) -> Evidence:
    """Collect what belongs to a verdict; the same verdict, catalog and texts give the same members.

    Parameters
    ----------
    catalog
        The one that was judged.
    scratch
        Holds the folder of large members, as long as they are needed.

    Raises
    ------
    DqkitError
        The verdict was not given of this catalog or was edited, or the chain of the catalog's runs is broken.
    """
    progress = progress or Silent()
    data = verdict.data
    _check_belongs(verdict, catalog)
    found = _Collecting({VERDICT: verdict.path.read_bytes(), POLICY: data["policy"]["text"].encode()})
    _accepted(found, data, options)
    _check_policy(data, options.policy)
    progress.stage("collecting texts")
    book = load_book(options.rules)
    judges = _texts(found, data, options.policy or verdict.path, book)
    judged = {rule.id for rule in judges.book.rules} if judges else set()
    progress.stage("testing rules")
    tests = texts.rule_tests(rule for rule in book if rule.id in judged)
    found.members[TESTS] = texts.as_json(tests)
    chain = list(chain_lines(catalog, data["catalog"]["run_id"]))
    found.members |= {CHAIN: b"".join(chain), ENVIRONMENT: texts.as_json(environment())}
    found.members[CATALOG] = texts.as_json(_catalog(catalog, data, found))
    progress.stage("collecting the dataset")
    folder = Path(scratch.enter_context(TemporaryDirectory(prefix="dqkit-evidence-")))
    _dataset(found, data, verdict.path.parent, pseudonyms if options.pseudonymous_paths else None, folder)
    known = (rule.id for rule in book if not rule.is_open)
    coverage = coverage_of(load_frameworks(), data, [*found.members, OUTCOMES], known)
    found.members[COVERAGE] = texts.as_json(coverage_to_json(coverage))
    titles = {rule.id: rule.title for rule in book} | {one["id"]: one["title"] for one in data["conditions"]}
    return Evidence(
        verdict=verdict,
        members=found.members,
        coverage=coverage,
        missing=tuple(found.missing),
        tests=tests,
        runs=len(chain),
        pseudonymous_paths=options.pseudonymous_paths,
        titles=titles,
    )


def _check_belongs(verdict: VerdictFile, catalog: Catalog) -> None:
    """Refuse a verdict that is not the one that the catalog's runs know."""
    data = verdict.data
    if catalog.key_fingerprint != data["key_fingerprint"]:
        raise DqkitError(
            f"the verdict was given under the key {data['key_fingerprint']}, the catalog {catalog.path} has "
            f"{catalog.key_fingerprint}",
            "name the catalog that was judged with --catalog",
        )
    if (broken := runs.broken_link(catalog.path)) is not None:
        raise DqkitError(
            f"the chain of the catalog's runs is broken at run {broken}", "its log was changed: restore it"
        )
    run = catalog.scan("runs").filter(pl.col("run_id") == data["catalog"]["run_id"]).collect()
    if run.is_empty():
        raise DqkitError(
            f"the catalog {catalog.path} does not know this verdict", "name the catalog that was judged with --catalog"
        )
    if json.loads(run["counts"][0]).get("decision_sha256") != decision_digest(data):
        raise DqkitError(
            "the verdict is not as the gate gave it: it was edited since", "restore it, or run the gate again"
        )


def _check_policy(data: Any, policy: Path | None) -> None:
    if policy is not None and texts.sha256_of_text(text_of(policy, "policy")) != data["policy"]["sha256"]:
        raise DqkitError(f"the policy {policy} is not the one that the verdict was given by", "name that one")


def _texts(found: _Collecting, data: Any, beside: Path, book: Book) -> Judges | None:
    judges, why = judges_at_hand(data, beside, book)
    found.members |= dict(texts.table_members())
    if judges is None:
        found.lack(f"rules and packs: {why}", f"规则与规则包：{why}")
        return None
    packs = packs_named(data, judges)
    found.members |= dict(texts.rule_members(judges.book.rules)) | dict(texts.pack_members(packs))
    for label in changed_rules(data, judges):
        found.lack(f"the text of the rule {label} as it judged", f"判断时的规则 {label} 文本")
    for name in changed_packs(data, packs):
        found.lack(f"the text of the pack {name} as it judged", f"判断时的规则包 {name} 文本")
    return judges


def _accepted(found: _Collecting, data: Any, options: EvidenceOptions) -> None:
    """Add waivers, which the verdict holds, and the baseline, of which it holds the hash."""
    if data["waivers"] is not None:
        found.members[WAIVERS] = data["waivers"]["text"].encode()
    if data["baseline"] is None:
        return
    if options.baseline is None:
        found.lack("the baseline: name it with --baseline", "基线文件：请用 --baseline 指定")
        return
    try:
        content = options.baseline.read_bytes()
    except OSError as error:
        raise DqkitError(
            f"the baseline {options.baseline} cannot be read: {error.strerror}", "check the path"
        ) from error
    if hashlib.sha256(content).hexdigest() != data["baseline"]["sha256"]:
        raise DqkitError(
            f"the baseline {options.baseline} is not the one that the verdict was given with", "name that one"
        )
    found.members[BASELINE] = content


def _catalog(catalog: Catalog, data: Any, found: _Collecting) -> dict[str, Any]:
    """Return which versions of which tables were judged, and how many rows each had."""
    tables: dict[str, Any] = {}
    for name, version in sorted(data["catalog"]["table_versions"].items()):
        rows = catalog.rows_at(name, version)
        tables[name] = {"version": version, "rows": rows}
        if rows is None:
            found.lack(f"version {version} of the table {name}", f"数据表 {name} 的版本 {version}")
    return {"format_version": CATALOG_FORMAT, "key_fingerprint": catalog.key_fingerprint, "tables": tables}


def _dataset(found: _Collecting, data: Any, folder: Path, pseudonyms: Pseudonyms | None, scratch: Path) -> None:
    """Add the section, the manifest and the description of the dataset, where the verdict speaks of one."""
    section = data["dataset"]
    if section is None:
        return
    found.members[DATASET] = texts.as_json(section)
    listed = folder / manifest.NAME
    if not listed.is_file() or sha256_of(listed) != section["manifest"]["sha256"]:
        found.lack(
            f"{manifest.NAME} as the gate wrote it beside the verdict", f"门控时与判定文件一同写出的 {manifest.NAME}"
        )
    elif pseudonyms is None:
        found.members[MANIFEST] = listed
    else:
        found.members[MANIFEST] = scratch / manifest.NAME
        with (scratch / manifest.NAME).open("wb") as file:
            for lines in manifest.lines_of(manifest.pseudonymous(manifest.read_rows(listed), pseudonyms)):
                file.write(lines)
    described = folder / croissant.NAME
    if described.is_file() and section["manifest"]["sha256"].encode() in (content := described.read_bytes()):
        found.members[CROISSANT] = content
    else:
        found.lack(f"{croissant.NAME} of this manifest beside the verdict", f"与该清单对应的 {croissant.NAME}")
