"""The loop with a hospital, from the command line: audit, hand back, answer, send again, audit."""

import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import openpyxl
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rich.console import Console

from dqkit.audit.only import Only
from dqkit.audit.result import AuditResult
from dqkit.audit.run import AuditOptions, audit, recall
from dqkit.catalog import runs
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.model import ProblemState
from dqkit.report.outfolder import read_out, write_out
from dqkit.report.terminal import print_audit
from dqkit.rulebook.book import Book, load_book
from dqkit.steward.problems import problems_with_states
from tests import dicom_defects as defects
from tests.cli.conftest import KEY, Ran, dqkit
from tests.dicom_factory import Exam, Grid, ct_series, mr_series, write

SMALL = Grid(n=9, rows=16, columns=16, spacing_mm=(20.0, 20.0))
RULES = "FMT-001", "FMT-006", "GEO-003", "CON-055"


@dataclass
class Steward:
    """A catalog of two hospitals and what a steward does with it."""

    root: Path
    ran: Ran | None = None

    @property
    def catalog(self) -> Path:
        return self.root / "catalog"

    def audit(self, *rules: str, only: Only | None = None) -> AuditResult:
        chosen = the_book().select(rules or RULES, []).rules
        return audit(Catalog(self.catalog), chosen, load_key(), AuditOptions(only=only or Only()))

    def hand_back(self, *more: object, site: str = "north-general") -> Path:
        before = set(self.sent.glob("*.xlsx"))
        ran = dqkit("report", self.catalog, "--site", site, "--handback", self.sent, *more)
        assert ran.code == 0, ran.said
        self.ran = ran
        return next(iter(set(self.sent.glob("*.xlsx")) - before))

    @property
    def sent(self) -> Path:
        return self.root / "sent"

    def take(self, reply: Path, *more: object) -> Ran:
        return dqkit("reply", "import", reply, "--catalog", self.catalog, *more)

    def states(self) -> dict[str, str]:
        """Return rule -> state of its one problem."""
        found = problems_with_states(Catalog(self.catalog), "north-general", list(ProblemState))
        return dict(found.select("rule_id", "state").iter_rows())

    def send_again(self, *patients: int) -> Ran:
        """Index the sound series of patients, as a PACS sends them again."""
        for k in patients:
            write(ct_series(patient(k), SMALL), self.root / "again" / f"{k}", "S{number:05d}.dcm")
        return dqkit("index", self.root / "again", "--catalog", self.catalog, "--resend", "--site", "north-general")


@cache
def the_book() -> Book:
    return load_book()


