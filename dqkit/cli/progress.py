"""Draws progress on stderr where there is a terminal, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dqkit.cli.interrupt import check
from dqkit.cli.screen import screen


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Return the speed, empty before there is one."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")


class _Drawn:
    def __init__(self, drawn: Progress, console: Console) -> None:
        self._drawn, self._console = drawn, console
        self._task: TaskID | None = None

    def stage(self, name: str, total: int | None = None) -> None:
        check()
        if self._task is not None:
            self._drawn.remove_task(self._task)
        self._task = self._drawn.add_task(name, total=total)

    def advance(self, steps: int) -> None:
        check()
        if self._task is not None:
            self._drawn.advance(self._task, steps)

    def note(self, text: str) -> None:
        self._console.print(Text(text))


@contextmanager
def shown_progress() -> Iterator[_Drawn]:
    """Give a progress display with files/s and the time left; silent without a terminal, but for notes."""
    console = screen(stderr=True)
    drawn = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with drawn:
        yield _Drawn(drawn, console)
