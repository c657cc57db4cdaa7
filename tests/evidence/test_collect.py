"""What evidence holds, what it says that it lacks, and what it never shows."""

import csv
import io
import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from deltalake import DeltaTable

from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.evidence.collect import EvidenceOptions, collect
from dqkit.evidence.framework import load_framework, load_frameworks
from dqkit.gate import dataset_kinds, kinds
from dqkit.gate.condition import Kind
from dqkit.gate.verdict_file import read_verdict
from dqkit.identity import load_key
from dqkit.rulebook.book import load_book
from dqkit.rulebook.rule import FAMILIES
from tests.evidence.conftest import PLANTED, Gated, gate_again, opened


@pytest.fixture(scope="session")
def members(evidence_zip: bytes) -> dict[str, bytes]:
    return opened(evidence_zip)


def test_the_same_input_gives_the_same_bytes(gated: Gated, evidence_zip: bytes) -> None:
    assert gated.sealed() == evidence_zip


def test_it_holds_everything_behind_the_verdict(gated: Gated, members: dict[str, bytes]) -> None:
    assert members["verdict.json"] == (gated.out / "verdict.json").read_bytes()
    assert members["policy.yaml"] == gated.policy.read_bytes()
    assert members["waivers.yaml"] == gated.waivers.read_bytes()
    assert members["baseline.json"] == gated.baseline.read_bytes()
    assert members["dataset/manifest.sha256"] == (gated.out / "manifest.sha256").read_bytes()
    judged = {rule["rule_id"] for rule in json.loads(members["verdict.json"])["rules"]}
    assert {re.match(r"rules/(\w+-\d+)", name)[1] for name in members if name.startswith("rules/")} == judged
    assert b"name: general" in members["packs/general.yaml"]
    tests = json.loads(members["rule-tests.json"])
    assert (tests["rules"], tests["failed"]) == (len(judged), 0)
    assert tests["cases"] > 3 * len(judged)
    assert json.loads(members["evidence.json"])["complete"] is True
    assert json.loads(members["catalog.json"])["tables"]["instances"]["rows"] == 14
    assert json.loads(members["environment.json"])["packages"]["polars"]
    assert len(members["chain/runs.jsonl"].splitlines()) >= 4


def test_the_description_that_a_gate_writes_is_valid_croissant(gated: Gated) -> None:
    import mlcroissant

    described = mlcroissant.Dataset(jsonld=gated.out / "croissant.json").metadata
    assert not described.ctx.issues.errors
    assert "traced by checksum" in str(described.description)
    assert any("site north" in text.lower() for text in described.data_biases)
    assert any("identif" in text for text in described.personal_sensitive_information)


def test_outcomes_stand_in_a_table_with_their_unknowns(members: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(io.StringIO(members["outcomes.csv"].decode())))
    named = {row["rule_id"]: row for row in rows if row["site"] in ("south", "")}
    assert (named["GEO-003"]["failed"], named["GEO-003"]["waived"]) == ("1", "1")
    assert sum(int(row["unknown"]) for row in rows) > 0


def test_what_leaves_the_house_names_nobody_but_the_datasets_own_paths(gated: Gated, members: dict[str, bytes]) -> None:
    for name, data in members.items():
        shown = [hidden for hidden in PLANTED if hidden.encode() in data]
        assert shown == (["plantedfolder"] if name == "dataset/manifest.sha256" else []), name
        assert str(gated.root).encode() not in data, name
    hidden = opened(gated.sealed(pseudonymous_paths=True))
    lines = hidden["dataset/manifest.sha256"].decode().splitlines()
    assert len(lines) == len(members["dataset/manifest.sha256"].splitlines()) == 9
    assert all(re.fullmatch(r"[0-9a-f]{64}  [0-9a-f]{12}/[0-9a-f]{12}", line) for line in lines)
    assert not any(planted.encode() in data for data in hidden.values() for planted in PLANTED)
    assert json.loads(hidden["evidence.json"])["pseudonymous_paths"] is True


def test_pages_claim_no_conformity_and_let_nothing_out_of_its_element(members: dict[str, bytes]) -> None:
    page, readme, coverage = (members[name].decode() for name in ("index.html", "readme.txt", "coverage.md"))
    for text in (page, readme, coverage):
        assert not re.search(r"\b(compl(ies|iant|y)|conforms|certif\w+)\b", text, re.IGNORECASE)
        assert not re.search(r"(?<!不声明)符合(第|该|本|要求)", text)
    assert "Evidence for chapter" in page
    assert "<script>nightly" not in page
    assert "&lt;script&gt;nightly" in page
    assert "<b>known</b>" not in page
    assert "default-src 'none'" in page