@pytest.fixture(autouse=True)
def _one_book(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the rule book once: every command of a test would read it anew."""
    monkeypatch.setattr("dqkit.rulebook.book.load_book", lambda _: the_book())


@pytest.fixture(scope="module")
def two_hospitals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an archive (gaps, an empty and a cut file, a maker in two spellings), catalog and audit."""
    root = tmp_path_factory.mktemp("loop")
    north = root / "archive" / "north-general"
    for k in range(4):
        series = ct_series(patient(k), SMALL)
        lost = {1: (3,), 3: (3, 4)}.get(k, ())
        paths = write(defects.drop_slice(series, *lost) if lost else series, north / f"{k}", "IM{number:05d}.dcm")
        if k == 2:
            defects.truncate(paths[5], 0.9)
            defects.zero_byte(paths[6])
    for k, maker in enumerate(("SIEMENS", "Siemens")):
        series = (mr_series, ct_series)[k](Exam("Harbour", f"H-{k}"), SMALL)
        series = defects.vary(series, "Manufacturer", maker)
        write(series, root / "archive" / ("harbour", "north-general")[k] / f"s{k}")
    with mock.patch.dict(os.environ, DQKIT_KEY=KEY):
        steward = Steward(root)
        assert dqkit("index", root / "archive", "--catalog", steward.catalog).code == 0
        write_out(steward.audit(), root / "out")
    return root


def patient(k: int) -> Exam:
    return Exam("North", f"{100200 + k}", vendor="ge", date=f"2024{3 + k:02d}1{k}", name=f"Doe^Pat{k}")


@pytest.fixture
def steward(two_hospitals: Path, tmp_path: Path) -> Steward:
    shutil.copytree(two_hospitals / "catalog", tmp_path / "catalog")
    shutil.copytree(two_hospitals / "out", tmp_path / "out")
    return Steward(tmp_path)


Answers = Callable[[dict[str, Any]], dict[str, Any]]


def filled_in(worklist: Path, reply: Path, answers: Answers, sheet: int = 0) -> Path:
    """Fill a worklist in as a hospital would: `answers` gives a row's cells from what stands in it."""
    book = openpyxl.load_workbook(worklist)
    rows = book.worksheets[sheet]
    header = {cell.value: cell.column for cell in rows[1]}
    for number in range(2, rows.max_row + 1):
        row = {name: rows.cell(number, column).value for name, column in header.items()}
        for name, value in answers(row).items():
            rows.cell(number, header[name]).value = value
    book.save(reply)
    return reply


def rows_of(worklist: Path, sheet: int = 0) -> list[dict[str, Any]]:
    rows = openpyxl.load_workbook(worklist).worksheets[sheet].iter_rows(values_only=True)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


ANSWERS = {"GEO-003": "cannot fix", "FMT-001": "fixed", "FMT-006": "sent again"}


def test_a_hospital_answers_sends_again_and_its_problems_close(steward: Steward) -> None:
    worklist = steward.hand_back()
    assert steward.states() == {**dict.fromkeys(ANSWERS, "sent"), "CON-055": "open"}
    reply = filled_in(
        worklist,
        steward.root / "reply.xlsx",
        lambda row: {
            "Answer": ANSWERS[row["Rule"]], "Answered by": "PACS team", "Date": date(2026, 7, 1), "Comment": "见附件",
        },
    )  # fmt: skip
    assert steward.take(reply).code == 0
    answered = {"GEO-003": "cannot-fix", "FMT-001": "fixed", "FMT-006": "fixed", "CON-055": "open"}
    assert steward.states() == answered
    again = steward.take(reply)
    assert "0 answered, 3 unchanged, 0 refused" in again.said
    assert steward.states() == answered

    assert "resend again: 9 older files superseded" in steward.send_again(2).said
    steward.audit()
    assert steward.states() == {**answered, "FMT-001": "mended", "FMT-006": "mended"}

    dqkit("sources", "remove", "again", "--catalog", steward.catalog, "--yes")
    steward.audit()
    assert steward.states() == {**answered, "FMT-001": "reopened", "FMT-006": "reopened"}
    assert runs.broken_link(steward.catalog) is None


def test_what_is_said_to_be_fixed_and_is_not_is_reopened_and_goes_back(steward: Steward) -> None:
    worklist = steward.hand_back()
    reply = filled_in(worklist, steward.root / "reply.xlsx", lambda row: {"Answer": "fixed"})
    steward.take(reply)
    steward.audit()
    assert steward.states()["FMT-006"] == "reopened"
    assert "0 answered, 3 unchanged" in steward.take(reply).said
    assert steward.states()["FMT-006"] == "reopened"
    second = steward.hand_back()
    assert [row["ID"] for row in rows_of(second)] == [row["ID"] for row in rows_of(worklist)]
    assert {row["State"].split()[0] for row in rows_of(second)} == {"reopened"}
    steward.take(filled_in(second, steward.root / "second.xlsx", lambda row: {"Answer": "fixed"}))
    assert steward.states()["FMT-006"] == "fixed"


def test_rows_answered_one_by_one_make_the_state_and_are_reopened_one_by_one(steward: Steward) -> None:
    worklist = steward.hand_back()
    gaps = [row for row in rows_of(worklist, 1) if "missing" in row["What is wrong"]]
    assert len(gaps) == 2
    first, second = (row["ID"] for row in gaps)
    reply = steward.root / "reply.xlsx"
    steward.take(filled_in(worklist, reply, lambda row: {"Answer": "fixed"} if row["ID"] == first else {}, 1))
    assert steward.states()["GEO-003"] == "sent"
    steward.take(filled_in(worklist, reply, lambda row: {"Answer": "cannot fix"} if row["ID"] == second else {}, 1))
    assert steward.states()["GEO-003"] == "cannot-fix"
    steward.audit()
    assert steward.states()["GEO-003"] == "reopened"
    earlier = {row["ID"]: row["Earlier answer"] for row in rows_of(steward.hand_back(), 1)}
    assert earlier[first].endswith("reopened")
    assert earlier[second].endswith("cannot fix")


def test_an_answer_to_a_problem_holds_for_its_rows_but_those_answered_otherwise(steward: Steward) -> None:
    worklist = steward.hand_back()
    one = next(row["ID"] for row in rows_of(worklist, 1) if "missing" in row["What is wrong"])
    reply = filled_in(worklist, steward.root / "a.xlsx", lambda row: {"Answer": "sent again"})
    reply = filled_in(reply, steward.root / "b.xlsx", lambda row: {"Answer": "disputed"} if row["ID"] == one else {}, 1)
    steward.take(reply)
    assert steward.states() == {"GEO-003": "disputed", "FMT-001": "fixed", "FMT-006": "fixed", "CON-055": "open"}
    steward.audit()
    assert steward.states()["GEO-003"] == "reopened"  # the other series was said to be sent again


def test_an_audit_of_other_rules_or_sites_closes_nothing(steward: Steward) -> None:
    steward.hand_back()
    steward.audit("GEO-003")
    steward.audit(only=Only(sites=("harbour",)))
    steward.audit(only=Only(modalities=("MR",)))
    assert steward.states() == {"GEO-003": "sent", "FMT-001": "sent", "FMT-006": "sent", "CON-055": "open"}


def test_problems_of_images_that_left_are_gone_and_not_mended(steward: Steward) -> None:
    dqkit("sources", "remove", "archive", "--catalog", steward.catalog, "--yes")
    write(ct_series(Exam("North", "n-1"), SMALL), steward.root / "other")
    dqkit("index", steward.root / "other", "--catalog", steward.catalog, "--site", "north-general")
    steward.audit()
    assert set(steward.states().values()) == {"gone"}


def test_an_incomplete_audit_closes_nothing(steward: Steward, two_hospitals: Path) -> None:
    steward.send_again(2)
    (two_hospitals / "archive").rename(two_hospitals / "away")
    try:
        dqkit("index", "--catalog", steward.catalog)
        steward.audit()
        assert steward.states()["FMT-006"] == "open"
    finally:
        (two_hospitals / "away").rename(two_hospitals / "archive")


def test_findings_that_move_to_another_problem_take_the_state_along(steward: Steward) -> None:
    """A header that was mended may move findings to the problem of another scanner: the same files, still at fault."""
    steward.hand_back()
    dqkit("problems", "set", _problem(steward, "GEO-003"), "--state", "disputed", "--catalog", steward.catalog)
    with Catalog(steward.catalog).write() as writer:
        series = writer.scan("series").collect()
        renamed = series.with_columns(ManufacturerModelName=pl.lit("Another name"))
        writer.overwrite("series", renamed)
        writer.commit(runs.Record("test", "0"))
    steward.audit()
    listed = dqkit(
        "problems", "list", "--catalog", steward.catalog, "--site", "north-general", "--json", "--state", "disputed",
        "--state", "gone",
    )  # fmt: skip
    rows = {row["state"]: row for row in json.loads(listed.out) if row["rule_id"] == "GEO-003"}
    assert rows["gone"]["moved_to"] == rows["disputed"]["problem_id"]
    assert rows["disputed"]["scanner"].endswith("Another name")


def _problem(steward: Steward, rule: str) -> str:
    ran = dqkit("problems", "list", "--catalog", steward.catalog, "--site", "north-general", "--json")
    return next(row["problem_id"] for row in json.loads(ran.out) if row["rule_id"] == rule)


def test_states_stand_in_the_report_and_its_tables(steward: Steward) -> None:
    steward.hand_back()
    result = steward.audit()
    write_out(result, steward.root / "newer")
    told = json.loads((steward.root / "newer" / "result.json").read_text())
    states = {row["rule_id"]: row["state"] for row in told["problems"] if row["site"] == "north-general"}
    assert states == {"GEO-003": "sent", "FMT-001": "sent", "FMT-006": "sent", "CON-055": "open"}
    assert all(row["state_since"] for row in told["problems"])
    again = read_out(steward.root / "newer", the_book().rules)
    assert_frame_equal(again.problems, result.problems)
    assert again.problems["state_since"].null_count() == 0
    console = Console(file=io.StringIO(), width=200)
    print_audit(again, console)
    assert "sent to the hospital since" in console.file.getvalue()
    recalled = recall(Catalog(steward.catalog), the_book().rules)
    assert_frame_equal(recalled.problems, result.problems)


def test_what_people_wrote_stays_in_the_house(steward: Steward) -> None:
    mark = "QZXWKV"
    said = {"Answer": "question", "Comment": mark, "Answered by": mark}
    steward.take(filled_in(steward.hand_back(), steward.root / "r.xlsx", lambda row: said))
    out = steward.root / "newer"
    write_out(steward.audit(), out)
    assert mark in Catalog(steward.catalog).scan("problem_states").collect()["by"].to_list()
    assert not [path.name for path in out.iterdir() if path.is_file() and mark.encode() in path.read_bytes()]
    assert mark not in pl.read_parquet(out / "problems.parquet").write_csv()


def test_the_same_delivery_sent_again_changes_no_problem(steward: Steward, two_hospitals: Path) -> None:
    before, old = steward.states(), steward.audit()
    shutil.copytree(two_hospitals / "archive" / "north-general", steward.root / "again")
    ran = dqkit("index", steward.root / "again", "--catalog", steward.catalog, "--resend", "--site", "north-general")
    assert ran.code == 0
    new = steward.audit()
    assert steward.states() == before
    gaps = pl.col("rule_id") == "GEO-003"
    assert_frame_equal(new.outcomes.filter(gaps), old.outcomes.filter(gaps))
    assert set(new.findings.filter(gaps)["finding_id"]) == set(old.findings.filter(gaps)["finding_id"])


def test_only_what_the_hospital_can_mend_goes_back_and_the_rest_is_told(steward: Steward) -> None:
    worklist = steward.hand_back()
    assert {row["Rule"] for row in rows_of(worklist)} == set(ANSWERS)
    assert steward.ran is not None
    assert "left out: 1 problem, to be mended by the steward of this archive" in steward.ran.said
    steward.take(filled_in(worklist, steward.root / "r.xlsx", lambda row: {"Answer": "disputed"}))
    ran = dqkit("report", steward.catalog, "--site", "north-general", "--handback", steward.sent)
    assert "has nothing to mend that waits for it" in ran.said
    assert "3 problems, disputed (--answered brings them in)" in ran.said
    assert len(rows_of(steward.hand_back("--answered"))) == 3


def test_a_worklist_names_no_patient_unless_it_is_asked_to(steward: Steward) -> None:
    series = Catalog(steward.catalog).scan("series").filter(pl.col("site") == "north-general").collect()
    names = ["PatientID", "AccessionNumber", "StudyDate", "StudyInstanceUID", "SeriesInstanceUID", "PatientName"]
    identifying = {value for name in names for value in series[name].drop_nulls()}
    plain = texts_of(steward.hand_back())
    assert not [text for text in plain if any(value in text for value in identifying)]
    assert steward.ran is not None
    assert "names patients" not in steward.ran.said

    resolved = steward.hand_back("--resolve")
    assert "It names patients and studies" in steward.ran.said
    assert resolved.name.endswith("-resolved.xlsx")
    assert resolved.stat().st_mode & 0o777 == 0o600
    assert resolved.parent.stat().st_mode & 0o777 == 0o700
    names_of = {row["What is wrong"]: row for row in rows_of(resolved, 1)}
    empty = names_of["The file holds nothing"]  # it names no series: that of its folder is presumed
    assert (empty["PatientID"], empty["StudyDate"]) == ("100202", "20240512")
    assert empty["AccessionNumber"] in set(series["AccessionNumber"])
    counts = [
        json.loads(text)
        for text in Catalog(steward.catalog).scan("runs").filter(pl.col("command") == "handback").collect()["counts"]
    ]
    assert [(run["site"], run["rows"], run["resolved"]) for run in counts] == [
        ("north-general", 4, False), ("north-general", 4, True),
    ]  # fmt: skip


def texts_of(workbook: Path) -> list[str]:
    book = openpyxl.load_workbook(workbook)
    return [str(value) for sheet in book for row in sheet.iter_rows(values_only=True) for value in row if value]


def test_the_hospital_resolves_a_worklist_with_its_copy_of_the_catalog(steward: Steward) -> None:
    worklist = steward.hand_back()
    part = filled_in(worklist, steward.root / "part.xlsx", lambda row: {"Answer": "question", "Comment": "=1+1"})
    copy = Path(shutil.copytree(steward.catalog, steward.root / "copy"))
    with mock.patch.dict(os.environ, DQKIT_KEY="the hospital has another key than the archive"):
        ran = dqkit("handback", "resolve", part, "--catalog", copy)
    resolved = steward.root / "part-resolved.xlsx"
    assert ran.code == 0, ran.said
    assert "4 rows" in ran.said
    assert resolved.stat().st_mode & 0o777 == 0o600
    assert [row["PatientID"] for row in rows_of(resolved, 1)] == ["100201", "100203", "100202", "100202"]
    assert not openpyxl.load_workbook(resolved).worksheets[1].column_dimensions["F"].hidden
    assert {row["Answer"] for row in rows_of(resolved)} == {"question"}
    kinds = {cell.data_type for sheet in openpyxl.load_workbook(resolved) for row in sheet for cell in row}
    assert "f" not in kinds
    assert Catalog(copy).scan("runs").collect()["command"][-1] == "handback resolve"
    assert dqkit("handback", "resolve", part, "--catalog", copy).code == 2  # it does not write over a file
    assert steward.take(resolved).code == 0
    assert steward.states()["GEO-003"] == "question"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--handback", "{root}/sent"), "--handback needs to know the hospital"),
        (("--site", "north-general", "--resolve"), "go with --handback"),
        (("--site", "north-general", "--handback", "{root}/sent", "--out", "x.html"), "exclude each other"),
        (("--site", "nroth", "--handback", "{root}/sent"), "there is no site 'nroth'"),
        (("--site", "north-general", "--handback", "{root}/catalog/x"), "would lie inside the catalog"),
        (("--site", "north-general", "--handback", "{archive}/x"), "would lie inside the source"),
    ],
)
def test_wrong_use_is_told_and_writes_nothing(
    steward: Steward, two_hospitals: Path, arguments: tuple[str, ...], said: str
) -> None:
    places = {"root": steward.root, "archive": two_hospitals / "archive"}
    before = runs.last(steward.catalog)
    ran = dqkit("report", steward.catalog, *(one.format(**places) for one in arguments))
    assert ran.code == 2
    assert said in ran.said
    assert not steward.sent.exists()
    assert runs.last(steward.catalog) == before


