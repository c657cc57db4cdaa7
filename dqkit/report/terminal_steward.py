"""What a steward sees of the loop with hospitals: worklists made, replies taken, problems with their states."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from dqkit.report.page_data import rule_title
from dqkit.report.reply_words import WORDS
from dqkit.report.summary import mender_text
from dqkit.report.terminal import severity_text, state_text
from dqkit.report.visible import visible
from dqkit.report.words import fill, say
from dqkit.rulebook.rule import WHO, Rule
from dqkit.steward.answers import ANSWERS
from dqkit.steward.reply import Refusal, ReplySummary
from dqkit.steward.worklist import Worklist

_MOST_REFUSALS = 50


def _say(key: str, lang: str, **values: object) -> str:
    return fill(WORDS[key], lang, **values)


def handback_lines(made: Worklist, path: str | None, lang: str) -> Iterator[Text]:
    """Say what stands in a worklist, what does not and why, and what comes next."""
    site = visible(made.site, 60)
    if path is None:
        yield Text(_say("handback.none", lang, site=site))
    else:
        problems = _say("count.problems", lang, n=made.problems.height)
        rows = _say("count.rows", lang, n=made.rows.height)
        yield Text(_say("handback.made", lang, site=site, problems=problems, rows=rows, path=visible(path, 4096)))
    if made.rows_left_out:
        yield Text(_say("handback.cut", lang, n=made.rows_left_out), style="dim")
    for why, count in made.left_out.items():
        n = _say("count.problems", lang, n=count)
        is_mender = why in WHO or why in {"dqkit", "operator"}
        text = (
            _say("handback.left_mender", lang, n=n, who=_lowered(mender_text(why)[lang]))
            if is_mender
            else _say("handback.left_state", lang, n=n, state=say(f"state.{why}", lang))
        )
        yield Text(text, style="dim")
    if path is not None and made.resolved:
        yield Text(_say("handback.resolved", lang), style="bold yellow")
    if path is not None:
        yield Text(_say("handback.next", lang))


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def reply_lines(summary: ReplySummary, lang: str, *, dry_run: bool) -> Iterator[Text]:
    """Say how many answers were taken, and name every row that was not."""
    counts = {"answered": summary.answered, "unchanged": summary.unchanged, "refused": len(summary.refused)}
    yield Text(_say("reply.taken", lang, **counts), style="bold")
    if summary.states:
        states = say("comma", lang).join(f"{n:,} {say(f'state.{state}', lang)}" for state, n in summary.states.items())
        yield Text(_say("reply.states", lang, states=states))
    if summary.closed:
        yield Text(_say("reply.closed", lang, n=summary.closed))
    yield from _rows(summary.refused, "reply.refused", "yellow", lang)
    yield from _rows(summary.remarks, "reply.remark", "dim", lang)
    if dry_run:
        yield Text(_say("reply.dry", lang))


def _rows(rows: Sequence[Refusal], word: str, style: str, lang: str) -> Iterator[Text]:
    for row in rows[:_MOST_REFUSALS]:
        place = _say("place.sheet" if row.sheet else "place.line", lang, sheet=row.sheet, row=row.row)
        why = why_text(row.why, lang)
        yield Text(f"{_say(word, lang)}{say('colon', lang)}{place}{say('colon', lang)}{why}", style=style)
    if len(rows) > _MOST_REFUSALS:
        yield Text(_say("more", lang, n=len(rows) - _MOST_REFUSALS), style=style)


def why_text(why: str, lang: str) -> str:
    """Return why a row was refused."""
    answers = say("comma", lang).join(text[lang] for text in ANSWERS.values())
    return _say(f"why.{why}", lang, answers=answers)


def print_problems(problems: pl.DataFrame, rules: dict[tuple[str, str], Rule], console: Console, lang: str) -> None:
    """Print problems, a row each: steward.problems.LISTED."""
    if problems.is_empty():
        console.print(Text(_say("problems.none", lang)))
        return
    for row in problems.iter_rows(named=True):
        rule = rules.get((row["rule_id"], row["variant"] or ""))
        name = Text.assemble(
            (row["problem_id"][:12], "bold"), "  ", severity_text(row["severity"], lang), "  ",
            (visible(f"{row['rule_id']} {row['variant'] or ''}".strip(), 60), "bold"), "  ",
            visible(rule_title(rule, row["rule_id"])[lang]),
        )  # fmt: skip
        console.print(name)
        console.print(Padding(Text(_standing(row, lang), style="dim"), (0, 0, 0, 14)))
        if row["comment"]:
            console.print(Padding(Text(f"“{visible(row['comment'], 300)}”"), (0, 0, 0, 14)))
    console.print(Text(_say("count.problems", lang, n=problems.height), style="dim"))


def _standing(row: dict[str, Any], lang: str) -> str:
    parts = [
        state_text(row["state"], row["state_since"], lang),
        visible(row["site"] or say("archive", lang), 60),
        visible(row["scanner"], 60) if row["scanner"] else "",
        say("count.findings", lang, n=row["findings"]) if row["findings"] else "",
        _say("problems.moved", lang, problem=row["moved_to"][:12]) if row["moved_to"] else "",
    ]
    return " · ".join(part for part in parts if part)


def set_line(problem_id: str, state: str, lang: str) -> Text:
    """Say what a steward has set."""
    return Text(_say("problems.set", lang, problem=problem_id[:12], state=say(f"state.{state}", lang)))
