"""Answers are taken row by row: each once, none lost, and states follow."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.audit.problem_states import current, noted
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import HANDBACK_ROWS, conform
from dqkit.catalog.store import Catalog
from dqkit.model import ProblemState
from dqkit.steward.answers import ANSWERS, HEADERS, column_of, meant, state_of_all
from dqkit.steward.reply import ReplySummary, _date, _understood, take_reply
from dqkit.steward.reply_file import Cell, Line, ReplyFile

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def _sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two problems that were handed back: one with three rows, one with one."""
    path = tmp_path_factory.mktemp("reply") / "catalog"
    catalog = Catalog.create(path, "key", "0")
    rows = {"P-1": None, "R-11": "series a", "R-12": "series b", "R-13": "series c"}
    rows2 = {"P-2": None, "R-21": "series d"}
    with catalog.write() as writer:
        frames = [
            pl.DataFrame({"row_id": list(ids), "row_key": list(ids.values()), "problem_id": problem})
            for problem, ids in (("one", rows), ("two", rows2))
        ]
        sent = pl.concat(frames).with_columns(handback_id=pl.lit("h1"), made_at=pl.lit(START), site=pl.lit("North"))
        writer.append("handback_rows", conform(sent, HANDBACK_ROWS))
        problems = pl.DataFrame({"problem_id": ["one", "two"], "site": "North", "rule_id": "GEO-003", "variant": ""})
        for state, at in ((ProblemState.OPEN, START), (ProblemState.SENT, START + dt.timedelta(hours=1))):
            writer.append("problem_states", noted(problems, writer, state=state, at=at))
        writer.commit(Record("handback", "0"))
    return path


@pytest.fixture
def catalog(_sent: Path, tmp_path: Path) -> Catalog:
    import shutil

    return Catalog(Path(shutil.copytree(_sent, tmp_path / "catalog")))


def reply(*rows: tuple[str | None, Cell] | dict[str, Cell], handback: str = "h1") -> ReplyFile:
    """Return a file of rows: (id, answer), or all their cells."""
    lines = []
    for number, row in enumerate(rows, start=2):
        cells = row if isinstance(row, dict) else {"row_id": row[0], "answer": row[1]}
        lines.append(Line(1, number, cells))
    return ReplyFile(tuple(lines), handback)


def states(catalog: Catalog) -> dict[str, str]:
    return dict(current(catalog.scan("problem_states").collect()).select("problem_id", "state").iter_rows())


def whys(summary: ReplySummary) -> list[tuple[int, str]]:
    return [(one.row, one.why) for one in summary.refused]


def test_the_same_file_taken_twice_changes_nothing(catalog: Catalog) -> None:
    file = reply({"row_id": "P-1", "answer": "fixed", "comment": "c", "by": "b", "date": dt.date(2026, 2, 1)})
    first = take_reply(catalog, file)
    assert (first.answered, first.unchanged, first.states) == (1, 0, {"fixed": 1})
    before = catalog.versions, catalog.scan("runs").collect().height
    second = take_reply(catalog, file)
    assert (second.answered, second.unchanged, second.states) == (0, 1, {})
    assert (catalog.versions, catalog.scan("runs").collect().height) == before


def test_an_older_file_taken_again_does_not_undo_a_newer_one(catalog: Catalog) -> None:
    take_reply(catalog, reply(("P-1", "fixed")))
    take_reply(catalog, reply(("P-1", "cannot fix")))
    assert take_reply(catalog, reply(("P-1", "fixed"))).unchanged == 1
    assert states(catalog)["one"] == "cannot-fix"


def test_a_dry_run_says_the_same_and_records_nothing(catalog: Catalog) -> None:
    file = reply(("P-1", "fixed"), ("P-9", "fixed"))
    before = catalog.scan("runs").collect().height
    dry = take_reply(catalog, file, dry_run=True)
    assert catalog.scan("runs").collect().height == before
    assert states(catalog) == {"one": "sent", "two": "sent"}
    assert take_reply(catalog, file) == dry