def test_coverage_says_what_was_judged_and_what_was_not(members: dict[str, bytes]) -> None:
    told = json.loads(members["coverage.json"])
    chapters = {(one["id"], chapter["chapter"]): chapter for one in told["frameworks"] for chapter in one["chapters"]}
    sources = chapters["eu-ai-act-article-10", "10(2)(b)"]
    assert sources["has_evidence"]
    assert {one["id"] for one in sources["rules"]} >= {"IDN-001"}
    assert {one["id"] for one in sources["conditions"]} == {"GATE-012"}
    assert "GATE-005" in sources["not_checked"]["nothing_judged"]
    assert "ACQ-091" in sources["not_checked"]["left_out_by_policy"]
    assert sources["not_checked"]["never_looked_at"]["zh"]
    labels = chapters["yyt-1833-3-2022", "7"]
    assert not labels["has_evidence"]
    errors = chapters["eu-ai-act-article-10", "10(3)"]
    failing = {one["id"]: one for one in errors["rules"]}
    assert failing["GEO-003"]["waived"] == 1


def test_what_is_not_at_hand_makes_it_incomplete(project: Gated, tmp_path: Path) -> None:
    with ExitStack() as scratch:
        evidence = project.collected(scratch, baseline=None)
        assert [text["en"] for text in evidence.missing] == ["the baseline: name it with --baseline"]
    (project.out / "manifest.sha256").write_text("")
    (project.out / "croissant.json").unlink()
    with ExitStack() as scratch:
        evidence = project.collected(scratch)
        assert [text["en"].split(" ")[0] for text in evidence.missing] == ["manifest.sha256", "croissant.json"]
        assert not evidence.complete
        assert "dataset/manifest.sha256" not in evidence.members


def test_rules_that_changed_since_are_missing(project: Gated, tmp_path: Path) -> None:
    own = tmp_path / "rules" / "FMT-901-house-size.yaml"
    own.parent.mkdir()
    text = next(rule for rule in load_book() if rule.id == "FMT-001").path.read_text(encoding="utf-8")
    own.write_text(text.replace("FMT-001", "FMT-901").replace("name: zero-byte-file", "name: house-size"))
    from dqkit.gate.policy_file import read_policy
    from dqkit.gate.run import gate, judges_of
    from dqkit.report.gate_folder import write_gate

    project.policy.write_text(project.policy.read_text().replace("[FMT-001,", "[FMT-901, FMT-001,"))
    policy = read_policy(project.policy)
    catalog = Catalog(project.catalog, load_key().fingerprint)
    write_gate(gate(catalog, policy, judges_of(policy, [own]), load_key()), project.out, ["json"])
    with ExitStack() as scratch:
        evidence = project.collected(scratch, rules=(own,))
        assert evidence.complete
        assert "rules/FMT-901-house-size.yaml" in evidence.members
    own.write_text(own.read_text() + "# changed\n")
    with ExitStack() as scratch:
        missing = project.collected(scratch, rules=(own,)).missing
        assert [text["en"] for text in missing] == ["the text of the rule FMT-901 as it judged"]
        assert "FMT-901" in project.collected(scratch).missing[0]["en"]  # it is not even there


def test_files_that_are_not_those_of_the_verdict_are_refused(project: Gated, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(project.policy.read_text() + "# changed\n")
    with ExitStack() as scratch:
        with pytest.raises(DqkitError, match="not the one that the verdict was given by"):
            project.collected(scratch, policy=other)
        with pytest.raises(DqkitError, match="not the one that the verdict was given with"):
            project.collected(scratch, baseline=other)
        with pytest.raises(DqkitError, match="cannot be read"):
            project.collected(scratch, baseline=tmp_path / "gone")


def collected_from(project: Gated, catalog: Path) -> None:
    with ExitStack() as scratch:
        collect(read_verdict(project.out), Catalog(catalog), load_key(), EvidenceOptions(), scratch)


def test_a_verdict_that_was_edited_or_is_of_another_catalog_is_refused(project: Gated, tmp_path: Path) -> None:
    Catalog.create(tmp_path / "another", load_key().fingerprint, "test")
    with pytest.raises(DqkitError, match="does not know this verdict"):
        collected_from(project, tmp_path / "another")
    Catalog.create(tmp_path / "third", "another-key", "test")
    with pytest.raises(DqkitError, match="under the key"):
        collected_from(project, tmp_path / "third")
    file = project.out / "verdict.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"verdict": "fail"}))
    with pytest.raises(DqkitError, match="edited since"):
        collected_from(project, project.catalog)


def test_a_broken_chain_makes_no_evidence(project: Gated) -> None:
    DeltaTable(project.catalog / "runs").update({"who": "'somebody else'"}, predicate="run = 1")
    with pytest.raises(DqkitError, match="broken at run 1"):
        collected_from(project, project.catalog)


def test_a_verdict_of_another_version_is_told(project: Gated) -> None:
    file = project.out / "verdict.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format_version": 9}))
    with pytest.raises(DqkitError, match="format version 9"):
        read_verdict(project.out)


