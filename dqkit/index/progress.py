"""How long work tells of itself, without knowing what a terminal is."""

from typing import Protocol


class Progress(Protocol):
    """Receives what a stage is doing; the command line draws it, a library call ignores it."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of `total` steps (None = not known yet)."""
        ...

    def advance(self, steps: int) -> None:
        """Count `steps` of the stage as done."""
        ...

    def note(self, text: str) -> None:
        """Say something worth a line."""
        ...


class Silent:
    """Says nothing."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore a stage."""

    def advance(self, steps: int) -> None:
        """Ignore progress."""

    def note(self, text: str) -> None:
        """Ignore a remark."""
