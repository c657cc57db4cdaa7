"""Takes the answers of a hospital: each row on its own, so that one that is refused loses no other."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from dqkit import __version__
from dqkit.audit.problem_states import ABOUT, CLOSED, answers, current, noted
from dqkit.catalog.runs import Record
from dqkit.catalog.schema import PROBLEM_STATES, Schema
from dqkit.catalog.store import Catalog, Writer
from dqkit.model import ProblemState
from dqkit.steward.answers import STATE_OF, meant, state_of_all
from dqkit.steward.reply_file import Cell, Line, ReplyFile

_MOST_TEXT, _MOST_NAME = 2000, 200
"""Characters of a comment and of a name that are kept."""

_TAKEN: Schema = {
    name: PROBLEM_STATES[name] for name in ("row_id", "state", "answer", "comment", "by", "answered_on")
} | {"sheet": pl.Int64(), "row": pl.Int64()}

_SAME = ["row_id", "answer", "comment", "by", "answered_on", "handback_id"]
"""What makes two answers the same one."""

_SERIAL = (20_000, 80_000)
"""Days since 1899-12-30, as spreadsheets count, that are taken for a date: 1954 to 2119."""

_YMD = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?")
_DMY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken, or not in full: where it is, and a key of report/reply_words.py that says why."""

    sheet: int
    row: int
    why: str


@dataclass(frozen=True)
class ReplySummary:
    """What became of a reply.

    Attributes
    ----------
    answered, unchanged
        Rows whose answers are new, and rows that were imported before.
    refused
        Rows that were not taken.
    remarks
        Rows of which something was not understood, such as a date; their answers were taken.
    states
        State -> problems that have it now and had not.
    closed
        Answers to problems that an audit finds no more.
    """

    answered: int
    unchanged: int
    refused: tuple[Refusal, ...]
    remarks: tuple[Refusal, ...] = ()
    states: dict[str, int] = field(default_factory=dict)
    closed: int = 0


def take_reply(catalog: Catalog, reply: ReplyFile, *, dry_run: bool = False) -> ReplySummary:
    """Record the answers of `reply`; taking the same file twice changes nothing.

    Parameters
    ----------
    dry_run
        Record nothing, and say what would be.
    """
    taken, refused, remarks = _understood(reply.lines)
    with catalog.write() as writer:
        known = writer.scan("handback_rows").collect().sort("made_at")
        told, unknown = _recognised(taken, known, reply.handback_id)
        states = writer.scan("problem_states").collect()
        new = told.join(states.filter(pl.col("row_id").is_not_null()), on=_SAME, how="anti", nulls_equal=True)
        rows = noted(new.join(_about(states), on="problem_id", how="left"), writer)
        problems = _problems(rows, states, known, writer)
        summary = ReplySummary(
            answered=new.height,
            unchanged=told.height - new.height,
            refused=tuple(sorted((*refused, *unknown), key=lambda one: (one.sheet, one.row))),
            remarks=tuple(remarks),
            states=dict(problems.group_by("state").len().sort("state").iter_rows()),
            closed=new.join(current(states).filter(pl.col("state").is_in(CLOSED)), on="problem_id").height,
        )
        if new.height and not dry_run:
            writer.append("problem_states", pl.concat([rows, problems]))
            counts = {"answered": summary.answered, "unchanged": summary.unchanged, "refused": len(summary.refused)}
            writer.commit(Record("reply import", __version__, counts=counts))
    return summary


def _understood(lines: Iterable[Line]) -> tuple[pl.DataFrame, list[Refusal], list[Refusal]]:
    """Return the answers that can be read (_TAKEN), the rows that cannot, and remarks on those that can."""
    answers_of: dict[str, dict[str, object]] = {}
    refused: list[Refusal] = []
    remarks: list[Refusal] = []
    twice: set[str] = set()
    for line in lines:
        if _says_nothing(line):
            continue
        why = _why_not(line)
        if why:
            refused.append(Refusal(line.sheet, line.row, why))
            continue
        answer, odd = _answer(line)
        row_id = str(answer["row_id"])
        before = answers_of.setdefault(row_id, answer)
        if {**before, "sheet": 0, "row": 0} != {**answer, "sheet": 0, "row": 0}:
            twice.add(row_id)
            refused.append(Refusal(line.sheet, line.row, "twice"))
        remarks += [Refusal(line.sheet, line.row, remark) for remark in odd]
    for row_id in twice:
        first = answers_of.pop(row_id)
        refused.append(Refusal(int(str(first["sheet"])), int(str(first["row"])), "twice"))
    return pl.DataFrame(list(answers_of.values()), schema=_TAKEN), refused, remarks


def _says_nothing(line: Line) -> bool:
    """Tell rows that nobody filled in: an id, and perhaps a name or a date that was copied down."""
    return line.cells.get("answer") is None and line.cells.get("comment") is None


def _why_not(line: Line) -> str | None:
    """Return why a row cannot be taken; None where it can."""
    if line.formulas & {"row_id", "answer"}:
        return "formula"
    row_id, answer = line.cells.get("row_id"), line.cells.get("answer")
    if row_id is None:
        return "no_id"
    if answer is None:
        return "no_answer"
    if not isinstance(answer, str) or meant(answer) is None:
        return "unknown_answer"
    return None