def test_the_folder_of_an_audit_leads_to_its_catalog(steward: Steward, tmp_path: Path) -> None:
    out = steward.root / "out"
    lost = dqkit("report", out, "--site", "north-general", "--handback", steward.sent, "--catalog", tmp_path / "no")
    assert lost.code == 2
    assert "needs the catalog of this audit" in lost.said
    asked = ("report", out, "--site", "north-general", "--handback", steward.sent, "--catalog", steward.catalog)
    assert dqkit(*asked).code == 0
    steward.audit()
    assert "is not of the last audit" in dqkit(*asked).said


def test_a_worklist_that_cannot_be_recorded_is_not_left_behind(
    steward: Steward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dqkit.catalog.store.Writer.commit", lambda *_: 1 / 0)
    ran = dqkit("report", steward.catalog, "--site", "north-general", "--handback", steward.sent)
    monkeypatch.undo()
    assert ran.code == 3
    assert list(steward.sent.iterdir()) == []
    assert steward.states()["GEO-003"] == "open"


def test_a_steward_sets_a_state_and_an_audit_that_finds_it_again_objects(steward: Steward) -> None:
    problem = _problem(steward, "FMT-006")
    ran = dqkit(
        "problems", "set", problem[:6], "--state", "fixed", "--comment", "by telephone", "--catalog", steward.catalog
    )
    assert ran.code == 0
    listed = dqkit("problems", "list", "--catalog", steward.catalog, "--state", "fixed")
    assert "by telephone" in listed.said
    steward.audit()
    assert steward.states()["FMT-006"] == "reopened"
    wrong = dqkit("problems", "set", problem, "--state", "mended", "--catalog", steward.catalog)
    assert "only an audit can say" in wrong.said
    assert dqkit("problems", "set", "zzz", "--state", "fixed", "--catalog", steward.catalog).code == 2
    assert dqkit("problems", "list", "--site", "nroth", "--catalog", steward.catalog).code == 2


def test_a_chinese_worklist_is_answered_in_chinese(steward: Steward) -> None:
    worklist = steward.hand_back("--lang", "zh")
    sheets = openpyxl.load_workbook(worklist).sheetnames
    assert sheets[:3] == ["问题", "明细", "说明"]
    reply = filled_in(worklist, steward.root / "r.xlsx", lambda row: {"答复": "无法修复", "日期": "2026年7月1日"})
    ran = steward.take(reply, "--lang", "zh")
    assert "新答复 3，未变 0，拒绝 0" in ran.said
    assert steward.states()["GEO-003"] == "cannot-fix"