@pytest.mark.parametrize("part", ["catalog", "policy", "rules", "dataset", "exit_code"])
def test_a_verdict_without_a_part_of_it_is_damaged(project: Gated, part: str) -> None:
    file = project.out / "verdict.json"
    whole = json.loads(file.read_text())
    for odd in ({key: value for key, value in whole.items() if key != part}, whole | {part: "odd"}):
        file.write_text(json.dumps(odd))
        with pytest.raises(DqkitError, match="is damaged: a part of it is missing"):
            read_verdict(project.out)


def test_a_gate_of_later_leaves_the_chain_of_before(project: Gated) -> None:
    first = read_verdict(project.out)
    shown = project.sealed()
    kept = (project.out / "verdict.json").read_bytes()
    gate_again(project)
    (project.out / "verdict.json").write_bytes(kept)
    assert opened(project.sealed())["chain/runs.jsonl"] == opened(shown)["chain/runs.jsonl"]
    assert first.data["catalog"]["run_id"].encode() in opened(shown)["chain/runs.jsonl"]


def test_frameworks_name_what_there_is() -> None:
    ids = {rule.id for rule in load_book()}
    conditions = {one.id for module in (kinds, dataset_kinds) for one in vars(module).values() if isinstance(one, Kind)}
    frameworks = load_frameworks()
    assert [one.id for one in frameworks] == sorted(one.id for one in frameworks)
    for framework in frameworks:
        for chapter in framework.chapters:
            assert set(chapter.rules) <= ids | set(FAMILIES), (framework.id, chapter.id)
            assert set(chapter.conditions) <= conditions, (framework.id, chapter.id)
        assert len({chapter.id for chapter in framework.chapters}) == len(framework.chapters)


FRAMEWORK = "id: x\ntitle: {en: a, zh: b}\ncitation: c\nwording: paraphrase\n"
CHAPTER = "  - id: a\n    title: {en: a, zh: b}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FRAMEWORK.replace("paraphrase", "quote") + "chapters:\n" + CHAPTER, "wording"),
        (FRAMEWORK + "chapters: []\n", "chapters"),
        (FRAMEWORK + "chapters:\n" + CHAPTER + "    rules: [geo]\n", "no family"),
        (FRAMEWORK + "chapters:\n" + CHAPTER + "    gaps: {en: [x], zh: []}\n", "every language"),
        (FRAMEWORK + "chapters:\n" + CHAPTER + "    meets: [x]\n", "no key 'meets'"),
    ],
)
def test_a_framework_that_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(DqkitError, match=rf"f\.yaml:\d+:.*{said}"):
        load_framework(tmp_path / "f.yaml")


def test_the_files_at_fault_are_named_beside_the_verdict_for_the_house(project: Gated) -> None:
    (project.root / "-formula.dcm").write_bytes(b"nothing")
    project.dataset.write_text(project.dataset.read_text() + "gone.dcm,x\n-formula.dcm,x\n")
    gate_again(project)
    rows = list(csv.DictReader(io.StringIO((project.out / "dataset-faults.csv").read_text())))
    assert [(row["row"], row["path"], row["state"]) for row in rows] == [
        ("3", "gone.dcm", "missing"),
        ("4", "'-formula.dcm", "untraceable"),
    ]
    verdict = json.loads((project.out / "verdict.json").read_text())
    named = {one["subject"] for condition in verdict["conditions"] for one in condition["findings"]}
    assert {row["name"] for row in rows} <= named
    assert (project.out / "dataset-faults.csv").stat().st_mode & 0o777 == 0o600
    assert not [name for name in opened(project.sealed()) if "faults" in name or name.endswith(".parquet")]