def test_each_row_that_cannot_be_taken_is_named_and_the_others_are_taken(catalog: Catalog) -> None:
    file = ReplyFile(
        (
            Line(1, 2, {"row_id": "P-1", "answer": "fixed"}),
            Line(1, 3, {"row_id": "P-2x", "answer": "fixed"}),
            Line(1, 4, {"row_id": None, "answer": "fixed"}),
            Line(1, 5, {"row_id": "P-2", "answer": "as you like"}),
            Line(1, 6, {"row_id": "R-21", "answer": '=IF(1,"fixed")'}, frozenset({"answer"})),
            Line(1, 7, {"row_id": "R-12", "answer": None, "comment": "what?"}),
            Line(1, 8, {"row_id": "R-13", "answer": None, "by": "somebody"}),
            Line(1, 9, {"row_id": "R-11", "answer": 7}),
            Line(2, 2, {"row_id": " p-1 ", "answer": "FIXED."}),
        ),
        "h1",
    )
    summary = take_reply(catalog, file)
    assert summary.answered == 1
    assert whys(summary) == [
        (3, "unknown_id"), (4, "no_id"), (5, "unknown_answer"), (6, "formula"), (7, "no_answer"), (9, "unknown_answer"),
    ]  # fmt: skip
    assert states(catalog) == {"one": "fixed", "two": "sent"}


def test_an_id_that_stands_twice_with_two_answers_is_refused_in_every_place(catalog: Catalog) -> None:
    summary = take_reply(catalog, reply(("P-1", "fixed"), ("P-1", "disputed"), ("P-2", "fixed"), ("P-2", "fixed")))
    assert whys(summary) == [(2, "twice"), (3, "twice")]
    assert states(catalog) == {"one": "sent", "two": "fixed"}


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([("P-1", "fixed")], "fixed"),
        ([("P-1", "sent again")], "fixed"),
        ([("R-11", "fixed")], "sent"),
        ([("R-11", "fixed"), ("R-12", "fixed"), ("R-13", "fixed")], "fixed"),
        ([("R-11", "fixed"), ("R-12", "cannot fix"), ("R-13", "fixed")], "cannot-fix"),
        ([("R-11", "disputed"), ("R-12", "cannot fix"), ("R-13", "fixed")], "disputed"),
        ([("R-11", "question")], "question"),
        ([("P-1", "fixed"), ("R-12", "disputed")], "disputed"),
        ([("P-1", "cannot fix"), ("R-12", "fixed")], "cannot-fix"),
    ],
)
def test_answers_to_rows_make_the_state_of_their_problem(
    rows: list[tuple[str, str]], state: str, catalog: Catalog
) -> None:
    take_reply(catalog, reply(*rows))
    assert states(catalog) == {"one": state, "two": "sent"}


def test_answers_that_come_in_several_files_add_up(catalog: Catalog) -> None:
    for row in ("R-11", "R-12"):
        take_reply(catalog, reply((row, "fixed")))
        assert states(catalog)["one"] == "sent"
    take_reply(catalog, reply(("R-13", "fixed")))
    assert states(catalog)["one"] == "fixed"


def test_answers_of_before_a_reopening_do_not_count_any_more(catalog: Catalog) -> None:
    take_reply(catalog, reply(("R-11", "fixed"), ("R-12", "fixed"), ("R-13", "fixed")))
    with catalog.write() as writer:
        one = pl.DataFrame({"problem_id": ["one"], "site": "North", "rule_id": "GEO-003", "variant": ""})
        writer.append("problem_states", noted(one, writer, state=ProblemState.REOPENED))
        writer.commit(Record("audit", "0"))
    take_reply(catalog, reply({"row_id": "R-11", "answer": "fixed", "comment": "again"}))
    assert states(catalog)["one"] == "reopened"


def test_an_answer_to_what_is_found_no_more_is_kept_and_opens_nothing(catalog: Catalog) -> None:
    with catalog.write() as writer:
        one = pl.DataFrame({"problem_id": ["one"], "site": "North", "rule_id": "GEO-003", "variant": ""})
        writer.append("problem_states", noted(one, writer, state=ProblemState.MENDED))
        writer.commit(Record("audit", "0"))
    summary = take_reply(catalog, reply(("P-1", "disputed")))
    assert (summary.answered, summary.closed, summary.states) == (1, 1, {})
    assert states(catalog)["one"] == "mended"
    kept = catalog.scan("problem_states").filter(pl.col("row_id") == "P-1").collect()
    assert kept["answer"].to_list() == ["disputed"]