def _answer(line: Line) -> tuple[dict[str, object], list[str]]:
    """Return a row of _TAKEN, and what of it was not understood."""
    cells = line.cells
    answer = meant(str(cells["answer"])) or ""
    comment, by = _text(cells.get("comment")), _text(cells.get("by"))
    date, is_date = (None, False) if "date" in line.formulas else _date(cells.get("date"))
    odd = [] if is_date else ["date"]
    if comment and len(comment) > _MOST_TEXT:
        odd.append("long")
    row: dict[str, object] = {
        "row_id": _id(cells["row_id"]),
        "state": STATE_OF[answer].value,
        "answer": answer,
        "comment": comment and comment[:_MOST_TEXT],
        "by": by and by[:_MOST_NAME],
        "answered_on": date,
        "sheet": line.sheet,
        "row": line.row,
    }
    return row, odd


def _id(cell: Cell) -> str:
    """Return a row id as it was written, whatever case and blanks came over it."""
    text = "".join(str(cell).split()).lower()
    return text[:1].upper() + text[1:]


def _text(cell: Cell) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip() or None


def _date(cell: Cell) -> tuple[dt.date | None, bool]:
    """Return the date that a cell holds, and whether it was understood; no cell is understood as no date."""
    if cell is None:
        return None, True
    if isinstance(cell, dt.datetime):
        return cell.date(), True
    if isinstance(cell, dt.date):
        return cell, True
    if isinstance(cell, int | float):
        if not _SERIAL[0] <= cell <= _SERIAL[1]:
            return None, False
        return dt.date(1899, 12, 30) + dt.timedelta(days=int(cell)), True
    return next(((found, True) for found in _dates_in(cell.strip())), (None, False))


def _dates_in(text: str) -> Iterator[dt.date]:
    """Give the date of a text; 3/4/2026 is one in some countries and another in others: none."""
    if match := _YMD.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := _DMY.fullmatch(text):
        first, second, year = map(int, match.groups())
        if first != second and max(first, second) <= 12:  # noqa: PLR2004
            return
        day, month = max(first, second), min(first, second)
    else:
        return
    try:
        yield dt.date(year, month, day)
    except ValueError:
        return


def _recognised(taken: pl.DataFrame, known: pl.DataFrame, handback_id: str) -> tuple[pl.DataFrame, list[Refusal]]:
    """Return the answers with problem_id and handback_id, and refusals of ids that no worklist had.

    A row of the worklist that the file says it is counts to that one, any other to the last that had it.
    """
    preferred = known.with_columns((pl.col("handback_id") == handback_id).alias("says")).sort(
        "says", maintain_order=True
    )
    last = preferred.unique("row_id", keep="last").select("row_id", "problem_id", "handback_id")
    joined = taken.join(last, on="row_id", how="left", maintain_order="left")
    lost = joined.filter(pl.col("problem_id").is_null())
    refusals = [Refusal(sheet, row, "unknown_id") for sheet, row in lost.select("sheet", "row").iter_rows()]
    return joined.filter(pl.col("problem_id").is_not_null()), refusals


def _about(states: pl.DataFrame) -> pl.DataFrame:
    return current(states).select("problem_id", *ABOUT)


def _problems(rows: pl.DataFrame, states: pl.DataFrame, known: pl.DataFrame, writer: Writer) -> pl.DataFrame:
    """Return the states of problems that change by the new answers `rows`."""
    now = current(states)
    open_ones = now.filter(~pl.col("state").is_in(CLOSED)).join(rows, on="problem_id", how="semi")
    since = _last_opened(states)
    fresh = answers(pl.concat([states, rows])).filter(pl.col("answer").is_not_null())
    latest = known.join(known.group_by("problem_id").agg(pl.col("made_at").max()), on=["problem_id", "made_at"])
    changed = []
    for problem in open_ones.iter_rows(named=True):
        name = problem["problem_id"]
        given = fresh.filter((pl.col("problem_id") == name) & (pl.col("at") >= since.get(name, problem["at"])))
        state = _state_of(latest.filter(pl.col("problem_id") == name), given)
        if state is not None and state != problem["state"]:
            changed.append({"problem_id": name, "state": state.value, **{key: problem[key] for key in ABOUT}})
    return noted(pl.DataFrame(changed, schema=_STATE_KEYS), writer)


_STATE_KEYS: Schema = {name: PROBLEM_STATES[name] for name in ("problem_id", "state", *ABOUT)}


def _last_opened(states: pl.DataFrame) -> dict[str, dt.datetime]:
    """Return problem -> when it was opened or reopened last: answers of before do not count any more."""
    opened = pl.col("state").is_in([ProblemState.OPEN, ProblemState.REOPENED]) & pl.col("row_id").is_null()
    return dict(states.filter(opened).group_by("problem_id").agg(pl.col("at").max()).iter_rows())


def _state_of(rows: pl.DataFrame, given: pl.DataFrame) -> ProblemState | None:
    """Return what the answers `given` make of a problem whose rows in its last worklist are `rows`."""
    answer_of = dict(given.select("row_id", "answer").iter_rows())
    whole = rows.filter(pl.col("row_key").is_null())["row_id"]
    for_all = next((answer_of[row] for row in whole if row in answer_of), None)
    single = [answer_of.get(row, for_all) for row in rows.filter(pl.col("row_key").is_not_null())["row_id"]]
    return state_of_all(single or [for_all])


def counted(refusals: Sequence[Refusal]) -> dict[str, int]:
    """Return why -> how many rows."""
    return dict(Counter(refusal.why for refusal in refusals))
