"""A gate over a real catalog: the last audit is taken where it stands, and the verdict is kept."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dqkit.audit import reuse
from dqkit.audit.only import Only
from dqkit.audit.reuse import standing_audit
from dqkit.audit.run import AuditOptions, last_audit_run
from dqkit.catalog.cohort import read_cohort
from dqkit.catalog.retention import kept_versions
from dqkit.catalog.schema import TABLES
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.gate.policy_file import parse_policy
from dqkit.gate.result import GateResult
from dqkit.gate.run import GateOptions, baseline_of, gate, judges_of
from dqkit.gate.verdict_file import decision_digest, read_verdict, verdict_bytes, verdict_to_json
from dqkit.gate.waivers import Waiver, WaiverFile
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.index.table import TableOptions, index_table
from dqkit.index.table_mapping import TableMapping
from dqkit.rulebook.mapping import load_mapping
from tests import dicom_defects as defects
from tests.catalog.cohorts import write_cohort
from tests.gate.conftest import Archive, judge, judges_for, make_archive, policy_of


def failing(result: GateResult) -> set[tuple[str, str | None]]:
    return {(rule_id, site) for rule_id, _, site in result.deciding}


def test_a_lost_slice_closes_the_gate(closed: GateResult) -> None:
    assert closed.judgement.exit_code == 1
    assert failing(closed) == {("GEO-003", "south")}


def test_the_last_audit_is_taken_where_it_stands(archive: Archive) -> None:
    before = last_audit_run(archive.opened())
    result = judge(archive.opened())
    assert before is not None
    assert (result.audit_reused, result.audit_run_id) == (True, before["run_id"])
    again = judge(archive.opened(), "scope: {select: GEO-003}\n")
    assert not again.audit_reused
    assert [rule.id for rule in again.rules] == ["GEO-003"]
    assert judge(archive.opened(), "scope: {select: GEO-003}\n").audit_reused
    assert not judge(archive.opened()).audit_reused


def test_it_stands_through_an_index_that_finds_nothing_new(archive: Archive) -> None:
    index(archive.opened(), [archive.root])
    assert judge(archive.opened()).audit_reused


def test_tables_that_no_audit_looks_at_are_tables() -> None:
    assert set(TABLES) > reuse._NOT_SEEN


def test_it_does_not_stand_where_a_file_changed(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "archive")
    catalog = Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test")
    index(catalog, [root])
    assert failing(judge(catalog)) == {("GEO-003", "south")}
    defects.zero_byte(next((root / "north" / "mr").iterdir()))
    index(catalog, [root])
    result = judge(catalog)
    assert not result.audit_reused
    assert failing(result) >= {("GEO-003", "south"), ("FMT-001", "north")}


@pytest.mark.parametrize("what", ["version", "rules", "only", "packs"])
def test_it_does_not_stand_where_anything_that_judges_differs(
    what: str, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    judges = judges_for(policy_of())
    rules, options = judges.book.rules, AuditOptions(packs=judges.packs)
    catalog = archive.opened()
    assert standing_audit(catalog, rules, options) is not None
    if what == "version":
        monkeypatch.setattr("dqkit.audit.reuse.__version__", "9.9.9")
    elif what == "rules":
        rules = rules[1:]
    elif what == "only":
        options = AuditOptions(packs=judges.packs, only=Only(("north",)))
    else:
        options = AuditOptions(packs=())
    same = standing_audit(catalog, rules, options)
    assert (same is not None) is (what == "packs"), "general is the book, named or not"


def test_the_verdict_is_a_run_that_names_what_it_judged(archive: Archive) -> None:
    result = judge(archive.opened())
    run = archive.opened().scan("runs").last().collect().row(0, named=True)
    counts = json.loads(run["counts"])
    assert (run["command"], run["run_id"]) == ("gate", result.run_id)
    assert (counts["verdict"], counts["exit_code"]) == ("fail", 1)
    assert counts["policy"] == {"name": "test", "sha256": result.policy.sha256}
    assert counts["judged_versions"] == dict(result.table_versions)
    assert run["rules"] == result.rules_digest
    data = json.loads(verdict_bytes(result))
    assert counts["decision_sha256"] == decision_digest(data)
    assert decision_digest(data | {"verdict": "pass"}) != counts["decision_sha256"]


def test_versions_that_a_gate_judged_are_kept_for_good(archive: Archive) -> None:
    judged = judge(archive.opened()).table_versions
    catalog = archive.opened()
    with catalog.write() as writer:
        writer.overwrite("labels", writer.scan("labels").collect())
    later = datetime.now(UTC) + timedelta(days=400)
    kept = kept_versions(catalog, 0, later)
    assert all(version in kept[name] for name, version in judged.items())


def test_the_verdict_file_is_read_back(archive: Archive, tmp_path: Path) -> None:
    result = judge(archive.opened())
    path = tmp_path / "verdict.json"
    path.write_bytes(verdict_bytes(result))
    read = read_verdict(tmp_path)
    assert read.data == json.loads(json.dumps(verdict_to_json(result)))
    assert read.data["complete"] is True
    assert read.data["policy"]["text"] == result.policy.text
    assert read.data["key_fingerprint"] == load_key().fingerprint
    assert read.data["packs"][0] == {"name": "general", "version": "1.0.0", **_rest(read.data["packs"][0])}
    assert read.data["catalog"]["table_versions"] == dict(result.table_versions)


def _rest(pack: dict[str, object]) -> dict[str, object]:
    assert len(str(pack["sha256"])) == 64
    return {key: pack[key] for key in ("sha256", "rules")}


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"{", "damaged"), (b"[]", "not the verdict"), (b'{"format": "dqkit-gate", "format_version": 9}', "version 9")],
)
def test_what_is_no_verdict_is_told(content: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_bytes(content)
    with pytest.raises(DqkitError, match=what):
        read_verdict(tmp_path / "verdict.json")


def test_a_baseline_of_now_knows_everything_but_conditions(archive: Archive) -> None:
    first = judge(archive.opened(), "required_sites: [west]\n")
    baseline = baseline_of(first)
    again = judge(archive.opened(), "required_sites: [west]\n", baseline=baseline)
    assert again.baseline is not None
    assert (again.baseline.known, again.baseline.gone, again.baseline.same_rules) == (len(baseline.findings), 0, True)
    assert {rule for rule, _ in failing(again)} == {"GATE-005"}
    assert judge(archive.opened(), baseline=baseline).judgement.exit_code == 0


@pytest.mark.parametrize("key", ["finding", "series", "patient", "problem", "site", "modality", "scanner", "protocol"])
def test_every_scope_of_a_waiver_meets_what_outputs_show(key: str, archive: Archive, closed: GateResult) -> None:
    row = closed.findings.filter(rule_id="GEO-003").row(0, named=True)
    columns = {"problem": "problem_id", "patient": "patient_hash"}
    waiver = Waiver("GEO-003", "", {key: row[columns.get(key, key)]}, "Ada", "agreed", datetime.now(UTC).date())
    result = judge(archive.opened(), waivers=WaiverFile((waiver,), "text", "sha"))
    assert result.judgement.exit_code == 0
    assert result.waivers.used == ((waiver, 1),)
    assert result.findings.filter(pl.col("waived_by") != "")["rule_id"].to_list() == ["GEO-003"]
    note = f"the waiver of {waiver.what} ends on {waiver.expires} (owner: Ada)"
    assert note in [one["en"] for one in result.notes]


def test_consequences_of_a_waived_cause_stay_silent(archive: Archive) -> None:
    """A lost slice implies what is measured over the gap; waiving the cause must not bring that up."""
    text = "scope: {select: [GEO-003, GEO-004, GEO-011, GEO-012]}\n"
    before = judge(archive.opened(), text)
    implied = before.outcomes.filter((pl.col("implied") > 0) & (pl.col("site") == "south"))
    assert implied.height
    waiver = Waiver("GEO-003", "", {"site": "south"}, "Ada", "agreed", datetime.now(UTC).date())
    after = judge(archive.opened(), text, waivers=WaiverFile((waiver,), "text", "sha"))
    assert after.judgement.exit_code == 0
    assert after.findings.height == before.findings.height


@pytest.mark.parametrize(
    ("text", "deciding"),
    [
        ("required_sites: [north, west]\n", {("GATE-005", "west")}),
        ("minimum: [{patients: 3}]\n", {("GATE-003", "south")}),
        ("minimum: [{patients: 3, sites: [north]}]\n", set()),
        ("minimum: [{patients: 1, sites: [west]}]\n", {("GATE-003", "west")}),
        ("minimum: [{patients: 7, per: archive}]\n", {("GATE-003", None)}),
        ("minimum: [{patients: 6, per: archive}]\n", set()),
        ("minimum: [{series: 4, where: {Modality: CT}}]\n", {("GATE-003", "north"), ("GATE-003", "south")}),
        ("minimum: [{images: 12}, {studies: 1}]\n", {("GATE-003", "south")}),
        ("minimum: [{images: 11}]\n", set()),
        ("minimum: [{series: 1, where: {role: t2}}]\n", {("GATE-003", "south")}),
        ("minimum: [{patients: 99, severity: warning}]\n", set()),
        ("max_catalog_age: 1 hour\n", set()),
    ],
)
def test_what_the_policy_asks_for_beside_rules(
    text: str, deciding: set[tuple[str, str | None]], archive: Archive
) -> None:
    result = judge(archive.opened(), f"allow: [{{rules: GEO, at_most: any}}]\n{text}")
    assert failing(result) == deciding
    assert result.judgement.exit_code == (1 if deciding else 0)


def test_a_catalog_that_is_too_old(archive: Archive) -> None:
    later = datetime.now(UTC) + timedelta(days=8)
    result = judge(archive.opened(), "max_catalog_age: 7 days\n", now=later)
    assert ("GATE-001", None) in failing(result)
    told = result.findings.filter(rule_id="GATE-001").row(0, named=True)
    assert (told["observed"], told["expected"]) == ("last looked at 8 days ago", "at most 7 days ago")


def test_an_index_that_finds_nothing_new_is_a_look_too(archive: Archive) -> None:
    before = judge(archive.opened()).source_seen_at
    index(archive.opened(), [archive.root])
    after = judge(archive.opened()).source_seen_at
    assert before is not None
    assert after is not None
    assert after > before


def test_a_table_that_did_not_change_was_looked_at_too(archive: Archive, tmp_path: Path) -> None:
    table = tmp_path / "export.csv"
    rows = "StudyInstanceUID,SeriesInstanceUID,Modality,PatientID\n1.2.3,1.2.3.4,CT,p1\n"
    table.write_text(rows, encoding="utf-8")
    options = TableOptions(load_mapping_of(table), site="west")
    index_table(archive.opened(), table, options)
    first = judge(archive.opened()).source_seen_at
    index(archive.opened(), [archive.root])
    index_table(archive.opened(), table, options)
    second = judge(archive.opened()).source_seen_at
    assert first is not None
    assert second is not None
    assert second > first


def load_mapping_of(table: Path) -> TableMapping:
    mapping = table.with_suffix(".yaml")
    names = ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "PatientID")
    mapping.write_text("columns:\n" + "".join(f"  {name}: {name}\n" for name in names), encoding="utf-8")
    return load_mapping(str(mapping))


def test_a_pack_that_judges_nothing_keeps_it_closed(archive: Archive) -> None:
    policy = policy_of("allow: [{rules: GEO, at_most: any}]\n")
    text = policy.text.replace("[general@1.0.0]", "[general@1.0.0, mammography@1.0.0]")
    asked = parse_policy(text, Path("gate.yaml"))
    result = gate(archive.opened(), asked, judges_for(asked), load_key())
    assert {(rule, variant) for rule, variant, _ in result.deciding} == {("GATE-007", "mammography")}
    assert result.judgement.exit_code == 1


def test_classes_need_a_dataset(archive: Archive) -> None:
    with pytest.raises(DqkitError, match=r"gate.yaml:4: a minimum counts classes") as error:
        judge(archive.opened(), "minimum: [{patients: 1, per: class}]\n")
    assert "--dataset" in error.value.hint


def dataset(archive: Archive, folder: Path) -> Path:
    """Write a dataset file of all files of two patients of north and one of south, with classes."""
    rows = ["path,diagnosis"]
    for folder_name, label in (("north/plantedfolder0", "benign"), ("north/plantedfolder1", "malignant"),
                               ("south/plantedfolder1", "benign")):  # fmt: skip
        rows += [f"{path},{label}" for path in sorted((archive.root / folder_name).iterdir())]
    (folder / "train.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "train.csv"


@pytest.mark.parametrize(
    ("text", "deciding"),
    [
        ("{patients: 2, per: class}", {("GATE-004", "malignant")}),
        ("{patients: 1, per: class}", set()),
        ("{patients: 1, per: class, classes: [benign, normal]}", {("GATE-004", "normal")}),
        ("{images: 6, per: site and class}", {("GATE-004", "malignant")}),
        ("{patients: 2, per: site}", {("GATE-003", "")}),
    ],
)
def test_with_a_dataset_what_it_holds_is_counted(
    text: str, deciding: set[tuple[str, str]], archive: Archive, tmp_path: Path
) -> None:
    policy = f"allow: [{{rules: GEO, at_most: any}}]\ndataset: {{label: diagnosis}}\nminimum: [{text}]\n"
    result = judge(archive.opened(), policy, dataset=dataset(archive, tmp_path))
    found = {(rule, variant.partition(": ")[2]) for rule, variant, _ in result.deciding}
    assert found == deciding
    assert result.dataset is not None
    assert result.dataset.rows["label"].unique().sort().to_list() == ["benign", "malignant"]


def test_a_file_of_the_dataset_that_was_never_audited_closes_the_gate(archive: Archive, tmp_path: Path) -> None:
    path = dataset(archive, tmp_path)
    stray = tmp_path / "stray.dcm"
    shutil.copy(next((archive.root / "north" / "mr").iterdir()), stray)
    stray.write_bytes(stray.read_bytes() + b"\0\0")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{stray},benign\n")
    result = judge(archive.opened(), "allow: [{rules: GEO, at_most: any}]\n", dataset=path)
    assert result.judgement.exit_code == 1
    kinds = {one.kind.id: one.failed for one in result.conditions if one.failed}
    assert set(kinds.values()) == {1}
    assert verdict_to_json(result)["dataset"]["files"] == 19


def test_a_cohort_alone_is_judged(archive: Archive, tmp_path: Path) -> None:
    catalog = archive.opened()
    path = write_cohort(tmp_path / "cohort.parquet", catalog, pl.col("site") == "north")
    cohort = read_cohort(path, catalog)
    result = judge(catalog, cohort=cohort)
    assert result.judgement.exit_code == 0
    assert result.outcomes["site"].drop_nulls().unique().to_list() == ["north"]
    assert verdict_to_json(result)["only"]["cohort"]


def test_a_gate_without_rules_left_is_told(archive: Archive) -> None:
    with pytest.raises(DqkitError):
        judges_of(policy_of("scope: {ignore: ['*-*']}\n"))
    policy = policy_of("scope: {sites: [west]}\n")
    with pytest.raises(DqkitError, match="there is no site 'west'"):
        gate(archive.opened(), policy, judges_for(policy), load_key(), GateOptions())


def test_entries_for_sites_that_are_not_there_are_noted(archive: Archive) -> None:
    result = judge(archive.opened(), "allow:\n  - {rules: GEO, at_most: 3, site: west}\n")
    assert "line 5 of the policy speaks of the site west, which is not there" in [one["en"] for one in result.notes]