def test_a_row_counts_to_the_worklist_that_the_file_says_else_to_the_last(catalog: Catalog) -> None:
    with catalog.write() as writer:
        later = writer.scan("handback_rows").with_columns(
            handback_id=pl.lit("h2"), made_at=pl.lit(START + dt.timedelta(days=9))
        )
        writer.append("handback_rows", later.collect())
        writer.commit(Record("handback", "0"))
    for handback in ("h1", "", "nobody knows it"):
        take_reply(catalog, reply({"row_id": "P-1", "answer": "fixed", "comment": handback}, handback=handback))
    taken = catalog.scan("problem_states").filter(pl.col("row_id") == "P-1").sort("at").collect()
    assert taken["handback_id"].to_list() == ["h1", "h2", "h2"]


def test_who_answered_and_what_is_kept_as_it_was_said(catalog: Catalog) -> None:
    comment = "x" * 3000
    summary = take_reply(
        catalog, reply({"row_id": "P-1", "answer": "有疑问", "comment": comment, "by": 12.0, "date": "tomorrow"})
    )
    row = catalog.scan("problem_states").filter(pl.col("row_id") == "P-1").collect().row(0, named=True)
    assert (row["answer"], row["by"], row["answered_on"], len(row["comment"])) == ("question", "12", None, 2000)
    assert [(one.row, one.why) for one in summary.remarks] == [(2, "date"), (2, "long")]


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        (dt.datetime(2026, 7, 1, 12), dt.date(2026, 7, 1)),  # noqa: DTZ001 - cells have no zone
        (dt.date(2026, 7, 1), dt.date(2026, 7, 1)),
        (46204, dt.date(2026, 7, 1)),
        (46204.5, dt.date(2026, 7, 1)),
        ("2026-07-01", dt.date(2026, 7, 1)),
        ("2026/7/1 14:30", dt.date(2026, 7, 1)),
        ("2026年7月1日", dt.date(2026, 7, 1)),
        ("31.7.2026", dt.date(2026, 7, 31)),
        ("7/31/2026", dt.date(2026, 7, 31)),
        ("7/7/2026", dt.date(2026, 7, 7)),
        ("3/4/2026", None),
        ("31/31/2026", None),
        ("2026-13-40", None),
        ("soon", None),
        (7, None),
    ],
)
def test_dates_are_read_as_spreadsheets_and_people_write_them(cell: Cell, date: dt.date | None) -> None:
    assert _date(cell) == (date, date is not None)


def test_every_word_that_a_worklist_offers_is_understood_in_both_languages() -> None:
    for key, text in ANSWERS.items():
        assert {meant(word) for word in text.values()} == {key}
        assert meant(f"  {text['en'].upper()} ") == key
    for key, text in HEADERS.items():
        assert {column_of(word) for word in text.values()} == {key}
    assert meant("perhaps") is None


@given(st.lists(st.sampled_from([*ANSWERS, None]), min_size=1))
def test_a_problem_is_answered_only_when_all_its_rows_are(answers: list[str | None]) -> None:
    state = state_of_all(answers)
    if "question" in answers:
        assert state is ProblemState.QUESTION
    elif None in answers:
        assert state is None
    else:
        assert state is not ProblemState.FIXED or set(answers) <= {"fixed", "resent"}


CELLS = st.one_of(
    st.none(), st.text(max_size=9), st.floats(), st.integers(), st.datetimes(), st.sampled_from(["P-1", "fixed"])
)
KEYS = ["row_id", "answer", "comment", "by", "date"]
ROWS = st.lists(
    st.tuples(st.lists(CELLS, min_size=5, max_size=5), st.sets(st.sampled_from(KEYS), max_size=2)), max_size=6
)


@given(ROWS)
def test_whatever_stands_in_cells_each_row_is_taken_or_refused(rows: list[tuple[list[Cell], set[str]]]) -> None:
    lines = [
        Line(1, number, dict(zip(KEYS, cells, strict=True)), frozenset(formulas))
        for number, (cells, formulas) in enumerate(rows, start=2)
    ]
    taken, refused, _ = _understood(lines)
    filled = [line for line in lines if line.cells["answer"] is not None or line.cells["comment"] is not None]
    assert {*taken["row"], *(one.row for one in refused)} <= {line.row for line in filled}
    assert {one.row for one in refused}.isdisjoint(taken["row"])
    assert set(taken["answer"]) <= set(ANSWERS)
