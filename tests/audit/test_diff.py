"""What came, went, broke and was mended between two audits, told apart from what the rules or the scope changed."""

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dqkit.audit.diff import Diff, diff, of_site
from dqkit.audit.history import with_history
from dqkit.audit.only import Only
from dqkit.audit.run import AuditOptions, audit, recall
from dqkit.audit.states import audits_of, before, state_of
from dqkit.audit.trend import trend_of
from dqkit.catalog.retention import vacuum
from dqkit.catalog.store import Catalog
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from dqkit.rulebook.book import load_book
from dqkit.rulebook.pack import Pack, load_packs
from dqkit.rulebook.pack_rules import with_packs
from dqkit.rulebook.rule import Rule
from tests import dicom_defects as defects
from tests.audit.seeding import CHEST
from tests.dicom_factory import Exam, ct_series, write

PACK = """name: own
version: {version}
title: {{en: Own, zh: 自有}}
why: {{en: Own., zh: 自有。}}
scope: {{Modality: CT}}
rules:
  - {{use: ACQ-101, as: thickness, with: {{max_mm: {most}}}, cite: house style}}
  - {{use: ACQ-114, as: dose, with: {{max_mgy: 10}}, cite: house style}}
"""
PLAIN = ("GEO-003", "FMT-001")


@dataclass
class Archive:
    """An archive that changes between audits, each of which has a name."""

    root: Path
    catalog: Catalog
    runs: dict[str, int] = field(default_factory=dict)
    judges: dict[str, tuple[tuple[Rule, ...], tuple[Pack, ...]]] = field(default_factory=dict)
    compared: dict[tuple[str, str], Diff] = field(default_factory=dict)

    def ct(self, site: str, patient: str, *, lost: bool = False, thickness: str | None = "5") -> Path:
        """Write a CT in the place of the one that was there."""
        folder = self.root / site / patient
        shutil.rmtree(folder, ignore_errors=True)
        series = ct_series(Exam(site=site, patient=patient), CHEST, SliceThickness=thickness)
        write(defects.drop_slice(series, 4) if lost else series, folder)
        return folder

    def index(self) -> None:
        index(self.catalog, [self.root], IndexOptions(confirm_removed=True))

    def audit(
        self, name: str, rules: Sequence[Rule], packs: tuple[Pack, ...] = (), only: Only | None = None, **options: Any
    ) -> None:
        self.index()
        audit(self.catalog, rules, load_key(), AuditOptions(packs=packs, only=only or Only(), **options))
        self.runs[name] = audits_of(self.catalog)[-1].run
        self.judges[name] = tuple(rules), packs

    def diff(self, since: str, until: str) -> Diff:
        """Compare two audits by their names, with the rules of the later one at hand."""
        if (since, until) not in self.compared:
            first, last = (state_of(self.catalog, str(self.runs[name]), "--since") for name in (since, until))
            self.compared[since, until] = diff(self.catalog, first, last, *self.judges[until])
        return self.compared[since, until]


def judged_by(
    folder: Path, most: int, version: str, beside: Sequence[str] = PLAIN
) -> tuple[tuple[Rule, ...], tuple[Pack, ...]]:
    path = folder / f"own{most}.yaml"
    path.write_text(PACK.format(version=version, most=most), encoding="utf-8")
    packs = load_packs([str(path)])
    return with_packs(load_book(), packs).select([*beside, "own"]).rules, packs


@pytest.fixture(scope="module")
def plain() -> tuple[Rule, ...]:
    return load_book().select(PLAIN).rules


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Return an archive and its audits: loose, later, strict, part, cause, same.

    A loose pack allows slices of 30 mm, a strict one of 10 mm; FMT-001 is judged from `strict` on.
    """
    folder = tmp_path_factory.mktemp("diff")
    loose, strict = judged_by(folder, 30, "1.0.0", ["GEO-003"]), judged_by(folder, 10, "1.1.0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        made = Archive(folder / "archive", Catalog.create(folder / "catalog", load_key().fingerprint, "test"))
        for patient, thickness in (("a", "5"), ("b", "20"), ("c", None), ("thick", "50")):
            made.ct("north", patient, thickness=thickness)
        for patient in "de":
            made.ct("south", patient, lost=True)
        (made.root / "north" / "empty").mkdir()
        (made.root / "north" / "empty" / "nothing.dcm").write_bytes(b"")
        made.audit("loose", *loose)
        made.ct("north", "a", lost=True)
        made.ct("north", "new", lost=True)
        made.ct("north", "c", thickness="40")
        made.ct("south", "d")
        shutil.rmtree(made.root / "south" / "e")
        made.audit("later", *loose)
        made.ct("south", "d", thickness="20")
        made.audit("strict", *strict)
        made.audit("part", *strict, Only(sites=("south",)))
        (made.root / "north" / "new" / "lost.dcm").write_bytes(b"")
        made.ct("north", "c", thickness=None)
        made.audit("cause", *strict)
        made.audit("same", *strict, accept=_all_waived)
        yield made


def moves(found: Diff) -> dict[tuple[str, str, str], int]:
    """Return (rule, change, why) -> findings, but for those that stay."""
    rows = found.changes.filter(pl.col("change") != "same").group_by("rule_id", "change", "why").len().rows()
    return {(rule, change, why): n for rule, change, why, n in rows}


def test_data_that_broke_came_was_mended_and_went(archive: Archive) -> None:
    found = archive.diff("loose", "later")
    assert moves(found) == {
        ("GEO-003", "new", "broke"): 1, ("GEO-003", "new", "came"): 1,
        ("GEO-003", "gone", "mended"): 1, ("GEO-003", "gone", "went"): 1,
        ("ACQ-101", "new", "unknown"): 1,
    }  # fmt: skip
    assert {row["site"] for row in found.problems.to_dicts()} == {"north", "south"}
    assert not found.rules
    assert found.notes == ()


def test_data_is_counted_by_site(archive: Archive) -> None:
    found = archive.diff("loose", "later")
    counts = {(row[0], row[1]): row[2:] for row in found.inventory.rows()}  # new, gone, changed, same
    assert counts["north", "series"] == counts["north", "patients"] == (1, 0, 2, 2)
    assert counts["south", "studies"] == (0, 1, 1, 0)
    assert counts["south", "files"][:2] == (1, 7)
    assert counts["north", "files"] == (7, 1, 15, 17)


def test_verdicts_of_rules_turn_at_their_sites(archive: Archive) -> None:
    turned = {(row[0], row[3]): row[4:] for row in archive.diff("loose", "later").flips.rows()}
    assert turned == {("GEO-003", "north"): ("pass", "fail"), ("GEO-003", "south"): ("fail", "pass")}


def _all_waived(findings: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    return findings.with_columns(pl.lit("somebody").alias("waived_by"))


def test_nothing_changed_when_findings_were_accepted_alone(archive: Archive) -> None:
    found = archive.diff("cause", "same")
    assert moves(found) == {}
    assert found.inventory.select(pl.col("new", "gone", "changed").sum()).row(0) == (0, 0, 0)
    assert found.counts.select(pl.col("findings").sum()).item() == found.changes.height > 0


def test_a_new_rule_and_one_that_asks_for_more_are_told_apart_from_data_that_broke(archive: Archive) -> None:
    found = archive.diff("later", "strict")
    assert moves(found) == {
        ("FMT-001", "new", "rule"): 1, ("ACQ-101", "new", "rule"): 1, ("ACQ-101", "new", "broke"): 1,
    }  # fmt: skip
    assert found.rules.new == ("FMT-001",)
    assert found.rules.changed == ("ACQ-101 own/thickness", "ACQ-114 own/dose")
    assert found.notes == ()


def test_what_can_no_longer_be_told_is_not_mended_nor_what_another_fault_explains(archive: Archive) -> None:
    assert moves(archive.diff("strict", "cause")) == {
        ("ACQ-101", "gone", "unknown"): 1, ("GEO-003", "gone", "cause"): 1, ("FMT-001", "new", "came"): 1,
    }  # fmt: skip


def test_what_one_audit_did_not_look_at_is_neither_mended_nor_broken(archive: Archive) -> None:
    into, out_of = archive.diff("strict", "part"), archive.diff("part", "cause")
    assert {why for _, _, why in moves(into)} == {"scope"}
    assert {(rule, why) for rule, _, why in moves(out_of)} == {
        ("ACQ-101", "scope"), ("GEO-003", "scope"), ("FMT-001", "came"), ("FMT-001", "scope"),
    }  # fmt: skip
    assert "another part of the archive" in into.notes[0]["en"]


def test_the_audit_before_is_the_last_one_of_the_same_scope(archive: Archive) -> None:
    last = state_of(archive.catalog, str(archive.runs["cause"]), "--until")
    assert before(archive.catalog, last).run == archive.runs["strict"]


def test_a_trend_counts_every_audit_of_its_scope_and_says_what_it_leaves_out(archive: Archive) -> None:
    trend = trend_of(archive.catalog, audits_of(archive.catalog)[-1])
    shown = ["loose", "later", "strict", "cause", "same"]
    assert [point.run for point in trend.points] == [archive.runs[name] for name in shown]
    assert [point.other_rules for point in trend.points] == [False, False, True, False, False]
    assert trend.left_out == 1
    south = trend.rows.filter(site="south", severity="critical").sort("run")["findings"].to_list()
    assert south == [2, 0, 0, 0, 0]


def test_the_report_of_an_audit_tells_of_the_one_before(archive: Archive) -> None:
    rules, packs = archive.judges["same"]
    history = with_history(recall(archive.catalog, rules), archive.catalog, packs).history
    assert history is not None
    assert history.since_last is not None
    assert history.since_last.since.run == archive.runs["cause"]
    assert history.only_site("south").trend.rows["site"].unique().to_list() == ["south"]


def test_one_site_is_told_of_alone(archive: Archive) -> None:
    found = archive.diff("loose", "later")
    assert of_site(found, "north").counts["site"].unique().to_list() == ["north"]
    with pytest.raises(DqkitError, match="no site 'west'"):
        of_site(found, "west")


def test_a_pack_that_is_not_at_hand_is_told_apart_by_its_text_alone(archive: Archive, plain: tuple[Rule, ...]) -> None:
    first, last = (state_of(archive.catalog, str(archive.runs[name]), "") for name in ("later", "strict"))
    assert moves(diff(archive.catalog, first, last, plain)) == {
        ("ACQ-101", "new", "rule"): 2, ("FMT-001", "new", "rule"): 1,
    }  # fmt: skip


def test_a_moment_is_named_by_run_id_version_or_date(archive: Archive) -> None:
    runs = archive.catalog.scan("runs").collect()
    assert runs["command"].to_list()[:3] == ["create", "index", "audit"]
    today = f"{dt.datetime.now().astimezone():%Y-%m-%d}"
    between = (runs["ended_at"][2] + (runs["ended_at"][3] - runs["ended_at"][2]) / 2).isoformat()
    last = runs.height - 1
    named = {"": last, "2": 2, runs["run_id"][1]: 1, "findings@1": 2, "instances@0": 0, between: 2,
             f"{today}T23:59:59.9": last}  # fmt: skip
    assert {text: state_of(archive.catalog, text, "--since").run for text in named} == named
    assert state_of(archive.catalog, today, "--until", end_of_day=True).run == last


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("99", "there is no run 99"),
        ("0123456789ab", "there is no run 0123456789ab"),
        ("findings@77", "no run has findings@77"),
        ("2001-01-01", "there is no run before 2001-01-01: the first ended"),
        ("last week", "'last week' is not understood"),
        ("9" * 400, "there is no run"),
    ],
)
def test_a_moment_that_is_not_there_is_refused(named: str, said: str, archive: Archive) -> None:
    with pytest.raises(DqkitError) as error:
        state_of(archive.catalog, named, "--since")
    assert said in error.value.message
    assert error.value.message.startswith("--since")


def test_files_are_compared_without_an_audit(plain: tuple[Rule, ...], tmp_path: Path) -> None:
    made = Archive(tmp_path / "archive", Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test"))
    made.ct("north", "a")
    made.index()
    made.ct("north", "new")
    made.index()
    first, last = (state_of(made.catalog, text, "--since") for text in ("1", ""))
    found = diff(made.catalog, first, last, plain)
    assert found.inventory.filter(what="series")["new"].to_list() == [1]
    assert not found.compares_findings
    assert "comes before any audit" in found.notes[0]["en"]
    with pytest.raises(NothingToCheckError, match="not audited yet"):
        before(made.catalog, last)
    made.ct("north", "new", thickness="4")
    made.audit("only", plain)
    with pytest.raises(NothingToCheckError, match="audited once"):
        before(made.catalog, state_of(made.catalog, "", "--until"))
    made.ct("north", "new", thickness="3")
    made.index()
    since, until = state_of(made.catalog, str(made.runs["only"]), ""), state_of(made.catalog, "", "--until")
    assert [note["en"] for note in diff(made.catalog, since, until, plain).notes] == [
        "run 5 is no audit: its findings are those of run 4",
        "no audit lies between the two: findings are not compared",
    ]
    with pytest.raises(DqkitError, match="run 5 is not before run 4"):
        diff(made.catalog, until, since, plain)
    vacuum(made.catalog, 0, dry_run=False)
    with pytest.raises(DqkitError, match="the tables of run 1 or 2 are no longer there"):
        diff(Catalog(made.catalog.path), first, last, plain)
